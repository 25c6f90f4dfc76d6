"""Places of a recording's packets by its own index: the result of the MP4 and Matroska readers."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["STRANGE", "Index", "Ints", "Rows", "Unsure"]

Ints: TypeAlias = NDArray[np.int64]


STRANGE = (ValueError, IndexError, KeyError, OverflowError, struct.error)
"""Errors that impossible numbers in a file can cause."""


class Unsure(Exception):
    """The file is not simple enough for this reader; use libavformat instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Packets of a track in decoding order, an array entry each.

    Attributes:
        pts: when each is shown, in ticks of the track's clock, as libavformat counts them.
        dts: when each is decoded, in the same ticks; None if the container does not say.
        places: where each begins in the file.
        sizes: bytes of each.
        keys: whether each can be decoded without others.
    """

    pts: Ints
    dts: Ints | None
    places: Ints
    sizes: Ints
    keys: NDArray[np.bool_]

    def part(self, begin: int, end: int) -> Rows:
        """Some of them."""
        piece = slice(begin, end)
        dts = None if self.dts is None else self.dts[piece]
        return Rows(
            pts=self.pts[piece], dts=dts, places=self.places[piece], sizes=self.sizes[piece], keys=self.keys[piece]
        )


class Index(Protocol):
    """An index of one picture track and at most one sound track, times in ticks of their clocks."""

    def windows(self, picture: tuple[int, int], sound: tuple[int, int]) -> Iterator[tuple[Rows, Rows | None]]:
        """Packets around [begin, end) of either track, then more and more of them before.

        Every window has all frames up to the first one shown at or after the picture's end, or to the last.

        Raises:
            Unsure: the index can't be followed.
        """
        ...

    def sounds(self, begin: int, end: int) -> Rows:
        """The sound's packets from the last one that begins not after `begin` to the last one that begins before `end`.

        Raises:
            Unsure: the index can't be followed, or there is no sound, or none so early.
        """
        ...

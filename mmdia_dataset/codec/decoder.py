"""What a model has to be that makes sound of codes; which one it is, only `network` knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.errors import ExtraMissing

__all__ = ["Decoder", "Loader", "load_decoder"]


class Decoder(Protocol):
    """Makes sound of codes.

    Attributes:
        sample_rate: of its sound.
        books: how many rows of codes it knows.
        entries: how many codes a book has.
    """

    sample_rate: int
    books: int
    entries: int

    def samples_of(self, frames: int, padded: bool) -> int:
        """How many samples it makes of so many frames; not positive if they are too few."""

    def decode(self, codes: NDArray[np.uint16], padded: bool) -> NDArray[np.float32]:
        """The samples of codes (books, frames), within -1 and 1.

        Raises:
            MediaError: there is not enough memory.
        """


Loader = Callable[[Path, str, int], Decoder]
"""Called as ``loader(weights, device, threads)``; no threads: as many as it likes. A function of a module."""


def load_decoder(weights: Path, device: str, threads: int = 0) -> Decoder:
    """The Descript Audio Codec's decoder with the user's weights.

    Args:
        weights: a file of weights alone: the codec's own `.pth`, or `.safetensors` with a `config.json` beside it.
        device: `cpu`, `cuda`, `cuda:1`, …
        threads: that it may use on the CPU; 0: as many as it likes.

    Raises:
        ExtraMissing: torch or safetensors is not installed.
        WeightsUnreadable: the file is not there, or holds something else.
        UsageError: there is no such device.
    """
    try:
        from mmdia_dataset.codec.network import load_network
    except ImportError as error:
        raise ExtraMissing(f"{error.name} is not installed", hint="run pip install 'mmdia-dataset[dac]'") from None
    return load_network(weights, device, threads)

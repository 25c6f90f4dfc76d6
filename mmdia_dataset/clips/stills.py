"""Mode `keyframes`: pictures of a dialogue as files, each the one shown at a moment, or the keyframe nearest to it."""

from __future__ import annotations

import hashlib
import io
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import partial
from math import floor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmdia_dataset.clips.clip_writer import write
from mmdia_dataset.clips.results import MadeClip, PlacedClip, RefusedClip, Still, each
from mmdia_dataset.clips.settings import KeyframeSettings
from mmdia_dataset.media import EmptySpan, Pictures, SpanFinder, Upright, rgb_of, silent

__all__ = ["drawn"]

_QUALITY = 95


def drawn(
    recording: Path, placed: Iterable[PlacedClip], settings: KeyframeSettings
) -> Iterator[MadeClip | RefusedClip]:
    """Pictures of a recording, dialogue by dialogue; decoded in one pass.

    Raises:
        MediaUnreadable, NoVideo: before the first dialogue.
        OutputError: a file can't be written.
    """
    with silent(recording) as source, SpanFinder(source) as finder, Pictures(recording) as pictures:
        look = Upright.of(pictures.video, settings.height)
        yield from each(placed, partial(_draw, finder, pictures, look, settings))


def _draw(
    finder: SpanFinder, pictures: Pictures, look: Upright, settings: KeyframeSettings, placed: PlacedClip
) -> MadeClip:
    if not placed.moments:
        raise EmptySpan("no picture is wanted inside the span")
    source, stretch = finder.recording, finder.stretch(placed.start, placed.end, lead=Fraction(0))
    order = sorted(range(len(placed.moments)), key=lambda n: placed.moments[n])
    stills: dict[int, Still] = {}
    files: dict[int, tuple[str, str, int]] = {}  # by timestamp: name, hash, size
    for n in order:
        moment = placed.moments[n]
        ticks = source.ticks(pictures.video, moment)
        if settings.nearest:
            frame = pictures.near(ticks)
        else:
            shown = stretch.shown[max(0, bisect_right(stretch.shown, floor(ticks)) - 1)]
            frame = pictures.take(shown)
        pts = frame.pts or 0
        if pts not in files:
            name = f"{len(files):03}.{settings.image}"
            picture = _file_of(rgb_of(look(frame)), settings)
            files[pts] = (name, *write(placed.file / name, (picture,), lambda _: None))
        name, sha256, bytes_ = files[pts]
        stills[n] = Still(
            moment=placed.wish.moments[n],
            at=source.seconds(pictures.video, pts),
            file=name,
            sha256=sha256,
            bytes=bytes_,
        )
    digest = "".join(f"{sha256} {name}\n" for name, sha256, _ in files.values())
    size = sum(size for _, _, size in files.values())
    return MadeClip(
        wish=placed.wish,
        file=placed.file,
        start=stretch.start,
        end=stretch.end,
        sha256=hashlib.sha256(digest.encode()).hexdigest(),
        bytes=size,
        stills=tuple(stills[n] for n in range(len(order))),
    )


def _file_of(picture: NDArray[np.uint8], settings: KeyframeSettings) -> bytes:
    """A picture as the bytes of a file; the same for the same versions of Pillow and its libraries."""
    image, out = Image.fromarray(picture), io.BytesIO()
    if settings.image == "jpg":
        image.save(out, "JPEG", quality=_QUALITY)
    else:
        image.save(out, "PNG", compress_level=3)
    return out.getvalue()

"""Mode `copy`: the recording's own packets in an MP4 file, not re-encoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from mmdia_dataset.clips.results import Made, Placed, Refused, each
from mmdia_dataset.clips.settings import CopySettings
from mmdia_dataset.clips.writing import write
from mmdia_dataset.errors import NoVideo
from mmdia_dataset.media import Ranges, Recording, Unsure, check_clip, margins, remux

__all__ = ["copied"]


def copied(recording: Path, placed: Iterable[Placed], settings: CopySettings) -> Iterator[Made | Refused]:
    """Clips of a recording, one by one. Raises MediaUnreadable before the first one, or OutputError."""
    with Recording(recording, settings.language, settings.track) as source, ExitStack() as stack:
        ranges: Ranges | None = None
        try:
            ranges = stack.enter_context(Ranges(source))
        except Unsure:
            ranges = None
        yield from each(placed, lambda one: _copy(source, ranges, one))


def _copy(source: Recording, ranges: Ranges | None, one: Placed) -> Made:
    if source.video is None:
        raise NoVideo("the recording has no picture track", hint="cut it with mode 'audio'")
    if ranges is not None:
        try:
            clip = ranges.clip(one.start, one.end)
            return _written(source, one, clip.start, clip.end, clip.times.tolist(), clip.parts)
        except Unsure:
            pass  # libavformat knows more, or the words for what is wrong
    lead, tail = margins(source)
    stretch = source.stretch(one.start, one.end, lead=lead, tail=tail)
    times = [pts - stretch.shown[0] for pts in stretch.shown]
    return _written(source, one, stretch.start, stretch.end, times, remux(source, stretch))


def _written(
    source: Recording,
    one: Placed,
    start: Fraction,
    end: Fraction,
    times: list[int],
    parts: Iterable[bytes | memoryview],
) -> Made:
    clock = Fraction(1) if source.video is None else source.video.time_base or Fraction(1)

    def check(file: Path) -> None:
        check_clip(file, times, clock, end - start, sound=source.audio is not None)

    digest, size = write(one.wanted.file, parts, check)
    rate = None if source.audio is None else source.audio.codec_context.sample_rate
    samples = None if rate is None else round(end * rate) - round(start * rate)
    return Made(one.wanted, start, end, len(times), samples, digest, size)

"""Mode `copy`: the recording's own packets in an MP4 file, not re-encoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

from mmdia_dataset.clips.results import Made, Placed, Refused, each
from mmdia_dataset.clips.settings import CopySettings
from mmdia_dataset.clips.writing import write
from mmdia_dataset.errors import NoVideo
from mmdia_dataset.media import Recording, check_clip, margins, remux

__all__ = ["copied"]


def copied(recording: Path, placed: Iterable[Placed], settings: CopySettings) -> Iterator[Made | Refused]:
    """Clips of a recording, one by one. Raises MediaUnreadable before the first one, or OutputError."""
    with Recording(recording, settings.language, settings.track) as source:
        yield from each(placed, lambda one: _copy(source, one))


def _copy(source: Recording, one: Placed) -> Made:
    if source.video is None:
        raise NoVideo("the recording has no picture track", hint="cut it with mode 'audio'")
    lead, tail = margins(source)
    stretch = source.stretch(one.start, one.end, lead=lead, tail=tail)
    zero, finish = stretch.start, stretch.end
    times = [pts - stretch.shown[0] for pts in stretch.shown]
    clock = source.video.time_base or Fraction(1)
    front, media = remux(source, stretch)

    def check(file: Path) -> None:
        check_clip(file, times, clock, finish - zero, sound=source.audio is not None)

    digest, size = write(one.wanted.file, (front, media), check)
    rate = None if source.audio is None else source.audio.codec_context.sample_rate
    samples = None if rate is None else round(finish * rate) - round(zero * rate)
    return Made(one.wanted, zero, finish, len(times), samples, digest, size)

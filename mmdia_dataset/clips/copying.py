"""Mode `copy`: the recording's own packets in an MP4 file, not re-encoded, as far as MP4 can hold them.

Where it can't hold the sound, that is decoded and kept without loss as FLAC. Where it can't hold the picture, the clip
is encoded as in mode `encode`. Either way the result says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from mmdia_dataset.clips.clip_writer import write
from mmdia_dataset.clips.encoding import encoded
from mmdia_dataset.clips.results import Fallback, MadeClip, PlacedClip, RefusedClip, each
from mmdia_dataset.clips.settings import CopySettings, EncodeSettings
from mmdia_dataset.errors import NoVideo
from mmdia_dataset.media import (
    FLAC_CHANNELS,
    FlacSound,
    OpenRecording,
    Ranges,
    Sound,
    Unsure,
    check_clip,
    clock_of,
    margins,
    mp4_holds,
    remux,
)
from mmdia_dataset.media.sound.samples import LEAD, TAIL

__all__ = ["copied", "instead"]


def copied(recording: Path, placed: Iterable[PlacedClip], settings: CopySettings) -> Iterator[MadeClip | RefusedClip]:
    """Clips of a recording, one by one. Raises MediaUnreadable before the first one, or OutputError."""
    with OpenRecording(recording, settings.language, settings.track) as source:
        video, audio = source.video, source.audio
        if video is not None and not mp4_holds(video):
            why = f"The clip was encoded, because MP4 can't hold {video.codec_context.codec.canonical_name}."
            instead = Fallback(settings.encoded.as_dict(), why)
            for result in encoded(recording, placed, settings.encoded):
                yield replace(result, fallback=instead) if isinstance(result, MadeClip) else result
        elif video is not None and audio is not None and not mp4_holds(audio):
            why = f"The sound was kept as FLAC, because MP4 can't hold {audio.codec_context.codec.canonical_name}."
            sound = Sound(source, rate=None, mono=audio.codec_context.channels > FLAC_CHANNELS, floats=True)
            yield from each(placed, partial(_with_flac, source, sound, Fallback(settings.with_flac, why)))
        else:
            yield from _copies(source, placed)


def instead(recording: Path, settings: CopySettings) -> CopySettings | EncodeSettings:
    """The settings that mode `copy` really uses for a recording. Raises MediaUnreadable."""
    with OpenRecording(recording, settings.language, settings.track) as source:
        return settings if source.video is None or mp4_holds(source.video) else settings.encoded


def _copies(source: OpenRecording, placed: Iterable[PlacedClip]) -> Iterator[MadeClip | RefusedClip]:
    with ExitStack() as stack:
        ranges: Ranges | None = None
        try:
            ranges = stack.enter_context(Ranges(source))
        except Unsure:
            ranges = None
        yield from each(placed, lambda placed: _copy(source, ranges, placed))


def _copy(source: OpenRecording, ranges: Ranges | None, placed: PlacedClip) -> MadeClip:
    if source.video is None:
        raise NoVideo("the recording has no picture track", hint="cut it with mode 'audio'")
    if ranges is not None:
        try:
            clip = ranges.clip(placed.start, placed.end)
            return _written(source, placed, clip.start, clip.end, clip.times.tolist(), clip.parts)
        except Unsure:
            pass  # libavformat knows more, or the words for what is wrong
    lead, tail = margins(source)
    stretch = source.stretch(placed.start, placed.end, lead=lead, tail=tail)
    times = [pts - stretch.shown[0] for pts in stretch.shown]
    return _written(source, placed, stretch.start, stretch.end, times, remux(source, stretch))


def _with_flac(source: OpenRecording, sound: Sound, fallback: Fallback, placed: PlacedClip) -> MadeClip:
    stretch = source.stretch(placed.start, placed.end, lead=LEAD, tail=TAIL)
    times = [pts - stretch.shown[0] for pts in stretch.shown]
    samples, rate = sound.of(stretch)
    kept = FlacSound(samples.astype(np.float32, copy=False), rate)
    clip = _written(source, placed, stretch.start, stretch.end, times, remux(source, stretch, kept))
    return replace(clip, samples=len(samples), fallback=fallback)


def _written(
    source: OpenRecording,
    placed: PlacedClip,
    start: Fraction,
    end: Fraction,
    times: list[int],
    parts: Iterable[bytes | memoryview],
) -> MadeClip:
    clock = Fraction(1) if source.video is None else clock_of(source.video)

    def check(file: Path) -> None:
        check_clip(file, times, clock, end - start, sound=source.audio is not None)

    digest, size = write(placed.file, parts, check)
    rate = None if source.audio is None else source.audio.codec_context.sample_rate
    samples = None if rate is None else round(end * rate) - round(start * rate)
    return MadeClip(
        wish=placed.wish,
        file=placed.file,
        start=start,
        end=end,
        frames=len(times),
        samples=samples,
        sha256=digest,
        bytes=size,
    )

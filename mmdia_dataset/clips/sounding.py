"""Mode `audio`: the sound alone, as WAV or FLAC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import soundfile

from mmdia_dataset.clips.clip_writer import write
from mmdia_dataset.clips.results import MadeClip, PlacedClip, RefusedClip, each
from mmdia_dataset.clips.settings import AudioSettings
from mmdia_dataset.clips.soundfiles import flac, wav
from mmdia_dataset.errors import MediaDamaged
from mmdia_dataset.media import EmptySpan, OpenRecording, Sound, SpanFinder
from mmdia_dataset.media.sound.samples import LEAD, TAIL

__all__ = ["extracted"]


def extracted(
    recording: Path, placed: Iterable[PlacedClip], settings: AudioSettings
) -> Iterator[MadeClip | RefusedClip]:
    """Sound of a recording, clip by clip, decoded in one pass.

    Raises:
        MediaUnreadable, NoAudio: before the first clip.
        OutputError: a file can't be written.
    """
    language, track = settings.language, settings.track
    with OpenRecording(recording, language, track) as source, SpanFinder(source) as finder:
        rate, mono, floats = settings.sample_rate, settings.mono, settings.float32
        sound = Sound(source, rate=rate, mono=mono, floats=floats, lookup=finder.lookup)
        yield from each(placed, partial(_extract, finder, sound, settings))


def _extract(finder: SpanFinder, sound: Sound, settings: AudioSettings, placed: PlacedClip) -> MadeClip:
    stretch = finder.stretch(placed.start, placed.end, lead=LEAD, tail=TAIL)
    samples, rate = sound.of(stretch)
    if not len(samples):
        raise EmptySpan("the span is shorter than a sample")
    parts = flac(samples, rate) if settings.sound == "flac" else wav(samples, rate)

    def check(file: Path) -> None:
        info = soundfile.info(file)
        if (info.frames, info.channels, info.samplerate) != (*samples.shape, rate):
            raise MediaDamaged(f"the file holds {info.frames} samples instead of {len(samples)}", where=file)

    digest, size = write(placed.file, parts, check)
    return MadeClip(
        wish=placed.wish,
        file=placed.file,
        start=stretch.start,
        end=stretch.end,
        samples=len(samples),
        sha256=digest,
        bytes=size,
    )

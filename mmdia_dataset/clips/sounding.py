"""Mode `audio`: the sound alone, as WAV or FLAC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import soundfile

from mmdia_dataset.clips.results import Made, Placed, Refused, each
from mmdia_dataset.clips.settings import AudioSettings
from mmdia_dataset.clips.soundfiles import flac, wav
from mmdia_dataset.clips.writing import write
from mmdia_dataset.errors import MediaDamaged
from mmdia_dataset.media import EmptySpan, Finder, Recording, Sound
from mmdia_dataset.media.decode import LEAD, TAIL

__all__ = ["extracted"]


def extracted(recording: Path, placed: Iterable[Placed], settings: AudioSettings) -> Iterator[Made | Refused]:
    """Sound of a recording, clip by clip, decoded in one pass.

    Raises:
        MediaUnreadable, NoAudio: before the first clip.
        OutputError: a file can't be written.
    """
    language, track = settings.language, settings.track
    with Recording(recording, language, track) as source, Finder(source) as finder:
        rate, mono, floats = settings.sample_rate, settings.mono, settings.float32
        sound = Sound(source, rate=rate, mono=mono, floats=floats, lookup=finder.lookup)
        yield from each(placed, partial(_extract, finder, sound, settings))


def _extract(finder: Finder, sound: Sound, settings: AudioSettings, one: Placed) -> Made:
    stretch = finder.stretch(one.start, one.end, lead=LEAD, tail=TAIL)
    samples, rate = sound.of(stretch)
    if not len(samples):
        raise EmptySpan("the span is shorter than a sample")
    parts = flac(samples, rate) if settings.sound == "flac" else wav(samples, rate)

    def check(file: Path) -> None:
        told = soundfile.info(file)
        if (told.frames, told.channels, told.samplerate) != (*samples.shape, rate):
            raise MediaDamaged(f"the file tells of {told.frames} samples instead of {len(samples)}", where=file)

    digest, size = write(one.wanted.file, parts, check)
    return Made(one.wanted, stretch.start, stretch.end, None, len(samples), digest, size)

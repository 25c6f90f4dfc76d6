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
from mmdia_dataset.media import EmptySpan, Recording, Sound
from mmdia_dataset.media.decode import LEAD, TAIL

__all__ = ["extracted"]


def extracted(recording: Path, placed: Iterable[Placed], settings: AudioSettings) -> Iterator[Made | Refused]:
    """Sound of a recording, clip by clip, decoded in one pass.

    Raises:
        MediaUnreadable, NoAudio: before the first clip.
        OutputError: a file can't be written.
    """
    language, track = settings.language, settings.track
    with Recording(recording, language, track) as source, Recording(recording, language, track) as heard:
        sound = Sound(heard, rate=settings.sample_rate, mono=settings.mono, floats=settings.float32)
        yield from each(placed, partial(_extract, source, sound, settings))


def _extract(source: Recording, sound: Sound, settings: AudioSettings, one: Placed) -> Made:
    stretch = source.stretch(one.start, one.end, lead=LEAD, tail=TAIL, pictures=False)
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

"""Mode `audio`: the sound alone, as WAV."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from mmdia_dataset.clips.results import Made, Placed, Refused, each
from mmdia_dataset.clips.settings import AudioSettings
from mmdia_dataset.clips.writing import write
from mmdia_dataset.errors import NoAudio
from mmdia_dataset.media import EmptySpan, Recording, samples_of
from mmdia_dataset.media.decode import LEAD, TAIL

__all__ = ["extracted"]


def extracted(recording: Path, placed: Iterable[Placed], settings: AudioSettings) -> Iterator[Made | Refused]:
    """Sound of a recording, clip by clip. Raises MediaUnreadable before the first one, or OutputError."""
    with Recording(recording, settings.language, settings.track) as source:
        yield from each(placed, lambda one: _extract(source, one, settings))


def _extract(source: Recording, one: Placed, settings: AudioSettings) -> Made:
    if source.audio is None:
        raise NoAudio("the recording has no sound track", hint="cut it with mode 'copy'")
    stretch = source.stretch(one.start, one.end, lead=LEAD, tail=TAIL, pictures=False)
    values, rate = samples_of(source, stretch, rate=settings.sample_rate, mono=settings.mono)
    if not len(values):
        raise EmptySpan("the span is shorter than a sample")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(values.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.ascontiguousarray(values, dtype="<i2").tobytes())
    digest, size = write(one.wanted.file, (buffer.getbuffer(),), lambda _: None)
    return Made(one.wanted, stretch.start, stretch.end, None, len(values), digest, size)

"""Mode `audio`: the sound alone, as WAV."""

from __future__ import annotations

import io
import wave
from fractions import Fraction

import numpy as np

from mmdia_dataset.clips.results import Made, Wanted
from mmdia_dataset.clips.settings import AudioSettings
from mmdia_dataset.clips.writing import write
from mmdia_dataset.errors import NoAudio
from mmdia_dataset.media import EmptySpan, Recording, samples_of
from mmdia_dataset.media.decode import LEAD, TAIL

__all__ = ["extract"]


def extract(source: Recording, start: Fraction, end: Fraction, item: Wanted, settings: AudioSettings) -> Made:
    """Extract one clip's sound. Raises MediaError, or OutputError."""
    if source.audio is None:
        raise NoAudio("the recording has no sound track", hint="cut it with mode 'copy'")
    stretch = source.stretch(start, end, lead=LEAD, tail=TAIL, pictures=False)
    values, rate = samples_of(source, stretch, rate=settings.sample_rate, mono=settings.mono)
    if not len(values):
        raise EmptySpan("the span is shorter than a sample")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(values.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.ascontiguousarray(values, dtype="<i2").tobytes())
    digest, size = write(item.file, (buffer.getbuffer(),), lambda _: None)
    return Made(item, stretch.start, stretch.end, None, len(values), digest, size)

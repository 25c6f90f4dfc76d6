"""Samples as the bytes of a sound file; the same samples give the same bytes."""

from __future__ import annotations

import io
import struct

import numpy as np
import soundfile
from numpy.typing import NDArray

from mmdia_dataset.errors import UnsupportedCodec

__all__ = ["flac", "wav"]

Samples = NDArray[np.int16] | NDArray[np.float32]

_PCM, _FLOAT = 1, 3  # formats of a WAV file
_LONGEST = 2**32 - 64
_FLAC_CHANNELS = 8


def wav(samples: Samples, rate: int) -> tuple[bytes, memoryview]:
    """A WAV file of int16 or float32 samples (samples, channels), in two parts.

    Written here since libsndfile puts the date into those with floats.

    Raises:
        UnsupportedCodec: more than 4 GB, which WAV can't hold.
    """
    width = samples.dtype.itemsize
    kind = _PCM if samples.dtype == np.int16 else _FLOAT
    count, channels = samples.shape
    size = count * channels * width
    if size > _LONGEST:
        raise UnsupportedCodec("the clip is too long for a WAV file", hint="choose flac, mono or a lower rate")
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * channels * width, channels * width, 8 * width)
    fact = b"" if kind == _PCM else struct.pack("<H", 0) + _chunk(b"fact", struct.pack("<I", count))
    head = _chunk(b"fmt ", form) if kind == _PCM else b"fmt " + struct.pack("<I", len(form) + 2) + form + fact
    front = b"RIFF" + struct.pack("<I", 4 + len(head) + 8 + size) + b"WAVE" + head + b"data" + struct.pack("<I", size)
    little = np.ascontiguousarray(samples, dtype=samples.dtype.newbyteorder("<"))
    return front, little.reshape(-1).data.cast("B")


def flac(samples: Samples, rate: int) -> tuple[memoryview]:
    """A FLAC file of int16 samples (samples, channels).

    Raises:
        UnsupportedCodec: it can't hold that rate or so many channels.
    """
    if samples.shape[1] > _FLAC_CHANNELS or rate > 655_350:
        raise UnsupportedCodec(f"FLAC can't hold {samples.shape[1]} channels at {rate} Hz", hint="choose wav, or mono")
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="FLAC", subtype="PCM_16")
    return (memoryview(out.getvalue()),)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content

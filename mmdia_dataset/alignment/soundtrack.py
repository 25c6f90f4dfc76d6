"""What is heard of a recording: the energy of 32 bands and the likelihood of voice, a hundred times a second.

One pass over the decoded sound serves all of alignment. Frame n is the sound around n / 100 s of recording time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from mmdia_dataset.alignment.voice import VoiceDetector
from mmdia_dataset.media import SOUND_RATE, sound_of

__all__ = ["BANDS", "BAND_EDGES", "FRAME_RATE", "LEVEL_STEP_DB", "RATIO", "Soundtrack", "hear", "listen"]

FRAME_RATE = 100
"""Frames per second."""
BANDS = 33
"""Bands, three to each of the fingerprint's nine (300 to 2,800 Hz) and three more at either end for other pitches."""
LEVEL_STEP_DB = 0.5
"""One step of a level; level 0 is -110 dB of full scale or less."""

RATIO = (2800 / 300) ** (1 / 27)
"""Upper edge of a band over its lower one."""
BAND_EDGES: NDArray[np.float64] = 300 * RATIO ** np.arange(-3.0, BANDS - 2)
"""Edges of the bands [Hz], 34 of them, evenly spaced on a logarithmic scale: a change of pitch shifts them."""

_WINDOW = 512  # 64 ms
_HOP = SOUND_RATE // FRAME_RATE
_FLOOR_DB = -110.0


@dataclass(frozen=True, slots=True)
class Soundtrack:
    """Levels and voice of a recording; about 12 MB an hour.

    Attributes:
        levels: (frames, BANDS), energy in steps of LEVEL_STEP_DB.
        voice: (frames,), 0 to 255: how likely somebody speaks.
    """

    levels: NDArray[np.uint8]
    voice: NDArray[np.uint8]

    @property
    def duration_s(self) -> float:
        """Length of the sound [s]."""
        return len(self.levels) / FRAME_RATE


def hear(path: str | os.PathLike[str], language: str | None = None, track: int | None = None) -> Soundtrack:
    """Decode a recording's sound and keep what alignment needs.

    Args:
        path: the recording.
        language: which track, if there are several; see `sound_of`.
        track: the track's number instead.

    Raises:
        MediaUnreadable, NoAudio, MediaDamaged: as `sound_of`.
    """
    return listen(sound_of(path, language, track))


def listen(blocks: Iterable[NDArray[np.float32]]) -> Soundtrack:
    """What is heard of sound given in blocks: mono, SOUND_RATE samples a second, from recording time 0."""
    voice = VoiceDetector()
    levels: list[NDArray[np.uint8]] = []
    rest = np.zeros(_WINDOW // 2, np.float32)  # frame 0 is centred on sample 0
    # Products so small take as long on many cores as on one, and keep all of them busy.
    with threadpool_limits(1, user_api="blas"):
        for block in blocks:
            voice.feed(block)
            rest = _take(np.concatenate([rest, block]), levels)
    _take(np.concatenate([rest, np.zeros(_WINDOW // 2, np.float32)]), levels)
    table = np.concatenate(levels) if levels else np.zeros((0, BANDS), np.uint8)
    return Soundtrack(table, voice.result(len(table)))


def _take(samples: NDArray[np.float32], levels: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Turn all whole windows into levels; give back the samples that later windows need."""
    count = (len(samples) - _WINDOW) // _HOP + 1
    if count <= 0:
        return samples
    windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[: count * _HOP : _HOP]
    spectrum = np.fft.rfft(windows * _TAPER, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    energy = power.astype(np.float32) @ _SHARES
    decibels = 10 * np.log10(np.maximum(energy, 1e-12))
    levels.append(np.clip((decibels - _FLOOR_DB) / LEVEL_STEP_DB + 0.5, 0, 255).astype(np.uint8))
    return samples[count * _HOP :]


def _shares() -> NDArray[np.float32]:
    """How much of each spectral line falls into each band: (lines, BANDS), for energy of full-scale sine = 0 dB."""
    width = SOUND_RATE / _WINDOW
    lines = np.arange(_WINDOW // 2 + 1) * width
    low = np.maximum(BAND_EDGES[None, :-1], lines[:, None] - width / 2)
    high = np.minimum(BAND_EDGES[None, 1:], lines[:, None] + width / 2)
    full = float(_TAPER.sum() / 2) ** 2 * 1.5  # a sine's energy, spread over the window's main lobe
    shares: NDArray[np.float32] = (np.maximum(0, high - low) / width / full).astype(np.float32)
    return shares


_TAPER = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
_SHARES = _shares()

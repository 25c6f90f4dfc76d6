"""Where energy rises and falls between bands: what a fingerprint keeps one bit of, and a recording is searched for.

For nine bands from 300 to 2,800 Hz, take the level of each against its upper neighbour, smoothed over 70 ms, and how
that changes over 160 ms: eight numbers in dB, free of volume and of most filters a soundtrack may have passed. This
is the time-and-frequency difference of Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System" (2002).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.soundtrack import BANDS, FRAME_RATE, LEVEL_STEP_DB, RATIO, Soundtrack

__all__ = ["AROUND_S", "CHANGES", "LARGEST_DB", "changes_of", "loudness_of"]

CHANGES = 8
"""Numbers per frame."""
LARGEST_DB = 12.0
"""Greater changes count as this: a door's slam should not outweigh a sentence."""

_SMOOTH = 7  # frames
_REACH = 8  # frames before and after
AROUND_S = (_REACH + _SMOOTH // 2 + 4) / FRAME_RATE  # a level is of 64 ms, so of a little less than 4 frames around it
"""Sound so near a frame, before or after it, has a part in its changes [s]."""

_FLOOR = 10.0 ** (-85 / 10)  # energy of a full-scale sine = 1; below this, digital silence and its dither look alike
_ENERGY = (10.0 ** ((np.arange(256) * LEVEL_STEP_DB - 110.0) / 10)).astype(np.float32)
_CHUNK = 60 * FRAME_RATE


def changes_of(soundtrack: Soundtrack, pitch: float = 1.0) -> NDArray[np.float32]:
    """The changes of a whole soundtrack: (frames, CHANGES), in dB, from -LARGEST_DB to LARGEST_DB.

    Args:
        soundtrack: what was heard.
        pitch: how much higher the recording sounds than what it is compared with; bands are moved by as much.
    """
    levels = soundtrack.levels
    result = np.empty((len(levels), CHANGES), np.float32)
    margin = _REACH + _SMOOTH
    for start in range(0, len(levels), _CHUNK):
        low, high = max(0, start - margin), min(len(levels), start + _CHUNK + margin)
        differences = np.diff(10 * np.log10(_wide(levels[low:high], pitch) + _FLOOR), axis=1)
        smooth = _smoothed(differences)
        padded = np.pad(smooth, ((_REACH, _REACH), (0, 0)), mode="edge")
        changes = padded[2 * _REACH :] - padded[: -2 * _REACH]
        result[start : start + _CHUNK] = changes[start - low : start - low + _CHUNK]
    return np.clip(result, -LARGEST_DB, LARGEST_DB, out=result)


def loudness_of(soundtrack: Soundtrack) -> NDArray[np.float32]:
    """The level of all bands together, smoothed over 70 ms: (frames,), in dB."""
    energy = np.empty((len(soundtrack.levels), 1), np.float32)
    for start in range(0, len(energy), _CHUNK):
        part = soundtrack.levels[start : start + _CHUNK, 3 : BANDS - 3]
        energy[start : start + _CHUNK, 0] = _ENERGY[part].sum(axis=1)
    return np.asarray(10 * np.log10(_smoothed(energy)[:, 0] + _FLOOR), np.float32)


def _wide(levels: NDArray[np.uint8], pitch: float) -> NDArray[np.float64]:
    """Energy in the nine bands, each three of the soundtrack's, moved by the pitch: (frames, 9)."""
    edges = np.clip(3 + 3 * np.arange(CHANGES + 2) + np.log(pitch) / np.log(RATIO), 0, BANDS)
    below = np.clip(edges - np.arange(BANDS)[:, None], 0, 1)  # how much of each band lies below each edge
    energy: NDArray[np.float64] = _ENERGY.astype(np.float64)[levels] @ np.diff(below, axis=1)
    return energy


def _smoothed(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """The mean over _SMOOTH frames around each, edges repeated."""
    half = _SMOOTH // 2
    sums = np.cumsum(np.pad(values, ((half + 1, half), (0, 0)), mode="edge"), axis=0, dtype=np.float64)
    return ((sums[_SMOOTH:] - sums[:-_SMOOTH]) / _SMOOTH).astype(np.float32)

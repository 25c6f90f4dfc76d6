"""Finding a stretch of a fingerprint anywhere in a recording: correlation by Fourier transform, 25 places a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_fingerprint.changes import CHANGES
from mmdia_dataset.alignment.soundtrack import FRAME_RATE

__all__ = ["Hit", "Searchable", "fast_length"]

_STEP = 4  # frames: 40 ms, less than the width of a match
_RATE = FRAME_RATE // _STEP
_APART = _RATE  # a runner-up lies at least a second away


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a stretch fits best.

    Attributes:
        at_s: movie time of the stretch's first frame [s].
        found_s: recording time of that frame [s], to 20 ms.
        score: -1 to 1; 1 where every bit agrees, about 0 where nothing fits.
        second: the best score at least a second away.
    """

    at_s: float
    found_s: float
    score: float
    second: float


class Searchable:
    """A recording's changes, transformed once, to be searched many times."""

    def __init__(self, changes: NDArray[np.float32]) -> None:
        count = max(1, len(changes) // _STEP)
        changes = np.pad(changes, ((0, max(0, _STEP - len(changes))), (0, 0)))
        values = changes[: count * _STEP].reshape(count, _STEP, CHANGES).mean(axis=1)
        self._count = count
        self._longest = 40 * _RATE
        self._size = fast_length(count + self._longest)
        self._weight = np.abs(values).sum(axis=1)
        self._transforms = np.fft.rfft(values, self._size, axis=0).astype(np.complex64)
        self._weights = np.fft.rfft(self._weight, self._size).astype(np.complex64)

    def find(self, times: NDArray[np.float64], signs: NDArray[np.float32], rate: float) -> Hit:
        """The best place for frames of a fingerprint.

        Args:
            times: movie time of the frames [s], ascending, 40 s of recording time at most.
            signs: (frames, CHANGES), +1 and -1.
            rate: movie seconds per recording second.
        """
        places = np.rint((times - times[0]) / rate * _RATE).astype(np.int64)
        stretch = np.zeros((self._longest, CHANGES), np.float32)
        stretch[places] = signs
        used = np.zeros(self._longest, np.float32)
        used[places] = 1
        products = np.conj(np.fft.rfft(stretch, self._size, axis=0)) * self._transforms
        agree = np.fft.irfft(products.sum(axis=1), self._size)
        weight = np.fft.irfft(np.conj(np.fft.rfft(used, self._size)) * self._weights, self._size)
        # Where the recording is silent there is nothing to agree with: a match of whispers counts for little.
        score = agree / np.maximum(weight, 0.3 * len(times) * float(np.median(self._weight)) + 1e-6)
        best = int(np.argmax(score))
        others = score.copy()
        others[np.arange(best - _APART, best + _APART + 1) % self._size] = -1
        start = best if best < self._count else best - self._size
        centre = (start * _STEP + (_STEP - 1) / 2) / FRAME_RATE
        return Hit(float(times[0]), centre, float(score[best]), float(others.max()))


def fast_length(least: int) -> int:
    """The next length of the form 2**a, 3 * 2**a or 5 * 2**a."""
    return min(factor << max(0, (-(-least // factor) - 1).bit_length()) for factor in (1, 3, 5))

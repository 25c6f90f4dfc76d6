"""How well a fingerprint agrees with a recording at given places, bit by bit."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_fingerprint.changes import CHANGES, changes_of, loudness_of
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import TimingFingerprint
from mmdia_dataset.alignment.soundtrack import FRAME_RATE, Soundtrack

__all__ = ["Agreement", "Peak"]


@dataclass(frozen=True, slots=True)
class Peak:
    """Where some frames of the fingerprint fit best, near a place.

    Attributes:
        shift_s: from that place [s of recording time].
        score: -1 to 1.
        spread_s: the standard error of the shift, from how sharp the peak is [s].
    """

    shift_s: float
    score: float
    spread_s: float


class Agreement:
    """A fingerprint laid over a recording whose speed and pitch are known."""

    def __init__(self, reference: TimingFingerprint, soundtrack: Soundtrack, rate: float, pitch: float) -> None:
        self.reference = reference
        self.times = reference.times
        self.signs = reference.signs
        self.rate = rate
        self.pitch = pitch
        self.changes = changes_of(soundtrack, pitch)
        self._loudness = loudness_of(soundtrack)
        self.usual = float(np.median(np.abs(self.changes[::7]).sum(axis=1))) + 1e-6
        """The weight of a typical frame."""

    def at_rate(self, rate: float) -> Agreement:
        """The same at another speed, so near that the pitch may stay."""
        agreement = copy(self)
        agreement.rate = rate
        return agreement

    def places(self, frames: NDArray[np.int64], offset_s: float) -> NDArray[np.float64]:
        """Where frames of the fingerprint lie in the recording, in frames of its soundtrack, for an offset [s]."""
        return (self.times[frames] + offset_s) / self.rate * FRAME_RATE

    def bits(self, frames: NDArray[np.int64], offset_s: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Agreement and weight of each frame, summed over its bits; both 0 outside the recording.

        Args:
            frames: which of the fingerprint's.
            offset_s: movie time is moved by as much [s].
        """
        products, _ = self.products(frames, offset_s)
        return products.sum(axis=1), np.abs(products).sum(axis=1)

    def products(self, frames: NDArray[np.int64], offset_s: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Each change of the recording times the sign it should have, (frames, CHANGES), and which lie inside of it.

        Arguments as those of `bits`.
        """
        places = self.places(frames, offset_s)
        floor = np.floor(places).astype(np.int64)
        part = (places - floor).astype(np.float32)[:, None]
        inside = (floor >= 0) & (floor < len(self.changes) - 1)
        index = np.clip(floor, 0, max(0, len(self.changes) - 2))
        values = (self.changes[index] * (1 - part) + self.changes[index + 1] * part) * inside[:, None]
        return values * self.signs[frames], inside

    def peak(self, frames: NDArray[np.int64], offset_s: float, reach: int) -> Peak:
        """The best place of frames within `reach` frames of the soundtrack, by a parabola through its neighbours."""
        shifts = np.arange(-reach - 1, reach + 2)
        places = self.places(frames, offset_s)
        floor = np.floor(places).astype(np.int64)
        part = (places - floor).astype(np.float32)[:, None, None]
        index = floor[:, None] + np.append(shifts, reach + 2)
        inside = (index >= 0) & (index < len(self.changes))
        around = self.changes[np.clip(index, 0, len(self.changes) - 1)] * inside[:, :, None]
        values = around[:, :-1] * (1 - part) + around[:, 1:] * part
        agree = (values * self.signs[frames][:, None]).sum(axis=(0, 2), dtype=np.float64)
        weight = np.abs(values).sum(axis=(0, 2), dtype=np.float64)
        scores = agree / np.maximum(weight, 0.1 * self.usual * max(1, len(frames)))
        best = int(np.argmax(scores[1:-1])) + 1
        before, here, after = scores[best - 1 : best + 2]
        bend = before - 2 * here + after
        vertex = float(np.clip(0.5 * (before - after) / bend, -1, 1)) if bend < 0 else 0.0
        noise = np.sqrt(max(0.02, 1 - here * here) / (CHANGES * max(1, len(frames))))
        spread = float(noise / max(-bend, 1e-3)) / 2
        return Peak((float(shifts[best]) + vertex) / FRAME_RATE, float(here), spread / FRAME_RATE)

    def loudness(self, frames: NDArray[np.int64], offset_s: float) -> NDArray[np.float32]:
        """How loud the recording is where frames lie [dB]."""
        places = np.rint(self.places(frames, offset_s)).astype(np.int64)
        return self._loudness[np.clip(places, 0, len(self._loudness) - 1)]

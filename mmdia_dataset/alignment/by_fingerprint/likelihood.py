"""How much each frame speaks for a place, in nats, learned from the recording itself.

A clean copy's changes have the fingerprint's signs nearly always, one with noise has them often where changes are
large, seldom more than by chance where they are small. How often is counted over the pieces found first; then every
frame is worth the logarithm of how much likelier its signs are there than anywhere else (0 where noise covers all).
Sums of that are evidence that noise can't spoil: it lacks where the sound is covered, and speaks against a place
where the sound can be heard and is another.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_fingerprint import fingerprint_limits as limits
from mmdia_dataset.alignment.by_fingerprint.agreement import Agreement
from mmdia_dataset.alignment.by_fingerprint.tracking import Run

__all__ = ["Likelihood"]

_LEVELS_DB = np.array([1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 11.9])  # sizes of changes that are told apart


class Likelihood:
    """What frames of a fingerprint say for places in one recording."""

    def __init__(self, agreement: Agreement, runs: Sequence[Run], spoken: NDArray[np.bool_]) -> None:
        """Learn how often signs are right.

        Args:
            agreement: fingerprint and recording.
            runs: the pieces found.
            spoken: (frames of the fingerprint,), whether somebody speaks there.
        """
        self._agreement = agreement
        self._spoken = spoken
        seen = np.full((2, len(_LEVELS_DB) + 1), limits.SEEN_BEFORE)
        right = seen / 2
        for run in runs:
            frames = np.arange(run.first, run.after)
            products, inside = agreement.products(frames, run.offset_s)
            for speech in (False, True):
                some = products[inside & (spoken[frames] == speech)].ravel()
                size = np.digitize(np.abs(some), _LEVELS_DB)
                seen[int(speech)] += np.bincount(size, minlength=seen.shape[1])
                right[int(speech)] += np.bincount(size, some > 0, minlength=seen.shape[1])
        chance = np.clip(right / seen, 0.5, limits.SUREST)
        self._for, self._against = np.log(2 * chance), np.log(2 * (1 - chance))

    def nats(self, frames: NDArray[np.int64], offset_s: float) -> NDArray[np.float64]:
        """What each frame says for a place: above 0 for it, below against it.

        Args:
            frames: which of the fingerprint's.
            offset_s: movie time is moved by as much [s].
        """
        products, inside = self._agreement.products(frames, offset_s)
        kind = self._spoken[frames].astype(np.int64)[:, None]
        size = np.digitize(np.abs(products), _LEVELS_DB)
        nats = np.where(products > 0, self._for[kind, size], self._against[kind, size])
        silent = np.abs(products) < limits.SILENT_DB
        nats[silent] = 0.0
        # The reference's own silence is a row of zero bits; 8 by chance are rare.
        muted = silent.all(axis=1) & self._spoken[frames] & (self._agreement.signs[frames] > 0).any(axis=1)
        whole = np.logaddexp(np.log1p(-limits.SPOILED) + limits.KEPT * nats.sum(axis=1), np.log(limits.SPOILED))
        return np.where(inside & ~muted, whole, limits.NOTHING_NATS)

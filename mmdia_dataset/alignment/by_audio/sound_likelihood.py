"""How much a dialogue's parts speak for a place, in nats, learned from the recording itself.

Through music, noise or a codec a sound agrees less with its place than in a clean copy. How well quarter seconds agree
where sounds are, and how well at places where they are not, is counted over all dialogues; then every quarter second is
worth the logarithm of how much likelier its agreement is there than anywhere else.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_audio.dialogue_sounds import DialogueSound
from mmdia_dataset.alignment.by_audio.sound_search import SoundSearch

__all__ = ["SoundLikelihood"]

_BLOCK = 25  # frames: changes are smoothed over 23, so that blocks are about independent
_EDGES = np.array([-0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8])
_ELSEWHERE_S = (-31.0, -17.0, 13.0, 29.0)
_SEEN_BEFORE = 3.0  # blocks in each bin that are taken for seen, on both sides
_MOST = 3.0  # nats of one block


class SoundLikelihood:
    """What blocks of sounds say for places in one recording.

    Args:
        search: the recording.
        rate: movie seconds per recording second.
        placed: sounds, and the recording time of their first frames [s].
    """

    def __init__(self, search: SoundSearch, rate: float, placed: Sequence[tuple[DialogueSound, float]]) -> None:
        self._search, self._rate = search, rate
        there = np.full(len(_EDGES) + 1, _SEEN_BEFORE)
        elsewhere = there.copy()
        for sound, start_s in placed:
            there += self._counted(sound, start_s)
            for away_s in _ELSEWHERE_S:
                elsewhere += self._counted(sound, start_s + away_s)
        self._nats = np.clip(np.log(there / there.sum()) - np.log(elsewhere / elsewhere.sum()), -_MOST, _MOST)

    def blocks(self, sound: DialogueSound, start_s: float) -> NDArray[np.float64]:
        """What each quarter second of a sound says for a place; 0 where nothing is to be heard."""
        scores, counts = self._scores(sound, start_s)
        return np.asarray(np.where(counts, self._nats[np.digitize(scores, _EDGES)], 0.0), np.float64)

    def _counted(self, sound: DialogueSound, start_s: float) -> NDArray[np.float64]:
        scores, counts = self._scores(sound, start_s)
        return np.bincount(np.digitize(scores[counts], _EDGES), minlength=len(_EDGES) + 1).astype(np.float64)

    def _scores(self, sound: DialogueSound, start_s: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        agree, own, theirs, heard = self._search.products(sound, self._rate, start_s)
        blocks = -(-len(agree) // _BLOCK)

        def summed(values: NDArray[np.float32]) -> NDArray[np.float64]:
            padded = np.pad(values, (0, blocks * _BLOCK - len(values)))
            return np.asarray(padded.reshape(blocks, _BLOCK).sum(axis=1, dtype=np.float64))

        scores = summed(agree) / np.sqrt(np.maximum(summed(own) * summed(theirs), 1e-6))
        return scores, summed(heard) >= _BLOCK / 2

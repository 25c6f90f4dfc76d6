"""Dialogues without a sound of their own: do voices fit their cues where their neighbours put them?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.soundtrack import FRAME_RATE, Soundtrack
from mmdia_dataset.alignment.voice import speech_curves
from mmdia_dataset.schema import Dialogue

__all__ = ["VoicesAtCues"]

_AWAY = 15 * FRAME_RATE
_STEP = 10  # frames
_SAME = 70  # frames: nearer places are no other places
_MARGIN_S = 1.5


class VoicesAtCues:
    """Where a recording's voices begin and end, to be compared with cues."""

    def __init__(self, soundtrack: Soundtrack) -> None:
        self._activity = speech_curves(soundtrack.levels, soundtrack.voice).activity

    def clearness(self, dialogue: Dialogue, offset_s: float, rate: float) -> float:
        """How much better voices fit a dialogue's cues at an offset than at any other near one, in their spread.

        Below 0 some other place fits better; outside the recording it is minus infinity.

        Args:
            dialogue: it.
            offset_s: movie time is moved by as much [s of movie time].
            rate: movie seconds per recording second.
        """
        pattern, first = _pattern(dialogue, offset_s, rate)
        if first < 0 or first + len(pattern) > len(self._activity) + FRAME_RATE or not pattern.any():
            return -np.inf
        shifts = np.arange(-_AWAY, _AWAY + 1, _STEP)
        scores = np.array([self._score(pattern, first + int(shift)) for shift in shifts])
        here = float(scores[np.abs(shifts) <= _SAME // 3].max())
        away = scores[np.abs(shifts) >= _SAME]
        away = away[np.isfinite(away)]
        return (here - float(away.max())) / (float(away.std()) + 1e-6) if len(away) > 10 else -np.inf

    def _score(self, pattern: NDArray[np.float32], first: int) -> float:
        if first < 0 or first + len(pattern) > len(self._activity):
            return -np.inf
        return float(pattern @ self._activity[first : first + len(pattern)])


def _pattern(dialogue: Dialogue, offset_s: float, rate: float) -> tuple[NDArray[np.float32], int]:
    """Positive where cues are, negative around them, sum 0; and the recording's frame at which it begins."""

    def frame(ms: float) -> int:
        return round((ms / 1000 + offset_s) / rate * FRAME_RATE)

    first = frame(dialogue.span.start_ms)
    margin = round(_MARGIN_S * FRAME_RATE)
    begins = max(0, first - margin)
    spoken = np.zeros(frame(dialogue.span.end_ms) + margin - begins, bool)
    for turn in dialogue.turns:
        spoken[max(0, frame(turn.span.start_ms) - begins) : max(0, frame(turn.span.end_ms) - begins)] = True
    if spoken.all() or not spoken.any():
        return np.zeros(len(spoken), np.float32), first
    pattern = np.where(spoken, 1 / spoken.sum(), -1 / (~spoken).sum()).astype(np.float32)
    return pattern, begins

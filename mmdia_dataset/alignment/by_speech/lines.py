"""Single lines against a recording's speech: where they begin, whether they are there, where they end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_speech import speech_limits as limits
from mmdia_dataset.alignment.voice import SpeechCurves

__all__ = ["Placement", "Rhythm", "SpokenLines"]


_RATE = 100  # frames of the curves per second
# Of the rise at the start, and of activity inside, before and after the line. Chosen, not measured: `lines-clear` shows
# what they come to together.
_WEIGHTS = np.array([1.2, 1.4, -1.0, -1.2])


@dataclass(frozen=True)
class Rhythm:
    """When a dialogue's cues are shown.

    Attributes:
        cues: (cues, 2), starts and ends in movie time [s], in order, none inside another.
    """

    cues: NDArray[np.float64]

    @classmethod
    def of(cls, spans: Sequence[tuple[int, int]]) -> Rhythm:
        """From spans in movie time [ms], in any order; empty ones and those that begin inside another are left out."""
        kept: list[tuple[int, int]] = []
        for start, end in sorted(set(spans)):
            if end > start and (not kept or start >= kept[-1][0] + 1000 * limits.ONSET_S):
                if kept and kept[-1][1] > start:
                    kept[-1] = (kept[-1][0], start)
                kept.append((start, end))
        return cls(np.asarray(kept, np.float64).reshape(-1, 2) / 1000)

    @cached_property
    def middle_s(self) -> float:
        """Movie time of its anchor [s]."""
        return float(self.cues[0, 0] + self.cues[-1, 1]) / 2

    @property
    def length_s(self) -> float:
        """From the first cue's start to the last one's end [s]."""
        return float(self.cues[-1, 1] - self.cues[0, 0])


Placement = tuple[Rhythm, float]
"""A dialogue, and the shift [s] of the piece it lies in: recording_s = movie_s / rate + shift."""


class SpokenLines:
    """The lines of dialogues in one recording.

    Args:
        curves: the recording's.
    """

    def __init__(self, curves: SpeechCurves) -> None:
        self.count = len(curves.rise)
        self._rise = curves.rise
        self._risen = _summed(curves.rise)
        self._active = _summed(curves.activity)
        self._level = curves.level
        self._middle, self._scale = 0.0, 0.0

    def onset_s(self, rhythm: Rhythm, middle_s: float, speed: float) -> float:
        """Where a dialogue's middle lies [s], by its lines' starts, near a place known to a few tenths of a second."""
        return middle_s + self._peak(self._starts(rhythm, middle_s - rhythm.middle_s / speed, speed)) / _RATE

    def shift_s(self, rhythms: Sequence[Rhythm], near_s: float, speed: float) -> tuple[float, float]:
        """The shift that fits the lines of all dialogues best, near one that is roughly known, and its error [s]."""
        starts = [self._starts(rhythm, near_s, speed) for rhythm in rhythms]
        shift = near_s + self._peak(np.concatenate(starts)) / _RATE
        single = np.array([near_s + self._peak(line_starts) / _RATE for line_starts in starts]) - shift
        scatter = max(0.02, 1.4826 * float(np.median(np.abs(single))))
        return shift, scatter / float(np.sqrt(len(rhythms)))

    def learn(self, placements: Sequence[Placement], speed: float) -> bool:
        """Learn from placed dialogues what fitting lines look like, and from the same lines elsewhere what others do.

        Returns:
            Whether the two can be told apart.
        """
        right = np.concatenate([self._fit(rhythm, shift, speed) for rhythm, shift in placements])
        wrong = np.concatenate(
            [
                self._fit(rhythm, shift + sign * away, speed)
                for rhythm, shift in placements
                for away in limits.ELSEWHERE_S
                for sign in (-1, 1)
            ]
        )
        distance = float(right.mean() - wrong.mean())
        variance = float(right.var() + wrong.var()) / 2
        self._middle = float(right.mean() + wrong.mean()) / 2
        self._scale = distance / max(variance, 1e-9)
        return bool(distance > limits.LEAST_CLEAR * variance**0.5)

    def nats(self, rhythm: Rhythm, shift_s: float, speed: float) -> NDArray[np.float64]:
        """What speaks for each line of a dialogue in a place: the logarithm of how much likelier it is right."""
        return np.clip(
            (self._fit(rhythm, shift_s, speed) - self._middle) * self._scale,
            -limits.LINE_MOST_NATS,
            limits.LINE_MOST_NATS,
        )

    def ends_s(self, placements: Sequence[Placement], speed: float) -> NDArray[np.float64]:
        """How long after its cue each line's speech ends [s], sorted; of lines with a pause after them only."""
        ends = [end for rhythm, shift in placements for end in self._ends(rhythm.cues / speed + shift)]
        return np.sort(np.asarray(ends, np.float64))

    def _ends(self, cues: NDArray[np.float64]) -> list[float]:
        ends_s = []
        following = np.concatenate([cues[1:, 0], [np.inf]])
        for (start, end), after in zip(cues, following, strict=True):
            if after - end < limits.END_PAUSE_S or end - start < limits.END_LENGTH_S:
                continue
            low = round(max(start + 0.3, end - limits.END_BEFORE_S) * _RATE)
            high = round(min(end + limits.END_AFTER_S, after - 0.08) * _RATE)
            if low >= 0 and high <= self.count:
                ends_s.append((low + _fall(self._level[low:high])) / _RATE - end)
        return ends_s

    def _starts(self, rhythm: Rhythm, shift_s: float, speed: float) -> NDArray[np.int64]:
        return np.round((rhythm.cues[:, 0] / speed + shift_s) * _RATE).astype(np.int64)

    def _peak(self, starts: NDArray[np.int64]) -> float:
        """By how many frames starts have to move, within reach, for speech to rise most at them."""
        moves = np.arange(-limits.LINE_SEARCH, limits.LINE_SEARCH + 1)
        total = np.zeros(len(moves))
        for start in starts:
            if limits.LINE_SEARCH <= start < self.count - limits.LINE_SEARCH:
                total += self._rise[start - limits.LINE_SEARCH : start + limits.LINE_SEARCH + 1]
        best = int(total[1:-1].argmax()) + 1
        left, middle, right = total[best - 1 : best + 2]
        bend = left - 2 * middle + right
        return float(moves[best]) + (0.5 * float((left - right) / bend) if bend < 0 else 0.0)

    def _fit(self, rhythm: Rhythm, shift_s: float, speed: float) -> NDArray[np.float64]:
        """How well each line of a dialogue fits in a place."""
        cues = rhythm.cues / speed + shift_s
        start, end = cues[:, 0], cues[:, 1]
        pause = start[1:] - end[:-1]
        before = np.concatenate([[np.inf], pause]) > limits.PAUSE_BEFORE_S
        after = np.concatenate([pause, [np.inf]]) > limits.PAUSE_AFTER_S
        signs = np.stack(
            [
                self._mean(self._risen, start - 0.06, start + 0.07),
                self._mean(self._active, start + 0.1, np.maximum(end - 0.45, (start + end) / 2 + 0.05)),
                np.where(before, self._mean(self._active, start - 0.35, start - 0.08), 0.0),
                np.where(after, self._mean(self._active, end + 0.05, end + 0.4), 0.0),
            ]
        )
        return np.asarray(_WEIGHTS @ signs, np.float64)

    def _mean(
        self, sums: NDArray[np.float64], low_s: NDArray[np.float64], high_s: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        low = np.clip(np.round(low_s * _RATE).astype(np.int64), 0, self.count)
        high = np.clip(np.round(high_s * _RATE).astype(np.int64), 0, self.count)
        return np.asarray((sums[high] - sums[low]) / np.maximum(high - low, 1), np.float64)


def _summed(values: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])


def _fall(level: NDArray[np.float32]) -> int:
    """The frame that best divides a stretch into loud before and quiet after."""
    count = len(level)
    frames = np.arange(10, count - 10)
    if not len(frames):
        return count
    sums = np.cumsum(level, dtype=np.float64)
    before = sums[frames - 1] / frames
    after = (sums[-1] - sums[frames - 1]) / (count - frames)
    return int(frames[((before - after) * np.sqrt(frames * (count - frames))).argmax()])

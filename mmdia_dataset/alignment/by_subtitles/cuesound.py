"""Subtitles against sound: whether speech is heard when cues are shown, by how much they are off, and where not at all.

What is listened to is the level of the speech bands, the likelihood of voice, and how much the bands change within 60
ms, which speech does even where steady noise is as loud; all less their mean over twenty seconds, so that music and
noise which go on for longer do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_subtitles import subtitle_limits as limits
from mmdia_dataset.alignment.soundtrack import FRAME_RATE, LEVEL_STEP_DB, Soundtrack

__all__ = ["BLOCK_S", "Lag", "Listener", "Shift"]

Floats = NDArray[np.float64]

_COARSE = 4  # frames joined into one: shifts are sought in steps of 40 ms
_STEP_S = _COARSE / FRAME_RATE
_BANDS = slice(3, 30)  # 300 to 2,800 Hz
_CHANGE_FRAMES = 6
_PART = 65_536  # frames worked on at a time


BLOCK_S = 8.0
"""Length of the blocks of which `Listener.in_step` speaks."""


@dataclass(frozen=True, slots=True)
class Shift:
    """By how much sound is later than the cues.

    Attributes:
        seconds: that [s].
        clear: how far the fit is better than at any other shift, 0 to 1.
        strength: the fit in standard deviations of what chance gives.
    """

    seconds: float
    clear: float
    strength: float


@dataclass(frozen=True, slots=True)
class Lag:
    """By how much onsets in the sound are later than expected [s], its standard error [s], and the rise [dB]."""

    seconds: float
    error_s: float
    rise_db: float


class Listener:
    """Compares a soundtrack with the times at which somebody should speak.

    Args:
        soundtrack: what is heard.
        spoken: (start [s], end [s]) of cues, in recording time.
    """

    def __init__(self, soundtrack: Soundtrack, spoken: Sequence[tuple[float, float]]) -> None:
        bands = soundtrack.levels[:, _BANDS]
        self._levels = bands.mean(axis=1, dtype=np.float64) * LEVEL_STEP_DB
        count = len(self._levels) // _COARSE
        width = round(limits.MEAN_S / _STEP_S)
        level = np.clip(_less_mean(_coarse(self._levels, count), width), -limits.LOUDEST_DB, limits.LOUDEST_DB)
        voice = _less_mean(_coarse(soundtrack.voice / 255.0, count), width)
        change = _less_mean(_coarse(_change(bands), count), width)
        # Where one of them hardly varies it says nothing, and is not made loud.
        level_and_voice = level / _spread(level, 1.0) + limits.VOICE_SHARE * voice / _spread(voice, 0.1)
        self._heard = level_and_voice / _spread(level_and_voice, 0.5) + change / _spread(change, 0.1)
        mask = np.zeros(count)
        for start, end in spoken:
            low = min(count, max(0, round(start / _STEP_S)))
            mask[low : min(count, max(low, round(end / _STEP_S)))] = 1
        self._spoken = _less_mean(mask, width)

    @property
    def silent(self) -> bool:
        """Whether there is nothing to hear."""
        return not len(self._heard) or float(self._heard.std()) < 0.05

    def shift(self) -> Shift:
        """The one shift at which cues and sound fit best over the whole recording."""
        reach = min(round(limits.LARGEST_SHIFT_S / _STEP_S), len(self._heard) // 3)
        curve = _correlation(self._heard, self._spoken, reach)
        top = int(curve.argmax())
        peak = round(limits.PEAK_S / _STEP_S)
        others = np.delete(curve, slice(max(0, top - peak), top + peak + 1))
        second = float(others.max(initial=0.0))
        clear = 1 - second / curve[top] if curve[top] > 0 else 0.0
        seconds = (top - reach) * _STEP_S
        strength = float(self._products(seconds)[0].sum()) / max(1e-9, float(np.sqrt(self._scatter(seconds))))
        return Shift(seconds, float(np.clip(clear, 0, 1)), strength)

    def drift_s(self, shift_s: float) -> float:
        """By how much the best shifts of the recording's thirds differ, those that are clear [s]."""
        steps = np.arange(-limits.DRIFT_REACH_S, limits.DRIFT_REACH_S + _STEP_S / 2, _STEP_S)
        products = np.stack([self._products(shift_s + step)[0] for step in steps])
        wrong = np.stack([self._products(shift_s + step)[0] for step in limits.WRONG_S])
        shifts_s = []
        for part, wrong_part in zip(np.array_split(products, 3, axis=1), np.array_split(wrong, 3, axis=1), strict=True):
            sums = part.sum(axis=1)
            if sums.max() >= limits.CLEAR_THIRD * np.sqrt((wrong_part**2).sum(axis=1).mean()):
                shifts_s.append(float(steps[sums.argmax()]))
        return max(shifts_s) - min(shifts_s) if shifts_s else 0.0

    def in_step(self, shift_s: float) -> Floats:
        """The probability that cues and sound are in step, shifted as given, for each `BLOCK_S` of recording time.

        A hidden Markov model: at any time, the cues are right, or off by a little more or less (a drift, a small cut),
        or off altogether; that seldom changes. In step, the product of sound and cues has a mean, which is learned
        here; off, it has none. How it scatters is measured at shifts that are certainly wrong.
        """
        beside = np.arange(-limits.BESIDE, limits.BESIDE + 1) * limits.BESIDE_S
        products, energies = zip(*(self._products(shift_s + step) for step in beside), strict=True)
        product, energy = np.stack(products), np.stack(energies)
        variance = self._scatter(shift_s) / max(1e-9, float(energy.sum(axis=1).mean()))
        mean = max(0.0, float((product.sum(axis=1) / np.maximum(1e-9, energy.sum(axis=1))).max()))
        sure = np.zeros((len(beside) + 1, product.shape[1]))
        for _ in range(limits.ROUNDS):
            odds = (mean * product - mean**2 * energy / 2) / max(1e-9, variance)
            odds = np.log(limits.DROWNED + (1 - limits.DROWNED) * np.exp(np.minimum(odds, limits.MOST_ODDS)))
            sure = _states(np.concatenate([odds, np.zeros((1, odds.shape[1]))]))
            mean = max(0.0, float((sure[:-1] * product).sum())) / max(1e-9, float((sure[:-1] * energy).sum()))
        right: Floats = sure[:-1][np.abs(beside) <= limits.RIGHT_S].sum(axis=0)
        return right

    def _products(self, shift_s: float) -> tuple[Floats, Floats]:
        """The product of sound and shifted cues, and the energy of the cues, summed over blocks."""
        cues = _moved(self._spoken, round(shift_s / _STEP_S))
        return _in_blocks(self._heard * cues), _in_blocks(cues**2)

    def _scatter(self, shift_s: float) -> float:
        """The variance of the product's sum over the recording, at shifts that are certainly wrong."""
        return float(np.mean([np.square(self._products(shift_s + step)[0]).sum() for step in limits.WRONG_S]))

    def lag(self, onsets_s: Floats) -> Lag | None:
        """By how much the sound's onsets are later than given ones, judged over all of them; None if too few.

        The mean course of the level around them rises once; where it rises most, averaged over a quarter of a second
        on either side, is the onset.
        """
        reach, width = round(limits.LAG_REACH_S * FRAME_RATE), round(limits.ONSET_WIDTH_S * FRAME_RATE)
        around = np.arange(-reach - width, reach + width + 1)
        frames = np.rint(onsets_s * FRAME_RATE).astype(np.int64)
        inside = (frames + around[0] >= 0) & (frames + around[-1] < len(self._levels))
        rounding = float((frames / FRAME_RATE - onsets_s)[inside].mean()) if inside.any() else 0.0
        frames = frames[inside]
        if len(frames) < limits.FEWEST_ONSETS:
            return None
        courses = self._levels[frames[:, None] + around]
        courses = np.clip(courses - courses.mean(axis=1, keepdims=True), -2 * limits.LOUDEST_DB, 2 * limits.LOUDEST_DB)
        # Quarters of the onsets, taken by turns, tell how sure the place is; thirds in order, whether it drifts.
        places = [_rise(courses[part::4].mean(axis=0), width)[0] for part in range(4)]
        thirds = [_rise(part.mean(axis=0), width)[0] for part in np.array_split(courses, 3)]
        place, rise = _rise(courses.mean(axis=0), width)
        error = max(float(np.std(places, ddof=1)) / 2, (max(thirds) - min(thirds)) / 4)
        return Lag((place - reach) / FRAME_RATE + rounding - limits.RISE_S, error / FRAME_RATE, rise)


def _rise(course: Floats, width: int) -> tuple[float, float]:
    """Where a course rises most, to a part of a frame, and by how much."""
    total = np.concatenate([[0.0], np.cumsum(course)])
    count = len(course) - 2 * width
    middle = np.arange(count) + width
    step = (total[middle + width] - 2 * total[middle] + total[middle - width]) / width
    top = int(step.argmax())
    if 0 < top < count - 1:
        left, here, right = step[top - 1 : top + 2]
        bend = left - 2 * here + right
        part = float(np.clip((left - right) / (2 * bend), -0.5, 0.5)) if bend else 0.0
        return top + part - 0.5, float(step[top])
    return top - 0.5, float(step[top])


def _less_mean(values: Floats, width: int) -> Floats:
    """Values less their mean over so many around each."""
    if not len(values):
        return values
    total = np.concatenate([[0.0], np.cumsum(values)])
    low = np.maximum(0, np.arange(len(values)) - width // 2)
    high = np.minimum(len(values), np.arange(len(values)) + width // 2 + 1)
    mean: Floats = (total[high] - total[low]) / (high - low)
    return values - mean


def _correlation(sound: Floats, cues: Floats, reach: int) -> Floats:
    """Correlation at shifts of -reach to reach: positive where sound is later."""
    size = 1 << int(len(sound) + reach + 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(cues, size)), size)
    curve = np.concatenate([product[size - reach :], product[: reach + 1]])
    scaled: Floats = curve / max(1e-9, float(np.sqrt((sound**2).sum() * (cues**2).sum())))
    return scaled


def _coarse(values: Floats, count: int) -> Floats:
    """Means of so many frames each."""
    means: Floats = values[: count * _COARSE].reshape(count, _COARSE).mean(axis=1)
    return means


def _spread(values: Floats, least: float) -> float:
    return max(least, float(values.std())) if len(values) else least


def _change(bands: NDArray[np.uint8]) -> Floats:
    """How much the levels of the bands differ, on average, between 30 ms before and 30 ms after [dB]."""
    change = np.zeros(len(bands))
    half = _CHANGE_FRAMES // 2
    for start in range(half, len(bands) - half, _PART):
        end = min(start + _PART, len(bands) - half)
        later, earlier = bands[start + half : end + half], bands[start - half : end - half]
        change[start:end] = (np.maximum(later, earlier) - np.minimum(later, earlier)).mean(axis=1) * LEVEL_STEP_DB
    return change


def _moved(values: Floats, shift: int) -> Floats:
    """Values moved to later places, zeros where there is none."""
    moved = np.zeros_like(values)
    if abs(shift) < len(values):
        moved[max(0, shift) : len(values) + min(0, shift)] = values[max(0, -shift) : len(values) - max(0, shift)]
    return moved


def _in_blocks(values: Floats) -> Floats:
    block = round(BLOCK_S / _STEP_S)
    padded = np.zeros(-(-len(values) // block) * block)
    padded[: len(values)] = values
    sums: Floats = padded.reshape(-1, block).sum(axis=1)
    return sums


def _states(odds: Floats) -> Floats:
    """The probability of each state at each step: forward and backward through a hidden Markov model.

    Args:
        odds: (states, steps), the logarithm of how likely what is seen is in each state.
    """
    states, steps = odds.shape
    seen = np.exp(odds - odds.max(axis=0))
    turn = np.full((states, states), limits.TURN / states)
    np.fill_diagonal(turn, 1 - limits.TURN)
    ahead, back = np.empty_like(seen), np.empty_like(seen)
    state = np.full(states, 1 / states)
    for step in range(steps):
        state = seen[:, step] * (turn @ state)
        state /= state.sum()
        ahead[:, step] = state
    state = np.ones(states)
    for step in range(steps - 1, -1, -1):
        back[:, step] = state
        state = turn @ (seen[:, step] * state)
        state /= state.sum()
    both = ahead * back
    probability: Floats = both / both.sum(axis=0)
    return probability

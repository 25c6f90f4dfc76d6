"""The path of a movie's dialogues through a recording, by the rhythm of their cues.

Every dialogue is tried everywhere in the recording (`likeness`), and the path is the likeliest row of places, in the
movie's order: neighbours keep their distance for nothing, a cut or an insertion between them has its price.
Dialogues are anchored at their middle, where a speed that is slightly off does the least harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_speech import speech_limits as limits
from mmdia_dataset.alignment.by_speech.lines import Rhythm, SpokenLines
from mmdia_dataset.alignment.evidence import RATES, known_rate
from mmdia_dataset.alignment.voice import SpeechCurves

__all__ = ["CELL_RATE", "Cells", "Path", "SpeechSpeed", "Step", "find_path", "find_speed"]

CELL_RATE = 12.5
"""Cells of the search per second."""


_FAMILIES = (Fraction(1), Fraction(25025, 24000), Fraction(24000, 25025))
_STEP_REACH = 0.6 * limits.SPEED_STEP


_FRAMES = 8  # of the curves, to a cell


class Cells:
    """A recording's curves in cells of 80 ms, ready to be searched for many rhythms."""

    def __init__(self, curves: SpeechCurves) -> None:
        self.count = len(curves.activity) // _FRAMES
        self._size = 1 << (max(self.count, 1) + 2048).bit_length()
        self._curves = [np.fft.rfft(self._cells(curve), self._size) for curve in (curves.activity, curves.rise)]

    def _cells(self, curve: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(curve[: self.count * _FRAMES].reshape(-1, _FRAMES).mean(axis=1), np.float32)

    def likeness(self, rhythm: Rhythm, rate: float) -> NDArray[np.float32]:
        """How well the recording fits with the rhythm's anchor in each cell: (cells,), mean 0, variance 1."""
        *masks, anchor = _masks(rhythm, rate)
        fit = np.zeros(self._size // 2 + 1, np.complex64)
        for curve, mask in zip(self._curves, masks, strict=True):
            product = curve * np.conj(np.fft.rfft(mask[: self._size], self._size))
            product[0] = 0
            fit += product / max(float(np.linalg.norm(product)), 1e-9)  # both count alike
        result = np.roll(np.fft.irfft(fit, self._size), anchor)[: self.count].astype(np.float32)
        return np.asarray((result - result.mean()) / max(float(result.std()), 1e-12), np.float32)


def _masks(rhythm: Rhythm, rate: float) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
    """What activity and rise should look like, in cells, each of norm 1, and the anchor's cell in them."""
    cues = (rhythm.cues - rhythm.middle_s) / rate
    half = int((rhythm.length_s / rate / 2 + 2 * limits.MARGIN_S) * CELL_RATE) + 1
    times = np.arange(-half, half + 1) / CELL_RATE
    inside = np.zeros(len(times), bool)
    unsure = np.zeros(len(times), bool)
    rise = np.zeros(len(times))
    for start, end in cues:
        inside |= (times >= start) & (times < end)
        unsure |= (times >= max(end - limits.LINGER_S, (start + end) / 2)) & (times < end)
        unsure |= np.abs(times - start) < limits.ONSET_S
        rise += np.exp(-0.5 * ((times - start) / limits.RISE_SPREAD_S) ** 2)
    for (_, end), (start, _) in pairwise(cues):  # a pause this short leaves the lingering cue no room
        if start - end < 0.1:
            unsure &= ~((times >= end - limits.LINGER_S) & (times < start - limits.ONSET_S))
    outside = ~inside & ~unsure
    weight = np.where(outside, np.where((times < cues[0, 0]) | (times > cues[-1, 1]), 0.5, 1.0), 0.0)
    weight[(times < cues[0, 0] - limits.MARGIN_S) | (times > cues[-1, 1] + limits.MARGIN_S)] = 0
    voiced = (inside & ~unsure).astype(np.float64)
    activity = voiced - weight * voiced.sum() / max(weight.sum(), 1e-9)
    rise -= rise.mean()
    return _unit(activity), _unit(rise), half


def _unit(mask: NDArray[np.float64]) -> NDArray[np.float32]:
    norm = float(np.sqrt(np.square(mask).sum()))
    return (mask / max(norm, 1e-9)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Step:
    """One dialogue on the path.

    Attributes:
        cell: where its anchor is.
        nats: how much speaks for it there.
        piece: the number of the piece it lies in; a new one begins after each cut or insertion.
    """

    cell: int
    nats: float
    piece: int


@dataclass(frozen=True, slots=True)
class Path:
    """Where dialogues lie.

    Attributes:
        steps: one for each dialogue; None where it is left out.
        nats: what speaks for the whole, less what the freedom of choosing is worth.
    """

    steps: tuple[Step | None, ...]
    nats: float

    def runs(self) -> list[list[int]]:
        """Numbers of the dialogues that are heard in a row, piece by piece, where enough speaks for the row.

        A path goes on through dialogues that are not there, as leaving them out costs as much; chance makes some fit.
        """
        pieces: dict[int, list[int]] = {}
        for number, step in enumerate(self.steps):
            if step is not None:
                pieces.setdefault(step.piece, []).append(number)
        runs = []
        for numbers in pieces.values():
            gains = np.array([step.nats for number in numbers if (step := self.steps[number])]) - limits.CHANCE_NATS
            total = np.concatenate([[0.0], np.cumsum(gains)])
            gain = total - np.minimum.accumulate(total)
            end = int(gain.argmax())
            if gain[end] >= limits.RUN_NATS:
                start = int(total[:end].argmin())
                runs.append([n for n, more in zip(numbers[start:end], gains[start:end], strict=True) if more > 0])
        return runs


class _Ends:
    """The best way so far to have come to an end at each cell, with later dialogues left out."""

    def __init__(self, count: int) -> None:
        self.nats = np.full(count, -np.inf, np.float32)
        self.number = np.full(count, -1, np.int32)
        self.cell = np.zeros(count, np.int32)
        self.records: list[tuple[NDArray[np.intp], NDArray[np.int32], NDArray[np.int32]]] = []

    def add(self, total: NDArray[np.float32], number: int, half: int) -> NDArray[np.float32]:
        """Take in the next dialogue, so many cells from its anchor to its end; give the best until each cell."""
        self.nats += limits.ABSENT_NATS
        ends = np.full_like(total, -np.inf)
        ends[half:] = total[: len(total) - half]
        better = np.flatnonzero(ends > self.nats)
        self.nats[better] = ends[better]
        self.number[better] = number
        self.cell[better] = better - half
        best = np.maximum.accumulate(self.nats)
        places = np.flatnonzero(best > np.concatenate([[-np.inf], best[:-1]]))
        self.records.append((places, self.number[places], self.cell[places]))
        return best

    def before(self, number: int, cell: int) -> tuple[int, int]:
        """The dialogue, among the first so many, and its cell, that led to the best end until a cell."""
        places, numbers, cells = self.records[number - 1]
        place = int(np.searchsorted(places, cell, side="right")) - 1
        return int(numbers[place]), int(cells[place])


_FRESH, _JUMPED = 126, 127


def find_path(
    rhythms: Sequence[Rhythm], cells: Cells, rate: float, tolerance: float, within: tuple[int, int] | None = None
) -> Path:
    """The likeliest places of dialogues, in the movie's order.

    Args:
        rhythms: the dialogues, by their start.
        cells: the recording.
        rate: speed of the recording against the movie.
        tolerance: how far off that may be, as a part of itself.
        within: the cells they must lie in, first and end; where these are few, less evidence will do.
    """
    nowhere = Path((None,) * len(rhythms), -np.inf)
    first, end = within or (0, cells.count)
    count = end - first
    if not rhythms or count <= 0:
        return nowhere
    scores = [cells.likeness(rhythm, rate).astype(np.float16) for rhythm in rhythms]
    scale = _Rarity(scores)
    scores = [row[first:end] for row in scores]
    price = limits.JUMP_NATS if within is None else min(limits.JUMP_NATS, float(np.log(count)))
    ends = _Ends(count)
    origins: list[NDArray[np.int8]] = []
    total = np.zeros(0, np.float32)
    best = np.full(count, -np.inf, np.float32)
    for number, here in enumerate(rhythms):
        entry = np.full(count, limits.ABSENT_NATS * number - price, np.float32)
        origin = np.full(count, _FRESH, np.int8)
        if number:
            half = min(count, max(0, int((here.length_s / 2 / rate - limits.SLACK_S) * CELL_RATE)))
            jump = best[: count - half] - price
            better = jump > entry[half:]
            entry[half:][better] = jump[better]
            origin[half:][better] = _JUMPED
            stay, drift = _kept(total, (here.middle_s - rhythms[number - 1].middle_s) / rate, tolerance)
            better = stay >= entry
            entry[better] = stay[better]
            origin[better] = drift[better]
        origins.append(origin)
        total = entry + scale.nats(scores[number])
        best = ends.add(total, number, min(count, int(here.length_s / 2 / rate * CELL_RATE)))
    steps: list[Step | None] = [None] * len(rhythms)
    if best[-1] == -np.inf:  # there is no room for any of them
        return nowhere
    number, cell = ends.before(len(rhythms), count - 1)
    piece = 0
    while True:
        step_nats = float(scale.nats(scores[number][cell : cell + 1])[0])
        steps[number] = Step(cell, step_nats, piece)
        origin_here = int(origins[number][cell])
        if origin_here == _FRESH:
            break
        if origin_here == _JUMPED:
            half = min(count, max(0, int((rhythms[number].length_s / 2 / rate - limits.SLACK_S) * CELL_RATE)))
            number, cell = ends.before(number, cell - half)
            piece -= 1
        else:
            shift = round((rhythms[number].middle_s - rhythms[number - 1].middle_s) / rate * CELL_RATE)
            number, cell = number - 1, cell - shift + origin_here
    counted = tuple(None if step is None else Step(first + step.cell, step.nats, step.piece - piece) for step in steps)
    return Path(counted, float(best[-1]))


def _kept(
    total: NDArray[np.float32], distance_s: float, tolerance: float
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Going on at the same distance as in the movie: the nats so far for each cell, and the cells of drift taken."""
    shift = round(distance_s * CELL_RATE)
    reach = min(100, 1 + int(distance_s * tolerance * CELL_RATE + 0.5))
    count = len(total)
    best = np.full_like(total, -np.inf)
    drift = np.zeros(count, np.int8)
    for move in sorted(range(-reach, reach + 1), key=abs):
        back = int(np.clip(shift - move, -count, count))  # the cell before lies so far back
        here, before = slice(max(back, 0), count + min(back, 0)), slice(max(-back, 0), count - max(back, 0))
        moved = total[before] - np.float32(limits.DRIFT_NATS * max(0, abs(move) - 1))
        better = moved > best[here]
        np.copyto(best[here], moved, where=better)
        np.copyto(drift[here], np.int8(move), where=better)
    return best, drift


class _Rarity:
    """Likeness as nats: how rare it is in this recording, where nearly all cells are wrong."""

    def __init__(self, scores: Sequence[NDArray[np.float16]]) -> None:
        every = 1 + len(scores) * len(scores[0]) // 1_000_000
        sample = np.concatenate([row[::every] for row in scores]).astype(np.float32)
        common, rare = np.quantile(sample, (0.99, 0.999))
        self._common = float(common)
        self._slope = np.log(10) / max(float(rare - common), 0.3)

    def nats(self, scores: NDArray[np.float16]) -> NDArray[np.float32]:
        rarity = np.log(100) + (scores.astype(np.float32) - self._common) * self._slope
        return np.asarray(np.clip(rarity - limits.GIFT_NATS, limits.ABSENT_NATS, limits.BEST_NATS), np.float32)


@dataclass(frozen=True, slots=True)
class SpeechSpeed:
    """The speed of a recording against the movie.

    Attributes:
        rate: movie seconds per recording second.
        error: its standard error, as a part of itself; 0 for a rate that editions are known to have.
    """

    rate: Fraction
    error: float


def find_speed(
    rhythms: Sequence[Rhythm], cells: Cells, lines: SpokenLines, rates: Sequence[Fraction] | None
) -> tuple[SpeechSpeed, Path] | None:
    """A recording's speed and the path at that speed; None where no path is likelier than chance.

    Args:
        rhythms: the dialogues, by their start.
        cells: the recording, in cells.
        lines: the recording, for single lines.
        rates: speeds to try; None for all from 0.9 to 1.12.
    """
    if rates is not None:
        tried = [(SpeechSpeed(rate, 0.0), find_path(rhythms, cells, float(rate), limits.SETTLED)) for rate in rates]
        best = max(tried, key=lambda attempt: attempt[1].nats, default=None)
        return best if best is not None and best[1].nats >= limits.FOUND_NATS else None
    rate, reach, path = 1.0, limits.FAMILY_REACH, Path((), -np.inf)
    for family in _FAMILIES:
        attempt = find_path(rhythms, cells, float(family), limits.FAMILY_REACH)
        if attempt.nats > path.nats:
            rate, path = float(family), attempt
        if path.nats >= limits.CLEAR_NATS * len(rhythms) + limits.FOUND_NATS:
            break
    else:
        guess = _guess(rhythms, cells)
        attempt = find_path(rhythms, cells, guess, _STEP_REACH)
        if attempt.nats > path.nats:
            rate, reach, path = guess, _STEP_REACH, attempt
    for tolerance in (reach / 4, limits.SETTLED):
        if path.nats < limits.FOUND_NATS:
            return None
        measured, error = _measured(path, rhythms, lines, rate)
        speed = _settled(measured, error)
        rate = float(speed.rate)
        path = find_path(rhythms, cells, rate, tolerance)
    return (speed, path) if path.nats >= limits.FOUND_NATS else None


def _guess(rhythms: Sequence[Rhythm], cells: Cells) -> float:
    """The likeliest of all speeds, by two rows of neighbours with many lines, one in each half of the movie."""
    probe = list(rhythms)
    if len(rhythms) > 2 * limits.PROBE_DIALOGUES:
        lines = np.convolve([len(rhythm.cues) for rhythm in rhythms], np.ones(limits.PROBE_DIALOGUES), "valid")
        half = len(rhythms) // 2
        first = int(lines[: half - limits.PROBE_DIALOGUES + 1].argmax())
        second = half + int(lines[half:].argmax())
        probe = [*rhythms[first : first + limits.PROBE_DIALOGUES], *rhythms[second : second + limits.PROBE_DIALOGUES]]
    rates = np.arange(limits.SLOWEST, limits.FASTEST + limits.SPEED_STEP / 2, limits.SPEED_STEP)
    return float(max(rates, key=lambda rate: find_path(probe, cells, float(rate), _STEP_REACH).nats))


def _measured(path: Path, rhythms: Sequence[Rhythm], lines: SpokenLines, rate: float) -> tuple[float, float]:
    """The speed that fits the path best, and its standard error as a part of itself."""
    rows = [
        (step.piece, rhythms[number].middle_s, lines.onset_s(rhythms[number], step.cell / CELL_RATE, rate))
        for run in path.runs()
        for number in run
        if (step := path.steps[number])
    ]
    pieces, movie_s, recording_s = np.asarray(rows, np.float64).reshape(-1, 3).T
    slope, error, kept = 1 / rate, 1.0, np.ones(len(rows), bool)
    for _ in range(4):  # each time without those that do not fit
        x, y = movie_s.copy(), recording_s.copy()
        for piece in np.unique(pieces[kept]):
            x[pieces == piece] -= x[(pieces == piece) & kept].mean()
            y[pieces == piece] -= y[(pieces == piece) & kept].mean()
        spread = float(np.square(x[kept]).sum())
        if spread < 1:
            return rate, 1.0
        slope = float((x[kept] * y[kept]).sum()) / spread
        misfit = np.abs(y - slope * x)
        scatter = max(0.02, 1.4826 * float(np.median(misfit[kept])))
        error = scatter / np.sqrt(spread) / slope
        kept &= misfit < 3 * scatter
    return 1 / slope, float(error)


def _settled(measured: float, error: float) -> SpeechSpeed:
    """The speed an edition has, from one that was measured."""
    tolerance = float(np.clip(limits.SURE_ERRORS * error, 1e-6, limits.FAMILY_REACH))
    for rate in RATES:  # the most frequent first: a short film does not tell 1 from 1.001
        if abs(float(rate) / measured - 1) <= tolerance:
            return SpeechSpeed(rate, 0.0)
    rate = known_rate(measured, tolerance)
    exact = abs(float(rate) / measured - 1) > tolerance / 10  # else it was not a known one
    return SpeechSpeed(rate, 0.0 if exact else error)

"""From places where words were found to one speed and the pieces played without a cut.

A *point* says: this line of the movie's transcript may be here in the recording's subtitles. Most are chance. Those
that are true share one speed, run in order, and keep one offset over long stretches; a chain of such points is found
by dynamic programming, in which a change of offset has its price. Offsets are in movie time: recording * rate - movie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_subtitles import subtitle_limits as limits
from mmdia_dataset.alignment.evidence import RATES

__all__ = ["Chain", "Points", "best_chain", "common_rate"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SLOWEST, FASTEST = 0.9, 1.12  # speeds that are sought


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Places where lines may be, sorted by line; all arrays are (points,).

    Attributes:
        line: which line.
        movie_s: when its words are said in the movie [s].
        recording_s: when these words are shown in the recording [s].
        evidence: how much more likely this is so than chance [nats].
        alone: whether the line was found in few other places.
    """

    line: Integers
    movie_s: Floats
    recording_s: Floats
    evidence: Floats
    alone: NDArray[np.bool_]

    def some(self, chosen: NDArray[np.bool_] | Integers) -> Points:
        """A part of the points."""
        return Points(
            line=self.line[chosen],
            movie_s=self.movie_s[chosen],
            recording_s=self.recording_s[chosen],
            evidence=self.evidence[chosen],
            alone=self.alone[chosen],
        )


@dataclass(frozen=True, slots=True)
class Chain:
    """Points that agree, in order.

    Attributes:
        points: those of the chain.
        rate: speed, movie seconds per recording second.
        piece: (points,), number of the piece each belongs to, rising.
        evidence: of the whole, prices paid [nats].
    """

    points: Points
    rate: float
    piece: Integers
    evidence: float


def best_chain(points: Points) -> Chain | None:
    """The chain with the most evidence, over all speeds between `SLOWEST` and `FASTEST`; None without points."""
    if not len(points.line):
        return None
    sure = points.some(points.alone) if points.alone.any() else points
    if len(sure.line) > limits.SURE_POINTS:
        sure = sure.some(np.sort(np.argsort(-sure.evidence, kind="stable")[: limits.SURE_POINTS]))
    speeds = [*_speeds(sure), *(float(rate) for rate in RATES)]
    rough = max((_chain(sure, speed, limits.UNKNOWN_DRIFT) for speed in speeds), key=lambda chain: chain.evidence)
    for _ in range(2):
        rate, _ = common_rate(rough.points.movie_s, rough.points.recording_s, rough.piece, rough.rate)
        rough = _chain(sure, rate, limits.UNKNOWN_DRIFT / 4)
    rate, _ = common_rate(rough.points.movie_s, rough.points.recording_s, rough.piece, rough.rate)
    return _chain(points, rate, 0.0)


def common_rate(movie_s: Floats, recording_s: Floats, piece: Integers, rate: float) -> tuple[float, float]:
    """The one speed that suits all pieces, each with its own offset, by least squares without outliers.

    Args:
        movie_s: movie time of each point [s].
        recording_s: recording time of each point [s].
        piece: the piece each belongs to.
        rate: the speed as known so far; given back where the points span too little time.

    Returns:
        The speed and its standard error.
    """
    kept = np.ones(len(movie_s), bool)
    error = 1.0
    for limit in (0.6, 0.4, 0.3):
        across = _centred(recording_s, piece, kept)
        along = _centred(movie_s, piece, kept)
        spread = float((across[kept] ** 2).sum())
        if kept.sum() < 3 or spread < 1.0:
            return rate, error
        slope = float((across[kept] * along[kept]).sum()) / spread
        if not SLOWEST <= slope <= FASTEST:
            return rate, error
        rest = across * slope - along
        rate, error = slope, float(np.sqrt((rest[kept] ** 2).sum() / max(1, kept.sum() - 2) / spread))
        kept = np.abs(rest) <= limit
    return rate, error


def _centred(times: Floats, piece: Integers, kept: NDArray[np.bool_]) -> Floats:
    """Times less the mean of their piece."""
    size = int(piece.max()) + 1
    count = np.bincount(piece[kept], minlength=size)
    mean = np.bincount(piece[kept], times[kept], minlength=size) / np.maximum(count, 1)
    return times - mean[piece]


def _speeds(points: Points) -> list[float]:
    """The speeds most pairs of points agree on."""
    bins = round((FASTEST - SLOWEST) / limits.SPEED_STEP)
    votes = np.zeros(bins)
    for n in range(len(points.line)):
        ahead = slice(n + 1, n + 1 + 4 * limits.PARTNERS)
        movie = points.movie_s[ahead] - points.movie_s[n]
        recording = points.recording_s[ahead] - points.recording_s[n]
        fit = (
            (movie >= limits.PAIR_NEAR_S)
            & (movie <= limits.PAIR_FAR_S)
            & (recording > movie / FASTEST)
            & (recording < movie / SLOWEST)
        )
        speed = movie[fit][: limits.PARTNERS] / recording[fit][: limits.PARTNERS]
        weight = np.minimum(points.evidence[n], points.evidence[ahead][fit][: limits.PARTNERS])
        votes += np.bincount(np.clip(((speed - SLOWEST) / limits.SPEED_STEP).astype(int), 0, bins - 1), weight, bins)
    window = np.ones(21) / 21
    smooth = np.convolve(votes, np.convolve(window, window), "same")
    speeds = []
    for _ in range(3):
        top = int(smooth.argmax())
        if smooth[top] > 0:
            speeds.append(SLOWEST + (top + 0.5) * limits.SPEED_STEP)
        smooth[max(0, top - 60) : top + 61] = 0
    return speeds


def _chain(points: Points, rate: float, drift: float) -> Chain:
    """The best chain at one speed."""
    line, movie, recording = points.line, points.movie_s, points.recording_s
    offset = recording * rate - movie
    best = points.evidence.copy()
    before = np.full(len(line), -1)
    joined = np.zeros(len(line), bool)
    for n in range(1, len(line)):
        back = slice(max(0, n - limits.POINTS_BACK), n)
        earlier = np.flatnonzero((line[back] < line[n]) & (recording[back] < recording[n])) + back.start
        if not len(earlier):
            continue
        passed = np.minimum(limits.MISSED_NATS * (line[n] - line[earlier] - 1), limits.MISSED_MOST_NATS)
        apart = np.abs(offset[n] - offset[earlier]) / (limits.LINE_SAME_S + drift * (movie[n] - movie[earlier]))
        gain = best[earlier] - passed - np.where(apart <= 1, apart**2, limits.JUMP_NATS)
        top = int(gain.argmax())
        if gain[top] > 0:
            best[n] += gain[top]
            before[n] = earlier[top]
            joined[n] = apart[top] <= 1
    index = int(best.argmax())
    evidence = float(best[index])
    path = [index]
    while before[index] >= 0:
        index = int(before[index])
        path.append(index)
    chosen = np.asarray(path[::-1], np.int64)
    piece = np.cumsum(~joined[chosen]) - int(not joined[chosen[0]])
    return Chain(points.some(chosen), rate, piece.astype(np.int64), evidence)

"""At which speed and pitch a recording plays a movie: known ones first, then all between 0.9 and 1.12."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_fingerprint import fingerprint_limits as limits
from mmdia_dataset.alignment.by_fingerprint.agreement import Agreement
from mmdia_dataset.alignment.by_fingerprint.changes import changes_of
from mmdia_dataset.alignment.by_fingerprint.correlation import Hit, Searchable
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import TimingFingerprint
from mmdia_dataset.alignment.evidence import PULLED_RATES
from mmdia_dataset.alignment.soundtrack import Soundtrack

__all__ = ["Speed", "Window", "find_speed"]

Window = NDArray[np.int64]
"""Frames of a fingerprint that are looked for together."""

# Within a window of 24 s, speeds 0.15 % apart are one.
_KNOWN = (1.0, 1.0422, 1 / 1.0422)


@dataclass(frozen=True, slots=True)
class Speed:
    """A speed, and what speaks for it.

    Attributes:
        rate: movie seconds per recording second.
        pitch: how much higher the recording sounds.
        hits: the windows found with it.
    """

    rate: float
    pitch: float
    hits: tuple[Hit, ...]


def find_speed(
    reference: TimingFingerprint, soundtrack: Soundtrack, windows: list[Window], small: list[Window]
) -> Speed | None:
    """The speed at which most windows are found clearly, or None where none is found.

    Args:
        reference: of the movie.
        soundtrack: of the recording.
        windows: what to look for at known speeds, of 24 s at most, in the order to try.
        small: what to look for at all others, of 12 s at most.
    """
    best: Speed | None = None
    prepared: dict[float, Searchable] = {}
    unsure: Speed | None = None
    for rate, pitch in _hypotheses(_KNOWN):
        hits = _hits(reference, soundtrack, prepared, windows, rate, pitch)
        unsure = _better(unsure, Speed(rate, pitch, hits))
        best = _better(best, _sure(rate, pitch, hits))
        if best is not None and len(best.hits) >= min(4, len(windows)):
            break
    prepared = {1.0: prepared[1.0]}
    if best is not None and np.mean([hit.score for hit in best.hits]) < limits.CLEAN:
        # Noise, or a speed near the known one: a percent off, windows are still found, but badly.
        near = tuple(best.rate + step * limits.SPEED_STEP for step in (-2, -1, 1, 2))
        for rate, pitch in _hypotheses(near):
            best = _better(best, _sure(rate, pitch, _hits(reference, soundtrack, prepared, windows, rate, pitch)))
    if best is None or len(best.hits) < min(2, len(windows)):
        for rate, pitch in _hypotheses(
            tuple(np.arange(limits.SLOWEST, limits.FASTEST + limits.SPEED_STEP / 2, limits.SPEED_STEP))
        ):
            # Bands are wide: pitches a percent apart hear the same, and need be prepared once only.
            heard = float(np.exp(round(np.log(pitch) / limits.PITCH_STEP) * limits.PITCH_STEP))
            best = _better(best, _sure(rate, heard, _hits(reference, soundtrack, prepared, small, rate, heard)))
            for passed in [old for old in prepared if old != 1 and abs(old - rate) > 2 * limits.PITCH_STEP]:
                del prepared[passed]
    # A dub is found by its music alone, hardly above chance; what it is will be seen.
    best = best or unsure
    if best is None:
        return None
    starts_s = {float(reference.times[window[0]]) for window in windows}
    return _measured(reference, soundtrack, best, windows if {hit.at_s for hit in best.hits} <= starts_s else small)


def _hypotheses(rates: tuple[float, ...]) -> Iterator[tuple[float, float]]:
    for rate in rates:
        yield rate, rate
        if rate != 1:
            yield rate, 1.0


def _better(best: Speed | None, candidate: Speed | None) -> Speed | None:
    def weight(speed: Speed | None) -> float:
        return sum(hit.score - hit.second for hit in speed.hits) if speed else 0.0

    return candidate if weight(candidate) > weight(best) else best


def _hits(
    reference: TimingFingerprint,
    soundtrack: Soundtrack,
    prepared: dict[float, Searchable],
    windows: list[Window],
    rate: float,
    pitch: float,
) -> tuple[Hit, ...]:
    """The windows that are found at a speed, and clearly."""
    if pitch not in prepared:
        prepared[pitch] = Searchable(changes_of(soundtrack, pitch))
    times, signs = reference.times, reference.signs
    hits: list[Hit] = []
    for tried, window in enumerate(windows, 1):
        hit = prepared[pitch].find(times[window], signs[window], rate)
        if hit.score >= limits.SPEED_LEAST and hit.score >= limits.SPEED_CLEAR * hit.second:
            hits.append(hit)
        if len(hits) >= limits.HITS_ENOUGH or (tried >= limits.HITS_TRIES and not hits):
            break
    return tuple(hits)


def _sure(rate: float, pitch: float, hits: tuple[Hit, ...]) -> Speed | None:
    sure = tuple(hit for hit in hits if _is_sure(hit, hits, rate))
    return Speed(rate, pitch, sure) if sure else None


def _is_sure(hit: Hit, hits: tuple[Hit, ...], rate: float) -> bool:
    """Whether a hit is more than the best of many places: far above the next, or on one line with another."""
    if hit.score >= limits.SPEED_SURE * hit.second:
        return True
    return any(
        neighbour is not hit
        and abs((hit.found_s - neighbour.found_s) * rate - (hit.at_s - neighbour.at_s))
        < limits.LINE_BESIDE_S + limits.SPEED_CLASS * abs(hit.at_s - neighbour.at_s)
        for neighbour in hits
    )


def _measured(reference: TimingFingerprint, soundtrack: Soundtrack, speed: Speed, windows: list[Window]) -> Speed:
    """The exact speed: the one at which most pairs of windows have the same offset, known speeds preferred."""
    agreement = Agreement(reference, soundtrack, speed.rate, speed.pitch)
    by_start = {float(reference.times[window[0]]): window for window in windows}
    points: list[tuple[float, float]] = []
    for hit in speed.hits:
        window = by_start[hit.at_s]
        offset = hit.found_s * speed.rate - hit.at_s
        middle = float(reference.times[window].mean())
        points.append((middle, (middle + offset) / speed.rate + agreement.peak(window, offset, 8).shift_s))
    points.sort()
    usual_rates = [float(rate) for rate in PULLED_RATES if abs(float(rate) / speed.rate - 1) < limits.SPEED_CLASS]
    slopes = [
        (second[0] - first[0]) / (second[1] - first[1])
        for n, first in enumerate(points)
        for second in points[n + 1 :]
        if second[1] - first[1] > 20
        and abs((second[0] - first[0]) / (second[1] - first[1]) / speed.rate - 1) < limits.SPEED_CLASS
    ]
    usual = max(usual_rates, key=lambda rate: _pairs(points, rate), default=speed.rate)
    free = max(slopes, key=lambda rate: _pairs(points, rate), default=usual)
    exact = usual
    if _pairs(points, usual) < 0.6 * _pairs(points, free):
        # With a splice between most windows, chance alone can put some on one line: the windows must gain by it too.
        inside = [_inside(agreement, speed.hits, by_start, rate) for rate in (usual, free)]
        exact = free if inside[1] > inside[0] + limits.SPEED_GAIN else usual
    if abs(exact - 1) < limits.SPEED_CLASS:
        return Speed(exact, 1.0, speed.hits)
    # Bands are wide enough to be found at the other pitch too; at the right one they agree better.
    pitches = (exact, 1.0)
    heard = [
        _inside(Agreement(reference, soundtrack, speed.rate, pitch), speed.hits, by_start, exact) for pitch in pitches
    ]
    return Speed(exact, pitches[int(np.argmax(heard))], speed.hits)


def _inside(agreement: Agreement, hits: tuple[Hit, ...], windows: dict[float, Window], rate: float) -> float:
    """How well the windows agree if each is played at this speed, on average."""
    scores = []
    for hit in hits:
        window = windows[hit.at_s]
        middle = float(agreement.times[window].mean())
        # The middle stays where it was found, so that only the speed makes a difference.
        recording_s = (middle - hit.at_s) / agreement.rate + hit.found_s
        scores.append(agreement.at_rate(rate).peak(window, recording_s * rate - middle, 8).score)
    return float(np.mean(scores))


def _pairs(points: list[tuple[float, float]], rate: float) -> int:
    """How many pairs of (movie time, recording time) lie on one line of this slope."""
    offsets = sorted(recording_s * rate - movie_s for movie_s, recording_s in points)
    return sum(later - offset < limits.PAIR_SAME_S for n, offset in enumerate(offsets) for later in offsets[n + 1 :])

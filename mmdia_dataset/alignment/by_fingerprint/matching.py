"""The first kind of evidence: a movie's timing fingerprint against what is heard of a recording.

First the speed, then the offsets at which stretches around the dialogues are found, then the path through them: the
pieces of the time map. What each dialogue then says for itself is judged in `judging`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_fingerprint import fingerprint_limits as limits
from mmdia_dataset.alignment.by_fingerprint.agreement import Agreement
from mmdia_dataset.alignment.by_fingerprint.correlation import Searchable
from mmdia_dataset.alignment.by_fingerprint.dubs import is_dub
from mmdia_dataset.alignment.by_fingerprint.judging import DUB, judge
from mmdia_dataset.alignment.by_fingerprint.likelihood import Likelihood
from mmdia_dataset.alignment.by_fingerprint.speed import Speed, Window, find_speed
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import FRAMES_PER_SECOND, TimingFingerprint
from mmdia_dataset.alignment.by_fingerprint.tracking import Run, follow, track
from mmdia_dataset.alignment.cues import cued
from mmdia_dataset.alignment.evidence import Alignment, Placed, Verdict, known_rate
from mmdia_dataset.alignment.soundtrack import FRAME_RATE, Soundtrack
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema import Dialogue, Reason
from mmdia_dataset.timing import Piece, TimeMap

__all__ = ["by_fingerprint"]

_COVERED = FRAMES_PER_SECOND / 3  # frames for each second of a stretch: a third of it is enough to look for


@dataclass(frozen=True, slots=True)
class _Tracked:
    """A recording on its way to being aligned: agreement at the present speed, the runs, and places along them."""

    agreement: Agreement
    runs: list[Run]
    errors_s: list[float]
    parts: list[list[tuple[float, float, float]]]


def by_fingerprint(dialogues: Sequence[Dialogue], reference: TimingFingerprint, soundtrack: Soundtrack) -> Alignment:
    """Align a recording with a movie by the movie's timing fingerprint.

    Args:
        dialogues: of the movie, with times in it.
        reference: the movie's fingerprint.
        soundtrack: the recording's.
    """
    ids = tuple(dialogue.id for dialogue in dialogues)

    def nothing(rule: Refusal, detail: str) -> Alignment:
        return Alignment.nothing("fingerprint", ids, Reason(rule=rule, detail=detail))

    windows = _windows(dialogues, reference, limits.WINDOW_S)
    if not windows:
        return nothing(Refusal.TOO_LITTLE_EVIDENCE, "no part of the movie's fingerprint is long enough to search for")
    if not soundtrack.levels.any():
        return nothing(Refusal.TOO_LITTLE_EVIDENCE, "the recording's sound track is silent")
    tracked = _tracked(dialogues, reference, soundtrack, windows)
    alignment = _alignment(dialogues, tracked) if tracked is not None and tracked.runs else None
    if alignment is not None and alignment.time_map.pieces:
        return alignment
    if is_dub(dialogues, reference, soundtrack):
        return nothing(Refusal.OTHER_LANGUAGE, DUB)
    # In the gaps lie the pauses that a dub shares with the movie.
    dubbed = "; it may be a dub, since this fingerprint knows little but speech" if reference.gaps else ""
    return alignment or nothing(Refusal.OTHER_MOVIE, f"no part of its sound matches the movie's fingerprint{dubbed}")


def _tracked(
    dialogues: Sequence[Dialogue], reference: TimingFingerprint, soundtrack: Soundtrack, windows: list[Window]
) -> _Tracked | None:
    """Speed and runs, or None if no speed is found."""
    speed = find_speed(reference, soundtrack, windows, _windows(dialogues, reference, limits.SMALL_S))
    if speed is None or not speed.hits:
        return None
    agreement = Agreement(reference, soundtrack, speed.rate, speed.pitch)
    offsets = _offsets(agreement, speed, _stretches(dialogues, reference))
    tracked = _measured(agreement, track(agreement, offsets))
    for _ in range(limits.ROUNDS):
        exact = _exact_rate(tracked)
        if exact is None:
            break
        pitch = speed.pitch if speed.pitch == 1 else exact
        agreement = Agreement(reference, soundtrack, exact, pitch)
        offsets = [_same_place(tracked.agreement, run, exact) for run in tracked.runs]
        tracked = _measured(agreement, track(agreement, offsets))
    return tracked


def _learned(dialogues: Sequence[Dialogue], tracked: _Tracked) -> tuple[_Tracked, Likelihood]:
    """The runs, found again with what has been learned about the recording."""
    agreement = tracked.agreement
    likelihood = Likelihood(agreement, tracked.runs, cued(agreement.times, dialogues))
    offsets = sorted({run.offset_s for run in tracked.runs})
    runs = follow(agreement.times, offsets, likelihood.nats, limits.SPLICE_NATS)
    return _measured(agreement, runs), likelihood


def _windows(dialogues: Sequence[Dialogue], reference: TimingFingerprint, length_s: float) -> list[Window]:
    """Stretches to probe the speed with: in each twelfth of the movie the one with most speech; far ones in turn."""
    times = reference.times
    chosen: dict[int, tuple[float, Window]] = {}
    for dialogue in dialogues:
        middle = (dialogue.span.start_ms + dialogue.span.end_ms) / 2000
        window = np.flatnonzero((times >= middle - length_s / 2) & (times < middle + length_s / 2))
        if len(window) < length_s * _COVERED:
            continue
        speech = sum(max(0, turn.span.duration_ms) for turn in dialogue.turns)
        slot = int(middle / (times[-1] + 1) * limits.PROBES)
        if slot not in chosen or chosen[slot][0] < speech:
            chosen[slot] = (speech, window)
    in_order = [chosen[slot][1] for slot in sorted(chosen)]
    return in_order[::3] + in_order[1::3] + in_order[2::3]


def _stretches(dialogues: Sequence[Dialogue], reference: TimingFingerprint) -> list[Window]:
    """Frames of every dialogue and a little around it, long ones in parts."""
    every, numbers = np.arange(len(reference.bits)) / FRAMES_PER_SECOND, reference.frames
    stretches: list[Window] = []
    for dialogue in sorted(dialogues, key=lambda dialogue: dialogue.span):
        start, end = dialogue.span.start_ms / 1000 - limits.CONTEXT_S, dialogue.span.end_ms / 1000 + limits.CONTEXT_S
        around = np.flatnonzero((every >= start) & (every < end))
        parts = max(1, round((end - start) / limits.WINDOW_S))
        for part in np.array_split(around, parts):
            frames = np.flatnonzero((numbers >= part.min(initial=len(every))) & (numbers <= part.max(initial=-1)))
            if len(frames) >= limits.SMALL_S * _COVERED:
                stretches.append(frames)
    return stretches


def _offsets(agreement: Agreement, speed: Speed, stretches: list[Window]) -> list[float]:
    """Every offset [s] at which some stretch is found: near those known already, else anywhere."""
    searchable = Searchable(agreement.changes)
    offsets: list[float] = []
    for hit in speed.hits:
        rough = hit.found_s * agreement.rate - hit.at_s
        near = np.flatnonzero((agreement.times >= hit.at_s) & (agreement.times < hit.at_s + limits.SMALL_S))
        offsets.append(rough + agreement.peak(near, rough, 12).shift_s * agreement.rate)
    for stretch in stretches:
        if any(agreement.peak(stretch, offset, 2).score >= limits.HOLDS for offset in reversed(offsets)):
            continue
        hit = searchable.find(agreement.times[stretch], agreement.signs[stretch], agreement.rate)
        if hit.score >= limits.FOUND_LEAST and hit.score >= limits.FOUND_CLEAR * hit.second:
            rough = hit.found_s * agreement.rate - hit.at_s
            offsets.append(rough + agreement.peak(stretch, rough, 5).shift_s * agreement.rate)
    return offsets


def _measured(agreement: Agreement, runs: list[Run]) -> _Tracked:
    """Runs with their offsets measured along their whole length, and with their standard errors.

    Offsets that turn out alike when measured are one run's, and are measured again as one.
    """
    tracked = _each_measured(agreement, _joined(runs))
    joined = _joined(tracked.runs)
    return tracked if len(joined) == len(tracked.runs) else _each_measured(agreement, joined)


def _joined(runs: list[Run]) -> list[Run]:
    joined: list[Run] = []
    for run in runs:
        last = joined[-1] if joined else None
        if last is not None and abs(last.offset_s - run.offset_s) < limits.RUNS_ALIKE_S:
            longer = max(last, run, key=lambda run: run.after - run.first)
            joined[-1] = Run(last.first, run.after, longer.offset_s)
        else:
            joined.append(run)
    return joined


def _each_measured(agreement: Agreement, joined: list[Run]) -> _Tracked:
    final: list[Run] = []
    errors: list[float] = []
    parts: list[list[tuple[float, float, float]]] = []
    for run in joined:
        places = _parts(agreement, run)
        if not places:
            continue
        parts.append(places)
        shift = _middle(places)
        final.append(replace(run, offset_s=run.offset_s + shift * agreement.rate))
        scatter = float(np.median([abs(place[1] - shift) for place in places])) * 1.4826
        inner = 1 / np.sqrt(sum(1 / max(place[2], 1e-4) ** 2 for place in places))
        errors.append(float(max(inner, scatter / np.sqrt(len(places)))))
    return _Tracked(agreement, final, errors, parts)


def _parts(agreement: Agreement, run: Run) -> list[tuple[float, float, float]]:
    """Along a run: movie time, how far the recording is from where the run says, and its standard error, all in s."""
    frames = np.arange(run.first, run.after)
    count = max(1, round(len(frames) / FRAMES_PER_SECOND / limits.PART_S))
    places: list[tuple[float, float, float]] = []
    for part in np.array_split(frames, count):
        peak = agreement.peak(part, run.offset_s, limits.PART_REACH)
        if peak.score > 0.3 or count == 1:
            places.append((float(agreement.times[part].mean()), peak.shift_s, peak.spread_s))
    return places


def _middle(places: list[tuple[float, float, float]]) -> float:
    """The weighted median of shifts."""
    if not places:
        return 0.0
    order = sorted(places, key=lambda place: place[1])
    weights = np.cumsum([1 / max(place[2], 1e-4) for place in order])
    return order[int(np.searchsorted(weights, weights[-1] / 2))][1]


def _exact_rate(tracked: _Tracked) -> float | None:
    """The speed that leaves no drift inside the runs, or None if the present one leaves none that matters."""
    times: list[NDArray[np.float64]] = []
    shifts: list[NDArray[np.float64]] = []
    longest = 0.0
    for places in tracked.parts:
        if len(places) < 4:
            continue
        # A shift as large as was looked for is the largest that could be found, not the true one.
        places = [place for place in places if abs(place[1]) < (limits.PART_REACH - 0.5) / FRAME_RATE] or places
        movie_s, shift_s = np.array([place[0] for place in places]), np.array([place[1] for place in places])
        times.append(movie_s - movie_s.mean())
        shifts.append(shift_s - np.median(shift_s))
        longest = max(longest, float(np.ptp(movie_s)))
    if not times:
        return None
    movie_s, shift_s = np.concatenate(times), np.concatenate(shifts)
    good = np.abs(shift_s) <= max(0.004, 3 * float(np.median(np.abs(shift_s))) * 1.4826)
    if good.sum() < 4 or not movie_s[good].any():
        return None
    slope = float((movie_s[good] * shift_s[good]).sum() / (movie_s[good] ** 2).sum())
    scatter = float(np.std(shift_s[good] - slope * movie_s[good])) / np.sqrt(float((movie_s[good] ** 2).sum()))
    if abs(slope) * longest < 0.003 or abs(slope) < 4 * scatter:
        return None
    rate = 1 / (1 / tracked.agreement.rate + slope)
    return float(known_rate(rate, max(4 * scatter, 1e-7)))


def _same_place(agreement: Agreement, run: Run, rate: float) -> float:
    """The offset that leaves a run's middle where it is when the speed changes."""
    middle = float(agreement.times[(run.first + run.after) // 2])
    return (middle + run.offset_s) / agreement.rate * rate - middle


def _alignment(dialogues: Sequence[Dialogue], tracked: _Tracked) -> Alignment:
    rate = _fraction(tracked.agreement.rate)
    tracked, likelihood = _learned(dialogues, tracked)
    verdicts, reason = judge(dialogues, tracked.agreement, likelihood, tracked.runs, tracked.errors_s)
    placed = [verdict for verdict in verdicts.values() if isinstance(verdict, Placed)]
    if not placed:
        return Alignment(tier="fingerprint", time_map=TimeMap(()), verdicts=verdicts, reason=reason)
    pieces = _pieces(dialogues, verdicts, tracked, rate)
    return Alignment(
        tier="fingerprint",
        time_map=TimeMap(pieces),
        verdicts=verdicts,
        error_ms=max(verdict.error_ms for verdict in placed),
        confidence=float(np.median([verdict.confidence for verdict in placed])),
        reason=reason,
    )


def _pieces(
    dialogues: Sequence[Dialogue], verdicts: Mapping[str, Verdict], tracked: _Tracked, rate: Fraction
) -> tuple[Piece, ...]:
    """The runs as pieces, each long enough for the whole of the dialogues it places."""
    times = tracked.agreement.times
    edges = [[round(float(times[n]) * 1000) for n in (run.first, run.after - 1)] for run in tracked.runs]
    for dialogue in dialogues:
        verdict = verdicts[dialogue.id]
        if isinstance(verdict, Placed):
            span = dialogue.span
            offset = verdict.start_s * tracked.agreement.rate - span.start_ms / 1000
            edge = edges[int(np.argmin([abs(run.offset_s - offset) for run in tracked.runs]))]
            edge[0], edge[1] = min(edge[0], span.start_ms), max(edge[1], span.end_ms)
    for before, after in pairwise(edges):
        after[0] = max(after[0], before[1] + 1)
    return tuple(
        Piece(start, end + 1, rate, Fraction(round(run.offset_s * 1_000_000), 1000))
        for (start, end), run in zip(edges, tracked.runs, strict=True)
    )


def _fraction(rate: float) -> Fraction:
    return known_rate(rate, 1e-9)

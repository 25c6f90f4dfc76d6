"""What a fingerprint says of each dialogue: is it there, whole, and spoken by the same voices?

A dub carries the same music and effects at the same times. So what must agree is the SPEECH: the loud frames inside
the cues; and they must agree about as well as the pauses do, since noise that a recording has gained spoils pauses
before it spoils speech, while another voice spoils nothing but speech.

Dialogues in a fingerprint's gaps say nothing themselves. One that lies between two placed ones of one run is placed by
that run; its bound says that it was not heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_fingerprint import fingerprint_limits as limits
from mmdia_dataset.alignment.by_fingerprint.agreement import Agreement
from mmdia_dataset.alignment.by_fingerprint.likelihood import Likelihood
from mmdia_dataset.alignment.by_fingerprint.splices import splice_in
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import FRAMES_PER_SECOND
from mmdia_dataset.alignment.by_fingerprint.tracking import Run
from mmdia_dataset.alignment.cues import cued
from mmdia_dataset.alignment.evidence import NotPlaced, Placed, Verdict
from mmdia_dataset.alignment.soundtrack import FRAME_RATE
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema import Dialogue, Reason
from mmdia_dataset.timing import Span, format_timestamp

__all__ = ["DUB", "judge"]

DUB = "music and effects match the movie, but the voices do not: this is a dub or another mix"
"""What is said of a recording in another language."""

_BEYOND_S = 0.02  # a dialogue may end so much after its movie's fingerprint
_FRAME_S = 0.27  # a little more than the time between two frames of a fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """How a dialogue agrees where its run puts it, each -1 to 1.

    Attributes:
        speech: inside its cues.
        loud: there, in the louder half.
        pauses: between and around them; None where there are none to speak of.
        nats: what its speech says for the place.
        part: what the beginning or the end of it that speaks most for the place says for it.
        foreign: what the stretch of its speech that speaks most against the place says against it [nats].
        splice_s: movie time at which its run probably begins or ends although it is not over; None if none does [s].
        apart_s: how far the places of its halves differ [s].
        apart_error_s: standard error of that.
        shift_s: how far its own best place lies from its run's.
        spread_s: standard error of that.
    """

    speech: float
    loud: float
    pauses: float | None
    nats: float
    part: float
    foreign: float
    splice_s: float | None
    apart_s: float
    apart_error_s: float
    shift_s: float
    spread_s: float


def judge(
    dialogues: Sequence[Dialogue],
    agreement: Agreement,
    likelihood: Likelihood,
    runs: Sequence[Run],
    errors_s: Sequence[float],
) -> tuple[dict[str, Verdict], Reason | None]:
    """A verdict for each dialogue, and the reason if the recording as a whole is refused.

    Args:
        dialogues: of the movie.
        agreement: of fingerprint and recording at the right speed.
        likelihood: what each frame says.
        runs: pieces in order of time.
        errors_s: the standard error of each run's offset.
    """
    verdicts: dict[str, Verdict] = {}
    heard: dict[str, tuple[Dialogue, int, _Heard]] = {}
    unheard: list[Dialogue] = []
    every = np.arange(len(agreement.reference.bits)) / FRAMES_PER_SECOND
    known = agreement.reference.known
    for dialogue in dialogues:
        where = _run_of(dialogue, agreement.times, likelihood, runs)
        speech = known[cued(every, [dialogue])]
        if dialogue.span.end_ms > 1000 * (agreement.reference.duration_s + _BEYOND_S):
            reason = Reason(
                rule=Refusal.TOO_LITTLE_EVIDENCE, detail="the movie's fingerprint ends before this dialogue does"
            )
            verdicts[dialogue.id] = NotPlaced(reason)
        elif speech.sum() < limits.LEAST_KNOWN * len(speech):
            unheard.append(dialogue)
        elif where is None:
            verdicts[dialogue.id] = NotPlaced(
                Reason(rule=Refusal.ABSENT, detail="your edition does not have this dialogue")
            )
        else:
            heard[dialogue.id] = (dialogue, where, _listen(dialogue, agreement, likelihood, runs, where))
    listened = [hearing for _, _, hearing in heard.values()]
    whole = _whole(listened)
    if whole is None:
        wander = float(np.median([abs(hearing.shift_s) for hearing in listened]))
        for id_, (dialogue, where, hearing) in heard.items():
            verdicts[id_] = _verdict(dialogue, agreement, runs[where], errors_s[where], hearing, wander)
        placed = sum(isinstance(verdict, Placed) for verdict in verdicts.values())
        if placed < limits.FEWEST_PLACED * (len(dialogues) - len(unheard)):
            detail = f"only {placed} of the movie's {len(dialogues)} dialogues could be found in this recording"
            whole = Reason(rule=Refusal.OTHER_MOVIE, detail=detail)
    if whole is not None:
        return {dialogue.id: NotPlaced(whole) for dialogue in dialogues}, whole
    neighbours = [
        (dialogue.span, number, verdict)
        for id_, (dialogue, number, _) in heard.items()
        if isinstance(verdict := verdicts[id_], Placed)
    ]
    for dialogue in unheard:
        verdicts[dialogue.id] = _between(dialogue.span, neighbours, runs, agreement.rate)
    return {dialogue.id: verdicts[dialogue.id] for dialogue in dialogues}, None


def _between(span: Span, neighbours: list[tuple[Span, int, Placed]], runs: Sequence[Run], rate: float) -> Verdict:
    """The verdict on a dialogue that was not heard, by the run that plays its nearest placed neighbours.

    Args:
        span: of the dialogue.
        neighbours: span, run and verdict of each dialogue that was heard and placed.
        runs: pieces in order of time.
        rate: movie seconds per recording second.
    """
    earlier = [neighbour for neighbour in neighbours if neighbour[0].start_ms <= span.start_ms]
    later = [neighbour for neighbour in neighbours if neighbour[0].end_ms >= span.end_ms]
    before = max(earlier, key=lambda neighbour: neighbour[0].start_ms, default=None)
    after = min(later, key=lambda neighbour: neighbour[0].end_ms, default=None)
    if before is None or after is None or before[1] != after[1]:
        alone = f"no dialogue {'after' if before else 'before'} it was found"
        where = "your recording is cut or longer near it" if before and after else alone
        detail = f"the movie's fingerprint has no sound of this dialogue, and {where}"
        return NotPlaced(Reason(rule=Refusal.TOO_LITTLE_EVIDENCE, detail=detail))
    bound = max(before[2].error_ms, after[2].error_ms) + 1000 * limits.RUNS_ALIKE_S
    start = (span.start_ms / 1000 + runs[before[1]].offset_s) / rate
    return Placed(start, bound, min(before[2].confidence, after[2].confidence))


def _run_of(dialogue: Dialogue, times: NDArray[np.float64], likelihood: Likelihood, runs: Sequence[Run]) -> int | None:
    """The run that plays a dialogue, None if there is none: of those that reach into it, the one most is said for."""
    start, end = dialogue.span.start_ms / 1000, dialogue.span.end_ms / 1000
    frames = np.flatnonzero((times >= start) & (times < end))
    shared = [min(end, times[run.after - 1] + _FRAME_S) - max(start, times[run.first] - _FRAME_S) for run in runs]
    near = [n for n, length_s in enumerate(shared) if length_s >= min(1.0, 0.5 * (end - start))]
    return max(near, key=lambda n: float(likelihood.nats(frames, runs[n].offset_s).sum()), default=None)


def _listen(
    dialogue: Dialogue, agreement: Agreement, likelihood: Likelihood, runs: Sequence[Run], number: int
) -> _Heard:
    times = agreement.times
    run = runs[number]
    start, end = dialogue.span.start_ms / 1000, dialogue.span.end_ms / 1000
    around = np.flatnonzero((times >= start - limits.PAUSES_S) & (times < end + limits.PAUSES_S))
    speaks = cued(times[around], [dialogue])
    in_run = (around >= run.first) & (around < run.after)
    speech = around[speaks]
    agree, weight = agreement.bits(around, run.offset_s)
    level = agreement.loudness(around, run.offset_s)
    loud = speaks & (level >= np.median(level[speaks])) if speaks.any() else speaks
    pauses = ~speaks & in_run

    def score(which: NDArray[np.bool_]) -> float:
        return float(agree[which].sum() / max(float(weight[which].sum()), 0.1 * agreement.usual * which.sum(), 1e-6))

    heavy = float(weight[pauses].sum()) / agreement.usual
    halves = np.array_split(speech, 2)
    peaks = [agreement.peak(half, run.offset_s, limits.HALVES_REACH) for half in halves] if len(speech) >= 8 else []
    peak = agreement.peak(speech, run.offset_s, 6) if len(speech) else None
    nats = likelihood.nats(speech, run.offset_s)
    sums = np.concatenate([[0.0], np.cumsum(nats)])
    return _Heard(
        speech=score(speaks),
        loud=score(loud),
        pauses=score(pauses) if heavy > 4 else None,
        nats=float(sums[-1]),
        part=float(max(sums.max(), sums[-1] - sums.min())),
        foreign=float((np.maximum.accumulate(sums) - sums).max()),
        splice_s=splice_in(dialogue.span, times, likelihood.nats, runs, number),
        apart_s=peaks[1].shift_s - peaks[0].shift_s if peaks else 0.0,
        apart_error_s=float(np.hypot(peaks[0].spread_s, peaks[1].spread_s)) if peaks else 0.0,
        shift_s=peak.shift_s if peak else 0.0,
        spread_s=peak.spread_s if peak else 1.0,
    )


def _whole(heard: list[_Heard]) -> Reason | None:
    """Why the recording is not an edition of the movie, by what is typical of its dialogues; None if it is one."""
    if not heard:
        return Reason(rule=Refusal.OTHER_MOVIE, detail="none of the movie's dialogues could be found in this recording")
    speech = float(np.median([hearing.loud for hearing in heard]))
    pause_scores = [hearing.pauses for hearing in heard if hearing.pauses is not None]
    pauses = float(np.median(pause_scores)) if pause_scores else 0.0
    if speech < limits.STRONG and pauses - speech > limits.OTHER_VOICE / 2:
        return Reason(rule=Refusal.OTHER_LANGUAGE, detail=DUB)
    if speech < limits.WEAK:
        return Reason(rule=Refusal.OTHER_MOVIE, detail="the sound at these times does not match the movie")
    return None


def _stretched(agreement: Agreement) -> bool:
    return agreement.pitch == 1 and abs(agreement.rate - 1) > 0.002


def _verdict(
    dialogue: Dialogue,
    agreement: Agreement,
    run: Run,
    error_s: float,
    hearing: _Heard,
    wander_s: float,
) -> Verdict:
    """What is said of one dialogue.

    Args:
        dialogue: it.
        agreement: of fingerprint and recording.
        run: the piece it is in.
        error_s: the standard error of that piece's offset.
        hearing: what was heard of it.
        wander_s: how far their own best places lie from their pieces'.
    """

    def refused(rule: Refusal, detail: str) -> NotPlaced:
        return NotPlaced(Reason(rule=rule, detail=detail))

    if hearing.splice_s is not None and hearing.part > limits.ENOUGH_NATS:
        when = format_timestamp(round(hearing.splice_s * 1000))
        return refused(Refusal.SPLICE, f"something is cut out or added near {when} (movie time)")
    if hearing.pauses is not None and hearing.pauses - hearing.loud > limits.OTHER_VOICE:
        return refused(Refusal.OTHER_LANGUAGE, "the sound around it matches the movie, but the voices do not")
    if min(hearing.speech, hearing.loud) < limits.FAINTEST or hearing.nats < limits.LEAST_NATS:
        return refused(Refusal.ABSENT, f"its sound matches the fingerprint by only {hearing.speech:.2f} (1 is full)")
    if hearing.splice_s is not None or hearing.foreign > limits.ENOUGH_NATS:
        return refused(Refusal.SPLICE, "part of this dialogue does not match the movie: something is cut out or added")
    if abs(hearing.apart_s) > max(limits.APART_S, limits.APART_ERRORS * hearing.apart_error_s):
        return refused(
            Refusal.SPLICE, f"{abs(hearing.apart_s) * 1000:.0f} ms are cut out or added in the middle of this dialogue"
        )
    if abs(hearing.shift_s) > limits.ASIDE_S + limits.ASIDE_ERRORS * max(hearing.spread_s, wander_s):
        return refused(
            Refusal.ABSENT,
            f"this dialogue is heard {hearing.shift_s * 1000:.0f} ms away from where it should be",
        )
    # Echo and noise move what is heard by some milliseconds, and so does stretching time without changing pitch.
    moved = limits.BLUR_S * (1 - min(1.0, hearing.speech)) + (limits.STRETCH_S if _stretched(agreement) else 0.0)
    bound = limits.LEAST_ERROR_S + moved + 3 * error_s + min(abs(hearing.shift_s), 2 * hearing.spread_s)
    start = (dialogue.span.start_ms / 1000 + run.offset_s) / agreement.rate
    if start < 0 or start * FRAME_RATE > len(agreement.changes):
        return refused(Refusal.ABSENT, "this dialogue lies outside your recording")
    return Placed(start, bound * 1000, float(np.clip((hearing.speech + hearing.loud) / 2 + 0.1, 0, 1)))

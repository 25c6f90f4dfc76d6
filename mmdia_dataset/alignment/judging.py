"""What a fingerprint says of each dialogue: is it there, whole, and spoken by the same voices?

A dub carries the same music and effects at the same times. So what must agree is the SPEECH: the loud frames inside
the cues; and they must agree about as well as the pauses do, since noise that a recording has gained spoils pauses
before it spoils speech, while another voice spoils nothing but speech.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.agreement import Agreement
from mmdia_dataset.alignment.evidence import Placed, Refused, Verdict
from mmdia_dataset.alignment.soundtrack import FRAME_RATE
from mmdia_dataset.alignment.tracking import Run
from mmdia_dataset.schema import Dialogue, Reason
from mmdia_dataset.timing import format_timestamp

__all__ = ["DUB", "judge"]

DUB = "music and effects are the movie's, the voices are not: a dub, or another mix"
"""What is said of a recording in another language."""

_PAUSES_S = 3.0  # what lies around a dialogue is heard too
_STRONG, _WEAK = 0.35, 0.2  # agreement in the cues: enough by itself, enough among neighbours that agree
_SURE = 2.2  # of speech in noise: agreement times the root of its weight, a third more than other speech ever had
_OTHER_VOICE = 0.4  # speech that agrees so much less than pauses is another's
_FRAME_S = 0.27  # a little more than the time between two frames of a fingerprint
_SLACK_S = 4.0  # what may lie beyond a run, if nothing speaks against its going on
_PAUSE = 0.4  # what a pause may lack in agreement, in typical frames
_BY_CHANCE = 2.0  # standard deviations
_FAR_S = 1000.0
_CHANCE = 9.0  # minus the logarithm of the chance that a whole dialogue looks as if a splice ran through it
_CLEAN, _GUSTS = 0.85, 18.0  # the best dialogues agree so well without noise; with it, which comes in gusts, the chance
_REST, _EVEN = 6, 0.15  # frames outside that stretch at least; scatter of frames that agree, in their weight
_UNLIKE = 12  # frames of the soundtrack: halves are looked for as far away
_LEAST_ERROR_S = 0.001
_ASIDE_S = 0.01
_BLUR_S, _STRETCH_S = 0.025, 0.012
_FEWEST = 0.15  # with fewer of its dialogues than this, it is no edition of the movie


@dataclass(frozen=True, slots=True)
class _Heard:
    """How a dialogue agrees where its run puts it, each -1 to 1.

    Attributes:
        speech: inside its cues.
        loud: there, in the louder half.
        pauses: between and around them; None where there are none to speak of.
        weight: frames of usual weight inside the cues.
        broken: minus the logarithm of the chance that its beginning or end agrees so badly although it is whole.
        foreign: the same of a stretch inside it.
        apart_s: how far the places of its halves differ [s].
        apart_error_s: standard error of that.
        shift_s: how far its own best place lies from its run's.
        spread_s: standard error of that.
    """

    speech: float
    loud: float
    pauses: float | None
    weight: float
    broken: float
    foreign: float
    apart_s: float
    apart_error_s: float
    shift_s: float
    spread_s: float


def judge(
    dialogues: Sequence[Dialogue], agreement: Agreement, runs: Sequence[Run], errors_s: Sequence[float]
) -> tuple[dict[str, Verdict], Reason | None]:
    """A verdict for each dialogue, and the reason if the recording as a whole is refused.

    Args:
        dialogues: of the movie.
        agreement: of fingerprint and recording at the right speed.
        runs: pieces in order of time.
        errors_s: the standard error of each run's offset.
    """
    verdicts: dict[str, Verdict] = {}
    heard: dict[str, tuple[Dialogue, int, _Heard]] = {}
    for dialogue in dialogues:
        where = _run_of(dialogue, agreement, runs)
        if isinstance(where, Reason):
            verdicts[dialogue.id] = Refused(where)
        else:
            heard[dialogue.id] = (dialogue, where, _listen(dialogue, agreement, runs[where]))
    listened = [one for _, _, one in heard.values()]
    whole = _whole(listened)
    if whole is None:
        usual = float(np.percentile([one.speech for one in listened], 80))  # many may be absent
        wander = float(np.median([abs(one.shift_s) for one in listened]))
        for id_, (dialogue, where, one) in heard.items():
            verdicts[id_] = _verdict(dialogue, agreement, runs[where], errors_s[where], one, usual, wander)
        placed = sum(isinstance(verdict, Placed) for verdict in verdicts.values())
        if placed < _FEWEST * len(dialogues):
            detail = f"only {placed} of its {len(dialogues)} dialogues are heard in it"
            whole = Reason(rule="other-movie", detail=detail)
    if whole is not None:
        return {dialogue.id: Refused(whole) for dialogue in dialogues}, whole
    return {dialogue.id: verdicts[dialogue.id] for dialogue in dialogues}, None


def _run_of(dialogue: Dialogue, agreement: Agreement, runs: Sequence[Run]) -> int | Reason:
    """The run that plays a dialogue, or why there is none."""
    start, end = dialogue.span.start_ms / 1000, dialogue.span.end_ms / 1000
    edges = [(float(agreement.times[run.first]), float(agreement.times[run.after - 1])) for run in runs]
    overlaps = [min(end, last + _FRAME_S) - max(start, first - _FRAME_S) for first, last in edges]
    n = int(np.argmax(overlaps)) if runs else -1
    if n < 0 or overlaps[n] < min(1.0, 0.5 * (end - start)):
        return Reason(rule="absent", detail="this edition does not have it")
    first, last = edges[n]
    # A splice lies between two frames: what reaches beyond the last one that follows the movie may be cut.
    before = edges[n - 1][1] if n else -_FAR_S
    after = edges[n + 1][0] if n + 1 < len(edges) else last + _FAR_S
    run = runs[n]
    # Annotations begin a little before the voice: what lies between two runs' frames is taken for the second one's.
    early, late = max(_slack(first - before), min(first - before, _FRAME_S)), _slack(after - last)
    if start < first and not _may_go_on(dialogue, agreement, run, start - _FRAME_S, first):
        early = 0.0
    if end > last and not _may_go_on(dialogue, agreement, run, last, end + _FRAME_S):
        late = 0.0
    for crossed, at in ((start < first - early, first), (end > last + late, last)):
        if crossed:
            when = format_timestamp(round(at * 1000))
            return Reason(rule="splice", detail=f"a cut or an insertion runs through it near {when} of the movie")
    return n


def _slack(gap_s: float) -> float:
    """How far a run may go on beyond its edge: not where another follows at once, and never into the other's half."""
    return min(_SLACK_S, gap_s / 2) if gap_s > 1 else 0.0


def _may_go_on(dialogue: Dialogue, agreement: Agreement, run: Run, start_s: float, end_s: float) -> bool:
    """Whether what lies just beyond a run agrees no worse than the dialogue's own frames do by chance.

    Pauses weigh next to nothing; in noise a few frames say little. Then nothing can be said against the run's going on.
    """
    times = agreement.times
    beyond = np.flatnonzero((times > start_s) & (times < end_s))
    inside = np.arange(run.first, run.after)
    inside = inside[(times[inside] >= dialogue.span.start_ms / 1000) & (times[inside] < dialogue.span.end_ms / 1000)]
    agree, weight = agreement.bits(inside, run.offset_s)
    mean = max(_WEAK, float(agree.sum()) / max(float(weight.sum()), 1e-6))
    scatter = float(np.std(agree - mean * weight)) if len(inside) else 0.0
    agree, weight = agreement.bits(beyond, run.offset_s)
    missing = float((mean * weight - agree).sum())
    return missing < _PAUSE * agreement.usual or missing < _BY_CHANCE * scatter * np.sqrt(len(beyond))


def _listen(dialogue: Dialogue, agreement: Agreement, run: Run) -> _Heard:
    times = agreement.times
    start, end = dialogue.span.start_ms / 1000, dialogue.span.end_ms / 1000
    around = np.flatnonzero((times >= start - _PAUSES_S) & (times < end + _PAUSES_S))
    cued = np.zeros(len(around), bool)
    for turn in dialogue.turns:
        cued |= (times[around] >= turn.span.start_ms / 1000) & (times[around] < turn.span.end_ms / 1000)
    in_run = (around >= run.first) & (around < run.after)
    speech = around[cued]
    agree, weight = agreement.bits(around, run.offset_s)
    level = agreement.loudness(around, run.offset_s)
    loud = cued & (level >= np.median(level[cued])) if cued.any() else cued
    pauses = ~cued & in_run

    def score(which: NDArray[np.bool_]) -> float:
        return float(agree[which].sum() / max(float(weight[which].sum()), 0.1 * agreement.usual * which.sum(), 1e-6))

    heavy = float(weight[pauses].sum()) / agreement.usual
    mean = score(cued)
    halves = np.array_split(speech, 2)
    peaks = [agreement.peak(half, run.offset_s, _UNLIKE) for half in halves] if len(speech) >= 8 else []
    own = agreement.peak(speech, run.offset_s, 6) if len(speech) else None
    return _Heard(
        speech=mean,
        loud=score(loud),
        pauses=score(pauses) if heavy > 4 else None,
        weight=float(weight[cued].sum()) / agreement.usual,
        broken=_broken(agree[cued], weight[cued], mean),
        foreign=_foreign(agree[cued], weight[cued], mean),
        apart_s=peaks[1].shift_s - peaks[0].shift_s if peaks else 0.0,
        apart_error_s=float(np.hypot(peaks[0].spread_s, peaks[1].spread_s)) if peaks else 0.0,
        shift_s=own.shift_s if own else 0.0,
        spread_s=own.spread_s if own else 1.0,
    )


def _broken(agree: NDArray[np.float32], weight: NDArray[np.float32], mean: float) -> float:
    """How unlikely the worst beginning or end of a dialogue is, if all of it follows the fingerprint.

    Half the dialogue's own agreement is the line between following and not; summed from an end, what follows drifts
    upwards. The lowest point of a random walk with drift m and variance v is below -x with a chance of exp(-2 m x / v)
    (Siegmund, "Sequential Analysis", 1985).
    """
    gains = agree - 0.5 * max(mean, 0.3) * weight
    drift, variance = float(gains.mean()) if len(gains) else 0.0, float(gains.var()) if len(gains) else 0.0
    if drift <= 0 or variance <= 0:
        return 0.0
    lowest = min(0.0, float(np.cumsum(gains).min()), float(np.cumsum(gains[::-1]).min()))
    return -2 * drift * lowest / variance


def _foreign(agree: NDArray[np.float32], weight: NDArray[np.float32], mean: float) -> float:
    """How unlikely the worst stretch inside a dialogue is, by what the rest of it agrees.

    The stretch is where the sum of gains falls most. Minus the logarithm of the chance that one of a normal variable's
    n (n + 1) / 2 stretches lies so many standard deviations below what the rest makes expected, to its leading term.
    """
    gains = agree - 0.5 * max(mean, 0.3) * weight
    sums = np.concatenate([[0.0], np.cumsum(gains)])
    last = int(np.argmax(np.maximum.accumulate(sums) - sums))
    first = int(np.argmax(sums[: last + 1]))
    rest = np.ones(len(gains), bool)
    rest[first:last] = False
    if last - first < 2 or rest.sum() < _REST:
        return 0.0
    expected = float(agree[rest].sum()) / max(float(weight[rest].sum()), 1e-6) * weight
    scatter = math.hypot(float(np.std((agree - expected)[rest])), _EVEN * float(weight.mean()))
    missing = float((expected - agree)[first:last].sum()) / (scatter * math.sqrt(last - first))
    return max(0.0, missing) ** 2 / 2 - 2 * math.log(len(gains))


def _whole(heard: list[_Heard]) -> Reason | None:
    """Why the recording is no edition of the movie at all, by what is typical of its dialogues; None if it is."""
    if not heard:
        return Reason(rule="other-movie", detail="none of the movie's dialogues is heard in it")
    speech = float(np.median([one.loud for one in heard]))
    known = [one.pauses for one in heard if one.pauses is not None]
    pauses = float(np.median(known)) if known else 0.0
    if speech < _STRONG and pauses - speech > _OTHER_VOICE / 2:
        return Reason(rule="other-language", detail=DUB)
    if speech < _WEAK:
        return Reason(rule="other-movie", detail="what it plays at the dialogues' times is not what they sound like")
    return None


def _in_noise(one: _Heard) -> bool:
    """Whether a dialogue that agrees badly does so for noise: it agrees more than chance, and better than its pauses.

    Beside another voice, pauses agree better than speech.
    """
    if one.pauses is None or min(one.speech, one.loud) < max(_WEAK, one.pauses):
        return False
    return (one.speech + one.loud) / 2 * float(np.sqrt(one.weight)) > _SURE


def _stretched(agreement: Agreement) -> bool:
    return agreement.pitch == 1 and abs(agreement.rate - 1) > 0.002


def _verdict(
    dialogue: Dialogue,
    agreement: Agreement,
    run: Run,
    error_s: float,
    one: _Heard,
    usual: float,
    wander_s: float,
) -> Verdict:
    """What is said of one dialogue.

    Args:
        dialogue: it.
        agreement: of fingerprint and recording.
        run: the piece it is in.
        error_s: the standard error of that piece's offset.
        one: what was heard of it.
        usual: what the best of the recording's dialogues agree by; one that agrees much less is not there.
        wander_s: how far their own best places lie from their pieces'.
    """

    def refused(rule: str, detail: str) -> Refused:
        return Refused(Reason(rule=rule, detail=detail))

    if one.pauses is not None and one.pauses - one.loud > _OTHER_VOICE:
        return refused("other-language", "around it the sound is the movie's, in it the voices are not")
    chance = _WEAK + 1 / np.sqrt(max(one.weight, 1.0))  # what a few frames of something else may reach
    least = max(_WEAK, 0.4 * usual)
    faint = min(one.speech, one.loud) < least or one.speech < min(float(chance), 0.55 * usual)
    if faint and not _in_noise(one):
        return refused("absent", f"what is heard there agrees with its fingerprint by {one.speech:.2f} only")
    if one.broken > _CHANCE or one.foreign > (_CHANCE if usual > _CLEAN else _GUSTS):
        return refused("splice", "a part of it does not follow the movie: a cut or an insertion runs through it")
    if abs(one.apart_s) > max(0.02, 5 * one.apart_error_s):
        return refused("splice", f"its halves lie {abs(one.apart_s) * 1000:.0f} ms apart: something was cut or put in")
    if abs(one.shift_s) > _ASIDE_S + 4 * max(one.spread_s, wander_s):
        return refused("absent", f"what is heard there lies {one.shift_s * 1000:.0f} ms beside its place")
    # Echo and noise move what is heard by some milliseconds, and so does stretching time without changing pitch.
    moved = _BLUR_S * (1 - min(1.0, one.speech)) + (_STRETCH_S if _stretched(agreement) else 0.0)
    bound = _LEAST_ERROR_S + moved + 3 * error_s + min(abs(one.shift_s), 2 * one.spread_s)
    start = (dialogue.span.start_ms / 1000 + run.offset_s) / agreement.rate
    if start < 0 or start * FRAME_RATE > len(agreement.changes):
        return refused("absent", "it lies outside the recording")
    return Placed(start, bound * 1000, float(np.clip((one.speech + one.loud) / 2 + 0.1, 0, 1)))

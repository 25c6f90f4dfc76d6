"""Places dialogues in a recording by voice activity alone: when somebody begins to speak, and when nobody does.

1. The speed: a path of all dialogues through the recording is sought at the speeds editions usually have, then at all
   others. It is accepted if it is far likelier than chance (`speechpath`), and measured from the path itself.
2. The pieces: dialogues between two cuts share one offset, measured from all their lines together.
3. The lines: what a line that fits looks like, and one that does not, is learnt from this recording. So each line next
   to a cut is given to the piece before it, to the piece after it, or to neither.
4. The language: a dub speaks at the same moments, but its lines end elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_speech import speech_limits as limits
from mmdia_dataset.alignment.by_speech.lines import Rhythm, SpokenLines
from mmdia_dataset.alignment.by_speech.speechpath import (
    CELL_RATE,
    Cells,
    Path,
    SpeechSpeed,
    find_path,
    find_speed,
)
from mmdia_dataset.alignment.evidence import Alignment, NotPlaced, Placed, Verdict
from mmdia_dataset.alignment.soundtrack import Soundtrack
from mmdia_dataset.alignment.voice import speech_curves
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.reports import count_text
from mmdia_dataset.schema import Dialogue, Reason
from mmdia_dataset.timing import Piece, TimeMap

__all__ = ["by_speech"]

_LONGEST_S = 600.0
_LARGEST = 25_000_000  # cells times dialogues: 75 MB


@dataclass(frozen=True, slots=True)
class _SpokenDialogue:
    """A dialogue with its rhythm."""

    dialogue: Dialogue
    rhythm: Rhythm


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A piece being found: dialogues first to last lie `recording_s = movie_s / rate + shift_s`, give or take."""

    first: int
    last: int
    shift_s: float
    error_s: float


def by_speech(
    dialogues: Sequence[Dialogue], soundtrack: Soundtrack, *, rates: Sequence[Fraction] | None = None
) -> Alignment:
    """Where dialogues lie in a recording, by the rhythm of speech.

    Args:
        dialogues: of one movie, on the movie's timeline, in any order.
        soundtrack: what is heard of the recording.
        rates: speeds to try; left out, all from 0.9 to 1.12.

    Returns:
        A verdict for each dialogue. `error_ms` of a place has two parts: twice the standard error of its piece's
        offset, measured from the scatter of its dialogues; and 100 ms, as subtitles lead speech by an unknown time.
    """
    ids = tuple(dialogue.id for dialogue in dialogues)
    spoken = _spoken(dialogues)
    curves = speech_curves(soundtrack.levels, soundtrack.voice)
    if not spoken:
        return _nothing(ids, Refusal.TOO_LITTLE_EVIDENCE, "the movie's dialogues have no lines with times")
    if not curves.rise.any():
        return _nothing(ids, Refusal.TOO_LITTLE_EVIDENCE, "no sound can be heard in the recording")
    cells, lines = Cells(curves), SpokenLines(curves)
    chosen = _chosen(spoken, cells.count)
    rhythms = [spoken[number].rhythm for number in chosen]
    speed_and_path = find_speed(rhythms, cells, lines, rates)
    stretches: list[_Stretch] = []
    if speed_and_path is not None:
        rate = float(speed_and_path[0].rate)
        stretches = _joined(_stretches(speed_and_path[1], chosen, spoken, lines, rate))
        stretches = _joined(_filled(stretches, spoken, cells, lines, rate))
    if speed_and_path is None or not stretches:
        count = sum(len(rhythm.cues) for rhythm in rhythms)
        if count < limits.FEWEST_LINES:
            detail = (
                f"the movie has {count_text(count, 'line')} with times; to find it by its speech alone takes "
                f"{limits.FEWEST_LINES}"
            )
            return _nothing(ids, Refusal.TOO_LITTLE_EVIDENCE, detail)
        return _nothing(ids, Refusal.OTHER_MOVIE, "no part of its speech matches the movie's lines")
    speed, path = speed_and_path
    return _Judge(spoken, lines, speed, stretches, soundtrack.duration_s).alignment(ids, path.nats)


def _spoken(dialogues: Sequence[Dialogue]) -> list[_SpokenDialogue]:
    """Dialogues that can be searched for, by their start."""
    spoken = []
    for dialogue in dialogues:
        spans = [(turn.span.start_ms, turn.span.end_ms) for turn in dialogue.turns]
        rhythm = Rhythm.of(spans)
        if dialogue.timeline == "movie" and len(rhythm.cues) and rhythm.length_s <= _LONGEST_S:
            spoken.append(_SpokenDialogue(dialogue, rhythm))
    return sorted(spoken, key=lambda item: (item.rhythm.cues[0, 0], item.rhythm.cues[-1, 1]))


def _chosen(spoken: Sequence[_SpokenDialogue], cells: int) -> list[int]:
    """Numbers of the dialogues that make the path: all, or as many as memory allows, those with the most lines."""
    room = max(2, _LARGEST // max(cells, 1))
    richest = sorted(range(len(spoken)), key=lambda number: -len(spoken[number].rhythm.cues))
    return sorted(richest[:room])


def _stretches(
    path: Path, numbers: Sequence[int], spoken: Sequence[_SpokenDialogue], lines: SpokenLines, rate: float
) -> list[_Stretch]:
    """The pieces of a path, each with the offset that fits its dialogues best."""
    stretches = []
    for run in path.runs():
        rhythms = [spoken[numbers[position]].rhythm for position in run]
        cells = [step.cell for position in run if (step := path.steps[position])]
        near = [cell / CELL_RATE - rhythm.middle_s / rate for cell, rhythm in zip(cells, rhythms, strict=True)]
        shift, error = lines.shift_s(rhythms, float(np.median(near)), rate)
        stretches.append(_Stretch(numbers[run[0]], numbers[run[-1]], shift, error))
    return stretches


def _filled(
    stretches: Sequence[_Stretch], spoken: Sequence[_SpokenDialogue], cells: Cells, lines: SpokenLines, rate: float
) -> list[_Stretch]:
    """The stretches, with short ones between them that could only be found once it was clear where they can be."""
    ends = [None, *stretches, None]
    filled: list[_Stretch] = []
    for before, after in pairwise(ends):
        numbers = range(before.last + 1 if before else 0, after.first if after else len(spoken))
        low = spoken[before.last].rhythm.cues[-1, 1] / rate + before.shift_s - limits.CUT_LATE_S if before else 0.0
        high = spoken[after.first].rhythm.cues[0, 0] / rate + after.shift_s if after else cells.count / CELL_RATE
        within = (max(0, int(low * CELL_RATE)), min(cells.count, int(high * CELL_RATE)))
        rhythms = [spoken[number].rhythm for number in numbers]
        if rhythms and len(rhythms) * cells.count <= _LARGEST:
            path = find_path(rhythms, cells, rate, limits.SETTLED, within)
            if path.nats >= limits.BETWEEN_NATS:
                filled += _stretches(path, numbers, spoken, lines, rate)
        if after:
            filled.append(after)
    return filled


def _joined(stretches: Sequence[_Stretch]) -> list[_Stretch]:
    """Neighbours with the same offset are one."""
    joined: list[_Stretch] = []
    for stretch in stretches:
        if joined and abs(joined[-1].shift_s - stretch.shift_s) < limits.SAME_OFFSET_S:
            last = joined.pop()
            shift = last.shift_s if last.error_s < stretch.error_s else stretch.shift_s
            joined.append(_Stretch(last.first, stretch.last, shift, max(last.error_s, stretch.error_s)))
        else:
            joined.append(stretch)
    return joined


class _Judge:
    """Gives each dialogue its verdict.

    Attributes:
        piece: of each dialogue, the number of the stretch it lies in, if it is one.
        parts: of dialogues that a cut runs through, the stretches that surely hold the first and the last line.
    """

    def __init__(
        self,
        spoken: Sequence[_SpokenDialogue],
        lines: SpokenLines,
        speed: SpeechSpeed,
        stretches: Sequence[_Stretch],
        duration_s: float,
    ) -> None:
        self.spoken = spoken
        self.lines = lines
        self.speed = speed
        self.rate = float(speed.rate)
        self.stretches = stretches
        self.duration_s = duration_s
        self.piece: list[int | None] = [None] * len(spoken)
        self.parts: dict[int, tuple[int | None, int | None]] = {}
        self.reasons: dict[int, Reason] = {}

    def alignment(self, ids: tuple[str, ...], nats: float) -> Alignment:
        """The verdicts on all dialogues, and the time map."""
        sure = []
        for number, stretch in enumerate(self.stretches):
            for inside in range(stretch.first, stretch.last + 1):
                self.piece[inside] = number
                sure.append((self.spoken[inside].rhythm, stretch.shift_s))
        if not self.lines.learn(sure, self.rate):
            return _nothing(ids, Refusal.TOO_LITTLE_EVIDENCE, "music and noise hide the speech")
        for after in range(len(self.stretches) + 1):
            self._divide(after)
        dub = self._dub()
        if dub is not None:
            return _nothing(ids, *dub)
        verdicts = {spoken.dialogue.id: self._verdict(number) for number, spoken in enumerate(self.spoken)}
        errors = [verdict.error_ms for verdict in verdicts.values() if isinstance(verdict, Placed)]
        if not errors:
            return _nothing(ids, Refusal.TOO_LITTLE_EVIDENCE, "no dialogue matches the speech clearly enough")
        unknown = _refused(Refusal.TOO_LITTLE_EVIDENCE, "this dialogue has no lines with times")
        return Alignment(
            tier="speech",
            time_map=self._time_map(verdicts),
            verdicts={id_: verdicts.get(id_, unknown) for id_ in ids},
            error_ms=max(errors),
            confidence=float(1 - np.exp(-nats / limits.FOUND_NATS)),
        )

    def _nats(self, number: int, stretch: int) -> NDArray[np.float64]:
        """What speaks for each line of a dialogue, if it lies in a stretch."""
        if not 0 <= stretch < len(self.stretches):
            return np.full(len(self.spoken[number].rhythm.cues), -1e6)
        return self.lines.nats(self.spoken[number].rhythm, self.stretches[stretch].shift_s, self.rate)

    def _divide(self, after: int) -> None:
        """Give the lines around a cut to the stretch before it, to the one after it, or to neither."""
        before = after - 1
        first, last = 0, len(self.spoken) - 1
        if before >= 0:
            first = max(self.stretches[before].first, self.stretches[before].last - limits.DOUBTED)
        if after < len(self.stretches):
            last = min(self.stretches[after].last, self.stretches[after].first + limits.DOUBTED)
        numbers = range(first, last + 1)
        left = [self._nats(number, before) for number in numbers]
        right = [self._nats(number, after) for number in numbers]
        cues = np.concatenate([self.spoken[number].rhythm.cues for number in numbers])
        stop, start = self._cut(np.concatenate(left), np.concatenate(right), cues, before, after)
        line = 0
        for position, number in enumerate(numbers):
            count = len(left[position])
            ours = int(np.clip(stop - line, 0, count))  # lines of this dialogue that lie in the stretch before
            theirs = int(np.clip(line + count - start, 0, count))
            line += count
            self.piece[number] = before if ours == count else after if theirs == count else None
            if not ours and not theirs:
                self.reasons[number] = Reason(
                    rule=Refusal.ABSENT, detail="the speech at its time does not match its lines"
                )
            elif self.piece[number] is None:
                self.reasons[number] = Reason(rule=Refusal.SPLICE, detail="something is cut out of it or added to it")
                self.parts[number] = (
                    before if left[position][:ours].sum() >= limits.PART_NATS else None,
                    after if right[position][count - theirs :].sum() >= limits.PART_NATS else None,
                )

    def _cut(
        self, left: NDArray[np.float64], right: NDArray[np.float64], cues: NDArray[np.float64], before: int, after: int
    ) -> tuple[int, int]:
        """How many lines lie before the cut, and which is the first after it; between them, lines are missing.

        A cut may be anywhere between two lines, so long pauses are likelier to hold it.
        """
        count = len(cues)
        until = np.concatenate([[0.0], np.cumsum(left)])
        since = np.concatenate([np.cumsum(right[::-1])[::-1], [0.0]])
        pauses = np.clip(cues[1:, 0] - cues[:-1, 1], limits.SHORTEST_PAUSE_S, limits.LONGEST_PAUSE_S)
        place = np.log(
            np.concatenate([[limits.SHORTEST_PAUSE_S], pauses, [limits.SHORTEST_PAUSE_S]]) / (pauses.sum() + 1)
        )
        if before < 0:
            place[0] = limits.END_NATS
            return 0, int((since + place).argmax())
        if after == len(self.stretches):
            place[-1] = limits.END_NATS
            return int((until + place).argmax()), count
        ends_s = (
            np.concatenate([[-np.inf], cues[:, 1]]) / self.rate + self.stretches[before].shift_s - limits.CUT_LATE_S
        )
        starts_s = np.concatenate([cues[:, 0], [np.inf]]) / self.rate + self.stretches[after].shift_s
        best, division = -np.inf, (0, count)
        for stop in range(count + 1):
            score = until[stop] + place[stop] + since[stop:] + np.concatenate([[0.0], place[stop + 1 :]])
            score[starts_s[stop:] < ends_s[stop]] = -np.inf  # nothing is heard twice
            missing = int(score.argmax())
            if score[missing] > best:
                best, division = float(score[missing]), (stop, stop + missing)
        return division

    def _dub(self) -> tuple[Refusal, str] | None:
        """Why the language can't be the movie's, or can't be known, by where lines end."""
        placed = [(self.spoken[n].rhythm, self.stretches[p].shift_s) for n, p in enumerate(self.piece) if p is not None]
        ends = self.lines.ends_s(placed, self.rate)
        if len(ends) < limits.FEWEST_ENDS:
            return Refusal.TOO_LITTLE_EVIDENCE, "too few lines were heard to tell the original from a dub"
        late = float((ends > limits.LATE_END_S).mean())
        within = np.searchsorted(ends, ends + limits.SAME_END_S, side="right") - np.arange(len(ends))
        if late > limits.LATE_SHARE or float(within.max()) / len(ends) < limits.SAME_SHARE:
            return Refusal.OTHER_LANGUAGE, "the lines do not end when the speech ends: this may be a dub"
        return None

    def _verdict(self, number: int) -> Verdict:
        piece = self.piece[number]
        if piece is None:
            return NotPlaced(self.reasons[number])
        stretch, span = self.stretches[piece], self.spoken[number].dialogue.span
        start_s, end_s = (ms / 1000 / self.rate + stretch.shift_s for ms in (span.start_ms, span.end_ms))
        if start_s < 0 or end_s > self.duration_s:
            return _refused(Refusal.ABSENT, "this dialogue lies outside your recording")
        sides = (self._side(number, -1), self._side(number, 1))
        if "cut" in sides:
            return _refused(Refusal.SPLICE, "a cut is so near that it may go through this dialogue")
        nats = self._nats(number, piece)
        total_nats, half = float(nats.sum()), len(nats) // 2
        if total_nats < limits.AGAINST_NATS * len(nats):
            return _refused(
                Refusal.ABSENT, "the dialogues around it were found, but the speech here does not match its lines"
            )
        support = total_nats
        if "other" in sides and half and min(nats[:half].sum(), nats[half:].sum()) < limits.HALF_NATS:
            return _refused(Refusal.SPLICE, "only part of this dialogue was heard, and there is a cut next to it")
        for side, step in zip(sides, (-1, 1), strict=True):
            if side == "other" and not self._outer_heard(number, piece, step):
                return _refused(
                    Refusal.SPLICE, "this dialogue lies next to a cut, and some of its lines may be on the other side"
                )
        for side, step in zip(sides, (-1, 1), strict=True):
            if side == "same":
                support += limits.SAME_NATS
            elif side == "end":
                support += limits.END_NATS
            else:  # the cut is in the pause on this side, or in the one on the other side
                support += float(np.log(self._pause_s(number, step) / self._pause_s(number, -step)))
        if support < limits.SAME_NATS + limits.EDGE_NATS and sides != ("same", "same"):
            return _refused(
                Refusal.TOO_LITTLE_EVIDENCE, "this dialogue lies next to a cut and does not match clearly enough"
            )
        away_s = abs(span.start_ms / 1000 - self._middle_s(stretch)) / self.rate
        error_s = np.hypot(stretch.error_s, self.speed.error * away_s)
        return Placed(start_s, float(limits.LEAD_MS + 2000 * error_s), float(1 / (1 + np.exp(-max(support, -20.0)))))

    def _outer_heard(self, number: int, piece: int, step: int) -> bool:
        """Whether a dialogue's lines on the side of a cut are heard in its piece, and no better in the one beyond."""
        nats = self._nats(number, piece)[::-step]
        better = np.cumsum(self._nats(number, piece + step)[::-step] - nats)
        return bool(nats[0] >= limits.OUTER_NATS and better.max() < limits.BEYOND_NATS)

    def _middle_s(self, stretch: _Stretch) -> float:
        return (self.spoken[stretch.first].rhythm.middle_s + self.spoken[stretch.last].rhythm.middle_s) / 2

    def _pause_s(self, number: int, step: int) -> float:
        """The pause to the dialogue before (-1) or after (1) it, as the prior of a cut's place."""
        early, late = sorted((number, number + step))
        if early < 0 or late >= len(self.spoken):
            return limits.LONGEST_PAUSE_S
        pause = self.spoken[late].rhythm.cues[0, 0] - self.spoken[early].rhythm.cues[-1, 1]
        return float(np.clip(pause, limits.SHORTEST_PAUSE_S, limits.LONGEST_PAUSE_S))

    def _side(self, number: int, step: int) -> Literal["same", "end", "other", "cut"]:
        """Whether a neighbour lies in the same piece, elsewhere, or so near elsewhere that a cut may hit this one."""
        neighbour = number + step
        if not 0 <= neighbour < len(self.spoken):
            return "end"
        if self.piece[neighbour] == self.piece[number]:
            return "same"
        begun, ended = self.parts.get(neighbour, (None, None))
        if (begun if step > 0 else ended) == self.piece[number]:
            return "other"  # its near lines are in this piece: the cut is beyond them
        early, late = sorted((number, neighbour))
        pause = (self.spoken[late].dialogue.span.start_ms - self.spoken[early].dialogue.span.end_ms) / 1000
        return "cut" if pause < (limits.CUT_LATE_S if step > 0 else limits.CUT_EARLY_S) else "other"

    def _time_map(self, verdicts: Mapping[str, Verdict]) -> TimeMap:
        """Pieces from the first dialogue placed in each to the last one; between them nothing is known."""
        pieces: list[Piece] = []
        for piece, stretch in enumerate(self.stretches):
            spans = [
                spoken.dialogue.span
                for spoken, where in zip(self.spoken, self.piece, strict=True)
                if where == piece and isinstance(verdicts[spoken.dialogue.id], Placed)
            ]
            if spans:
                start = max([span.start_ms for span in spans[:1]] + [previous.to_ms for previous in pieces[-1:]])
                end = max(span.end_ms for span in spans)
                offset = Fraction(round(stretch.shift_s * self.rate * 1_000_000), 1000)
                if start < end:
                    pieces.append(Piece(start, end, self.speed.rate, offset))
        return TimeMap(tuple(pieces))


def _refused(rule: Refusal, detail: str) -> NotPlaced:
    return NotPlaced(Reason(rule=rule, detail=detail))


def _nothing(ids: tuple[str, ...], rule: Refusal, detail: str) -> Alignment:
    return Alignment.nothing("speech", ids, Reason(rule=rule, detail=detail))

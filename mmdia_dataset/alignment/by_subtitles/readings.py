"""A text track read against the movie's transcript: speed, pieces, and what speaks for and against each dialogue.

First every line is sought in the whole track, and the points found are joined to a chain (`chains`). Then each
dialogue is read word by word where the pieces of the chain put it; that tells how much of it is there, whether both of
its ends are, and, from lines that begin in both, the exact offset.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from mmdia_dataset.alignment.by_subtitles import subtitle_limits as limits
from mmdia_dataset.alignment.by_subtitles.chains import Chain, Floats, Points, best_chain, common_rate
from mmdia_dataset.alignment.by_subtitles.words import LineFinder, Text, aligned
from mmdia_dataset.alignment.evidence import known_rate
from mmdia_dataset.media import SubtitleTrack
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema import Dialogue, Reason

__all__ = ["ReadStretch", "TrackReading", "Transcript", "read_track"]


_NO_WORDS = Reason(rule=Refusal.TOO_LITTLE_EVIDENCE, detail="the dialogue has no words")
_FEW_WORDS = Reason(
    rule=Refusal.TOO_LITTLE_EVIDENCE, detail="too few of its words are in the subtitles to find its place"
)
_ABSENT = Reason(rule=Refusal.ABSENT, detail="its words are not in the subtitles, but the lines around it are")
_SPLICE = Reason(
    rule=Refusal.SPLICE, detail="its first and last words are shifted by different times: something is cut out or added"
)


@dataclass(frozen=True, slots=True)
class Line:
    """Words shown together: `dialogue` is the number of the dialogue in its transcript; movie time in seconds."""

    dialogue: int
    start_s: float
    end_s: float
    words: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """What is said in a movie, as far as it is annotated.

    Attributes:
        dialogues: those with times of the movie, by time.
        lines: by time; turns that share a cue are one line.
        text: the lines' words.
        of_dialogue: of each dialogue, the numbers of its lines that have words.
    """

    dialogues: list[Dialogue]
    lines: list[Line]
    text: Text
    of_dialogue: list[list[int]]

    @classmethod
    def of(cls, dialogues: Iterable[Dialogue]) -> Transcript:
        """The transcript of one movie's dialogues."""
        timed = sorted(
            (dialogue for dialogue in dialogues if dialogue.timeline == "movie"),
            key=lambda dialogue: (dialogue.span, dialogue.id),
        )
        lines: list[Line] = []
        for number, dialogue in enumerate(timed):
            cues: dict[tuple[int, int, int], list[str]] = {}
            for turn in dialogue.turns:
                cues.setdefault((turn.span.start_ms, turn.span.end_ms, turn.cue), []).append(turn.text)
            lines += [
                Line(number, start / 1000, end / 1000, "\n".join(words)) for (start, end, _), words in cues.items()
            ]
        lines.sort(key=lambda line: (line.start_s, line.end_s))
        text = Text.of([(line.start_s, line.end_s, line.words) for line in lines])
        of_dialogue: list[list[int]] = [[] for _ in timed]
        for number, line in enumerate(lines):
            if text.bounds[number + 1] > text.bounds[number]:
                of_dialogue[line.dialogue].append(number)
        return cls(timed, lines, text, of_dialogue)


@dataclass(slots=True, kw_only=True)
class ReadStretch:
    """A piece played without a cut, while it is being found.

    Attributes:
        first_s: movie time of the first line that speaks for it [s].
        last_s: of the last one [s].
        offset_s: recording time * rate - movie time [s].
        dialogues: those in it.
        starts: (movie, recording) of lines that begin in both [s].
    """

    first_s: float
    last_s: float
    offset_s: float
    dialogues: list[int] = field(default_factory=list)
    starts: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Heard:
    """How much of each line of a dialogue stands where a piece puts it."""

    weights: list[float]
    shares: list[float]
    starts: list[tuple[float, float]]

    @property
    def share(self) -> float:
        total = sum(weight * share for weight, share in zip(self.weights, self.shares, strict=True))
        return total / max(1e-9, sum(self.weights))


def read_track(transcript: Transcript, track: SubtitleTrack) -> TrackReading | Reason:
    """Find a transcript in a track, or say why it is not there: another language, another movie, too few words."""
    shown = Text.of([(cue.start_ms / 1000, cue.end_ms / 1000, cue.text) for cue in track.cues])
    if len(shown.tokens) < limits.FEWEST_WORDS or not transcript.text.tokens:
        return Reason(rule=Refusal.TOO_LITTLE_EVIDENCE, detail="the subtitles have too few words to compare")
    finder = LineFinder(shown, transcript.text.tokens)
    chain = best_chain(_points(transcript, finder))
    lines = sum(map(len, transcript.of_dialogue))
    if (
        chain is not None
        and chain.evidence >= limits.LEAST_EVIDENCE
        and len(chain.points.line) >= limits.LEAST_FOUND * lines
    ):
        return TrackReading(transcript, track, finder, chain)
    common = Counter(transcript.text.tokens).most_common(limits.FREQUENT_WORDS)
    vocabulary = set(shown.tokens)
    shared = sum(count for token, count in common if token in vocabulary) / sum(count for _, count in common)
    if shared < limits.SAME_LANGUAGE:
        return Reason(rule=Refusal.OTHER_LANGUAGE, detail="the subtitles are in another language than the annotations")
    if len(transcript.of_dialogue) < 3 or len(track.cues) < lines / 4:
        return Reason(rule=Refusal.TOO_LITTLE_EVIDENCE, detail="too few words of the subtitles are in the annotations")
    return Reason(rule=Refusal.OTHER_MOVIE, detail="the words of the subtitles are those of another movie")


def _points(transcript: Transcript, finder: LineFinder) -> Points:
    """All places where the track may hold a line, and how much more likely than by chance."""
    text, shown = transcript.text, finder.text
    slots = float(np.log(max(float(np.ptp(shown.times)) / limits.SLOT_S, 10.0)))
    rows: list[tuple[int, float, float, float, bool]] = []
    for line in sorted(number for numbers in transcript.of_dialogue for number in numbers):
        tokens = text.tokens[text.bounds[line] : text.bounds[line + 1]]
        # Words that stand together are often said together.
        line_nats = 0.6 * sum(finder.weight(token) for token in tokens)
        places = finder.find(tokens, limits.LINE_FOUND)
        for place in places:
            rivals = sum(rival.share >= place.share - 0.1 for rival in places)
            evidence = min(slots, line_nats) * min(1.0, 2 * place.share - 0.8) - float(np.log(rivals))
            if evidence > 0.5:
                movie = float(text.times[[text.bounds[line] + line_token for line_token, _ in place.pairs]].mean())
                recording = float(shown.times[[shown_token for _, shown_token in place.pairs]].mean())
                rows.append((line, movie, recording, evidence, rivals <= 3))
    rows.sort()
    table = np.asarray(rows, np.float64).reshape(-1, 5)
    return Points(
        line=table[:, 0].astype(np.int64),
        movie_s=table[:, 1],
        recording_s=table[:, 2],
        evidence=table[:, 3],
        alone=table[:, 4] > 0,
    )


class TrackReading:
    """Where one track has the dialogues of a transcript.

    Attributes:
        transcript: the transcript.
        track: the track.
        shown: the track's words.
        evidence: how much more likely it is that the track is the movie's than chance [nats].
        rate: the edition's speed.
        stretches: the pieces, in order.
        chosen: of each dialogue, the number of the stretch it is in; None where its words are not there.
        spread_s: how far single starts scatter around their piece's offset [s].
    """

    def __init__(self, transcript: Transcript, track: SubtitleTrack, finder: LineFinder, chain: Chain) -> None:
        self.transcript = transcript
        self.track = track
        self.shown = finder.text
        self.evidence = chain.evidence
        self.rate = Fraction(chain.rate)
        self.rate_error = 0.0
        self.spread_s = limits.UNKNOWN_SPREAD_S
        self.stretches = _stretches(chain)
        self.chosen: list[int | None] = []
        self._finder = finder
        self._heard: list[dict[int, _Heard]] = []
        self._order = np.argsort(self.shown.times, kind="stable")
        self._times = self.shown.times[self._order]
        for _ in range(2):
            self._choose()
            self._refine()
        self._choose()

    def share(self, number: int) -> float:
        """How much of a dialogue's words is where it is placed, 0 to 1."""
        piece = self.chosen[number]
        return 0.0 if piece is None else self._heard[number][piece].share

    def at_s(self, movie_s: float, piece: int) -> float:
        """Recording time, as the track has it, of a moment in a piece [s]."""
        return (movie_s + self.stretches[piece].offset_s) / float(self.rate)

    def starts_s(self) -> Floats:
        """When the lines that were found should begin, by the annotated times [s of recording time]."""
        starts = [
            self.at_s(self.transcript.lines[line].start_s, piece)
            for number, piece in enumerate(self.chosen)
            if piece is not None
            for line, share in zip(self.transcript.of_dialogue[number], self._heard[number][piece].shares, strict=True)
            if share >= limits.LINE_THERE
        ]
        return np.asarray(starts, np.float64)

    def spoken(self) -> list[tuple[float, float]]:
        """When cues with words are shown [s]."""
        return [
            (cue.start_ms / 1000, cue.end_ms / 1000)
            for number, cue in enumerate(self.track.cues[: len(self.shown.bounds) - 1])
            if self.shown.bounds[number + 1] > self.shown.bounds[number]
        ]

    def objection(self, number: int) -> Reason | None:
        """What speaks against placing a dialogue; None if nothing does."""
        piece, heard = self.chosen[number], self._heard[number]
        if not heard:
            return _NO_WORDS
        before, after = self._neighbour(number, -1), self._neighbour(number, 1)
        if piece is None:
            if _ends_apart(heard):
                return _SPLICE
            some = max(hearing.share for hearing in heard.values()) >= limits.ENOUGH_BETWEEN
            return _FEW_WORDS if some or (before is not None and before == after) else _ABSENT
        shares = heard[piece].shares
        elsewhere = [hearing.shares for other_piece, hearing in heard.items() if other_piece != piece]
        if any(
            mine < limits.LINE_MISSING and max(others, default=0.0) >= limits.LINE_THERE
            for mine, *others in zip(shares, *elsewhere, strict=True)
        ):
            return _SPLICE
        # A line missing at an end may have gone with what follows, unless the dialogue there has the same offset.
        for end, neighbour in ((shares[0], before), (shares[-1], after)):
            if end < limits.LINE_MISSING and neighbour != piece:
                return _FEW_WORDS if neighbour is None else _SPLICE
        if self.stretches[piece].dialogues == [number] and len(self.chosen) > 1:
            enough = (
                heard[piece].share >= limits.ENOUGH_ALONE
                and sum(share >= limits.LINE_THERE for share in shares) >= limits.LINES_ALONE
            )
            return None if enough else _FEW_WORDS
        return None

    def _neighbour(self, number: int, step: int) -> int | None:
        """The piece of the next dialogue that has one, in a direction.

        Those between that have none do not matter: a scene gone or put in would have changed the offset.
        """
        number += step
        while 0 <= number < len(self.chosen):
            if self.chosen[number] is not None:
                return self.chosen[number]
            number += step
        return None

    def _choose(self) -> None:
        """Read each dialogue where the pieces around it put it, and take the best one."""
        self._heard = []
        self.chosen = []
        for lines in self.transcript.of_dialogue:
            heard = {piece: self._hear(lines, piece) for piece in self._around(lines)}
            best = max(heard, key=lambda piece: heard[piece].share, default=None)
            self._heard.append(heard)
            self.chosen.append(best if best is not None and heard[best].share >= limits.ENOUGH else None)
        self._put_in_order()
        # Between two dialogues with one offset nothing is gone or put in: there, a few words are enough.
        between: dict[int, int] = {}
        for number, piece in enumerate(self.chosen):
            before = self._neighbour(number, -1)
            heard = self._heard[number]
            if piece is None and before in heard and before == self._neighbour(number, 1) and before is not None:
                between[number] = before
        for number, piece in between.items():
            if self._heard[number][piece].share >= limits.ENOUGH_BETWEEN:
                self.chosen[number] = piece
        for piece, stretch in enumerate(self.stretches):
            stretch.dialogues = [number for number, chosen in enumerate(self.chosen) if chosen == piece]
            stretch.starts = [pair for number in stretch.dialogues for pair in self._heard[number][piece].starts]

    def _put_in_order(self) -> None:
        """Dialogues follow each other as the pieces do: what is read out of order is read again between the others.

        Two pieces far apart may have nearly the same offset, and then the same words in either.
        """
        placed = [(number, piece) for number, piece in enumerate(self.chosen) if piece is not None]
        tops: list[int] = []  # the least last piece of a row of n + 1 dialogues in order, and whose it is
        rows: list[int] = []
        before: list[int | None] = []
        for position, (_, piece) in enumerate(placed):
            place = bisect_right(tops, piece)
            before.append(rows[place - 1] if place else None)
            tops[place : place + 1] = [piece]
            rows[place : place + 1] = [position]
        kept: set[int] = set()
        last = rows[-1] if rows else None
        while last is not None:
            kept.add(placed[last][0])
            last = before[last]
        others = [number for number, _ in placed if number not in kept]
        for number in others:
            self.chosen[number] = None
        for number in others:
            heard = self._heard[number]
            low, high = self._neighbour(number, -1), self._neighbour(number, 1)
            between = [piece for piece in heard if (low is None or piece >= low) and (high is None or piece <= high)]
            best = max(between, key=lambda piece: heard[piece].share, default=None)
            if best is not None and heard[best].share >= limits.ENOUGH:
                self.chosen[number] = best

    def _around(self, lines: Sequence[int]) -> list[int]:
        """The pieces that some lines lie in or next to."""
        if not lines:
            return []
        start, end = self.transcript.lines[lines[0]].start_s, self.transcript.lines[lines[-1]].end_s
        first = max((n for n, stretch in enumerate(self.stretches) if stretch.first_s <= start), default=0)
        last = min((n for n, stretch in enumerate(self.stretches) if stretch.last_s >= end), default=first)
        low, high = min(first, last), max(first, last)
        return list(range(max(0, low - 1), min(len(self.stretches), high + 2)))

    def _hear(self, lines: Sequence[int], piece: int) -> _Heard:
        """Read lines word by word where a piece puts them."""
        text, shown = self.transcript.text, self.shown
        where = np.concatenate([np.arange(text.bounds[line], text.bounds[line + 1]) for line in lines])
        times = (text.times[where] + self.stretches[piece].offset_s) / float(self.rate)
        low, high = np.searchsorted(
            self._times, [times.min() - 2 * limits.WORD_NEAR_S, times.max() + 2 * limits.WORD_NEAR_S]
        )
        near = np.sort(self._order[low:high])
        tokens = [text.tokens[index] for index in where]
        weights = [self._finder.weight(token) for token in tokens]
        total, heard = dict.fromkeys(lines, 0.0), dict.fromkeys(lines, 0.0)
        for index, weight in zip(where, weights, strict=True):
            total[int(text.lines[index])] += weight
        starts = []
        for line_index, shown_index in aligned(tokens, [shown.tokens[index] for index in near]):
            here, shown_at = int(where[line_index]), int(near[shown_index])
            if abs(times[line_index] - shown.times[shown_at]) <= limits.WORD_NEAR_S:
                heard[int(text.lines[here])] += weights[line_index]
                if text.first[here] and shown.first[shown_at]:
                    starts.append((float(text.times[here]), float(shown.times[shown_at])))
        return _Heard([total[line] for line in lines], [heard[line] / total[line] for line in lines], starts)

    def _refine(self) -> None:
        """Speed, offsets and scatter, from lines that begin in both."""
        starts = [(*pair, piece) for piece, stretch in enumerate(self.stretches) for pair in stretch.starts]
        if len(starts) < 3:
            return
        movie, recording, piece = np.asarray(starts, np.float64).T
        rate, error = common_rate(movie, recording, piece.astype(np.int64), float(self.rate))
        self.rate = known_rate(rate, min(0.002, 4 * error + 2e-5))
        self.rate_error = min(error, 0.002)
        rests: list[float] = []
        for stretch in self.stretches:
            if len(stretch.starts) >= 3:
                offsets = [recording * float(self.rate) - movie for movie, recording in stretch.starts]
                stretch.offset_s = float(np.median(offsets))
                rests += [abs(offset - stretch.offset_s) for offset in offsets]
        if rests:
            self.spread_s = 1.48 * float(np.median(rests))

    def error_s(self, piece: int) -> float:
        """Standard error of a piece's times, as far as words tell [s]."""
        stretch = self.stretches[piece]
        count = len(stretch.starts)
        scatter = max(self.spread_s, 0.0 if count >= 3 else limits.UNKNOWN_SPREAD_S) / np.sqrt(max(1, count))
        drift = self.rate_error * (stretch.last_s - stretch.first_s) / 2
        return float(np.hypot(scatter, drift))


def _stretches(chain: Chain) -> list[ReadStretch]:
    """The pieces of a chain; those that hardly differ are one."""
    stretches: list[ReadStretch] = []
    for piece in range(int(chain.piece.max()) + 1):
        points = chain.points.some(chain.piece == piece)
        offset = float(np.median(points.recording_s * chain.rate - points.movie_s))
        if stretches and abs(stretches[-1].offset_s - offset) < limits.SAME_OFFSET_S:
            stretches[-1].last_s = float(points.movie_s.max())
        else:
            stretches.append(
                ReadStretch(first_s=float(points.movie_s.min()), last_s=float(points.movie_s.max()), offset_s=offset)
            )
    return stretches


def _ends_apart(heard: dict[int, _Heard]) -> bool:
    """Whether a dialogue's first and last line are there, but never in one piece."""
    firsts = {piece for piece, hearing in heard.items() if hearing.shares[0] >= limits.LINE_THERE}
    lasts = {piece for piece, hearing in heard.items() if hearing.shares[-1] >= limits.LINE_THERE}
    return bool(firsts and lasts) and not firsts & lasts

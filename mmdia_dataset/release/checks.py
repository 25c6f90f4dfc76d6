"""Rules that a schema can't express: each looks at dialogues and yields issues.

A `Checker` sees the dialogues of a release one after the other. It keeps only what rules over the whole release need:
the ids, and which movie is in which split. It returns issues and raises nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mmdia_dataset.schema import Dialogue, Issue, Severity, Split, Splits

__all__ = ["RULES", "Checker", "Rule"]

SHORT_MS = 200
"""Cues this short or shorter are dropped by the authors' own merge step."""
LONG_MS = 60_000
"""No subtitle is shown longer than a minute; such a cue has a wrong time."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule demands, how serious a breach is, and what to do about it."""

    severity: Severity
    demand: str
    hint: str


RULES: dict[str, Rule] = {
    "ends-before-start": Rule("error", "A span ends after it starts.", "swap or correct the two times"),
    "empty-span": Rule("warning", "A span is longer than zero.", "correct one of the two times"),
    "turn-outside-dialogue": Rule("error", "Turns lie inside their dialogue.", "correct the turn's times"),
    "out-of-order": Rule("warning", "Cues come in order of their start.", "sort the cues, or correct the times"),
    "overlap": Rule("warning", "Cues of a dialogue do not overlap.", "fine if people talk at once, else correct it"),
    "very-short": Rule("warning", f"A cue is longer than {SHORT_MS} ms.", "check it; the authors drop such lines"),
    "very-long": Rule("warning", f"A cue is at most {LONG_MS // 1000} s long.", "check the cue's end"),
    "no-turns": Rule("warning", "A dialogue has turns.", "remove the dialogue, or add its lines"),
    "unknown-speaker": Rule(
        "error", "A turn's speaker is in the speaker list.", "add the speaker, or correct the number"
    ),
    "speaker-ids": Rule("error", "Speakers are numbered 0, 1, 2, ….", "renumber the speakers"),
    "duplicate-speaker": Rule("warning", "Each speaker is listed once.", "merge the two entries"),
    "silent-speaker": Rule(
        "warning", "Every listed speaker speaks.", "remove the speaker, or check the names in the lines"
    ),
    "sound-outside-text": Rule("error", "A sound's offset lies inside the text of its turn.", "correct the offset"),
    "id-form": Rule("warning", "An id is `<movie>_clip_<number>`.", "harmless, but other tools may need this form"),
    "duplicate-id": Rule("error", "Each id occurs once in the release.", "remove one of the two, or renumber it"),
    "split-without-dialogue": Rule("warning", "Every id in a split has a dialogue.", "remove the id, or get its file"),
    "dialogue-without-split": Rule(
        "warning", "Every dialogue is in a split.", "add the id to a split, or leave it `unassigned`"
    ),
    "id-in-two-splits": Rule("error", "train, validation and test share no id.", "keep the id in one of them"),
    "movie-in-two-splits": Rule(
        "warning",
        "train, validation and test share no movie.",
        "scores on these splits are too high: the model knows the movies",
    ),
}
"""Every rule by its name, in the order reports use."""

_EXCLUSIVE: tuple[Split, ...] = ("train", "validation", "test")


class Checker:
    """Checks the dialogues of one release, then the release as a whole.

    Args:
        splits: the release's splits, or None if it has no splits file; then the rules about splits do not apply.
        splits_file: name of that file, for issues.
    """

    def __init__(self, splits: Splits | None = None, splits_file: str | None = None) -> None:
        self._splits_file = splits_file
        self._first: dict[str, str] = {}
        self._listed: dict[str, tuple[Split, ...]] = {}
        self._has_splits = splits is not None
        self._movies: dict[str, set[Split]] = {}
        self._repeated: list[tuple[str, Split]] = []
        if splits is not None:
            for name, ids in splits.lists():
                for id_ in ids:
                    before = self._listed.get(id_, ())
                    if name in before:
                        self._repeated.append((id_, name))
                    else:
                        self._listed[id_] = (*before, name)

    def check(
        self,
        dialogue: Dialogue,
        *,
        file: str | None = None,
        path: str = "$",
        path_of: Callable[[int], str] | None = None,
    ) -> Iterator[Issue]:
        """Issues of one dialogue.

        Args:
            dialogue: what to check.
            file: the file it was read from, as issues should name it.
            path: JSON path of the dialogue in that file.
            path_of: gives the JSON path of a turn by its index; by default the turn's place in our own format.
        """

        def issue(rule: str, message: str, turn: int | None = None) -> Issue:
            place = path
            if turn is not None:
                place = path_of(turn) if path_of else f"{path}.turns[{turn}]"
            return _issue(rule, f"{dialogue.id}: {message}", file, place)

        yield from self._identity(dialogue, issue, file, path)
        yield from _speakers(dialogue, issue)
        yield from _times(dialogue, issue)

    def _identity(
        self, dialogue: Dialogue, issue: Callable[..., Issue], file: str | None, path: str
    ) -> Iterator[Issue]:
        id_ = dialogue.id
        place = f"{file or ''} {path}".strip()
        first = self._first.setdefault(id_, place)
        if first is not place:
            yield issue("duplicate-id", f"the id also occurs in {first}")
        if id_ != f"{dialogue.movie}_clip_{dialogue.number}":
            yield issue("id-form", f"the id should be {dialogue.movie}_clip_{dialogue.number}")
        if self._has_splits:
            listed = self._listed.get(id_)
            if listed is None:
                yield issue("dialogue-without-split", "the id is in no split")
            else:
                self._movies.setdefault(dialogue.movie, set()).update(listed)

    def finish(self) -> Iterator[Issue]:
        """Issues of the release as a whole; call it after the last dialogue."""
        for id_, name in self._repeated:
            yield self._split_issue("id-in-two-splits", f"{id_}: listed twice in {name}", name)
        for id_, names in self._listed.items():
            if id_ not in self._first:
                yield self._split_issue("split-without-dialogue", f"{id_}: no file has this dialogue", names[0])
            both = [name for name in names if name in _EXCLUSIVE]
            if len(both) > 1:
                yield self._split_issue("id-in-two-splits", f"{id_}: listed in {' and '.join(both)}", both[1])
        for movie, splits in self._movies.items():
            both = [name for name in _EXCLUSIVE if name in splits]
            if len(both) > 1:
                yield self._split_issue("movie-in-two-splits", f"{movie}: has dialogues in {', '.join(both)}", both[1])

    def _split_issue(self, rule: str, message: str, split: str) -> Issue:
        return _issue(rule, message, self._splits_file, f"$.{split}")


def _issue(rule: str, message: str, file: str | None, path: str) -> Issue:
    entry = RULES[rule]
    return Issue(severity=entry.severity, rule=rule, file=file, path=path, message=message, hint=entry.hint)


def _speakers(dialogue: Dialogue, issue: Callable[..., Issue]) -> Iterator[Issue]:
    names: set[str] = set()
    for place, speaker in enumerate(dialogue.speakers):
        if speaker.id != place:
            yield issue("speaker-ids", f"speaker {speaker.name!r} has id {speaker.id}, but place {place} in the list")
        if speaker.name in names:
            yield issue("duplicate-speaker", f"speaker {speaker.name!r} is listed twice")
        names.add(speaker.name)
    count = len(dialogue.speakers)
    heard: set[int] = set()
    for place, turn in enumerate(dialogue.turns):
        if turn.speaker is not None:
            heard.add(turn.speaker)
            if turn.speaker >= count:
                yield issue("unknown-speaker", f"there is no speaker {turn.speaker}; the list has {count}", place)
        for sound in turn.nonverbal:
            if sound.offset > len(turn.text):
                yield issue(
                    "sound-outside-text",
                    f"<{sound.sound}> has offset {sound.offset}, but the text has only {len(turn.text)} characters",
                    place,
                )
            if sound.speaker is not None and sound.speaker >= count:
                yield issue(
                    "unknown-speaker",
                    f"there is no speaker {sound.speaker} for <{sound.sound}>; the list has {count}",
                    place,
                )
    for place in range(count):
        if place not in heard:
            yield issue("silent-speaker", f"speaker {dialogue.speakers[place].name!r} says nothing")


def _times(dialogue: Dialogue, issue: Callable[..., Issue]) -> Iterator[Issue]:
    first, last = dialogue.span.start_ms, dialogue.span.end_ms
    if last < first:
        yield issue("ends-before-start", f"the dialogue ends {first - last} ms before it starts")
    elif last == first:
        yield issue("empty-span", "the dialogue's span is empty")
    if not dialogue.turns:
        yield issue("no-turns", "the dialogue has no turns")
    cue: int | None = None
    before = furthest = -1
    for place, turn in enumerate(dialogue.turns):
        if turn.cue == cue:  # another speaker of the same cue: same span, already judged
            continue
        cue = turn.cue
        start, end = turn.span.start_ms, turn.span.end_ms
        length = end - start
        if length < 0:
            yield issue("ends-before-start", f"the cue ends {-length} ms before it starts", place)
        elif length == 0:
            yield issue("empty-span", "the cue's span is empty", place)
        elif length <= SHORT_MS:
            yield issue("very-short", f"the cue lasts {length} ms", place)
        elif length > LONG_MS:
            yield issue("very-long", f"the cue lasts {length / 1000:.1f} s", place)
        if start < first or end > last:
            yield issue(
                "turn-outside-dialogue", f"the cue is at {start} to {end} ms, outside {first} to {last} ms", place
            )
        if start < before:
            yield issue("out-of-order", f"the cue starts {before - start} ms before the cue above it", place)
        elif start < furthest:
            yield issue("overlap", f"the cue starts {furthest - start} ms before an earlier one ends", place)
        before = start
        furthest = max(furthest, end)

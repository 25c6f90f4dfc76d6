"""What is scored, read from wherever it is: rows, JSON lines, STM, SegLST, a release or a built directory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mmdia_dataset.errors import ConfigError, ScoreError, shown
from mmdia_dataset.files import file_name
from mmdia_dataset.metrics.libraries import meeteval
from mmdia_dataset.schema import INTERACTION_MODES, RELATIONSHIPS, SPLITS, Answer, Dialogue, Utterance, problem_of
from mmdia_dataset.views import speaking_order, tag_of

__all__ = ["Pair", "answer_of", "answers_in", "paired"]

_TAG = re.compile(r"\[(S(?:\d+|\?))\]")
_MISSING = ("error", "empty", "skip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One dialogue to score: hypothesis and reference, as answers and as they were given."""

    id: str
    hyp: Answer
    ref: Answer
    given_hyp: Any
    given_ref: Any

    @property
    def movie(self) -> str:
        """Its movie; if neither side names it, the part of its id before ``_clip_``."""
        return self.ref.movie or self.hyp.movie or self.id.rsplit("_clip_", 1)[0]


def answer_of(row: Answer | Dialogue | Mapping[str, Any]) -> Answer:
    """A row of a task, of `clips` or `dialogues`, or an answer as `schema.Answer` has it.

    Raises:
        ScoreError: the row is none of these, or is invalid.
    """
    if isinstance(row, Answer):
        return _spoken(row)
    if isinstance(row, Dialogue):
        return _of_dialogue(row)
    try:
        if "transcript" in row:
            return _of_task(row)
        if "turns" in row:
            return _of_row(row)
        return _spoken(Answer.model_validate(row))
    except ValidationError as error:
        raise ScoreError(
            f"the answer {shown(str(row.get('id')))} is invalid: {_short(error)}",
            hint=f"the fields of an answer are {', '.join(Answer.model_fields)}",
        ) from None
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ScoreError(
            f"the row {shown(str(row.get('id')))} can't be scored: {_short(error)}",
            hint="give the rows of the loader unchanged",
        ) from None


def _spoken(answer: Answer) -> Answer:
    """The answer with its text parted into utterances."""
    if answer.text is None or answer.utterances:
        return answer
    before, *rest = _TAG.split(answer.text)
    pieces = [("S1", before), *zip(rest[::2], rest[1::2], strict=True)]
    utterances = tuple(Utterance(speaker=who, text=text.strip()) for who, text in pieces if text.strip())
    return answer.model_copy(update={"utterances": utterances})


def _of_dialogue(dialogue: Dialogue) -> Answer:
    places = {speaker: place for place, speaker in enumerate(speaking_order(dialogue))}
    start = dialogue.span.start_ms
    lines = [(places.get(t.speaker) if t.speaker is not None else None, t.text, t.span.start_ms, t.span.end_ms)
            for t in dialogue.turns if t.text]  # fmt: skip
    triplet = dialogue.triplet
    return Answer(
        id=dialogue.id,
        movie=dialogue.movie,
        utterances=_utterances(lines, start),
        relationship=triplet.relationship.label if triplet else None,
        interaction=triplet.interaction.label if triplet else None,
    )


def _of_task(row: Mapping[str, Any]) -> Answer:
    lines = [(t["speaker"], t["text"], t["span"]["start_ms"], t["span"]["end_ms"]) for t in row["turns"]]
    return _labelled(Answer(id=row["id"], movie=row["movie"], utterances=_utterances(lines, 0)), row)


def _of_row(row: Mapping[str, Any]) -> Answer:
    turns = [turn for turn in row["turns"] if turn["text"]]
    order = dict.fromkeys(turn["speaker"] for turn in row["turns"] if turn["speaker"] is not None)
    places = {speaker: place for place, speaker in enumerate(order)}
    lines = [(places.get(t["speaker"]), t["text"], t["span"]["start_ms"], t["span"]["end_ms"]) for t in turns]
    start = row["span"]["start_ms"]
    return _labelled(Answer(id=row["id"], movie=row["movie"], utterances=_utterances(lines, start)), row)


def _utterances(lines: Iterable[tuple[int | None, str, int, int]], start: int) -> tuple[Utterance, ...]:
    return tuple(
        Utterance(speaker=tag_of(place), text=text, start_ms=max(0, a - start), end_ms=max(0, b - start))
        for place, text, a, b in lines
    )


def _labelled(answer: Answer, row: Mapping[str, Any]) -> Answer:
    """The answer with the labels of its row, which `datasets` gives as numbers."""
    triplet = row.get("triplet") or {}
    chosen: dict[str, str | None] = {}
    for name, labels in (("relationship", RELATIONSHIPS), ("interaction", INTERACTION_MODES)):
        label = (triplet.get(name) or {}).get("label")
        chosen[name] = labels[label] if isinstance(label, int) else label
    return answer.model_copy(update=chosen)


# --- reading ----------------------------------------------------------------------------------------------------------


def answers_in(source: Path | str | Iterable[Any], split: str | None = None) -> dict[str, tuple[Answer, Any]]:
    """Answers by id, each with what was given for it.

    Args:
        source: a file of JSON lines, STM (`.stm`) or SegLST (`.json`); a release or a built directory; or rows.
        split: read only this split of a release or a built directory.

    Raises:
        ScoreError: the source can't be read as any of these, or an id occurs twice.
        ConfigError: the split is unknown.
    """
    answers: dict[str, tuple[Answer, Any]] = {}
    for row in _given(source, split):
        answer = answer_of(row)
        if answer.id in answers:
            raise ScoreError(
                f"the dialogue {shown(answer.id)} occurs twice",
                where=source if isinstance(source, (str, Path)) else None,
                hint="give one answer for each dialogue",
            )
        answers[answer.id] = answer, row
    return answers


def _given(source: Path | str | Iterable[Any], split: str | None) -> Iterator[Any]:
    if split is not None and split not in SPLITS:
        raise ConfigError(f"unknown split {split!r}", hint=f"choose one of {', '.join(SPLITS)}")
    if not isinstance(source, (str, Path)):
        yield from source
        return
    path = Path(source)
    if path.is_dir():
        yield from _dialogues(path, split)
        return
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ScoreError(f"can't be read: {reason}", where=path, hint="check the path") from None
    if path.suffix == ".stm":
        yield from _stm(path, text)
    elif path.suffix == ".json":
        yield from _seglst(path, text)
    else:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield _json(line, path, f"line {number}")


def _json(text: str, path: Path, line: str | None = None) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ScoreError(f"not JSON: {error}", where=path, at=line, hint="write one answer per line") from None
    if line is not None and not isinstance(value, dict):
        raise ScoreError("not a JSON object", where=path, at=line, hint="write one answer per line")
    return value


def _dialogues(folder: Path, split: str | None) -> Iterator[Dialogue]:
    from mmdia_dataset.built.annotations import open_annotations

    opened = open_annotations(folder)
    yield from (dialogue for dialogue in opened.dialogues() if split is None or split in opened.splits_of(dialogue.id))


def _stm(path: Path, text: str) -> list[Answer]:
    try:
        return _segments(
            (line.filename, line.speaker_id, line.transcript, float(line.begin_time), float(line.end_time))
            for line in meeteval().io.STM.parse(text).lines
        )
    except (ValueError, OverflowError) as error:
        raise ScoreError(
            f"not STM: {_short(error)}", where=path, hint="each line is: id channel speaker start end words"
        ) from None


def _seglst(path: Path, text: str) -> list[Answer]:
    value = _json(text, path)
    try:
        return _segments(
            (entry["session_id"], str(entry["speaker"]), entry["words"], entry.get("start_time"), entry.get("end_time"))
            for entry in value
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise ScoreError(
            f"not SegLST: {_short(error)}", where=path, hint="each segment has session_id, speaker and words"
        ) from None


def _segments(segments: Iterable[tuple[str, str, str, float | None, float | None]]) -> list[Answer]:
    grouped: dict[str, list[Utterance]] = {}
    for session, speaker, words, start, end in segments:
        ms = [None if seconds is None else round(float(seconds) * 1000) for seconds in (start, end)]
        grouped.setdefault(session, []).append(Utterance(speaker=speaker, text=words, start_ms=ms[0], end_ms=ms[1]))
    return [Answer(id=session, utterances=tuple(utterances)) for session, utterances in grouped.items()]


def _short(error: Exception) -> str:
    """What is wrong, in a few words."""
    if not isinstance(error, ValidationError):
        return shown(str(error) if isinstance(error, ValueError) else repr(error))
    return problem_of(error)


def paired(
    hyps: dict[str, tuple[Answer, Any]], refs: dict[str, tuple[Answer, Any]], missing: str = "error"
) -> tuple[list[Pair], int, int]:
    """Hypotheses and references by id, in the order of the references; how many of each are left over.

    Args:
        hyps: what a system made.
        refs: what it is compared with; what decides which dialogues are scored.
        missing: what to do with a dialogue without an answer: `error`, `empty` (count it as silence), or `skip`.

    Returns:
        The pairs, the number of references without an answer, the number of answers without a reference.

    Raises:
        ScoreError: an answer is missing and `missing` is `error`, or there is nothing to compare.
    """
    if missing not in _MISSING:
        raise ScoreError(f"unknown value {missing!r} for `missing`", hint=f"choose one of {', '.join(_MISSING)}")
    named = {file_name(id_): id_ for id_ in refs}  # ids with spaces can't stand in STM as they are
    by_id = {id_ if id_ in refs else named.get(id_, id_): answer for id_, answer in hyps.items()}
    absent = [id_ for id_ in refs if id_ not in by_id]
    if absent and missing == "error":
        raise ScoreError(
            f"{len(absent)} of {len(refs)} dialogues have no answer, the first is {shown(absent[0])}",
            hint="answer them, or set `missing`: `empty` counts them as silence, `skip` leaves them out",
        )
    pairs = []
    for id_, (ref, given_ref) in refs.items():
        if id_ in by_id or missing == "empty":
            hyp, given_hyp = by_id.get(id_, (Answer(id=id_), None))
            pairs.append(Pair(id=id_, hyp=hyp, ref=ref, given_hyp=given_hyp, given_ref=given_ref))
    if not pairs:
        raise ScoreError("there is no dialogue to score", hint="compare the ids of answers and references")
    return pairs, len(absent), len(set(by_id) - set(refs))

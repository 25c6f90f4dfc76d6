"""Dialect 1, `srt`: as the authors' pipeline writes it. Subtitle lines with absolute times, annotated per line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from mmdia_dataset.release.drafts import Draft, DraftTurn
from mmdia_dataset.release.identity import Home
from mmdia_dataset.release.residue import apply, checksum, diff
from mmdia_dataset.release.rules import EntryError, Notes
from mmdia_dataset.release.stamps import StampedLines, canonical_lines
from mmdia_dataset.release.style import Style, read_style, style_of, tags_of, write_labels, write_scores
from mmdia_dataset.release.transcript import Cast, TextPart, parse_line, parse_words, render_line, without_markup
from mmdia_dataset.release.values import (
    cast_of,
    clip_number,
    cue_number,
    first_key,
    json_type,
    time_of,
)
from mmdia_dataset.schema import Dialogue, Span, Turn
from mmdia_dataset.timing import format_timestamp

__all__ = [
    "LINES",
    "LineTimes",
    "cues_of",
    "extent",
    "parts_of",
    "prepare",
    "read_entry",
    "render",
    "take_apart",
    "times_of",
    "write_entry",
]

LINES = "srt"
"""The key of an entry's lines."""

_ALIASES = {
    "start_time": "abs_start_time",
    "end_time": "abs_end_time",
    "speakers": "speaker",
    "speaker": "character_annotation",
    "annotation": "style_annotation",
    "description": "style_annotation",
    "affective_triplet": "style_annotation",
    "intensity": "emotion_intensity",
}
_NO_ANNOTATION = "no annotation"
Timeline = Literal["movie", "dialogue"]
LineTimes = tuple[int | None, int | None, int | None, int | None]
"""Absolute start and end, start and end from the dialogue's beginning [ms], of one line."""


def prepare(entries: list[Any]) -> list[StampedLines | None]:
    """What `take_apart` may be given as `usual`, for each of many entries."""
    return canonical_lines([entry.get(LINES) if type(entry) is dict else None for entry in entries])


def read_entry(raw: dict[str, Any], home: Home, notes: Notes) -> tuple[Dialogue, tuple[int, ...] | None]:
    """A clip as a dialogue, and the line of each turn (None where line and turn have the same place).

    Raises:
        EntryError: there is no usable clip_id, or no list of lines.
        pydantic.ValidationError: a value breaks the schema.
    """
    draft = take_apart(raw, home, notes)
    return draft.dialogue(), draft.places


def take_apart(raw: dict[str, Any], home: Home, notes: Notes, usual: StampedLines | None = None) -> Draft:
    """A clip as a dialogue not judged yet.

    Raises:
        EntryError: there is no usable clip_id, or no list of lines.
        pydantic.ValidationError: a value breaks the schema, and what the file held beyond it can't be told.
    """
    lines = raw.get(LINES)
    if type(lines) is not list:
        raise EntryError("wrong-shape", f"`{LINES}` is {json_type(lines)}, not a list of lines", f".{LINES}")
    number = clip_number(first_key(raw, "clip_id", "id"))
    cast = cast_of(raw, notes)
    usual = usual or canonical_lines([lines])[0]
    read = _odd(lines, cast, notes) if usual is None else _usual(usual, cast, notes)
    style = read_style(raw, notes)
    draft = Draft(
        home.dialogue_id(number),
        home.movie,
        home.batch,
        number,
        read.timeline,
        read.span,
        cast.names,
        read.turns,
        style,
        None if len(read.places) == len(lines) else tuple(read.places),
        {},
    )
    if read.residue is None:
        operations = diff(render(draft.dialogue()), raw, aliases=_ALIASES)
    else:  # what that would give, without rendering the lines known to be canonical
        head = _head_residue(_head(number, cast.names, style), raw)
        operations = [*head, *read.residue] if usual is None else [*read.residue, *head]
    if operations:
        draft.extra["srt"] = operations
    return draft


class _Read(NamedTuple):
    """An entry's lines as turns, each with its line's place; and what the lines hold beyond, if that can be told."""

    timeline: Timeline
    span: tuple[int, int]
    turns: list[DraftTurn]
    places: list[int]
    residue: list[Any] | None


def _usual(lines: StampedLines, cast: Cast, notes: Notes) -> _Read:
    """Lines of which every key but the words has its canonical value."""
    index = cast.index
    turns: list[DraftTurn] = []
    places: list[int] = []
    residue: list[Any] = []
    columns = zip(lines.cues, lines.starts, lines.ends, lines.texts, lines.annotations, strict=True)
    for place, (cue, start, end, text, annotation) in enumerate(columns):
        name, _, words = annotation.partition(": ") if type(annotation) is str else ("", "", "")
        speaker = index.get(name)
        if speaker is not None and ":" not in words:
            if words and "<" not in words and words.strip() == words:
                if words != text:
                    residue.append([f"/{LINES}/index={cue}/text", checksum(words), text])
                places.append(place)
                turns.append((speaker, start, end, words, cue, ()))
                continue
            parts = [parse_words(words, speaker, cast)] if "<" in words else None
        else:
            parts = None
        if parts is None:
            line = {"character_annotation": annotation, "text": text}
            parts = _parts(line, cast, notes, f".{LINES}[{place}]")
        canonical = _text(parts)
        if text != canonical:  # which is text, so == tells types too
            residue.append([f"/{LINES}/index={cue}/text", checksum(canonical), text])
        canonical = render_line(parts, cast.names)
        if annotation != canonical:
            residue.append([f"/{LINES}/index={cue}/character_annotation", checksum(canonical), annotation])
        for part in parts:
            places.append(place)
            turns.append((part.speaker, start, end, part.text, cue, part.sounds))
    unambiguous = len(set(lines.cues)) == len(lines.cues)
    return _Read("movie", (lines.first, lines.last), turns, places, residue if unambiguous else None)


def _odd(lines: list[Any], cast: Cast, notes: Notes) -> _Read:
    """Lines of any form."""
    spans, timeline = _times(lines, notes)
    first, last = extent(spans)
    base = first if timeline == "movie" else None
    turns: list[DraftTurn] = []
    places: list[int] = []
    read: list[tuple[int, list[TextPart]]] = []
    for place, (line, span) in enumerate(zip(lines, spans, strict=True)):
        path = f".{LINES}[{place}]"
        cue = cue_number(line.get("index") if type(line) is dict else None, place, notes, path)
        parts = _parts(line, cast, notes, path)
        read.append((cue, parts))
        for part in parts:
            places.append(place)
            turns.append((part.speaker, span.start_ms, span.end_ms, part.text, cue, part.sounds))
    if len({cue for cue, _ in read}) != len(read) or any(type(line) is not dict for line in lines):
        return _Read(timeline, (first, last), turns, places, None)
    residue: list[Any] = []
    for (cue, parts), span, line in zip(read, spans, lines, strict=True):
        residue += diff(_line(cue, span, base, parts, cast.names), line, f"/{LINES}/index={cue}", _ALIASES)
    return _Read(timeline, (first, last), turns, places, residue)


def _head_residue(head: dict[str, Any], raw: dict[str, Any]) -> list[Any]:
    for key, value in head.items():
        raw_value = raw.get(key)
        if raw_value != value or type(raw_value) is not type(value):  # deeper values are texts, for which == is enough
            return diff(head, {key: value for key, value in raw.items() if key != LINES}, aliases=_ALIASES)
    if len(raw) == len(head) + 1:
        return []
    rest = {key: value for key, value in raw.items() if key not in head and key != LINES}
    return diff({}, rest) if _ALIASES.keys().isdisjoint(rest) else diff(head, {**head, **rest}, aliases=_ALIASES)


def _times(lines: list[Any], notes: Notes) -> tuple[list[Span], Timeline]:
    times: list[LineTimes] = []
    for place, line in enumerate(lines):
        path = f".{LINES}[{place}]"
        if type(line) is not dict:
            times.append((None, None, None, None))
            continue
        times.append(
            (
                time_of(first_key(line, "abs_start_time", "start_time", "abs_start"), notes, path),
                time_of(first_key(line, "abs_end_time", "end_time", "abs_end"), notes, path),
                time_of(first_key(line, "relative_start", "relative_start_time"), notes, path),
                time_of(first_key(line, "relative_end", "relative_end_time"), notes, path),
            )
        )
    return times_of(times, LINES, notes)


def extent(spans: list[Span]) -> tuple[int, int]:
    """The first start and the last end."""
    return min((s.start_ms for s in spans), default=0), max((s.end_ms for s in spans), default=0)


def times_of(times: list[LineTimes], key: str, notes: Notes) -> tuple[list[Span], Timeline]:
    """Spans from (absolute start, end, relative start, end) of each line, and what they count from.

    With absolute times on any line the timeline is the movie's; lines that have only relative ones are placed by the
    difference seen elsewhere. A missing start is the end of the line before, a missing end is the line's start.
    """
    on_movie = any(start is not None or end is not None for start, end, _, _ in times)
    base: int | None = 0
    if on_movie:
        base = next(
            (start - relative for start, _, relative, _ in times if start is not None and relative is not None), None
        )
        base = None if base is not None and base < 0 else base
    else:
        notes.add("no-movie-times", "no line has an absolute time")
    spans: list[Span] = []
    before = next((start for start, *_ in times if start is not None), 0) if on_movie else 0
    for place, (start, end, relative_start, relative_end) in enumerate(times):
        if start is None and relative_start is not None and base is not None:
            start = relative_start + base
        if end is None and relative_end is not None and base is not None:
            end = relative_end + base
        if start is None or end is None:
            notes.add("missing-times", "the line has no start or no end time", f".{key}[{place}]")
        start = before if start is None else start
        end = start if end is None else end
        spans.append(Span(start, end))
        before = end
    return spans, "movie" if on_movie else "dialogue"


def _parts(line: Any, cast: Cast, notes: Notes, path: str) -> list[TextPart]:
    if type(line) is not dict:
        notes.add("bad-cue", f"the line is {json_type(line)}, not an object", path)
        return [TextPart(None)]
    annotation = line.get("character_annotation")
    if type(annotation) is dict:
        annotation = annotation.get("text")
    if type(annotation) is not str or (
        len(annotation) < 20 and annotation.strip().casefold().rstrip(".") in ("", _NO_ANNOTATION)
    ):
        text, speaker = line.get("text"), line.get("speaker")
        text = without_markup(text) if type(text) is str else ""
        if type(speaker) is str and speaker.strip():
            speaker_index = cast.find(speaker.strip())
            if speaker_index is None:
                notes.add("speaker-not-listed", f"the line's speaker {speaker!r} is not in the speaker list", path)
                speaker_index = cast.add(speaker.strip())
            parts = [parse_words(text, speaker_index, cast)]
        else:
            notes.add("missing-annotation", "the line has no annotation, so its speaker is unknown", path)
            parts = [parse_words(text, None, cast)]
    else:
        parts = parse_line(annotation, cast, notes, path)
        if parts[0].speaker is None and parts[0].text:
            notes.add("line-without-speaker", "the line has words before the first speaker's name", path)
    if not any(part.text or part.sounds for part in parts):
        notes.add("no-words", "the line has neither words nor sounds", path)
    return parts


def cues_of(turns: tuple[Turn, ...]) -> Iterator[list[Turn]]:
    """Turns grouped by cue: neighbours of one number and one span."""
    group: list[Turn] = []
    for turn in turns:
        if group and (turn.cue != group[0].cue or turn.span != group[0].span):
            yield group
            group = []
        group.append(turn)
    if group:
        yield group


def parts_of(turns: list[Turn]) -> list[TextPart]:
    """Turns of one cue as the line grammar's parts."""
    return [TextPart(t.speaker, t.text, [(n.sound, n.offset, n.speaker) for n in t.nonverbal]) for t in turns]


def _text(parts: list[TextPart]) -> str:
    return parts[0].text if len(parts) == 1 else " ".join(part.text for part in parts if part.text)


def _line(number: int, span: Span, base: int | None, parts: list[TextPart], names: list[str]) -> dict[str, Any]:
    line: dict[str, Any] = {"index": number}
    start, end = span.start_ms, span.end_ms
    if base is not None:
        line["abs_start_time"] = format_timestamp(start)
        line["abs_end_time"] = format_timestamp(end)
    line["relative_start"] = format_timestamp(max(0, start - (base or 0)))
    line["relative_end"] = format_timestamp(max(0, end - (base or 0)))
    line["text"] = _text(parts)
    line["character_annotation"] = render_line(parts, names)
    return line


def _head(number: int, names: list[str], style: Style) -> dict[str, Any]:
    entry: dict[str, Any] = {"clip_id": number, "key": "", "video_path": "", "speaker": names}
    tags, summary = tags_of(style), style.get("description")
    if tags or summary is not None:
        annotation: dict[str, Any] = {} if tags is None else {"Tags": tags}
        if summary is not None:
            annotation["Summary"] = summary
        entry["style_annotation"] = annotation
    write_labels(style, entry)
    write_scores(style, entry)
    return entry


def render(dialogue: Dialogue) -> dict[str, Any]:
    """The canonical entry: what the fields say, without the residue."""
    names = [speaker.name for speaker in dialogue.speakers]
    base = dialogue.span.start_ms if dialogue.timeline == "movie" else None
    entry = _head(dialogue.number, names, style_of(dialogue))
    entry[LINES] = [
        _line(group[0].cue, group[0].span, base, parts_of(group), names) for group in cues_of(dialogue.turns)
    ]
    return entry


def write_entry(dialogue: Dialogue) -> dict[str, Any]:
    """The clip as a file of this dialect holds it, with what was read beyond the fields."""
    entry: dict[str, Any] = apply(render(dialogue), dialogue.extra.get("srt"))
    return entry

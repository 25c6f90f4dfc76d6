"""Dialect 3, `training`: the JSONL of the authors' training code. One line per dialogue, speakers by number."""

from __future__ import annotations

import re
from typing import Any

from pydantic import JsonValue

from mmdia_dataset.release.identity import Home, home_of_dialogue
from mmdia_dataset.release.residue import apply, diff
from mmdia_dataset.release.rules import EntryError, Notes
from mmdia_dataset.release.srt import LineTimes, cues_of, extent, parts_of, times_of
from mmdia_dataset.release.style import read_style, style_of, tags_of, write_labels, write_scores
from mmdia_dataset.release.transcript import MUSIC, Cast, TextPart, parse_words, render_words
from mmdia_dataset.release.values import (
    cast_of,
    clip_number,
    cue_number,
    first_key,
    json_type,
    seconds_from_ms,
    speaker_rows,
    time_of,
)
from mmdia_dataset.schema import Dialogue, Span
from mmdia_dataset.timing import format_timestamp

__all__ = ["LINES", "read_entry", "render", "write_entry"]

LINES = "segments"
"""The key of an entry's lines."""

_ALIASES = {"start_time": "start", "end_time": "end"}
_MARK = re.compile(r"\[(\d{1,4})\]", re.ASCII)


def read_entry(raw: dict[str, Any], home: Home, notes: Notes) -> tuple[Dialogue, tuple[int, ...] | None]:
    """A line as a dialogue, and the segment of each turn (None where both have the same place).

    Its movie is told by ``dialog_id`` and ``path``; the file it stands in says nothing.

    Raises:
        EntryError: there is no usable dialog_id, or no list of segments.
        pydantic.ValidationError: a value breaks the schema.
    """
    lines = raw.get(LINES)
    if type(lines) is not list:
        raise EntryError("wrong-shape", f"`{LINES}` is {json_type(lines)}, not a list", f".{LINES}")
    home, digits = home_of_dialogue(raw.get("dialog_id"), first_key(raw, "path", "video_path"))
    number = clip_number(digits)
    cast = cast_of(raw, notes)
    line_times: list[LineTimes] = []
    for place, line in enumerate(lines):
        fields = line if type(line) is dict else {}
        times = (
            first_key(fields, "abs_start_time"),
            first_key(fields, "abs_end_time"),
            first_key(fields, "start", "start_time"),
            first_key(fields, "end", "end_time"),
        )
        start, end, since, until = (time_of(value, notes, f".{LINES}[{place}]") for value in times)
        line_times.append((start, end, since, until))
    spans, timeline = times_of(line_times, LINES, notes)
    turns: list[dict[str, Any]] = []
    places: list[int] = []
    for place, line in enumerate(lines):
        path = f".{LINES}[{place}]"
        fields = line if type(line) is dict else {}
        if fields is not line:
            notes.add("bad-cue", f"the segment is {json_type(line)}, not an object", path)
        cue = cue_number(first_key(fields, "index", "segment_id"), place, notes, path)
        span = spans[place]
        for part in _parts(fields, cast, notes, path):
            turns.append(part.turn(span, cue))
            places.append(place)
    dialogue = Dialogue.model_validate(
        {
            "id": raw["dialog_id"].replace(" ", "_"),
            "movie": home.movie,
            "batch": home.batch,
            "number": number,
            "timeline": timeline,
            "span": Span(*extent(spans)),
            "speakers": speaker_rows(cast),
            "turns": turns,
            **read_style(raw, notes),
        }
    )
    operations: JsonValue = diff(render(dialogue), raw, aliases=_ALIASES)
    if operations:
        dialogue.extra["training"] = operations
    return dialogue, None if len(places) == len(lines) else tuple(places)


def _parts(line: dict[str, Any], cast: Cast, notes: Notes, path: str) -> list[TextPart]:
    """``[0]Hello?[1]Anna?`` as parts; a number that is no speaker's belongs to the words."""
    text = line.get("text")
    pieces = _MARK.split(text) if type(text) is str else [""]
    parts: list[TextPart] = []
    words, speaker = pieces[0], None
    listed = line.get("speaker")
    if type(listed) is list and len(listed) == 1:
        listed = listed[0]
    if len(pieces) == 1 and type(listed) is int and 0 <= listed < len(cast.given):
        speaker = cast.given[listed]
    started = speaker is not None
    for mark, rest in zip(pieces[1::2], pieces[2::2], strict=True):
        if int(mark) >= len(cast.given):
            words += f"[{mark}]{rest}"
            continue
        if started or words.strip():
            parts.append(parse_words(words, speaker, cast))
        words, speaker, started = rest, cast.given[int(mark)], True
        if speaker is None:  # music: a sound of nobody, in the part before it
            part = parts[-1] if parts else TextPart(None)
            parts = parts or [part]
            part.sounds.append((f"{MUSIC}: {rest.strip()}" if rest.strip() else MUSIC, len(part.text), None))
            words, started = "", False
    if started or words.strip() or not parts:
        parts.append(parse_words(words, speaker, cast))
    if parts[0].speaker is None and parts[0].text:
        notes.add("line-without-speaker", "the segment has words before the first speaker's number", path)
    if not any(part.text or part.sounds for part in parts):
        notes.add("no-words", "the segment has neither words nor sounds", path)
    return parts


def _marked(parts: list[TextPart], count: int) -> str:
    pieces = []
    for part in parts:
        listed = part.speaker is not None and part.speaker < count
        pieces.append(f"[{part.speaker}]{render_words(part)}" if listed else render_words(part))
    return "".join(pieces)


def render(dialogue: Dialogue) -> dict[str, Any]:
    """The canonical line: what the fields say, without the residue."""
    names = [speaker.name for speaker in dialogue.speakers]
    style = style_of(dialogue)
    base = dialogue.span.start_ms if dialogue.timeline == "movie" else 0
    entry: dict[str, Any] = {
        "dialog_id": dialogue.id,
        "path": "",
        "video_path": "",
        "speakers": [f"{name}:" for name in names],
        "annotation_tag": tags_of(style) or ["", "", ""],
        "annotation_text": dialogue.description or "",
    }
    segments: list[dict[str, Any]] = []
    for place, group in enumerate(cues_of(dialogue.turns)):
        span, parts = group[0].span, parts_of(group)
        spoken = [part.speaker for part in parts if part.speaker is not None and part.speaker < len(names)]
        segment: dict[str, Any] = {
            "segment_id": place,
            "text": _marked(parts, len(names)),
            "start": seconds_from_ms(max(0, span.start_ms - base)),
            "end": seconds_from_ms(max(0, span.end_ms - base)),
            "index": group[0].cue,
            "speaker": list(dict.fromkeys(spoken)),
        }
        if dialogue.timeline == "movie":
            segment["abs_start_time"] = format_timestamp(span.start_ms)
            segment["abs_end_time"] = format_timestamp(span.end_ms)
        segments.append(segment)
    entry[LINES] = segments
    write_labels(style, entry)
    write_scores(style, entry)
    return entry


def write_entry(dialogue: Dialogue) -> dict[str, Any]:
    """The line as a file of this dialect holds it, with what was read beyond the fields."""
    entry: dict[str, Any] = apply(render(dialogue), dialogue.extra.get("training"))
    return entry

"""Dialect 2, `utterances`: as the release's README names it. One entry per turn, seconds from the clip's start."""

from __future__ import annotations

import re
from typing import Any

from pydantic import JsonValue

from mmdia_dataset.release.identity import Home, home_of_entry
from mmdia_dataset.release.residue import apply, diff
from mmdia_dataset.release.rules import EntryError, Notes
from mmdia_dataset.release.srt import LineTimes, extent, parts_of, times_of
from mmdia_dataset.release.style import read_style, style_of, write_labels, write_scores
from mmdia_dataset.release.transcript import Cast, TextPart, parse_line, parse_words, render_words, without_markup
from mmdia_dataset.release.values import (
    cast_of,
    clip_number,
    cue_number,
    first_key,
    json_type,
    seconds_from_ms,
    speaker_rows,
    time_of,
    visibility_of,
)
from mmdia_dataset.schema import Dialogue, Span, Visibility
from mmdia_dataset.timing import format_timestamp

__all__ = ["LINES", "read_entry", "render", "write_entry"]

LINES = "utterances"
"""The key of an entry's lines."""

_ALIASES = {
    "start": "start_time",
    "end": "end_time",
    "timestamps": "start_time",
    "timestamp": "start_time",
    "speaker": "speakers",
    "non_verbal": "text",
    "nonverbal": "text",
    "non_verbal_sounds": "text",
    "nonverbal_sounds": "text",
    "annotation": "affective_triplet",
    "style_annotation": "affective_triplet",
    "intensity": "emotion_intensity",
    "visible": "visibility",
}
_SOUNDS = ("non_verbal_sounds", "nonverbal_sounds", "non_verbal", "nonverbal")
_RANGE = re.compile(r"\s*([\d.:,]+)\s*(?:-->|–|-|to)\s*([\d.:,]+)\s*")


def read_entry(raw: dict[str, Any], home: Home, notes: Notes) -> tuple[Dialogue, tuple[int, ...] | None]:
    """A clip as a dialogue, and the utterance of each turn (None where both have the same place).

    Raises:
        EntryError: there is no usable clip_id, or no list of utterances.
        pydantic.ValidationError: a value breaks the schema.
    """
    lines = raw.get(LINES)
    if type(lines) is not list:
        raise EntryError("wrong-shape", f"`{LINES}` is {json_type(lines)}, not a list", f".{LINES}")
    number = clip_number(first_key(raw, "clip_id", "dialog_id", "id"))
    home = home_of_entry(raw, home)
    named = [line["speaker"] for line in lines if type(line) is dict and type(line.get("speaker")) is str]
    cast = cast_of(raw, notes, found_in=list(dict.fromkeys(named)))
    visibilities = _visible(raw.get("speaker_visibility"), cast, notes)
    spans, timeline = times_of(_times(raw, lines, notes), LINES, notes)
    turns: list[dict[str, Any]] = []
    places: list[int] = []
    for place, line in enumerate(lines):
        path = f".{LINES}[{place}]"
        fields = line if type(line) is dict else {}
        if fields is not line:
            notes.add("bad-cue", f"the utterance is {json_type(line)}, not an object", path)
        cue = cue_number(fields.get("index", place + 1), place, notes, path)
        visibility = first_key(fields, "visibility", "visible", "speaker_visibility")
        for part in _parts(fields, cast, notes, path):
            turn = part.turn(spans[place], cue)
            if visibility is not None:
                turn["visibility"] = visibility_of(visibility, notes, f"{path}.visibility")
            turns.append(turn)
            places.append(place)
    dialogue = Dialogue.model_validate(
        {
            "id": home.dialogue_id(number),
            "movie": home.movie,
            "batch": home.batch,
            "number": number,
            "timeline": timeline,
            "span": Span(*extent(spans)),
            "speakers": speaker_rows(cast, visibilities),
            "turns": turns,
            **read_style(raw, notes),
        }
    )
    operations: JsonValue = diff(render(dialogue), raw, aliases=_ALIASES)
    if operations:
        dialogue.extra["utterances"] = operations
    return dialogue, None if len(places) == len(lines) else tuple(places)


def _times(raw: dict[str, Any], lines: list[Any], notes: Notes) -> list[LineTimes]:
    offset = time_of(first_key(raw, "abs_start_time", "abs_start", "clip_start"), notes, ".abs_start_time")
    times: list[LineTimes] = []
    for place, line in enumerate(lines):
        if type(line) is not dict:
            times.append((None, None, None, None))
            continue
        path = f".{LINES}[{place}]"
        start, end = first_key(line, "start_time", "start"), first_key(line, "end_time", "end")
        both = first_key(line, "timestamps", "timestamp")
        if both is not None and start is None and end is None:
            start, end = _both(both)
        since, until = time_of(start, notes, path), time_of(end, notes, path)
        from_ = time_of(line.get("abs_start_time"), notes, path)
        to = time_of(line.get("abs_end_time"), notes, path)
        if offset is not None:
            from_ = since + offset if from_ is None and since is not None else from_
            to = until + offset if to is None and until is not None else to
        times.append((from_, to, since, until))
    return times


def _both(value: Any) -> tuple[Any, Any]:
    """Start and end from ``[0.5, 2.0]``, ``{"start": …, "end": …}`` or ``"0.5 - 2.0"``."""
    if type(value) is list and len(value) == 2:
        return value[0], value[1]
    if type(value) is dict:
        return first_key(value, "start", "start_time"), first_key(value, "end", "end_time")
    if type(value) is str and (match := _RANGE.fullmatch(value)):
        return match.group(1), match.group(2)
    return value, None


def _parts(line: dict[str, Any], cast: Cast, notes: Notes, path: str) -> list[TextPart]:
    text = line.get("text")
    text = without_markup(text) if type(text) is str else ""
    speaker = line.get("speaker")
    if type(speaker) is str and speaker.strip():
        name = speaker.strip().removesuffix(":").rstrip()
        speaker_index = cast.find(name)
        if speaker_index is None:
            notes.add("speaker-not-listed", f"the utterance's speaker {name!r} is not in the speaker list", path)
            speaker_index = cast.add(name)
        parts = [parse_words(text, speaker_index, cast)]
    elif type(speaker) is int and 0 <= speaker < len(cast.given):
        parts = [parse_words(text, cast.given[speaker], cast)]
    else:
        parts = parse_line(text, cast, notes, path)
        if parts[0].speaker is None and parts[0].text:
            notes.add("line-without-speaker", "the utterance has no speaker", path)
    sounds = first_key(line, *_SOUNDS)
    last = parts[-1]
    for sound in [sounds] if type(sounds) is str else sounds if type(sounds) is list else []:
        plain = sound.strip().strip("<>").strip() if type(sound) is str else ""
        if plain and all(plain != heard for heard, _, _ in last.sounds):
            owner = cast.named_in(plain)
            last.sounds.append((plain, len(last.text), last.speaker if owner is None else owner))
    if not any(part.text or part.sounds for part in parts):
        notes.add("no-words", "the utterance has neither words nor sounds", path)
    return parts


def _visible(raw: Any, cast: Cast, notes: Notes) -> dict[str, Visibility]:
    """Each speaker's visibility: from an object by name, a list in the speakers' order or of names, or one for all."""
    path = ".speaker_visibility"
    if raw is None:
        return {}
    if type(raw) is dict:
        visibilities = {}
        for name, value in raw.items():
            place = cast.find(name.strip().removesuffix(":"))
            if place is None:
                notes.add("unknown-visibility", f"{name!r} is not in the speaker list", path)
            else:
                visibilities[cast.names[place]] = visibility_of(value, notes, path)
        return visibilities
    if type(raw) is list:
        if raw and all(type(item) is str and cast.find(item) is not None for item in raw):
            listed = {cast.find(item) for item in raw}
            return {name: "on_screen" if place in listed else "off_screen" for place, name in enumerate(cast.names)}
        if len(raw) == len(cast.given):
            return {
                cast.names[place]: visibility_of(value, notes, path)
                for place, value in zip(cast.given, raw, strict=True)
                if place is not None
            }
        notes.add("unknown-visibility", f"there are {len(raw)} values for {len(cast.names)} speakers", path)
        return {}
    return dict.fromkeys(cast.names, visibility_of(raw, notes, path))


def render(dialogue: Dialogue) -> dict[str, Any]:
    """The canonical entry: what the fields say, without the residue."""
    names = [speaker.name for speaker in dialogue.speakers]
    style = style_of(dialogue)
    base = dialogue.span.start_ms if dialogue.timeline == "movie" else 0
    entry: dict[str, Any] = {"movie_id": dialogue.movie, "clip_id": dialogue.number, "speakers": names}
    lines: list[dict[str, Any]] = []
    for turn in dialogue.turns:
        line: dict[str, Any] = {
            "index": turn.cue,
            "start_time": seconds_from_ms(max(0, turn.span.start_ms - base)),
            "end_time": seconds_from_ms(max(0, turn.span.end_ms - base)),
            "text": render_words(parts_of([turn])[0]) if turn.nonverbal else turn.text,
        }
        if turn.speaker is not None and turn.speaker < len(names):
            line["speaker"] = names[turn.speaker]
        if dialogue.timeline == "movie":
            line["abs_start_time"] = format_timestamp(turn.span.start_ms)
            line["abs_end_time"] = format_timestamp(turn.span.end_ms)
        if turn.visibility != "unknown":
            line["visibility"] = turn.visibility
        lines.append(line)
    entry[LINES] = lines
    triplet = dialogue.triplet
    if triplet is not None:
        texts = {
            "Relationship": triplet.relationship.text,
            "InteractionMode": triplet.interaction.text,
            "EmotionalTone": triplet.tone,
        }
        if any(text is not None for text in texts.values()):
            entry["affective_triplet"] = texts
    if dialogue.description is not None:
        entry["description"] = dialogue.description
    write_scores(style, entry)
    visible = {speaker.name: speaker.visible for speaker in dialogue.speakers if speaker.visible != "unknown"}
    if visible:
        entry["speaker_visibility"] = visible
    write_labels(style, entry)
    return entry


def write_entry(dialogue: Dialogue) -> dict[str, Any]:
    """The clip as a file of this dialect holds it, with what was read beyond the fields."""
    entry: dict[str, Any] = apply(render(dialogue), dialogue.extra.get("utterances"))
    return entry

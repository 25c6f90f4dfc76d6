"""Single values as release files write them: numbers, times, names, visibility."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from mmdia_dataset.release.rules import EntryError, Notes
from mmdia_dataset.release.transcript import MUSIC, Cast
from mmdia_dataset.schema import Visibility
from mmdia_dataset.timing import MAX_MS, ms_from_seconds, ms_from_timestamp

__all__ = [
    "cast_of",
    "clip_number",
    "cue_number",
    "first_key",
    "is_named",
    "json_type",
    "score_of",
    "seconds_from_ms",
    "speaker_rows",
    "time_of",
    "visibility_of",
]

_MAX = 2**31 - 1
_DIGITS = re.compile(r"\s*(?:.*(?:clip|dia)_?)?(\d{1,10})\s*", re.ASCII | re.DOTALL)
_NUMBER = re.compile(r"\s*\d{1,9}(?:\.\d{1,12})?\s*", re.ASCII)
_INT64 = 2**63
_TYPES = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def time_of(value: Any, notes: Notes, path: str) -> int | None:
    """A time in milliseconds from a timestamp or seconds; None if it is missing or, with a note, unreadable."""
    kind = type(value)
    try:
        if kind is str:
            if _NUMBER.fullmatch(value):
                return ms_from_seconds(float(value))
            if not value.strip():
                return None
            return _bounded(ms_from_timestamp(value))
        if kind is float:
            ms = round(value * 1000)
            return ms if 0 <= ms <= MAX_MS and ms / 1000 == value else ms_from_seconds(value)
        if kind is int:
            return ms_from_seconds(value)
        if value is None:
            return None
    except (ValueError, OverflowError):
        pass
    notes.add("bad-time", f"{_short(value)} is not a time", path)
    return None


def _bounded(ms: int) -> int:
    if ms > MAX_MS:
        raise ValueError("no movie is that long")
    return ms


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # integers of thousands of digits have no text
        return "a huge value"
    return text if len(text) <= 60 else f"{text[:57]}…"


def seconds_from_ms(ms: int) -> float:
    """Milliseconds as seconds, the way dialects 2 and 3 write times."""
    return ms / 1000


def clip_number(value: Any) -> int:
    """A dialogue's number from ``12``, ``"12"``, ``12.0`` or ``"clip_012"``. Raises EntryError."""
    kind = type(value)
    if kind is int and 0 <= value <= _MAX:
        return int(value)
    if kind is str and (match := _DIGITS.fullmatch(value)) and int(match.group(1)) <= _MAX:
        return int(match.group(1))
    if kind is float and value.is_integer() and 0 <= value <= _MAX:
        return int(value)
    what = "clip_id is missing" if value is None else f"{_short(value)} is not a clip_id"
    raise EntryError("no-clip-id", what)


def cue_number(value: Any, place: int, notes: Notes, path: str) -> int:
    """A subtitle's number; its place in the list, counted from 1, where it has none."""
    if type(value) is int and -_INT64 <= value < _INT64:
        return value
    if type(value) is str and (match := _DIGITS.fullmatch(value)):
        return int(match.group(1))
    notes.add("cue-number", f"{_short(value)} is not a line number; {place + 1} is used", path)
    return place + 1


def json_type(value: Any) -> str:
    """What kind of JSON value this is, in words: "a list"."""
    return _TYPES.get(type(value), "another value")


def first_key(raw: dict[str, Any], *keys: str) -> Any:
    """The value of the first of several spellings that is present and not null."""
    for key in keys:
        value = raw.get(key)
        if value is not None:
            return value
    return None


def cast_of(raw: dict[str, Any], notes: Notes, *, found_in: list[Any] | None = None) -> Cast:
    """The speakers of an entry, from `speaker` or `speakers`: texts, or objects with a name."""
    speakers = first_key(raw, "speaker", "speakers")
    if type(speakers) is str:
        speakers = speakers.split(",")
    elif type(speakers) is dict:
        speakers = list(speakers)
    if type(speakers) is not list:
        notes.add("missing-speakers", "there is no list of speakers")
        speakers = found_in or []
    names: list[str] = []
    for place, name in enumerate(speakers):
        if type(name) is str and name[-1:].isalpha() and name[0].isalpha() and name != MUSIC:
            names.append(name)
            continue
        if type(name) is dict:
            name = first_key(name, "name", "speaker", "id")
        if type(name) is not str:
            notes.add("bad-speaker", f"{_short(name)} is not a speaker's name", f".speaker[{place}]")
            name = "" if name is None else _short(name)
        name = name.strip().removesuffix(":").rstrip()
        names.append(name)
        if name.casefold() == MUSIC.casefold():
            notes.add("background-music", f"{MUSIC!r} is in the speaker list", f".speaker[{place}]")
    return Cast(names)


_COMMON = frozenset(  # in one text, for people
    """a an and another at by from in of on the to with without first second third other old older young younger little
    man woman boy girl child kid baby person people guy lady gentleman mother father mom dad mum brother sister son
    daughter uncle aunt grandma grandpa grandmother grandfather wife husband friend guard officer cop policeman soldier
    doctor nurse waiter waitress bartender driver clerk receptionist reporter announcer anchor narrator host teacher
    student boss secretary lawyer judge priest voice speaker crowd group all both everyone someone unknown unidentified
    stranger customer agent operator dispatcher singer radio tv phone male female adult teenager teen elderly
    """.split()  # noqa: SIM905
)
_WORDS = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=16_384)
def is_named(name: str) -> bool:
    """Whether a speaker's name holds a proper name: a capitalised word that is no common description."""
    words = [word for word in _WORDS.findall(name) if len(word) > 1 or word.isupper()]
    return any(not word[0].islower() and word.casefold() not in _COMMON for word in words)


def speaker_rows(cast: Cast, visibilities: dict[str, Visibility] | None = None) -> list[dict[str, Any]]:
    """The speakers as the schema has them."""
    rows: list[dict[str, Any]] = [
        {"id": place, "name": name, "named": is_named(name)} for place, name in enumerate(cast.names)
    ]
    if visibilities:
        for row in rows:
            row["visible"] = visibilities.get(row["name"], "unknown")
    return rows


def score_of(value: Any, key: str, notes: Notes) -> float | None:
    """An intensity or volatility from 1 to 10; None if missing or, with a note, no such number."""
    if value is None:
        return None
    if type(value) is str and _NUMBER.fullmatch(value):
        value = float(value)
    if type(value) in (int, float) and 1 <= value <= 10:
        return float(value)
    notes.add("bad-score", f"{_short(value)} is not a number from 1 to 10", f".{key}")
    return None


_SEEN: dict[str, Visibility] = {}
_SEEN.update(dict.fromkeys(("onscreen", "visible", "yes", "true", "seen", "both", "1", "full", "fully"), "on_screen"))
_SEEN.update(dict.fromkeys(("partly", "partial", "partially", "partiallyvisible", "partlyvisible", "some"), "partly"))
_SEEN.update(
    dict.fromkeys(("offscreen", "invisible", "notvisible", "no", "false", "none", "unseen", "0"), "off_screen")
)
_SEEN.update(dict.fromkeys(("unknown", "", "unclear", "na"), "unknown"))


def visibility_of(value: Any, notes: Notes, path: str) -> Visibility:
    """A visibility from a word, a truth value or 0 and 1; `unknown`, with a note, if it can't be understood."""
    if value is True or value is False:
        return "on_screen" if value else "off_screen"
    if value is None:
        return "unknown"
    if type(value) is dict:
        value = first_key(value, "visible", "visibility", "status")
        if value is True or value is False:
            return "on_screen" if value else "off_screen"
    if type(value) in (str, int):
        visibility = _SEEN.get("".join(c for c in _short(value).lower() if c.isalnum()))
        if visibility is not None:
            return visibility
    notes.add("unknown-visibility", f"{_short(value)} is not a known visibility", path)
    return "unknown"

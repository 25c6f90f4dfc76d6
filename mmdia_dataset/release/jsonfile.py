"""JSON and JSON Lines from untrusted files: parsed fast; a fault gives one clear sentence."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from mmdia_dataset.release.rules import EntryError

__all__ = ["MAX_DEPTH", "check_entry", "json_lines", "parse", "read_json"]

MAX_DEPTH = 150
"""Deeper JSON is refused: no annotation is deeper, and parsers stop at 200."""

_BOMS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def parse(data: bytes, *, first_line: int = 1) -> tuple[Any, bool]:
    """The JSON value in some bytes, and whether its entries still need `check_entry`.

    Raises:
        EntryError: what is wrong, in one sentence, with line and column or byte.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return from_json(data, cache_strings="keys"), False
    except ValueError:
        pass
    text = _decoded(data)
    try:
        return json.loads(text), True  # knows half surrogates and more depth
    except RecursionError:
        raise EntryError("too-deep", f"the JSON is nested deeper than {MAX_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        position = f"line {error.lineno + first_line - 1}, column {error.colno}"
        ended = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        if not text.strip():
            raise EntryError("truncated", "the file is empty") from None
        if ended and text.lstrip()[:1] in ("{", "[", '"'):
            raise EntryError("truncated", f"the JSON ends in the middle, at {position}") from None
        raise EntryError("not-json", f"not JSON at {position}: {error.msg[:1].lower()}{error.msg[1:]}") from None
    except ValueError as error:  # an integer of more digits than Python converts
        raise EntryError("not-json", f"a number can't be read: {str(error).partition(';')[0]}") from None


def _decoded(data: bytes) -> str:
    for mark, name in _BOMS:
        if data.startswith(mark):
            raise EntryError("wrong-encoding", f"the file is {name}; it must be UTF-8")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        bad_byte = f"byte 0x{data[error.start]:02x} at position {error.start} (line {line})"
        raise EntryError("wrong-encoding", f"{bad_byte} is not UTF-8") from None
    if "\0" in text[:200]:
        raise EntryError("wrong-encoding", "the file looks like UTF-16; it must be UTF-8")
    return text


def read_json(path: Path) -> tuple[Any, bool]:
    """The JSON value of a file; see `parse`. Raises EntryError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(error) from error
    return parse(data)


def _unreadable(error: OSError) -> EntryError:
    return EntryError("unreadable", f"the file can't be read: {(error.strerror or str(error)).lower()}")


def json_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The non-empty lines of a file, with their numbers from 1. Raises EntryError: the file can't be read."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if number == 1:
                    line = line.removeprefix(codecs.BOM_UTF8)
                if line := line.strip():
                    yield number, line
    except OSError as error:
        raise _unreadable(error) from error


def check_entry(entry: Any) -> None:
    """Refuse values that `json.loads` accepts but no file can store. Raises EntryError."""
    level: list[Any] = [entry]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for value in level:
            if type(value) is dict:
                deeper += value.values()
                deeper += value
            elif type(value) is list:
                deeper += value
            elif type(value) is str and not value.isascii():
                try:
                    value.encode()
                except UnicodeEncodeError:
                    raise EntryError("not-unicode", "a text holds half of a surrogate pair") from None
        if not deeper:
            return
        level = deeper
    raise EntryError("too-deep", f"the JSON is nested deeper than {MAX_DEPTH} levels")

"""What a release file says beyond the models: the difference between an entry and how we would write it.

A reader renders what it understood as its dialect's writer would (the *canonical* entry). Where that is not what
the file holds, an operation is kept:

    [pointer, guard]                remove what stands there
    [pointer, guard, value]         put the value there

The pointer is like a JSON pointer; a step into a list of numbered lines is ``index=5``, so that operations still find
their line after others were added or dropped. The guard is a checksum of the canonical value at that place, null where
the canonical entry has nothing there, or ``key=checksum`` of a neighbour that the value is another spelling of. The
writer renders the canonical entry again and applies the operations whose guard still fits: so everything unedited
comes back as it was, types included, and an edited field wins over its residue.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii
from typing import Any

__all__ = ["apply", "checksum", "diff", "same"]

Operation = list[Any] | tuple[Any, ...]
_NO_ALIAS: Mapping[str, str] = {}
_MISSING: Any = object()
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal, types included: 1, 1.0 and true differ."""
    kind = type(left)
    if kind is not type(right):
        return False
    if kind is dict:
        if len(left) != len(right):
            return False
        return all(same(value, right.get(key, _MISSING)) for key, value in left.items())
    if kind is list:
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def checksum(value: Any) -> str:
    """Eight hexadecimal digits that stand for a JSON value, types included; they tell an edit, not an attack."""
    text = encode_basestring_ascii(value) if type(value) is str else _ENCODER.encode(value)
    return f"{zlib.crc32(text.encode('ascii')):08x}"


def diff(canonical: Any, raw: Any, pointer: str = "", aliases: Mapping[str, str] = _NO_ALIAS) -> list[Any]:
    """The operations that lead from a canonical value to what the file holds.

    Args:
        canonical: what the writer renders.
        raw: what was read.
        pointer: pointer of the two values.
        aliases: keys that are other spellings of a canonical key; they count as edited if that one is.
    """
    operations: list[Any] = []
    _diff(canonical, raw, pointer, aliases, operations)
    return operations


def _diff(canonical: Any, raw: Any, pointer: str, aliases: Mapping[str, str], operations: list[Any]) -> None:
    if type(canonical) is dict and type(raw) is dict:
        for key, value in raw.items():
            if key in canonical:
                _diff(canonical[key], value, f"{pointer}/{_escaped(key)}", aliases, operations)
            else:
                alias = aliases.get(key)
                guard = f"{alias}={checksum(canonical[alias])}" if alias is not None and alias in canonical else None
                operations.append([f"{pointer}/{_escaped(key)}", guard, value])
        absent = [(key, value) for key, value in canonical.items() if key not in raw]
        operations.extend([f"{pointer}/{_escaped(key)}", checksum(value)] for key, value in absent)
    elif _are_lines(canonical) and _are_lines(raw) and len(canonical) == len(raw):
        numbers = [line.get("index") for line in canonical]
        named = None not in numbers and len(set(numbers)) == len(numbers)
        for place, (line, raw_line) in enumerate(zip(canonical, raw, strict=True)):
            step = f"index={numbers[place]}" if named else f"{place}"
            _diff(line, raw_line, f"{pointer}/{step}", aliases, operations)
    elif not same(canonical, raw):
        operations.append([pointer, checksum(canonical), raw])


def _are_lines(value: Any) -> bool:
    return type(value) is list and bool(value) and all(type(item) is dict for item in value)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key


def apply(canonical: Any, operations: Any) -> Any:
    """The canonical value with all operations whose guard fits; the value given is changed in place.

    Operations come from files: what is malformed is skipped, never raised.
    """
    if not isinstance(operations, (list, tuple)):
        return canonical
    fitting = []  # found before anything is changed: one operation's change must not hide another's place or guard
    for operation in operations:
        if isinstance(operation, (list, tuple)) and len(operation) in (2, 3) and isinstance(operation[0], str):
            if operation[0] == "":
                if len(operation) == 3 and operation[1] == checksum(canonical):
                    return operation[2]
            elif (place := _place(canonical, operation[0])) is not None and _fits(*place, operation[1]):
                fitting.append((*place, operation))
    for parent, key, operation in fitting:
        if len(operation) == 3:
            parent[key] = operation[2]
        elif type(parent) is dict:
            del parent[key]
    return canonical


def _place(root: Any, pointer: str) -> tuple[Any, Any] | None:
    """The object or list that a pointer leads into, and the key or position in it."""
    steps = pointer.split("/")[1:]
    if not steps:
        return None
    last = steps.pop()
    parent = root
    for step in steps:
        parent = _entered(parent, step)
    if type(parent) is dict:
        return parent, last.replace("~1", "/").replace("~0", "~")
    position = _position(parent, last) if type(parent) is list else None
    return None if position is None else (parent, position)


def _fits(parent: Any, key: Any, guard: Any) -> bool:
    present = type(parent) is list or key in parent
    if guard is None:
        return not present
    if not isinstance(guard, str):
        return False
    if "=" in guard:
        neighbour, _, guard = guard.rpartition("=")
        return not present and neighbour in parent and checksum(parent[neighbour]) == guard
    return present and checksum(parent[key]) == guard


def _entered(parent: Any, step: str) -> Any:
    if type(parent) is dict:
        return parent.get(step.replace("~1", "/").replace("~0", "~"), _MISSING)
    if type(parent) is list:
        place = _position(parent, step)
        return _MISSING if place is None else parent[place]
    return _MISSING


def _position(lines: list[Any], step: str) -> int | None:
    """Where a step leads in a list: ``index=5`` to the one line of that number, ``3`` to the fourth."""
    if step.startswith("index="):
        number = step[6:]
        places = [i for i, line in enumerate(lines) if type(line) is dict and str(line.get("index")) == number]
        return places[0] if len(places) == 1 else None
    return int(step) if step.isascii() and step.isdigit() and len(step) < 10 and int(step) < len(lines) else None

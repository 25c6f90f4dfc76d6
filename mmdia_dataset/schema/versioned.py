"""Files that say the version of their format, and how files of a newer program are read.

A newer minor version adds keys: they are kept, and written back when the file is rewritten. A newer major version
is not read. In a file of our own version, or of an older one, an unknown key is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import Field, JsonValue, PrivateAttr, ValidationError
from pydantic_core import from_json, to_json

from mmdia_dataset.schema.base import FORMAT_VERSION, Model
from mmdia_dataset.schema.problems import problem_of

__all__ = [
    "FormatError",
    "Versioned",
    "marked_version",
    "newer_major",
    "newer_minor",
    "read_versioned",
    "without_unknown_keys",
]

_MAJOR, _MINOR = map(int, FORMAT_VERSION.split("."))
_VERSION = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,4}))?")
_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")
_UPGRADE = "upgrade with `pip install -U mmdia-dataset`"

Place = tuple[str | int, ...]


class FormatError(ValueError):
    """A file of ours, or a line of one, can't be understood.

    Attributes:
        what: what is wrong.
        hint: what to do, where a newer program wrote it; else it depends on the file.
        newer: whether its format is of a newer major version.
    """

    def __init__(self, what: str, hint: str | None = None, *, newer: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.newer = newer


class Versioned(Model):
    """Base of what is a file, or a line of one: it says its version."""

    version: Annotated[str, Field(pattern=rf"^{_MAJOR}(\.(0|[1-9][0-9]{{0,3}}))?(?![\s\S])")] = Field(
        default=FORMAT_VERSION, description="Version of this format, as major.minor.", examples=[FORMAT_VERSION]
    )

    _unknown: tuple[tuple[Place, JsonValue], ...] = PrivateAttr(default=())

    def with_unknown(self, unknown: tuple[tuple[Place, JsonValue], ...]) -> Self:
        """The same, holding keys that a newer program wrote, each with its place. Changes this very object."""
        self._unknown = unknown
        return self

    def without_unknown(self) -> Self:
        """A copy in our own version: only what this program understands, so that it knows what it gives away."""
        return self.model_copy(update={"version": FORMAT_VERSION}).with_unknown(()) if self._unknown else self

    def as_json(self, *, exclude_none: bool = False) -> dict[str, Any]:
        """As its file holds it, with the keys that a newer program wrote."""
        value = self.model_dump(mode="json", exclude_none=exclude_none)
        for place, held in self._unknown:
            where: Any = value
            for part in place[:-1]:
                inside = part in where if isinstance(where, dict) else isinstance(part, int) and part < len(where)
                where = where[part] if inside else None
                if not isinstance(where, (dict, list)):
                    break
            else:
                where[place[-1]] = held
        return value

    @property
    def is_newer(self) -> bool:
        """Whether it holds keys that a newer program wrote."""
        return bool(self._unknown)


M = TypeVar("M", bound=Model)
V = TypeVar("V", bound=Versioned)


def newer_major(version: object) -> FormatError | None:
    """What to say of a file of this version, if its major version is newer than ours."""
    parts = _parts(version)
    if parts is None or parts[0] <= _MAJOR:
        return None
    what = f"made by a newer mmdia-dataset (format {version}; this one reads {_MAJOR}.x)"
    return FormatError(what, _UPGRADE, newer=True)


def marked_version(file: Path) -> tuple[int, int] | None:
    """The version that a file gives for its folder; None without one. Raises FormatError: a newer major version."""
    try:
        value = from_json(file.read_bytes())
    except (OSError, ValueError):
        return None
    version = value.get("version") if isinstance(value, dict) else None
    newer = newer_major(version)
    if newer is not None:
        raise newer
    return _parts(version)


def newer_minor(version: tuple[int, int] | None) -> FormatError | None:
    """What to say of rows that can't be understood, in a folder of this version, if its minor version is newer."""
    if version is None or version <= (_MAJOR, _MINOR):
        return None
    what = "made by a newer mmdia-dataset (format {}.{}), and this one can't read all of its rows".format(*version)
    return FormatError(what, _UPGRADE)


def read_versioned(validate: Callable[[bytes], V], text: bytes) -> V:
    """What a file or a line holds.

    Args:
        validate: makes it from JSON, strictly: a model's `model_validate_json`.
        text: the JSON.

    Raises:
        FormatError: it is something else, or of a newer major version. Its cause is pydantic's error, if there is one.
    """
    try:
        return validate(text)
    except ValidationError as error:
        problem = error
    try:
        value = from_json(text)
    except ValueError:
        raise FormatError(problem_of(problem)) from problem
    version = value.get("version") if isinstance(value, dict) else None
    newer, parts = newer_major(version), _parts(version)
    if newer is not None:
        raise newer
    if parts is None or parts <= (_MAJOR, _MINOR):
        raise FormatError(problem_of(problem)) from problem
    try:
        item, unknown = without_unknown_keys(validate, value, problem)
    except ValidationError as error:
        hint = f"a newer mmdia-dataset made it (format {version}), so {_UPGRADE}"
        raise FormatError(problem_of(error), hint) from error
    return item.with_unknown(unknown)


def without_unknown_keys(
    validate: Callable[[bytes], M], value: Any, problem: ValidationError
) -> tuple[M, tuple[tuple[Place, JsonValue], ...]]:
    """What some JSON holds beside the keys that a newer program wrote, and those, each with its place.

    Args:
        validate: makes it from JSON, strictly.
        value: the JSON, parsed; the unknown keys are taken out of it.
        problem: what `validate` says of it.

    Raises:
        ValidationError: something else is wrong with it too.
    """
    unknown: list[tuple[Place, JsonValue]] = []
    while all(fault["type"] in _UNKNOWN_KEY for fault in problem.errors(include_url=False)):
        unknown += [_taken(value, fault["loc"]) for fault in problem.errors(include_url=False)]
        try:
            return validate(to_json(value)), tuple(unknown)
        except ValidationError as error:
            problem = error
    raise problem


def _parts(version: object) -> tuple[int, int] | None:
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    return None if match is None else (int(match[1]), int(match[2] or 0))


def _taken(value: Any, loc: Place) -> tuple[Place, JsonValue]:
    """Take the value at a place out of some JSON; gives the place, made of its keys alone, and the value."""
    place: list[str | int] = []
    where = value
    for part in loc[:-1]:
        if isinstance(where, dict) and part not in where:  # which kind of manifest line pydantic speaks of
            continue
        place.append(part)
        where = where[part]
    return (*place, loc[-1]), where.pop(loc[-1])

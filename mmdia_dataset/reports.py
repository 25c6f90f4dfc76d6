"""Reports: what a command did. Each is a dataclass, has an exit code, and gives itself as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

__all__ = ["Report", "count_text", "plain"]


class Report:
    """Base of the reports of commands, which are dataclasses.

    Attributes:
        JSON_TOO: properties that JSON has in addition to the fields.
        NOT_JSON: fields that JSON lacks, or has in another form.
    """

    __slots__ = ()
    JSON_TOO: ClassVar[tuple[str, ...]] = ()
    NOT_JSON: ClassVar[tuple[str, ...]] = ()

    @property
    def exit_code(self) -> int:
        """0 good, 1 faults found."""
        return 0

    def as_json(self) -> dict[str, Any]:
        """The report as `--format json` prints it: strings, numbers, lists and dicts alone."""
        names = [name for name in _names(self) if name not in self.NOT_JSON]
        return {name: plain(getattr(self, name)) for name in (*names, *self.JSON_TOO)}


def plain(value: Any) -> Any:
    """A value as JSON has it: dataclasses and models as dicts, paths as strings, all else unchanged."""
    if hasattr(value, "as_json"):
        return value.as_json()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if is_dataclass(value):
        return {name: plain(getattr(value, name)) for name in _names(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value


def count_text(count: int, noun: str, plural: str | None = None) -> str:
    """`1 shard`, `2,000 shards`, `2 entries`."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def _names(value: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(value))

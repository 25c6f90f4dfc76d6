"""Clips wanted of a film, and where they go, for whoever cuts without a plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mmdia_dataset.clips import Moment, Wish
from mmdia_dataset.timing import Span

__all__ = ["into", "wish"]


def wish(name: str, start_ms: int, end_ms: int, moments: tuple[Moment, ...] = ()) -> Wish:
    """A clip wanted of whatever film."""
    return Wish(id=name, movie="film", span=Span(start_ms, end_ms), moments=moments)


def into(folder: Path, suffix: str = "") -> Callable[[Wish], Path]:
    """Names files in a folder after the clips."""
    return lambda wanted: folder / f"{wanted.id}{suffix}"

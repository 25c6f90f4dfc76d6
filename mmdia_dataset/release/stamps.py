"""The times of many canonical lines at once.

Reading timestamps one by one would take most of the time of reading a release. A file's lines nearly always have the
same seven keys with times of the same form, so they are laid side by side and reckoned with numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["StampedLines", "canonical_lines"]

_KEYS = dict.fromkeys(
    ("index", "abs_start_time", "abs_end_time", "relative_start", "relative_end", "text", "character_annotation")
).keys()
_DIGITS = [0, 1, 3, 4, 6, 7, 9, 10, 11]  # of HH:MM:SS,mmm
_WEIGHTS = np.array([36_000_000, 3_600_000, 600_000, 60_000, 10_000, 1000, 100, 10, 1])
_COLON, _COMMA = ord(":") - ord("0"), (ord(",") - ord("0")) % 256
_INT64 = 2**63

Ints = npt.NDArray[np.int64]


class StampedLines(NamedTuple):
    """The lines of one entry, column by column; times in milliseconds."""

    cues: Sequence[int]
    starts: list[int]
    ends: list[int]
    texts: Sequence[Any]
    annotations: Sequence[Any]
    first: int
    last: int


def canonical_lines(entries: list[Any]) -> list[StampedLines | None]:
    """For each entry's lines: their columns, or None if any key, number or time is not as our writer writes it.

    Canonical are the seven keys, an integer `index`, times ``HH:MM:SS,mmm``, and relative times that count from the
    entry's first start. Texts and annotations may be anything.
    """
    columns = _all(entries)
    if columns is None:  # somewhere is something unusual: one by one
        return [(_all([lines]) or [None])[0] for lines in entries] if len(entries) > 1 else [None]
    return columns


def _all(entries: list[Any]) -> list[StampedLines | None] | None:
    usual: list[dict[str, Any]] = []
    counts: list[int] = []
    for lines in entries:
        try:
            fits = all(map(_KEYS.__eq__, map(dict.keys, lines)))
        except TypeError:  # not a list of objects
            fits = False
        counts.append(len(lines) if fits else 0)
        if fits:
            usual += lines
    if not usual:
        return [None] * len(entries)
    index, *columns, texts, annotations = ([line[key] for line in usual] for key in _KEYS)
    if set(map(type, index)) != {int} or not -_INT64 <= min(index) <= max(index) < _INT64:
        return None
    times = [_milliseconds(column) for column in columns]
    start, end, since, until = times
    if start is None or end is None or since is None or until is None:
        return None
    sizes = [count for count in counts if count]
    begins = np.cumsum([0, *sizes[:-1]])
    first = np.minimum.reduceat(start, begins)
    base = np.repeat(first, sizes)
    good = np.logical_and.reduceat((since == start - base) & (until == end - base), begins).tolist()
    last = np.maximum.reduceat(end, begins).tolist()
    verdicts = iter(zip(good, begins.tolist(), first.tolist(), last, strict=True))
    starts, ends = start.tolist(), end.tolist()
    result: list[StampedLines | None] = []
    for count in counts:
        if not count:
            result.append(None)
            continue
        fits, begin, lowest, highest = next(verdicts)
        rows = slice(begin, begin + count)
        result.append(
            StampedLines(index[rows], starts[rows], ends[rows], texts[rows], annotations[rows], lowest, highest)
            if fits
            else None
        )
    return result


def _milliseconds(column: list[Any]) -> Ints | None:
    """Timestamps as milliseconds; None unless all of them are ``HH:MM:SS,mmm``."""
    try:
        text = "".join(column)
    except TypeError:
        return None
    if not text.isascii() or set(map(len, column)) != {12}:
        return None
    table = np.frombuffer(text.encode("ascii"), np.uint8).reshape(-1, 12) - np.uint8(ord("0"))  # wraps around
    digits = table[:, _DIGITS]
    marks = (table[:, 2] == _COLON) & (table[:, 5] == _COLON) & (table[:, 8] == _COMMA)
    if digits.max() > 9 or table[:, 3].max() > 5 or table[:, 6].max() > 5 or not marks.all():
        return None
    milliseconds: Ints = digits.astype(np.int64) @ _WEIGHTS
    return milliseconds

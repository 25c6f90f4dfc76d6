"""Timestamps -> sample numbers (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

import numpy as np

from mmdia_dataset.media.containers.packet_rows import Ints

__all__ = ["sample_places"]

_WIDE = 1 << 62
_CROWD = 5  # pieces from which on one alone is outvoted


def sample_places(
    ticks: Sequence[int] | Ints, lengths: Sequence[int] | Ints, per_tick: Fraction, zero: Fraction
) -> tuple[list[int], bool]:
    """The sample index at which each of several pieces of sound begins, from their timestamps.

    Pieces that follow each other get places that do, even if their timestamps were rounded, as Matroska's are to
    milliseconds: one position is sought for all of them, the middle of where it can lie, so that rounding errors
    cancel. Where rounding does not explain the timestamps, that is done run by run. A run whose neighbours on both
    sides agree with each other, and not with it, has wrong timestamps: between the two there is room for its samples
    and no others, so that is where it lies.

    Args:
        ticks: each piece's timestamp.
        lengths: samples in each piece.
        per_tick: samples per tick.
        zero: the place of sample 0, in samples of the timestamps' clock.

    Returns:
        The places, and whether the pieces follow each other.
    """
    unit = lcm(2 * per_tick.denominator, zero.denominator)  # all integers: parts of a sample
    scale = int(per_tick * unit)
    times, counts = np.asarray(ticks, np.int64), np.asarray(lengths, np.int64)
    first = int(times[0]) * scale - int(zero * unit)
    later, before = times - times[0], np.cumsum(counts) - counts
    if (int(np.abs(later).max()) + 1) * scale + (int(before[-1]) + 1) * unit >= _WIDE:
        later, before = later.astype(object), before.astype(object)
    errors = later * scale - before * unit
    slack = 21 * max(scale, unit) // 20
    if int(errors.max()) - int(errors.min()) > slack:
        errors = _reconciled(errors, slack)
    runs = _runs(errors, slack)
    starts = np.zeros(len(times), object)
    for begin, end in runs:
        starts[begin:end] = ((_middle(errors[begin:end]) + first) * 2 + unit) // (2 * unit)
    return (starts + before).tolist(), len(runs) == 1


def _middle(errors: Ints) -> int:
    """The middle of where a row of pieces can lie; a single one that doubles the doubt is not heard."""
    row = [int(error) for error in np.sort(errors)]
    if len(row) >= _CROWD:
        inner = row[-2] - row[1]
        row = row[1:] if row[1] - row[0] > inner else row
        row = row[:-1] if row[-1] - row[-2] > inner else row
    return (row[0] + row[-1]) // 2


def _runs(errors: Ints, slack: int) -> list[tuple[int, int]]:
    """The rows of pieces that follow each other, from each to before which: in each, errors differ by rounding."""
    if int(errors.max()) - int(errors.min()) <= slack:
        return [(0, len(errors))]
    runs, begin, low, high = [], 0, errors[0], errors[0]
    for n, error in enumerate(errors.tolist()):
        low, high = min(low, error), max(high, error)
        if high - low > slack:
            runs.append((begin, n))
            begin, low, high = n, error, error
    return [*runs, (begin, len(errors))]


def _reconciled(errors: Ints, slack: int) -> Ints:
    """The same with runs of wrong timestamps put where both their neighbours say."""
    mended = errors.copy()
    runs = _runs(errors, slack)
    merged = runs[:1]
    for number, (begin, end) in enumerate(runs[1:], 1):
        before = mended[merged[-1][0] : merged[-1][1]]
        low, high = int(before.min()), int(before.max())
        after = errors[runs[number + 1][0] : runs[number + 1][1]] if number + 1 < len(runs) else None
        agree = after is not None and max(high, int(after.max())) - min(low, int(after.min())) <= slack
        if agree:
            mended[begin:end] = mended[begin - 1]
            merged[-1] = merged[-1][0], end
        else:
            merged.append((begin, end))
    return mended

"""Timestamps -> sample numbers (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

import numpy as np

from mmdia_dataset.media.samples import Ints

__all__ = ["sample_places"]

_WIDE = 1 << 62


def sample_places(
    ticks: Sequence[int] | Ints, lengths: Sequence[int] | Ints, per_tick: Fraction, zero: Fraction
) -> tuple[list[int], bool]:
    """The sample index at which each of several pieces of sound begins, from their timestamps.

    Pieces that follow each other get places that do, even if their timestamps were rounded, as Matroska's are to
    milliseconds: one position is sought for all of them, the middle of where it can lie, so that rounding errors
    cancel. Where rounding does not explain the timestamps, each piece is taken as it is.

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
    low, high = int(errors.min()) + first, int(errors.max()) + first
    follows = (high - low) * 20 <= 21 * max(scale, unit)
    if follows:
        start = ((low + high) // 2 * 2 + unit) // (2 * unit)
        return [start + length for length in before.tolist()], True
    return [(2 * (first + place * scale) + unit) // (2 * unit) for place in later.tolist()], False

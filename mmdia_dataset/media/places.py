"""Timestamps -> sample numbers (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from math import lcm

__all__ = ["sample_places"]


def sample_places(
    ticks: Sequence[int], lengths: Sequence[int], per_tick: Fraction, zero: Fraction
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
    scale, shift = int(per_tick * unit), int(zero * unit)
    rough = [tick * scale - shift for tick in ticks]
    before = [0, *accumulate(lengths[:-1])]
    errors = [start - length * unit for start, length in zip(rough, before, strict=True)]
    low, high = min(errors), max(errors)
    follows = (high - low) * 20 <= 21 * max(scale, unit)
    if follows:
        first = ((low + high) // 2 * 2 + unit) // (2 * unit)
        return [first + length for length in before], True
    return [(2 * start + unit) // (2 * unit) for start in rough], False

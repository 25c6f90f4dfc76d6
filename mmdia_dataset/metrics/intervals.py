"""Confidence intervals by bootstrap, over dialogues or over movies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["LEVEL", "bootstrap"]

LEVEL = 0.95
_AT_ONCE = 2_000_000


def bootstrap(
    numerators: Sequence[float],
    denominators: Sequence[float],
    groups: Sequence[str] | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float] | None:
    """The 95 % percentile interval of ``sum(numerators) / sum(denominators)``.

    Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.3: units are drawn with replacement, as
    many as there are. Units are dialogues or, with `groups`, all dialogues of a group together: dialogues of one
    movie are alike, and an interval that takes them for independent is too narrow.

    Args:
        numerators: one per dialogue, such as its word errors.
        denominators: one per dialogue, such as its number of words; 1 for a mean.
        groups: the group of each dialogue.
        resamples: how often units are drawn.
        seed: same seed, same interval.

    Returns:
        Lower and upper end; None with fewer than two units, or where nothing is counted.
    """
    over, under = np.asarray(numerators, float), np.asarray(denominators, float)
    if groups is not None:
        _, place = np.unique(np.asarray(groups, str), return_inverse=True)
        over, under = np.bincount(place, over), np.bincount(place, under)
    units = len(over)
    if units < 2 or not under.sum() or resamples < 1:
        return None
    random = np.random.default_rng(seed)
    values = []
    step = max(1, _AT_ONCE // units)
    for start in range(0, resamples, step):
        drawn = random.integers(0, units, (min(step, resamples - start), units))
        below = under[drawn].sum(axis=1)
        values.append(over[drawn].sum(axis=1)[below > 0] / below[below > 0])
    low, high = np.quantile(np.concatenate(values), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)

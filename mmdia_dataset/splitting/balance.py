"""Groups shared out over parts, so that every part looks like the whole in hours, relationships and interaction modes.

What is made small is, over parts p with the wanted share t, and over features f (all hours, and the hours of each
label) with the part's share x of that feature and the feature's weight w:

    sum over p, f of  w * (x - t)^2 / t

All hours weigh 2, and the labels of each vocabulary together 1, each by its hours, so that a rare label does not
outweigh a frequent one. From several orders of the groups, drawn by seed, each group goes where it helps most, the
largest first; then single groups move, or two swap, for as long as that helps. The best result is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

__all__ = ["Load", "share_out"]

P = TypeVar("P", bound=str)

_STARTS = 8
_STEPS = 2000


@dataclass(slots=True)
class Load:
    """What a group weighs: milliseconds in all, and by feature (a label, with the name of its vocabulary)."""

    ms: int = 0
    features: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, ms: int, features: Sequence[tuple[str, str]]) -> None:
        """Add a dialogue. One without length still weighs something."""
        weight = max(1, ms)
        self.ms += weight
        for feature in features:
            self.features[feature] = self.features.get(feature, 0) + weight


def share_out(
    loads: Mapping[str, Load], shares: Mapping[P, float], seed: int, fixed: Mapping[str, P] | None = None
) -> dict[str, P]:
    """The part of each group. Same input, same result, in whatever order the groups come.

    Args:
        loads: the groups.
        shares: the parts and the share of each, more than 0 and together 1.
        seed: of the orders tried.
        fixed: groups whose part is given; they stay.
    """
    import numpy as np

    fixed = fixed or {}
    names, parts = sorted(loads), list(shares)
    if not names:
        return {}
    matrix, weights = _matrix([loads[name] for name in names])
    targets = np.array(list(shares.values()))
    free = [row for row, name in enumerate(names) if name not in fixed]
    fixed_side = np.array([parts.index(fixed[name]) if name in fixed else -1 for name in names])
    best: tuple[float, Any] | None = None
    for start in range(_STARTS):
        rank = {row: hashlib.sha256(f"{seed}\0{start}\0{names[row]}".encode()).digest() for row in free}
        by_size = sorted(free, key=lambda row: (-round(float(matrix[row, 0]) * 40), rank[row]))
        side = _descend(matrix, weights, targets, fixed_side.copy(), by_size)
        cost = float(_cost(_sums(matrix, side, len(parts)), weights, targets))
        if best is None or cost < best[0] - 1e-12:
            best = cost, side
    assert best is not None  # noqa: S101 - there is at least one start
    return {name: parts[side] for name, side in zip(names, best[1], strict=True)}


def _matrix(loads: list[Load]) -> tuple[Any, Any]:
    """Shares of the whole, group by feature, the first feature being all hours; and the features' weights."""
    import numpy as np

    features = sorted({feature for load in loads for feature in load.features})
    places = {feature: place for place, feature in enumerate(features, 1)}
    matrix = np.zeros((len(loads), len(features) + 1))
    for row, load in enumerate(loads):
        matrix[row, 0] = load.ms
        for feature, ms in load.features.items():
            matrix[row, places[feature]] = ms
    totals = matrix.sum(axis=0)
    weights = np.append(2.0, totals[1:] / totals[0])
    return matrix / totals, weights


def _sums(matrix: Any, side: Any, parts: int) -> Any:
    import numpy as np

    return np.stack([matrix[side == part].sum(axis=0) for part in range(parts)])


def _cost(sums: Any, weights: Any, targets: Any) -> Any:
    """Of parts by features, or of many such."""
    difference = sums - targets[:, None]
    return (difference * difference / targets[:, None] * weights).sum(axis=(-2, -1))


def _descend(matrix: Any, weights: Any, targets: Any, side: Any, order: list[int]) -> Any:
    """Place the groups in order, then move and swap them while that helps."""
    import numpy as np

    parts = len(targets)
    sums = _sums(matrix, side, parts)
    for row in order:
        options = np.stack([sums + np.eye(parts)[part][:, None] * matrix[row] for part in range(parts)])
        side[row] = int(np.argmin(_cost(options, weights, targets)))
        sums[side[row]] += matrix[row]
    free = np.array(order, int)
    scale = weights / targets[:, None]
    for _ in range(_STEPS if len(free) else 0):
        gap = sums - targets[:, None]
        step = _best_move(matrix, side, free, gap, scale) or _best_swap(matrix, side, free, gap, scale)
        if step is None:
            break
        for row, part in step:
            sums[side[row]] -= matrix[row]
            sums[part] += matrix[row]
            side[row] = part
    return side


def _best_move(matrix: Any, side: Any, free: Any, gap: Any, scale: Any) -> list[tuple[int, int]] | None:
    """The group whose move to another part helps most."""
    import numpy as np

    rows, current = matrix[free], side[free]
    square = rows * rows
    leave = (scale[current] * (square - 2 * rows * gap[current])).sum(axis=1)
    enter = square @ scale.T + 2 * rows @ (scale * gap).T
    change = leave[:, None] + enter
    change[np.arange(len(free)), current] = 0
    row, part = np.unravel_index(int(np.argmin(change)), change.shape)
    return [(int(free[row]), int(part))] if change[row, part] < -1e-12 else None


def _best_swap(matrix: Any, side: Any, free: Any, gap: Any, scale: Any) -> list[tuple[int, int]] | None:
    """The two groups whose change of places helps most."""
    import numpy as np

    best, swap = -1e-12, None
    for first in range(len(gap)):
        for second in range(first + 1, len(gap)):
            in_first, in_second = free[side[free] == first], free[side[free] == second]
            if not len(in_first) or not len(in_second):
                continue
            # A swap adds d = row of `in_second` - row of `in_first` to `first`, and takes it from `second`.
            both = scale[first] + scale[second]
            slope = 2 * (scale[first] * gap[first] - scale[second] * gap[second])
            a, b = matrix[in_first], matrix[in_second]
            change = (
                (both * a * a).sum(axis=1)[:, None]
                + (both * b * b).sum(axis=1)[None, :]
                - 2 * (both * a) @ b.T
                + (b @ slope)[None, :]
                - (a @ slope)[:, None]
            )
            row, column = np.unravel_index(int(np.argmin(change)), change.shape)
            if change[row, column] < best:
                best = float(change[row, column])
                swap = [(int(in_first[row]), second), (int(in_second[column]), first)]
    return swap

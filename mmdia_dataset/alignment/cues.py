"""When somebody speaks, by the annotations."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.schema import Dialogue

__all__ = ["cued"]


def cued(times: NDArray[np.float64], dialogues: Iterable[Dialogue]) -> NDArray[np.bool_]:
    """Which of some movie times [s], in rising order, lie in a turn of some dialogues."""
    inside = np.zeros(len(times), bool)
    for dialogue in dialogues:
        for turn in dialogue.turns:
            first, after = np.searchsorted(times, [turn.span.start_ms / 1000, turn.span.end_ms / 1000])
            inside[first:after] = True
    return inside

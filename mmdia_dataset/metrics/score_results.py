"""A score: a value, its interval, and exactly which dialogues it is for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from mmdia_dataset.schema.certificate import hash_of

__all__ = ["Score", "ids_hash"]


def ids_hash(ids: Iterable[str]) -> str:
    """SHA-256 over the sorted ids, as certificates have it: two scores with the same hash are of the same dialogues."""
    return hash_of(set(ids))


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The result of a metric.

    Attributes:
        metric: its name.
        value: None if there is nothing to count.
        interval: where the value lies in 95 % of resamples; None with fewer than two dialogues or movies.
        dialogues: how many were scored.
        ids: hash over their ids, see `ids_hash`.
        settings: what else decides the value: normalisation, missing answers, how the interval was made.
        counts: the numbers counted, by name.
        details: further figures, by name; the docstring of each metric lists them.
        unused: number of answers to dialogues that the reference does not have.
        missing: number of dialogues of the reference without an answer, if that was allowed.
    """

    metric: str
    value: float | None
    interval: tuple[float, float] | None
    dialogues: int
    ids: str
    settings: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    unused: int = 0
    missing: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

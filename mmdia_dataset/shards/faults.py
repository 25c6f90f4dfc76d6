"""A fault in shards, and the report of a check."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from mmdia_dataset.reports import Report
from mmdia_dataset.schema import Severity

__all__ = ["CheckReport", "Fault"]

_EXAMPLES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault: its rule, a sentence, and the shard, sample and member if they are known.

    `offset` is the place in the tar, in bytes. If `shard` is None, the fault is about the whole set.
    """

    rule: str
    text: str
    shard: str | None = None
    key: str | None = None
    member: str | None = None
    offset: int | None = None
    severity: Severity = "error"


@dataclass(slots=True, kw_only=True)
class CheckReport(Report):
    """What a check found.

    ``counts`` has all faults by rule; ``faults`` the first thousand. ``unchecked`` says what could not be checked, and
    why. ``ours`` is whether the samples are of this package's form.
    """

    place: str
    ours: bool = False
    shards: int = 0
    samples: int = 0
    members: int = 0
    bytes: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    faults: list[Fault] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, fault: Fault) -> None:
        """Count a fault, and keep it if it is one of the first."""
        self.counts[fault.rule] += 1
        self.errors += fault.severity == "error"
        if len(self.faults) < _EXAMPLES:
            self.faults.append(fault)

    @property
    def exit_code(self) -> int:
        """1 if there are errors, or nothing to check."""
        return 1 if self.errors or not self.shards else 0

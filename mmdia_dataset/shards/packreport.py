"""What `pack` did, for people and programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from mmdia_dataset.refusals import Refusal
from mmdia_dataset.reports import Report
from mmdia_dataset.schema import SPLITS, ShardIndex, Split
from mmdia_dataset.shards.clip_stock import LeftOut

__all__ = ["PackReport"]


@dataclass(slots=True, kw_only=True)
class PackReport(Report):
    """What `pack` did.

    ``left_out`` counts dialogues by the rule that kept them out, ``examples`` has one of each. ``damaged`` of them
    should be in: their clips are not what was made, or their recording should have them. ``kept`` are shards of an
    earlier run that are what this one would write. ``editions``, ``notes`` and ``fallbacks`` are, of films, what
    they are in `RebuildReport`.
    """

    out: str
    samples: dict[Split, int] = field(default_factory=dict)
    shards: dict[Split, int] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    bytes: int = 0
    written: int = 0
    kept: int = 0
    removed: int = 0
    left_out: Counter[Refusal] = field(default_factory=Counter)
    examples: dict[Refusal, LeftOut] = field(default_factory=dict)
    damaged: int = 0
    editions: dict[str, str] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fallbacks: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: float = 0.0

    def leave_out(self, dialogue: LeftOut) -> None:
        """Count a dialogue that is in no shard."""
        self.left_out[dialogue.rule] += 1
        self.examples.setdefault(dialogue.rule, dialogue)

    def add_totals(self, index: ShardIndex, removed: int) -> None:
        """Take over what there is in the end."""
        for split in SPLITS:
            mine = [shard for shard in index.shards if shard.split == split]
            if mine:
                self.shards[split] = len(mine)
                self.samples[split] = sum(shard.samples for shard in mine)
        self.members, self.bytes, self.removed = index.members, index.bytes, removed

    @property
    def exit_code(self) -> int:
        """1 if dialogues that should be in are not, or nothing was packed; else 0."""
        return 1 if self.damaged or not self.samples else 0

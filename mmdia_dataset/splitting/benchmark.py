"""Which dialogues are a benchmark: two people, both seen, highly expressive. Pure.

The authors' list of MM-DIA-BENCH, where a release has it (a split `bench`, or `bench_ids.json`), outranks all of this.
The paper describes the dialogues, but not how they were chosen. The thresholds here are ours: they need not give the
paper's 309 dialogues or its means.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from mmdia_dataset.errors import UsageError
from mmdia_dataset.schema import Dialogue, Split

__all__ = ["Selection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a dialogue must have to be in the benchmark; all bounds are inclusive.

    Attributes:
        speakers: the number of speakers; each speaks at least once.
        intensity: lowest intensity; a dialogue without a score is out.
        volatility: lowest volatility; a dialogue without a score is out.
        min_turns, max_turns: its number of turns.
        min_seconds, max_seconds: the length of its span [s].
        partly: whether a speaker who is partly seen counts as seen; a speaker of unknown visibility never does.
    """

    speakers: int = 2
    intensity: float = 7.0
    volatility: float = 6.5
    min_turns: int = 3
    max_turns: int = 12
    min_seconds: float = 5.0
    max_seconds: float = 60.0
    partly: bool = True

    @classmethod
    def taken_from(cls, values: Mapping[str, Any] | Selection | None) -> Selection:
        """A selection from a mapping of some fields. Raises UsageError: an unknown field, or a wrong type."""
        if values is None or isinstance(values, Selection):
            return values or cls()
        types = {field.name: type(field.default) for field in fields(cls)}
        for name, value in values.items():
            if name not in types:
                raise UsageError(f"unknown selection field {name!r}", hint=f"known fields are {', '.join(types)}")
            kinds = (int, float) if types[name] is float else (types[name],)
            if type(value) not in kinds:
                raise UsageError(f"{name} is {value!r}, not of type {types[name].__name__}", hint="see Selection")
        return cls(**values)

    def text(self) -> str:
        """All fields in one text, for the name of a cache folder."""
        return ",".join(f"{name}={value}" for name, value in asdict(self).items())

    def takes(self, dialogue: Dialogue, splits: Collection[Split] = ()) -> bool:
        """Whether a dialogue is selected. A dialogue in `train` or `validation` never is."""
        if "train" in splits or "validation" in splits:
            return False
        if dialogue.intensity is None or dialogue.volatility is None:
            return False
        if dialogue.intensity < self.intensity or dialogue.volatility < self.volatility:
            return False
        if not self.min_turns <= len(dialogue.turns) <= self.max_turns:
            return False
        if not self.min_seconds * 1000 <= dialogue.span.duration_ms <= self.max_seconds * 1000:
            return False
        speaking = {turn.speaker for turn in dialogue.turns}
        if len(dialogue.speakers) != self.speakers or speaking != set(range(self.speakers)):
            return False
        counts_as_seen = ("on_screen", "partly") if self.partly else ("on_screen",)
        return all(speaker.visible in counts_as_seen for speaker in dialogue.speakers)

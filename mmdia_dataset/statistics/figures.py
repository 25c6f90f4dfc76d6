"""Figures over dialogues, and beside them the paper's.

Counted in one streaming pass. A turn is one speaker's words within one cue, which is how the paper's figures count
(360.26 h over 449,138 turns is 2.9 s a turn).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mmdia_dataset.schema import Dialogue

__all__ = ["PAPER", "PAPER_BENCH", "Figures", "Statistics"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of the paper's table; None where a figure is unknown.

    ``hours`` are those of the dialogues' spans; ``intensity`` and ``volatility`` are means over the dialogues that have
    a score (in the paper: over the model's scores). Releases hold no human scores; those are known only from the paper.
    """

    movies: int | None
    dialogues: int
    turns: int
    hours: float
    speakers_per_dialogue: float | None
    turns_per_dialogue: float | None
    intensity: float | None
    volatility: float | None
    nonverbal: int | None = None
    words: int | None = None
    intensity_human: float | None = None
    volatility_human: float | None = None


# Figures of the whole dataset and of its benchmark subset, as the paper's table gives them (ICLR 2026).
PAPER = Figures(
    movies=None,
    dialogues=54_700,
    turns=449_138,
    hours=360.26,
    speakers_per_dialogue=2.29,
    turns_per_dialogue=8.21,
    intensity=6.76,
    volatility=5.32,
    intensity_human=5.22,
    volatility_human=4.36,
)
PAPER_BENCH = Figures(
    movies=None,
    dialogues=309,
    turns=1_851,
    hours=1.69,
    speakers_per_dialogue=2.00,
    turns_per_dialogue=5.99,
    intensity=7.81,
    volatility=7.45,
    intensity_human=5.74,
    volatility_human=5.68,
)


@dataclass(slots=True)
class _Mean:
    count: int = 0
    total: float = 0.0

    def add(self, value: float | None) -> None:
        if value is not None:
            self.count += 1
            self.total += value

    @property
    def value(self) -> float | None:
        return self.total / self.count if self.count else None


@dataclass(slots=True, kw_only=True)
class Statistics:
    """Adds dialogues up; `figures` gives the result at any time."""

    _movies: set[str] = field(default_factory=set)
    _dialogues: int = 0
    _turns: int = 0
    _ms: int = 0
    _speakers: int = 0
    _nonverbal: int = 0
    _words: int = 0
    _intensity: _Mean = field(default_factory=_Mean)
    _volatility: _Mean = field(default_factory=_Mean)

    def add(self, dialogue: Dialogue) -> None:
        """Count one dialogue. A span that ends before it starts counts as empty."""
        self._movies.add(dialogue.movie)
        self._dialogues += 1
        self._turns += len(dialogue.turns)
        self._ms += max(0, dialogue.span.duration_ms)
        self._speakers += len(dialogue.speakers)
        for turn in dialogue.turns:
            self._nonverbal += len(turn.nonverbal)
            self._words += len(turn.text.split())
        self._intensity.add(dialogue.intensity)
        self._volatility.add(dialogue.volatility)

    @property
    def figures(self) -> Figures:
        """What was counted so far."""
        n = self._dialogues
        return Figures(
            movies=len(self._movies),
            dialogues=n,
            turns=self._turns,
            hours=self._ms / 3_600_000,
            speakers_per_dialogue=self._speakers / n if n else None,
            turns_per_dialogue=self._turns / n if n else None,
            intensity=self._intensity.value,
            volatility=self._volatility.value,
            nonverbal=self._nonverbal,
            words=self._words,
        )

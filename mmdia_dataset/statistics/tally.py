"""One pass over dialogues that counts all there is to count: of all, of each split, of each movie."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mmdia_dataset.schema import SPLITS, Dialogue, Split
from mmdia_dataset.statistics.distributions import Distributions
from mmdia_dataset.statistics.figures import Figures, Statistics

__all__ = ["Covered", "SoundCount", "Tally"]


@dataclass(slots=True)
class Covered:
    """How many of the dialogues wanted have a clip. Durations are those of the dialogues' spans."""

    wanted: int = 0
    made: int = 0
    wanted_ms: int = 0
    made_ms: int = 0

    def add(self, span_ms: int, *, made: bool) -> None:
        """Count a dialogue that was wanted."""
        self.wanted += 1
        self.wanted_ms += max(0, span_ms)
        if made:
            self.made += 1
            self.made_ms += max(0, span_ms)

    def as_json(self) -> dict[str, float]:
        """Counts, and what they come to."""
        return {"wanted": self.wanted, "made": self.made, "share": self.share, "hours": self.hours}

    @property
    def share(self) -> float:
        """Of the dialogues; 0 where none was wanted."""
        return self.made / self.wanted if self.wanted else 0.0

    @property
    def hours(self) -> float:
        """Of the dialogues made."""
        return self.made_ms / 3_600_000


@dataclass(slots=True)
class SoundCount:
    """How many dialogues have sound. Durations are those of the dialogues' spans: no file is opened for them."""

    dialogues: int = 0
    ms: int = 0

    def add(self, span_ms: int) -> None:
        """Count a dialogue that has it."""
        self.dialogues += 1
        self.ms += max(0, span_ms)

    def as_json(self) -> dict[str, float]:
        """The count, and the hours."""
        return {"dialogues": self.dialogues, "hours": self.hours}

    @property
    def hours(self) -> float:
        """Of these dialogues."""
        return self.ms / 3_600_000


@dataclass(slots=True)
class Tally:
    """Adds dialogues up. Its size grows with the number of movies and of different sounds, not with dialogues."""

    all: Statistics = field(default_factory=Statistics)
    distributions: Distributions = field(default_factory=Distributions)
    _splits: dict[Split, Statistics] = field(default_factory=dict)
    _movies: dict[str, Statistics] = field(default_factory=dict)

    def add(self, dialogue: Dialogue, splits: Iterable[Split] = ()) -> None:
        """Count a dialogue, and in each of its splits."""
        self.all.add(dialogue)
        self.distributions.add(dialogue)
        for split in splits:
            self._splits.setdefault(split, Statistics()).add(dialogue)
        self._movies.setdefault(dialogue.movie, Statistics()).add(dialogue)

    @property
    def figures(self) -> dict[str, Figures]:
        """Of `all`, then of each split there is, in the order of `SPLITS`."""
        figures = {"all": self.all.figures}
        figures.update((split, self._splits[split].figures) for split in SPLITS if split in self._splits)
        return figures

    @property
    def movies(self) -> dict[str, Figures]:
        """Of each movie, by id."""
        return {movie: self._movies[movie].figures for movie in sorted(self._movies)}

"""Leakage: what train, validation and test of a splits file have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from mmdia_dataset.release import series_of
from mmdia_dataset.release.checks import Rule
from mmdia_dataset.schema import Dialogue, Issue, Split, Splits
from mmdia_dataset.splitting.wording import Wording

__all__ = ["EXCLUSIVE", "RULES", "Leakage", "Leaks", "SharedWords", "issues_of_leaks"]

EXCLUSIVE: tuple[Split, ...] = ("train", "validation", "test")
"""Splits that must have nothing in common; `hard` and `bench` are drawn from others."""

_MAKE = "`mmdia splits` makes splits without leaks"
RULES: dict[str, Rule] = {
    "series-in-two-splits": Rule("warning", "train, validation and test share no series.", _MAKE),
    "words-in-two-splits": Rule("warning", "train, validation and test share no dialogue's words.", _MAKE),
    "splits-overlap": Rule(
        "note", "hard and bench are drawn from other splits.", "do not train on dialogues you test on"
    ),
}
"""The rules about leaks in a splits file, in addition to those of `release.checks`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedWords:
    """A dialogue with the words of one in another split; `share` is the share of its runs of four words."""

    id: str
    split: Split
    other: str
    other_split: Split
    share: float


@dataclass(slots=True, kw_only=True)
class Leaks:
    """What train, validation and test have in common.

    Attributes:
        ids: dialogues listed in several of these splits, with the splits.
        movies: movies with dialogues in several of these splits, with the splits.
        series: series with dialogues in several of these splits, with the splits.
        words: dialogues with a copy in another of these splits; each once, with its closest copy.
        overlaps: how many ids `hard` or `bench` shares with another split: not a leak, but good to know.
    """

    ids: dict[str, tuple[Split, ...]] = field(default_factory=dict)
    movies: dict[str, tuple[Split, ...]] = field(default_factory=dict)
    series: dict[str, tuple[Split, ...]] = field(default_factory=dict)
    words: list[SharedWords] = field(default_factory=list)
    overlaps: Counter[tuple[Split, Split]] = field(default_factory=Counter)

    def counts(self) -> dict[str, int]:
        """The number of leaks of each kind."""
        return {name: len(getattr(self, name)) for name in ("ids", "movies", "series", "words")}

    def __bool__(self) -> bool:
        return any(self.counts().values())


class Leakage:
    """Sees dialogues one after the other, then checks splits of them. Keeps their ids and a number per word."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.movies: list[int] = []
        self.wording = Wording()
        self.names: dict[str, int] = {}
        self._series: dict[int, frozenset[str]] = {}

    def add(self, dialogue: Dialogue) -> None:
        """Look at a dialogue."""
        self.ids.append(dialogue.id)
        movie = self.names.setdefault(dialogue.movie, len(self.names))
        self.movies.append(movie)
        if movie not in self._series:
            self._series[movie] = series_of(dialogue.movie, dialogue.batch)
        self.wording.add(turn.text for turn in dialogue.turns)

    def series(self) -> dict[str, frozenset[str]]:
        """For each movie, all names of the series it belongs to."""
        return {name: self._series[number] for name, number in self.names.items()}

    def copies(self) -> list[tuple[str, str]]:
        """Pairs of movies that have dialogues with the same words, as often as they have them."""
        names = list(self.names)
        copies = self.wording.copies(self.movies)
        return [(names[self.movies[copy.first]], names[self.movies[copy.second]]) for copy in copies]

    def leaks_of(self, splits: Splits) -> Leaks:
        """The leaks of splits of the dialogues seen so far. An id without a dialogue counts only under `ids`."""
        leaks = Leaks()
        sides = _sides(splits, leaks)
        placed = [sides.get(id_, -1) for id_ in self.ids]
        movies: dict[str, set[int]] = {}
        series: dict[str, set[int]] = {}
        names = list(self.names)
        for movie, side in zip(self.movies, placed, strict=True):
            if side >= 0:
                movies.setdefault(names[movie], set()).add(side)
                for name in self._series[movie]:
                    series.setdefault(name, set()).add(side)
        leaks.movies, leaks.series = dict(_several(movies)), dict(_several(series))
        closest: dict[int, tuple[int, float]] = {}
        for copy in self.wording.copies(placed):
            # A pair is reported under the dialogue that is not for training.
            tested, original = copy.first, copy.second
            if placed[tested] < placed[original]:
                tested, original = original, tested
            if tested not in closest or copy.share > closest[tested][1]:
                closest[tested] = original, copy.share
        for tested, (original, share) in sorted(closest.items()):
            split, other_split = EXCLUSIVE[placed[tested]], EXCLUSIVE[placed[original]]
            leaks.words.append(
                SharedWords(
                    id=self.ids[tested], split=split, other=self.ids[original], other_split=other_split, share=share
                )
            )
        return leaks


def _sides(splits: Splits, leaks: Leaks) -> dict[str, int]:
    """The exclusive split of each id, as its place in `EXCLUSIVE`; adds ids in two splits, and overlaps, to `leaks`."""
    sides: dict[str, int] = {}
    listed = {name: set(ids) for name, ids in splits.lists()}
    for side, name in enumerate(EXCLUSIVE):
        for id_ in getattr(splits, name):
            if sides.setdefault(id_, side) != side:
                leaks.ids[id_] = tuple(split for split in EXCLUSIVE if id_ in listed[split])
    for drawn in ("hard", "bench"):
        for name, ids in listed.items():
            if name != drawn and (drawn, name) != ("bench", "hard") and (common := len(ids & listed[drawn])):
                leaks.overlaps[drawn, name] = common
    return sides


def issues_of_leaks(leaks: Leaks, file: str | None) -> Iterator[Issue]:
    """Leaks as issues of a splits file: series, words and overlaps (ids and movies are among `rules`)."""

    def issue(rule: str, split: str, message: str) -> Issue:
        entry = RULES[rule]
        return Issue(severity=entry.severity, rule=rule, file=file, path=f"$.{split}", message=message, hint=entry.hint)

    for name, splits in leaks.series.items():
        yield issue("series-in-two-splits", splits[-1], f"{name}: has dialogues in {', '.join(splits)}")
    for shared in leaks.words:
        message = f"{shared.id}: {shared.share:.0%} of its words also occur in {shared.other} ({shared.other_split})"
        yield issue("words-in-two-splits", shared.split, message)
    for (drawn, origin), count in leaks.overlaps.items():
        yield issue("splits-overlap", drawn, f"{count:,} ids of {drawn} are also in {origin}")


def _several(sides_of: dict[str, set[int]]) -> Iterator[tuple[str, tuple[Split, ...]]]:
    for name, sides in sides_of.items():
        if len(sides) > 1:
            yield name, tuple(EXCLUSIVE[side] for side in sorted(sides))

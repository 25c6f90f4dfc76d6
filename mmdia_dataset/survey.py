"""`stats` and `bench`: the figures of a release or a built directory, and of its benchmark, beside the paper's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmdia_dataset.annotations import Annotations, open_annotations, wanted_of
from mmdia_dataset.benchmark import Selection
from mmdia_dataset.errors import shown
from mmdia_dataset.files import check_folder, write_text
from mmdia_dataset.schema import SPLITS
from mmdia_dataset.statistics import Covered, Distributions, Figures, Statistics, Tally

if TYPE_CHECKING:
    from mmdia_dataset.plans import Progress

__all__ = ["BenchReport", "StatsReport", "bench", "stats"]


OURS = "bench selected"
"""The column of figures of a benchmark that no list of the authors names."""


@dataclass(frozen=True, slots=True)
class StatsReport:
    """What was counted.

    Attributes:
        figures: of `all` dialogues, then of each split there is; and where no split is the benchmark, of
            `bench selected`, the dialogues that `bench` selects.
        movies: of each movie.
        distributions: of all dialogues.
        coverage: of a built directory: how much of what was wanted has a clip; of `all`, then of each split.
        movie_coverage: the same of each movie.
        files: what was drawn.
    """

    figures: dict[str, Figures]
    movies: dict[str, Figures]
    distributions: Distributions
    coverage: dict[str, Covered] = field(default_factory=dict)
    movie_coverage: dict[str, Covered] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    @property
    def exit_code(self) -> int:
        """Always 0: figures can't be wrong, only surprising."""
        return 0


def stats(release: Path | str, *, plots: Path | str | None = None, progress: Progress | None = None) -> StatsReport:
    """Figures of annotations, counted in one pass: of all dialogues, of each split, of each movie.

    Args:
        release: a release, or a built directory, of which the dialogues with clips are counted.
        plots: a folder to draw into: a PNG for each plot, and `index.html` with all of them and the tables.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        ReleaseNotFound, ReleaseUnreadable: nothing can be read there.
        OutputError: a plot can't be written.
    """
    if plots is not None:
        check_folder(Path(plots))
    opened = open_annotations(release)
    tally, chosen = Tally(), Statistics()
    is_bench = opened.bench(Selection())
    for dialogue in opened.dialogues(None if progress is None else partial(progress, "counting")):
        tally.add(dialogue, opened.splits_of(dialogue.id))
        if is_bench(dialogue):
            chosen.add(dialogue)
    figures = tally.figures
    if not opened.official_bench and chosen.figures.dialogues:
        figures[OURS] = chosen.figures
    coverage, movie_coverage = _coverage(opened)
    report = StatsReport(figures, tally.movies, tally.distributions, coverage, movie_coverage)
    if plots is None:
        return report
    from mmdia_dataset.plots import write_plots

    title = shown(opened.root.resolve().name)
    files = write_plots(
        Path(plots), title, report.figures, report.movies, report.distributions, coverage, movie_coverage
    )
    return replace(report, files=files)


@dataclass(frozen=True, slots=True)
class BenchReport:
    """The benchmark's dialogues, their figures, and whether the release lists them itself; ``out`` has their ids."""

    ids: tuple[str, ...]
    figures: Figures
    official: bool
    out: Path | None

    @property
    def exit_code(self) -> int:
        """1 if no dialogue is in it."""
        return 0 if self.ids else 1


def bench(
    release: Path | str,
    *,
    selection: Mapping[str, Any] | Selection | None = None,
    out: Path | str | None = None,
    progress: Progress | None = None,
) -> BenchReport:
    """Which dialogues are the benchmark: those the release lists, else those selected.

    Args:
        release: a release, or a built directory, of which the dialogues with clips are looked at.
        selection: some fields of `benchmark.Selection`, to select otherwise than by default.
        out: a JSON file for the ids. Called `bench_ids.json` in a release, it is what the release lists from then on.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        UsageError: a selection has no such field.
        ReleaseNotFound, ReleaseUnreadable: nothing can be read there.
        OutputError: the file can't be written.
    """
    wanted = Selection.taken_from(selection)
    opened = open_annotations(release)
    is_bench = opened.bench(wanted)
    ids, counted = [], Statistics()
    for dialogue in opened.dialogues(None if progress is None else partial(progress, "selecting")):
        if is_bench(dialogue):
            ids.append(dialogue.id)
            counted.add(dialogue)
    if out is not None:
        write_text(Path(out), json.dumps(ids, ensure_ascii=False, indent=1) + "\n")
    return BenchReport(tuple(ids), counted.figures, opened.official_bench, None if out is None else Path(out))


def _coverage(opened: Annotations) -> tuple[dict[str, Covered], dict[str, Covered]]:
    """By `all` and split, and by movie; both empty of a release, which wants nothing."""
    if not opened.built:
        return {}, {}
    whole, splits, movies = Covered(), {split: Covered() for split in SPLITS}, dict[str, Covered]()
    for one in wanted_of(opened.root).values():
        counts = [whole, movies.setdefault(one.movie, Covered()), *(splits[split] for split in one.splits)]
        for count in counts:
            count.add(one.duration_ms, made=one.made)
    coverage = {"all": whole}
    coverage.update((split, count) for split, count in splits.items() if count.wanted)
    return coverage, dict(sorted(movies.items()))

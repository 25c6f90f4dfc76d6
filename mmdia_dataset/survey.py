"""`stats`: the figures of a release or a built directory beside the paper's, and what is drawn of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mmdia_dataset.annotations import Annotations, open_annotations, wanted_of
from mmdia_dataset.errors import shown
from mmdia_dataset.files import check_folder
from mmdia_dataset.schema import SPLITS
from mmdia_dataset.statistics import Covered, Distributions, Figures, Tally

if TYPE_CHECKING:
    from mmdia_dataset.plans import Progress

__all__ = ["StatsReport", "stats"]


@dataclass(frozen=True, slots=True)
class StatsReport:
    """What was counted.

    Attributes:
        figures: of `all` dialogues, then of each split there is.
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
    tally = Tally()
    for dialogue in opened.dialogues(None if progress is None else partial(progress, "counting")):
        tally.add(dialogue, opened.splits_of(dialogue.id))
    coverage, movie_coverage = _coverage(opened)
    report = StatsReport(tally.figures, tally.movies, tally.distributions, coverage, movie_coverage)
    if plots is None:
        return report
    from mmdia_dataset.plots import write_plots

    title = shown(opened.root.resolve().name)
    files = write_plots(
        Path(plots), title, report.figures, report.movies, report.distributions, coverage, movie_coverage
    )
    return StatsReport(tally.figures, tally.movies, tally.distributions, coverage, movie_coverage, files)


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

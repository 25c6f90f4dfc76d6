"""`stats`: the figures of a release or a built directory, beside the paper's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mmdia_dataset.built.annotations import open_annotations
from mmdia_dataset.errors import shown
from mmdia_dataset.files import check_folder
from mmdia_dataset.statistics.survey import StatsReport, survey

if TYPE_CHECKING:
    from mmdia_dataset.processes import Progress

__all__ = ["stats"]


def stats(release: Path | str, *, plots: Path | str | None = None, progress: Progress | None = None) -> StatsReport:
    """Figures of annotations, counted in one pass: of all dialogues, of each split, of each movie; and what has sound.

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
    report = survey(opened, progress)
    if plots is None:
        return report
    from mmdia_dataset.plots import write_plots

    title = shown(opened.root.resolve().name)
    files = write_plots(
        Path(plots),
        title,
        report.figures,
        report.movies,
        report.distributions,
        report.coverage,
        report.movie_coverage,
        report.sound,
    )
    return replace(report, files=files)

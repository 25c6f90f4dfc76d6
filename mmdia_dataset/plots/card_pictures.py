"""The few charts that a page about the data shows, as PNG files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mmdia_dataset.plots.charts import Chart, charts_of, films_chart
from mmdia_dataset.plots.drawing import draw_png
from mmdia_dataset.statistics import Covered, Distributions

__all__ = ["write_pictures"]

_SHOWN = ("sunburst", "turns", "seconds", "scores", "coverage")


def write_pictures(
    folder: Path, distributions: Distributions, coverage: Mapping[str, Covered], movie_coverage: Mapping[str, Covered]
) -> tuple[tuple[Path, Chart], ...]:
    """Draw into a folder; gives each file and its chart. Same counts, same bytes.

    Args:
        folder: made if it is not there.
        distributions: of all dialogues.
        coverage: of `all` and each split, or empty where nothing was to be built.
        movie_coverage: of each movie, or empty.

    Raises:
        OutputError: a file can't be written.
    """
    charts = [chart for chart in charts_of(distributions, coverage) if chart.name in _SHOWN]
    if movie_coverage:
        charts.append(films_chart(movie_coverage))
    drawn = [(folder / f"{chart.name}.png", chart) for chart in charts]
    for file, chart in drawn:
        draw_png(chart, file)
    return tuple(drawn)

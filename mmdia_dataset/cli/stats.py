"""`mmdia stats`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.terminal import err, out, print_json, print_table, progress_bar
from mmdia_dataset.errors import shown

__all__ = ["stats"]


@command
def stats(
    release: Annotated[Path, typer.Argument(help="Folder (or file) of annotations, or a built directory.")],
    plots: Annotated[
        Path | None, typer.Option("--plots", help="Folder for plots: PNG files, and index.html with all of them.")
    ] = None,
    movies: Annotated[bool, typer.Option("--movies", help="Print the figures of each movie too.")] = False,
    format_: FormatOption = Format.text,
) -> int:
    """Count the annotations, beside the figures of the paper. Also what has sound, or a clip."""
    from dataclasses import asdict

    from mmdia_dataset.statistics import PAPER, PAPER_BENCH

    with progress_bar() as progress:
        report = mmdia_dataset.stats(release, plots=plots, progress=progress)
    columns = {**report.figures, "paper": PAPER, "paper bench": PAPER_BENCH}
    if format_ is Format.json:
        return print_json(report)
    names = list(asdict(PAPER))
    print_table(
        ("", *columns), [(n.replace("_", " "), *(_cell(getattr(c, n)) for c in columns.values())) for n in names]
    )
    if movies:
        out.print()
        rows = [
            (shown(movie), *(_cell(getattr(figures, n)) for n in names[1:-2]))
            for movie, figures in report.movies.items()
        ]
        print_table(("movie", *(n.replace("_per_", "/") for n in names[1:-2])), rows)
    for title, coverage in (("clips", report.coverage), ("clips of", report.movie_coverage if movies else {})):
        if coverage:
            out.print()
            rows = [
                (shown(name), f"{c.wanted:,}", f"{c.made:,}", f"{c.share:.1%}", f"{c.hours:,.2f}")
                for name, c in coverage.items()
            ]
            print_table((title, "wanted", "made", "share", "hours made"), rows)
    if report.sound:
        total = report.figures["all"].dialogues
        out.print()
        print_table(
            ("sound", "dialogues", "share", "hours"),
            [
                (name.replace("_", " "), f"{s.dialogues:,}", f"{s.dialogues / total:.1%}", f"{s.hours:,.2f}")
                for name, s in report.sound.items()
            ],
        )
    if plots is not None:
        err.print(f"drawn: {report.files[0]}")
    return report.exit_code


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"

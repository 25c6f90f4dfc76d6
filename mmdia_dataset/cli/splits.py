"""`mmdia splits`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli import terminal
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.errors import shown

__all__ = ["splits"]

_EXAMPLES = 3


class By(StrEnum):
    """What stays together."""

    series = "series"
    movie = "movie"


@command
def splits(
    release: Annotated[Path, typer.Argument(help="Folder (or file) of annotations.")],
    out: Annotated[Path, typer.Option("--out", help="JSON file to write.")],
    by: Annotated[By, typer.Option("--by", help="What stays together.")] = By.series,
    seed: Annotated[int, typer.Option("--seed", help="Another seed gives other splits.")] = 0,
    parts: Annotated[
        str, typer.Option("--parts", help="Share of the hours for each split.")
    ] = "train=0.9,validation=0.05,test=0.05",
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Earlier splits file: what it lists stays where it is.")
    ] = None,
    format_: FormatOption = Format.text,
) -> int:
    """Make train, validation and test without leaks between them.

    They share no movie, no series and no dialogue's words. Exit code 1 if there is a leak.
    """
    with terminal.progress_bar() as progress:
        report = mmdia_dataset.splits(release, out, by=by.value, seed=seed, parts=parts, keep=keep, progress=progress)
    if format_ is Format.json:
        return terminal.print_json(report)
    rows: list[tuple[str, ...]] = [
        (name, f"{p.wanted:.1%}", f"{p.share:.1%}", f"{p.hours:,.2f}", f"{p.dialogues:,}", f"{p.movies:,}",
         f"{p.relationships:.1%}", f"{p.interactions:.1%}")
        for name, p in report.parts.items()
    ]  # fmt: skip
    header = ("", "wanted", "share", "hours", "dialogues", "movies", "relationships off", "interactions off")
    terminal.print_table(header, rows)
    terminal.out.print(
        f"{terminal.count_text(report.groups, 'group')} of movies, the largest of {report.largest:,}; "
        f"{terminal.count_text(report.copies, 'pair')} of dialogues of "
        "different movies have the same words"
    )
    for drawn, (inside, outside) in report.drawn.items():
        terminal.out.print(f"{drawn}: {terminal.count_text(inside, 'id')} in test; {outside:,} not in it, and left out")
    if keep is not None:
        terminal.out.print(f"{terminal.count_text(report.kept, 'dialogue')} kept in place, {report.moved:,} moved")
    leaks = report.leaks.counts()
    terminal.out.print("leaks: " + ", ".join(f"{count:,} {kind}" for kind, count in leaks.items()))
    for series, where in list(report.leaks.series.items())[:_EXAMPLES]:
        terminal.out.print(f"    {shown(series)}: in {', '.join(where)}")
    for pair in report.leaks.words[:_EXAMPLES]:
        terminal.out.print(f"    {shown(pair.id)} in {pair.split} and {shown(pair.other)} in {pair.other_split}")
    terminal.err.print(f"written: {report.out}")
    return report.exit_code

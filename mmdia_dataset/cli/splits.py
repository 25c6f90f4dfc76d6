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
_LEAKS = {"ids": "ids", "movies": "movies", "series": "series", "words": "pairs of dialogues with the same words"}


class By(StrEnum):
    """What stays together."""

    series = "series"
    movie = "movie"


@command
def splits(
    release: Annotated[Path, typer.Argument(help="Folder (or file) of annotations.")],
    out: Annotated[Path, typer.Option("--out", help="JSON file to write.")],
    by: Annotated[By, typer.Option("--by", help="What stays together.")] = By.series,
    seed: Annotated[int, typer.Option("--seed", help="Another seed gives different splits.")] = 0,
    parts: Annotated[
        str, typer.Option("--parts", help="Share of the hours for each split.")
    ] = "train=0.9,validation=0.05,test=0.05",
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Earlier splits file; its dialogues stay in their splits.")
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
    header = ("", "wanted", "share", "hours", "dialogues", "movies", "relationships differ", "interactions differ")
    terminal.print_table(header, rows)
    terminal.out.print(
        f"{terminal.count_text(report.groups, 'group')} of movies, the largest of {report.largest:,}; "
        f"{terminal.count_text(report.copies, 'pair')} of dialogues of "
        "different movies have the same words"
    )
    for drawn, (inside, outside) in report.drawn.items():
        terminal.out.print(
            f"{drawn}: {terminal.count_text(inside, 'id')} in test; {outside:,} outside test are left out"
        )
    if keep is not None:
        terminal.out.print(
            f"{terminal.count_text(report.kept, 'dialogue')} stay where --keep has them, {report.moved:,} move"
        )
    leaks = report.leaks.counts()
    kinds = ", ".join(f"{count:,} {_LEAKS[kind]}" for kind, count in leaks.items())
    terminal.out.print(f"in more than one split: {kinds}")
    for series, where in list(report.leaks.series.items())[:_EXAMPLES]:
        terminal.out.print(f"    {shown(series)}: in {', '.join(where)}")
    for pair in report.leaks.words[:_EXAMPLES]:
        terminal.out.print(f"    {shown(pair.id)} in {pair.split} and {shown(pair.other)} in {pair.other_split}")
    terminal.err.print(f"written: {report.out}")
    return report.exit_code

"""Commands about what was built: `export`, `show`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.errors import shown
from mmdia_dataset.terminal import err, out, print_json

__all__ = ["export", "show"]


class Target(StrEnum):
    """What `export` writes."""

    training = "training"
    lhotse = "lhotse"
    nemo = "nemo"
    messages = "messages"
    rttm = "rttm"
    stm = "stm"


BuiltArgument = Annotated[Path, typer.Argument(help="What `mmdia rebuild` made.")]
SplitOption = Annotated[str | None, typer.Option("--split", help="This split alone.")]


@command
def export(
    built: BuiltArgument,
    to: Annotated[Target, typer.Option("--to", help="The format.")],
    folder: Annotated[Path, typer.Option("--out", help="Folder for the files.")],
    split: SplitOption = None,
    task: Annotated[str, typer.Option(help="Whose rows `messages` has.")] = "style_speech",
    absolute: Annotated[bool, typer.Option("--absolute", help="Absolute paths; else relative to --out.")] = False,
    format_: FormatOption = Format.text,
) -> int:
    """Write clips and annotations in the form another program reads; media stay where they are."""
    from mmdia_dataset import exports

    report = exports.export(built, to=to.value, out=folder, split=split, task=task, absolute=absolute)
    if format_ is Format.json:
        print_json({"out": str(report.out), "to": report.to, "files": report.files, "left_out": report.left_out})
        return report.exit_code
    for file, lines in report.files.items():
        out.print(f"{lines:>9,} lines  {shown(report.out / file)}")
    if report.left_out:
        err.print(f"left out: {', '.join(f'{count:,} {shown(why)}' for why, count in report.left_out.most_common())}")
    if not report.files:
        err.print("nothing was written")
    return report.exit_code


@command
def show(
    built: BuiltArgument,
    page: Annotated[Path, typer.Option("--out", help="The page to write.")],
    task: Annotated[str | None, typer.Option(help="This task alone: style_speech, …")] = None,
    split: SplitOption = None,
    rows: Annotated[int, typer.Option(min=1, help="How many of each task.")] = 3,
    format_: FormatOption = Format.text,
) -> int:
    """Write an HTML page with rows of tasks: transcripts, controls, pictures and players."""
    from mmdia_dataset import pages

    report = pages.show(built, out=page, task=task, split=split, rows=rows)
    if format_ is Format.json:
        print_json({"out": str(report.out), "rows": report.rows})
        return report.exit_code
    out.print(f"{', '.join(f'{count} rows of {name}' for name, count in report.rows.items())}: {shown(report.out)}")
    return report.exit_code

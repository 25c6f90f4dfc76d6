"""`mmdia show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.export import BuiltArgument, SplitOption
from mmdia_dataset.cli.terminal import out, print_json
from mmdia_dataset.errors import shown

__all__ = ["show"]


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
    report = mmdia_dataset.show(built, out=page, task=task, split=split, rows=rows)
    if format_ is Format.json:
        return print_json(report)
    out.print(f"{', '.join(f'{count} rows of {name}' for name, count in report.rows.items())}: {shown(report.out)}")
    return report.exit_code

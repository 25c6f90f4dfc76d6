"""`mmdia show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.export import BuiltArgument
from mmdia_dataset.cli.options import SplitOption
from mmdia_dataset.cli.terminal import count_text, out, print_json
from mmdia_dataset.errors import shown

__all__ = ["show"]


@command
def show(
    built: BuiltArgument,
    page: Annotated[Path, typer.Option("--out", help="HTML file to write.")],
    task: Annotated[str | None, typer.Option(help="Only this task, such as style_speech.")] = None,
    split: SplitOption = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows of each task.")] = 3,
    format_: FormatOption = Format.text,
) -> int:
    """Write an HTML page to look at rows of tasks. It has transcripts, controls, pictures and players."""
    report = mmdia_dataset.show(built, out=page, task=task, split=split, rows=rows)
    if format_ is Format.json:
        return print_json(report)
    rows_of = [f"{count_text(count, 'row')} of {name}" for name, count in report.rows.items()]
    out.print(f"{', '.join(rows_of)}: {shown(report.out)}")
    return report.exit_code

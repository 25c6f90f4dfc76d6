"""`mmdia export`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.options import SplitOption
from mmdia_dataset.cli.terminal import count_text, err, out, print_json
from mmdia_dataset.errors import shown

__all__ = [
    "export",
]


class ExportTarget(StrEnum):
    """What `export` writes."""

    training = "training"
    lhotse = "lhotse"
    nemo = "nemo"
    messages = "messages"
    rttm = "rttm"
    stm = "stm"


BuiltArgument = Annotated[Path, typer.Argument(help="A built directory, or a release with sound.")]


@command
def export(
    built: BuiltArgument,
    to: Annotated[ExportTarget, typer.Option("--to", help="Format to write.")],
    folder: Annotated[Path, typer.Option("--out", help="Folder for the files.")],
    split: SplitOption = None,
    task: Annotated[str, typer.Option(help="Task whose rows --to messages writes.")] = "style_speech",
    absolute: Annotated[
        bool, typer.Option("--absolute", help="Write absolute paths of media (default: relative to --out).")
    ] = False,
    format_: FormatOption = Format.text,
) -> int:
    """Write annotations in the form of another program. The clips stay where they are."""
    report = mmdia_dataset.export(built, to=to.value, out=folder, split=split, task=task, absolute=absolute)
    if format_ is Format.json:
        return print_json(report)
    for file, lines in report.files.items():
        out.print(f"{count_text(lines, 'line'):>15}  {shown(report.out / file)}")
    if report.left_out:
        reasons = ", ".join(f"{count:,} ({shown(why)})" for why, count in report.left_out.most_common())
        err.print(f"dialogues left out: {reasons}")
    if not report.files:
        err.print("nothing was written")
    return report.exit_code

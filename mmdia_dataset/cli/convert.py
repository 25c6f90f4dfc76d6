"""`mmdia convert`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.terminal import err, out, print_json, progress_bar

__all__ = ["ConvertTarget", "convert"]


class ConvertTarget(StrEnum):
    """What `convert` writes."""

    parquet = "parquet"
    jsonl = "jsonl"
    srt = "srt"
    utterances = "utterances"
    training = "training"


@command
def convert(
    release: Annotated[Path, typer.Argument(help="Folder (or file) of annotations.")],
    to: Annotated[
        ConvertTarget, typer.Option("--to", help="parquet and jsonl are ours; srt, utterances and training upstream's.")
    ],
    folder: Annotated[Path, typer.Option("--out", help="Folder to make.")],
    format_: FormatOption = Format.text,
) -> int:
    """Write annotations in another form; nothing is lost on the way."""
    with progress_bar() as progress:
        report = mmdia_dataset.convert(
            release, to=to.value, out=folder, progress=lambda done, total: progress("converting", done, total)
        )
    if format_ is Format.json:
        return print_json(report)
    out.print(f"{report.dialogues:,} dialogues in {report.files} files: {report.out}")
    if report.unreadable:
        err.print(f"{report.unreadable} entries could not be read and are not in it: see mmdia validate {release}")
    return report.exit_code

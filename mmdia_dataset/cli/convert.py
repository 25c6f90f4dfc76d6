"""`mmdia convert`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.terminal import count_text, err, out, print_json, progress_bar
from mmdia_dataset.errors import shown

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
        ConvertTarget,
        typer.Option(
            "--to", help="parquet, jsonl: our own formats; srt, utterances, training: the JSON layouts of MM-DIA."
        ),
    ],
    folder: Annotated[Path, typer.Option("--out", help="Folder to make.")],
    format_: FormatOption = Format.text,
) -> int:
    """Write annotations in another form. Exit code 1 if entries could not be read."""
    with progress_bar() as progress:
        report = mmdia_dataset.convert(
            release, to=to.value, out=folder, progress=lambda done, total: progress("converting", done, total)
        )
    if format_ is Format.json:
        return print_json(report)
    out.print(f"{count_text(report.dialogues, 'dialogue')} in {count_text(report.files, 'file')}: {report.out}")
    if report.media:
        names = ", ".join(shown(media) for media in report.media)
        err.print(f"sound and video stay where they are; to have them with the new files too, link them: {names}")
    if report.unreadable:
        unreadable = count_text(report.unreadable, "entry", "entries")
        err.print(f"{unreadable} could not be read and are left out; to see why: mmdia validate {release}")
    return report.exit_code

"""`mmdia card`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.publish import LicenceOption
from mmdia_dataset.cli.terminal import count_text, err, out, print_json, progress_bar
from mmdia_dataset.errors import shown

__all__ = ["card"]


@command
def card(
    folder: Annotated[Path, typer.Argument(help="A built directory, or a release in our Parquet.")],
    repo: Annotated[str | None, typer.Option(help="Where it goes on the Hub: ORG/NAME.")] = None,
    licence: LicenceOption = "unknown",
    format_: FormatOption = Format.text,
) -> int:
    """Write the dataset card: README.md, pictures, croissant.json."""
    with progress_bar() as progress:
        report = mmdia_dataset.card(folder, repo=repo, licence=licence, progress=progress)
    if format_ is Format.json:
        return print_json(report)
    out.print(
        f"written: {shown(report.files[0])}, {count_text(len(report.files) - 2, 'picture')}, {report.files[1].name}"
    )
    for fault in report.faults:
        err.print(f"the Hub would refuse the card: {shown(fault, 300)}")
    return report.exit_code

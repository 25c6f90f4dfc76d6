"""`mmdia doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.terminal import out, print_json

__all__ = ["doctor"]


@command
def doctor(
    release: Annotated[Path | None, typer.Option("--release", help="Folder of annotations.")] = None,
    media: Annotated[Path | None, typer.Option("--media", help="Folder of your films.")] = None,
    format_: FormatOption = Format.text,
) -> int:
    """Say what works here, what is missing, and what to do next."""
    report = mmdia_dataset.doctor(release, media)
    if format_ is Format.json:
        return print_json(report)
    for check in report.checks:
        mark = {"good": "ok     ", "missing": "missing", "bad": "BAD    "}[check.state]
        out.print(f"{mark}  {check.name:<18} {check.detail}")
    out.print(f"\nnext: {report.next_step}")
    return report.exit_code

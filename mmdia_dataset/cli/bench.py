"""`mmdia bench`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli import terminal
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.errors import UsageError

__all__ = ["bench"]


@command
def bench(
    release: Annotated[Path, typer.Argument(help="Folder (or file) of annotations, or a built directory.")],
    selection: Annotated[
        str | None, typer.Option("--selection", help="Select by other thresholds, such as intensity=8,max_turns=8.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="JSON file to write the ids to.")] = None,
    format_: FormatOption = Format.text,
) -> int:
    """List the dialogues of the benchmark, with their figures. Exit code 1 if there are none."""
    from dataclasses import asdict

    from mmdia_dataset.statistics import PAPER_BENCH

    with terminal.progress_bar() as progress:
        report = mmdia_dataset.bench(release, selection=_fields(selection), out=out, progress=progress)
    if format_ is Format.json:
        return terminal.print_json(report)
    columns = {"listed" if report.official else "selected": report.figures, "paper": PAPER_BENCH}
    rows: list[tuple[str, ...]] = []
    for name in asdict(PAPER_BENCH):
        values = [getattr(figures, name) for figures in columns.values()]
        cells = ["-" if v is None else f"{v:,}" if isinstance(v, int) else f"{v:,.2f}" for v in values]
        rows.append((name.replace("_", " "), *cells))
    terminal.print_table(("", *columns), rows)
    if not report.official:
        terminal.out.print(
            "the release does not list its benchmark; these were selected by thresholds (--selection changes them)"
        )
    if out is not None:
        terminal.err.print(f"written: {out}")
    return report.exit_code


def _fields(text: str | None) -> dict[str, object]:
    """``intensity=8,partly=false`` as fields. Raises UsageError."""
    thresholds: dict[str, object] = {}
    for part in text.split(",") if text else ():
        name, _, value = part.partition("=")
        try:
            thresholds[name.strip()] = json.loads(value)
        except ValueError:
            raise UsageError(
                f"{part.strip()!r} is not a threshold", hint="write for example intensity=8,partly=false"
            ) from None
    return thresholds

"""`mmdia demo`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.terminal import count_text, err, out, print_json, progress_bar
from mmdia_dataset.errors import shown

__all__ = [
    "demo",
]


@command
def demo(
    folder: Annotated[Path, typer.Option("--out", help="Folder to make.")] = Path("mmdia-demo"),
    format_: FormatOption = Format.text,
) -> int:
    """Try every step on a small film, offline, in seconds."""
    # One progress bar for all steps; those of datasets would come between.
    os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    err.print("Unpacking a small film and its annotations, and rebuilding its clips. Nothing is downloaded.")
    with progress_bar(lines=True) as progress:
        report = mmdia_dataset.demo(folder, progress)
    if format_ is Format.json:
        return print_json(report)
    out.print(f"film      {report.film.film}  ({report.film.duration_s:.0f} s)")
    out.print(f"release   {report.film.release}")
    out.print(f"built     {report.rebuilt.out}  ({count_text(report.rebuilt.made + report.rebuilt.kept, 'clip')})")
    out.print(f"loaded    {count_text(report.rows, 'row')}; the first begins with {shown(report.words)}")
    out.print(f"a clip    {report.clip}")
    err.print("\nOpen the clip in any player. In Python:\n")
    err.print("    import mmdia_dataset, datasets")
    err.print(f'    datasets.load_dataset("mm-dia", "clips", data_dir="{report.rebuilt.out}")\n')
    err.print("Next, with your own films: mmdia locate --release RELEASE --media FILMS")
    return report.exit_code

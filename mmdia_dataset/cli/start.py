"""First steps: `demo` and `doctor`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.errors import shown
from mmdia_dataset.terminal import err, out, print_json, progress_bar

__all__ = ["demo", "doctor"]


@command
def demo(
    folder: Annotated[Path, typer.Option("--out", help="Folder to make.")] = Path("mmdia-demo"),
) -> int:
    """The whole way on a film we draw ourselves: offline, under a minute."""
    from mmdia_dataset import commands

    # One bar of ours for the whole way; those of datasets would come between.
    os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    err.print("Drawing a small film, writing annotations for it, and rebuilding its clips. Nothing is downloaded.")
    with progress_bar() as progress:
        report = commands.demo(folder, progress)
    out.print(f"film      {report.film.film}  ({report.film.duration_s:.0f} s)")
    out.print(f"release   {report.film.release}")
    out.print(f"built     {report.rebuilt.out}  ({report.rebuilt.made + report.rebuilt.kept} clips)")
    out.print(f"loaded    {report.rows} rows; the first begins with {shown(report.words)}")
    out.print(f"a clip    {report.clip}")
    err.print("\nOpen the clip in any player. In Python:\n")
    err.print("    import mmdia_dataset, datasets")
    err.print(f'    datasets.load_dataset("mm-dia", "clips", data_dir="{report.rebuilt.out}")\n')
    err.print("Next, with your own films: mmdia locate --release RELEASE --media FILMS")
    return report.rebuilt.exit_code


@command
def doctor(
    release: Annotated[Path | None, typer.Option("--release", help="Folder of annotations.")] = None,
    media: Annotated[Path | None, typer.Option("--media", help="Folder of your films.")] = None,
    format_: FormatOption = Format.text,
) -> int:
    """What works here, what is missing, and one next step."""
    from mmdia_dataset import commands

    report = commands.doctor(release, media)
    if format_ is Format.json:
        checks = [{"name": c.name, "state": c.state, "detail": c.detail} for c in report.checks]
        print_json({"checks": checks, "next": report.next_step})
        return report.exit_code
    for check in report.checks:
        mark = {"good": "ok     ", "missing": "missing", "bad": "BAD    "}[check.state]
        out.print(f"{mark}  {check.name:<18} {check.detail}")
    out.print(f"\nnext: {report.next_step}")
    return report.exit_code

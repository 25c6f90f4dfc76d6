"""`mmdia validate`."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, TextIO

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.options import JobsOption
from mmdia_dataset.cli.terminal import count_text, err, out, progress_bar
from mmdia_dataset.errors import shown

__all__ = ["validate"]


_SEVERITIES = ("error", "warning", "note")


@command
def validate(
    paths: Annotated[list[Path], typer.Argument(help="Releases, built directories, manifests, edition files.")],
    splits: Annotated[
        Path | None, typer.Option("--splits", help="Check this splits file instead of the release's own.")
    ] = None,
    listen: Annotated[
        bool,
        typer.Option(
            "--listen", help="Read a release's sound to its end; else its headers, and until something is heard."
        ),
    ] = False,
    jobs: JobsOption = 1,
    report_file: Annotated[Path | None, typer.Option("--report", help="Write every issue here, as JSON lines.")] = None,
    format_: FormatOption = Format.text,
) -> int:
    """Check annotations and their sound, or what was built from them. Exit code 1 if there are errors."""
    from mmdia_dataset.files import whole_file
    from mmdia_dataset.schema import Issue

    printed = 0

    def tell(issue: Issue) -> None:
        nonlocal printed
        line = issue.model_dump_json()
        if lines is not None:
            print(line, file=lines)
        if format_ is Format.json:
            sys.stdout.write(("," if printed else "") + "\n  " + line)
            printed += 1

    with progress_bar() as progress, ExitStack() as stack:
        lines: TextIO | None = None
        if report_file is not None:
            lines = stack.enter_context(stack.enter_context(whole_file(report_file)).open("w", encoding="utf-8"))
        if format_ is Format.json:
            sys.stdout.write('{"issues": [')
        on_issue = tell if lines is not None or format_ is Format.json else None
        report = mmdia_dataset.validate(
            *paths, splits=splits, listen=listen, jobs=jobs, on_issue=on_issue, progress=progress
        )
    if format_ is Format.json:
        sys.stdout.write("\n],\n" + json.dumps(report.as_json())[1:] + "\n")
        return report.exit_code
    for (severity, rule), count in sorted(
        report.counts.items(), key=lambda item: (_SEVERITIES.index(item[0][0]), -item[1], item[0][1])
    ):
        examples = report.examples[rule]
        out.print(f"{severity:<7}  {rule}  ({count:,})")
        for issue in examples:
            out.print(f"    {shown(issue.file or '')} {shown(issue.path)}: {shown(issue.message, 300)}")
        if count > len(examples):
            out.print(f"    … and {count - len(examples):,} more")
        out.print(f"    → {examples[0].hint}")
    notes = f", {count_text(report.notes, 'note')}" if report.notes else ""
    summary = f"{count_text(report.errors, 'error')}, {count_text(report.warnings, 'warning')}{notes}"
    checked = shown(paths[0]) if len(paths) == 1 else f"{len(paths)} places"
    dialogues = count_text(report.dialogues, "dialogue")
    out.print(f"{dialogues}: {summary}" if report.dialogues else f"{summary} in {checked}")
    if report_file:
        err.print(f"full list: {report_file}")
    elif any(count > 3 for count in report.counts.values()):
        err.print("to list all issues: --report issues.jsonl")
    return report.exit_code

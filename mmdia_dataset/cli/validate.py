"""Commands about annotations: `validate`, `convert`, `stats`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.terminal import err, out, progress_bar
from mmdia_dataset.errors import shown

__all__ = ["validate"]


_SEVERITIES = ("error", "warning", "note")


@command
def validate(
    paths: Annotated[list[Path], typer.Argument(help="Releases, built directories, manifests, edition files.")],
    splits: Annotated[
        Path | None, typer.Option("--splits", help="Check this splits file instead of the release's own.")
    ] = None,
    report_file: Annotated[Path | None, typer.Option("--report", help="Write every issue here, as JSON lines.")] = None,
    format_: FormatOption = Format.text,
) -> int:
    """Check annotations or what was built from them; exit code 1 if there are errors."""
    from mmdia_dataset.files import whole_file
    from mmdia_dataset.schema import Issue

    printed = 0

    def print_issue(issue: Issue) -> None:
        nonlocal printed
        sys.stdout.write(("," if printed else "") + "\n  " + issue.model_dump_json())
        printed += 1

    with progress_bar() as progress:
        if format_ is Format.json:
            sys.stdout.write('{"issues": [')
            found = mmdia_dataset.validate(*paths, splits=splits, on_issue=print_issue, progress=progress)
            counts = [{"severity": s, "rule": r, "count": n} for (s, r), n in sorted(found.counts.items())]
            end = {
                "dialogues": found.dialogues,
                "errors": found.errors,
                "warnings": found.warnings,
                "notes": found.notes,
                "counts": counts,
            }
            sys.stdout.write("\n],\n" + json.dumps(end)[1:] + "\n")
            return found.exit_code
        if report_file is None:
            found = mmdia_dataset.validate(*paths, splits=splits, progress=progress)
        else:
            with whole_file(report_file) as temporary, temporary.open("w", encoding="utf-8") as lines:
                found = mmdia_dataset.validate(
                    *paths,
                    splits=splits,
                    on_issue=lambda issue: print(issue.model_dump_json(), file=lines),
                    progress=progress,
                )
    for (severity, rule), count in sorted(
        found.counts.items(), key=lambda item: (_SEVERITIES.index(item[0][0]), -item[1], item[0][1])
    ):
        examples = found.examples[rule]
        out.print(f"{severity:<7}  {rule}  ({count})")
        for issue in examples:
            out.print(f"    {shown(issue.file or '')} {shown(issue.path)}: {shown(issue.message, 300)}")
        if count > len(examples):
            out.print(f"    … and {count - len(examples)} more")
        out.print(f"    → {examples[0].hint}")
    notes = f", {found.notes:,} notes" if found.notes else ""
    summary = f"{found.errors:,} errors, {found.warnings:,} warnings{notes}"
    out.print(f"{found.dialogues:,} dialogues: {summary}" if found.dialogues else summary)
    if report_file:
        err.print(f"every issue: {report_file}")
    elif any(count > 3 for count in found.counts.values()):
        err.print("all of them: --report issues.jsonl")
    return found.exit_code

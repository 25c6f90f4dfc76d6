"""Commands about annotations: `validate`, `convert`, `stats`."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.errors import shown
from mmdia_dataset.terminal import err, out, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from mmdia_dataset.statistics import Covered

__all__ = ["convert", "stats", "validate"]


_SEVERITIES = ("error", "warning", "note")


class Target(StrEnum):
    """What `convert` writes."""

    parquet = "parquet"
    jsonl = "jsonl"
    srt = "srt"
    utterances = "utterances"
    training = "training"


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
    from mmdia_dataset import commands
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
            found = commands.validate(*paths, splits=splits, on_issue=print_issue, progress=progress)
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
            found = commands.validate(*paths, splits=splits, progress=progress)
        else:
            with whole_file(report_file) as temporary, temporary.open("w", encoding="utf-8") as lines:
                found = commands.validate(
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


@command
def convert(
    release: Annotated[Path, typer.Argument(help="Folder (or file) of annotations.")],
    to: Annotated[
        Target, typer.Option("--to", help="parquet and jsonl are ours; srt, utterances and training upstream's.")
    ],
    folder: Annotated[Path, typer.Option("--out", help="Folder to make.")],
) -> int:
    """Write annotations in another form; nothing is lost on the way."""
    from mmdia_dataset import commands

    with progress_bar() as progress:
        report = commands.convert(
            release, to=to.value, out=folder, progress=lambda done, total: progress("converting", done, total)
        )
    out.print(f"{report.dialogues:,} dialogues in {report.files} files: {report.out}")
    if report.unreadable:
        err.print(f"{report.unreadable} entries could not be read and are not in it: see mmdia validate {release}")
    return 1 if report.unreadable else 0


@command
def stats(
    release: Annotated[Path, typer.Argument(help="Folder (or file) of annotations, or a built directory.")],
    plots: Annotated[
        Path | None, typer.Option("--plots", help="Folder for plots: PNG files, and index.html with all of them.")
    ] = None,
    movies: Annotated[bool, typer.Option("--movies", help="Print the figures of each movie too.")] = False,
    format_: FormatOption = Format.text,
) -> int:
    """Figures of the annotations, beside the paper's; of a built directory also its coverage."""
    from dataclasses import asdict

    from mmdia_dataset.statistics import PAPER, PAPER_BENCH
    from mmdia_dataset.survey import stats as survey

    with progress_bar() as progress:
        found = survey(release, plots=plots, progress=progress)
    columns = {**found.figures, "paper": PAPER, "paper bench": PAPER_BENCH}
    if format_ is Format.json:
        plain: dict[str, Any] = {name.replace(" ", "_"): asdict(figures) for name, figures in columns.items()}
        plain["movies"] = {name: asdict(figures) for name, figures in found.movies.items()}
        plain["distributions"] = found.distributions.as_json()
        plain["coverage"] = {name: _covered(one) for name, one in found.coverage.items()}
        plain["movie_coverage"] = {name: _covered(one) for name, one in found.movie_coverage.items()}
        print_json(plain)
        return found.exit_code
    names = list(asdict(PAPER))
    print_table(
        ("", *columns), [(n.replace("_", " "), *(_cell(getattr(c, n)) for c in columns.values())) for n in names]
    )
    if movies:
        out.print()
        rows = [(shown(movie), *(_cell(getattr(one, n)) for n in names[1:-2])) for movie, one in found.movies.items()]
        print_table(("movie", *(n.replace("_per_", "/") for n in names[1:-2])), rows)
    for title, coverage in (("clips", found.coverage), ("clips of", found.movie_coverage if movies else {})):
        if coverage:
            out.print()
            rows = [
                (shown(name), f"{c.wanted:,}", f"{c.made:,}", f"{c.share:.1%}", f"{c.hours:,.2f}")
                for name, c in coverage.items()
            ]
            print_table((title, "wanted", "made", "share", "hours made"), rows)
    if plots is not None:
        err.print(f"drawn: {found.files[0]}")
    return found.exit_code


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _covered(one: Covered) -> dict[str, float]:
    return {"wanted": one.wanted, "made": one.made, "share": one.share, "hours": one.hours}

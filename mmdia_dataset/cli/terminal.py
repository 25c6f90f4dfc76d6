"""What goes to a terminal: reports to standard output, progress and words to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from mmdia_dataset.errors import shown
from mmdia_dataset.reports import Report, count_text

if TYPE_CHECKING:
    from mmdia_dataset.processes import Progress as Tell

__all__ = [
    "count_text",
    "err",
    "out",
    "print_json",
    "print_step",
    "print_steps",
    "print_table",
    "progress_bar",
    "size_text",
]

# Names come from files: nothing in them is markup, and nothing is coloured by guesses.
out = Console(markup=False, highlight=False, soft_wrap=True)
err = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress_bar(*, lines: bool = False) -> Iterator[Tell]:
    """A bar on standard error for as long as the block runs.

    Args:
        lines: where standard error is not a terminal, print a line for each stage; else nothing is printed there.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
                if lines and not err.is_terminal:
                    err.print(f"{stage} …")
            bar.update(tasks[stage], completed=done, total=total)

        yield report


def print_json(report: Report) -> int:
    """A report as JSON on standard output; gives its exit code."""
    sys.stdout.write(json.dumps(report.as_json(), ensure_ascii=False, indent=1, default=str) + "\n")
    return report.exit_code


def size_text(count: float) -> str:
    """Bytes as people say them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit in "B kB" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def print_steps(steps: Sequence[str]) -> None:
    """What to do next, on standard error: the likeliest first, what else there is below it."""
    for number, step in enumerate(steps):
        err.print(f"{'  or' if number else 'next'}: {_plain(step)}")


def print_step(step: str) -> None:
    """One thing to do, in a report."""
    out.print(f"        next: {_plain(step)}")


def _plain(step: str) -> str:
    return shown(step.replace("`", ""), 1000)


def print_table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Columns on standard output, the first aligned left, the others right; plain text, so that it can be piped."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, *rows]:
        cells = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        out.print("  ".join(cells).rstrip())

"""`mmdia check`."""

from __future__ import annotations

from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.options import JobsOption
from mmdia_dataset.cli.terminal import count_text, err, out, print_json, progress_bar, size_text
from mmdia_dataset.errors import shown

__all__ = ["check"]


@command
def check(
    shards: Annotated[str, typer.Argument(help="Folder of shards, one tar, or a URL of either.", show_default=False)],
    deep: Annotated[bool, typer.Option("--deep", help="Also decode all media and count their frames.")] = False,
    jobs: JobsOption = 1,
    format_: FormatOption = Format.text,
) -> int:
    """Find every fault of shards, ours or of others. Exit code 1 if there are errors."""
    with progress_bar() as progress:
        report = mmdia_dataset.check(shards, deep=deep, jobs=jobs, progress=progress)
    if format_ is Format.json:
        return print_json(report)
    for fault in report.faults[:50]:
        place = " ".join(shown(part) for part in (fault.shard, fault.key, fault.member) if part)
        byte = f" at byte {fault.offset:,}" if fault.offset is not None else ""
        out.print(f"{fault.severity}  {fault.rule}  {place or shown(report.place)}{byte}: {shown(fault.text, 300)}")
    total = report.counts.total()
    if total > 50:
        counts = ", ".join(f"{count:,} {rule}" for rule, count in report.counts.most_common())
        out.print(f"… {total:,} in all: {counts}")
    for words in report.unchecked:
        out.print(f"not checked: {shown(words)}")
    out.print(
        f"{count_text(report.samples, 'sample')}, {count_text(report.members, 'member')} in "
        f"{count_text(report.shards, 'shard')}, {size_text(report.bytes)}, in {report.seconds:.1f} s: "
        f"{count_text(report.errors, 'error')}, {count_text(total - report.errors, 'warning')}"
    )
    if report.exit_code == 0 and report.ours:
        err.print(f'next: in Python, datasets.load_dataset("{shown(shards)}"); docs/shards.md has more ways')
    return report.exit_code

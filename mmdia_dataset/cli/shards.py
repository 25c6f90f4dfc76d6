"""Commands about shards: `pack` and `check`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.errors import shown
from mmdia_dataset.terminal import err, out, print_json, progress_bar, size_text

__all__ = ["check", "pack"]


@command
def pack(
    built: Annotated[Path, typer.Argument(help="The built directory to pack.", show_default=False)],
    folder: Annotated[str, typer.Option("--out", help="Folder or URL (s3://…) to write to.", show_default=False)],
    max_size: Annotated[str, typer.Option("--max-size", help="Of a shard, such as 500MB.")] = "1GB",
    shuffle: Annotated[
        int | None, typer.Option("--shuffle", help="Mix samples by this seed; else as they are.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="Only this split.")] = None,
    modes: Annotated[list[str] | None, typer.Option("--modes", help="Clips of this mode; may be repeated.")] = None,
    min_shards: Annotated[
        int, typer.Option("--min-shards", min=1, help="Of each split, so that as many loader processes can share it.")
    ] = 1,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes working at once.")] = 1,
    format_: FormatOption = Format.text,
) -> int:
    """Clips as WebDataset shards, for training at full speed. Run again to go on, or after a rebuild."""
    from mmdia_dataset.shards.packing import plan_pack, write_pack

    plan = plan_pack(built, max_size=max_size, shuffle=shuffle, split=split, modes=modes, min_shards=min_shards)
    counts = plan.layout.shards_of()
    for name, samples in plan.layout.samples_of().items():
        most = f"at most {counts[name]:,} loader processes can share them"
        err.print(f"{name}: {samples:,} samples in {counts[name]:,} shards, {most}")
    err.print(f"writing {size_text(plan.bytes)} to {shown(folder)}; members: {', '.join(plan.stock.members)}")
    with progress_bar() as progress:
        report = write_pack(plan, folder, jobs=jobs, progress=progress)
    if format_ is Format.json:
        print_json(
            {
                "out": report.out,
                "samples": report.samples,
                "shards": report.shards,
                "members": report.members,
                "bytes": report.bytes,
                "written": report.written,
                "kept": report.kept,
                "removed": report.removed,
                "left_out": report.left_out,
                "damaged": report.damaged,
                "seconds": report.seconds,
            }
        )
        return report.exit_code
    out.print(
        f"{sum(report.samples.values()):,} samples in {sum(report.shards.values()):,} shards, "
        f"{size_text(report.bytes)}: {report.written:,} written, {report.kept:,} kept, in {report.seconds:.1f} s"
    )
    for rule, count in report.left_out.most_common():
        example = report.examples[rule]
        out.print(f"    {count:,} left out: {rule}, such as {shown(example.id)}: {shown(example.detail, 300)}")
    err.print(f"next: mmdia check {shown(folder)}")
    return report.exit_code


@command
def check(
    shards: Annotated[str, typer.Argument(help="Folder of shards, one tar, or a URL of either.", show_default=False)],
    deep: Annotated[bool, typer.Option("--deep", help="Also decode all media and count their frames.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes working at once.")] = 1,
    format_: FormatOption = Format.text,
) -> int:
    """Every fault of shards, ours or others': tars, keys, samples, media, index. Exit code 1 if there are any."""
    from mmdia_dataset.shards.checking import check as check_shards

    with progress_bar() as progress:
        report = check_shards(shards, deep=deep, jobs=jobs, progress=progress)
    if format_ is Format.json:
        print_json(
            {
                "place": report.place,
                "ours": report.ours,
                "shards": report.shards,
                "samples": report.samples,
                "members": report.members,
                "bytes": report.bytes,
                "errors": report.errors,
                "counts": report.counts,
                "faults": [asdict(fault) for fault in report.faults],
                "unchecked": report.unchecked,
                "seconds": report.seconds,
            }
        )
        return report.exit_code
    for fault in report.faults[:50]:
        place = " ".join(shown(part) for part in (fault.shard, fault.key, fault.member) if part)
        at = f" at byte {fault.offset:,}" if fault.offset is not None else ""
        out.print(f"{fault.severity}  {fault.rule}  {place or shown(report.place)}{at}: {shown(fault.text, 300)}")
    total = report.counts.total()
    if total > 50:
        counts = ", ".join(f"{count:,} {rule}" for rule, count in report.counts.most_common())
        out.print(f"… of {total:,} in all: {counts}")
    for words in report.unchecked:
        out.print(f"not checked: {shown(words)}")
    out.print(
        f"{report.samples:,} samples, {report.members:,} members in {report.shards:,} shards, "
        f"{size_text(report.bytes)}, in {report.seconds:.1f} s: "
        f"{report.errors:,} errors, {total - report.errors:,} warnings"
    )
    if report.exit_code == 0 and report.ours:
        err.print(f'next: datasets.load_dataset("{shown(shards)}"), or see docs/shards.md')
    return report.exit_code

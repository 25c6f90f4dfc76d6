"""`mmdia pack`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.options import (
    AsIsOption,
    EditionsOption,
    IdsOption,
    JobsOption,
    Mode,
    ModesOption,
    SplitOption,
    forecast_text,
    print_editions,
    say_if_full,
    with_cutting,
)
from mmdia_dataset.cli.terminal import (
    count_text,
    err,
    out,
    print_json,
    print_step,
    print_steps,
    progress_bar,
    size_text,
)
from mmdia_dataset.errors import shown
from mmdia_dataset.refusals import ways_out

if TYPE_CHECKING:
    from mmdia_dataset.shards.direct import DirectPlan
    from mmdia_dataset.shards.packing import PackPlan

__all__ = ["pack"]


@command
@with_cutting
def pack(
    built: Annotated[Path | None, typer.Argument(help="The built directory to pack.", show_default=False)] = None,
    folder: Annotated[str | None, typer.Option("--out", help="Folder or URL (s3://…) to write to.")] = None,
    release: Annotated[
        Path | None, typer.Option("--release", help="Pack straight from films, or the release's own sound.")
    ] = None,
    media: Annotated[
        Path | None, typer.Option("--media", help="With --release: folder of your films, or a media.toml.")
    ] = None,
    max_size: Annotated[str, typer.Option("--max-size", help="Largest size of a shard, such as 500MB.")] = "1GB",
    shuffle: Annotated[
        int | None, typer.Option("--shuffle", help="Seed for shuffling (default: order of the annotations).")
    ] = None,
    split: SplitOption = None,
    modes: ModesOption = None,
    min_shards: Annotated[
        int,
        typer.Option("--min-shards", min=1, help="Fewest shards per split; each loader process needs one."),
    ] = 1,
    jobs: JobsOption = 1,
    mode: Annotated[
        Mode | None, typer.Option("--mode", help="With --release: mode of the clips, as in mmdia rebuild.")
    ] = None,
    editions: EditionsOption = None,
    as_is: AsIsOption = False,
    ids: IdsOption = None,
    format_: FormatOption = Format.text,
    **options: Any,
) -> int:
    """Write clips as WebDataset shards, for fast training. Run it again to go on."""

    def forecast(plan: PackPlan | DirectPlan) -> None:
        _forecast(plan, shown(release or ""), folder or "")

    with progress_bar() as progress:
        report = mmdia_dataset.pack(
            built,
            folder,
            release=release,
            media=media,
            max_size=max_size,
            shuffle=shuffle,
            split=split,
            modes=modes or None,
            min_shards=min_shards,
            jobs=jobs,
            mode=None if mode is None else mode.value,
            editions=editions,
            as_is=as_is,
            ids=ids or None,
            before=forecast,
            progress=progress,
            **options,
        )
    if format_ is Format.json:
        return print_json(report)
    out.print(
        f"{count_text(sum(report.samples.values()), 'sample')} in {count_text(sum(report.shards.values()), 'shard')}, "
        f"{size_text(report.bytes)}: {report.written:,} written, {report.kept:,} kept, in {report.seconds:.1f} s"
    )
    print_editions(report.editions, report.notes, report.fallbacks)
    for rule, count in report.left_out.most_common():
        example = report.examples[rule]
        out.print(f"    {count:,} left out: {rule}, such as {shown(example.id)}: {shown(example.detail, 300)}")
        print_step(rule.ways("pack", release=release, media=media)[0])
    if report.left_out:
        out.print("    the full list is in editions/manifest.jsonl")
    if report.samples:
        err.print(f"next: mmdia check {shown(report.out)}")
    else:
        print_steps(ways_out(report.left_out, "pack", release=release, media=media))
    return report.exit_code


def _forecast(plan: PackPlan | DirectPlan, release: str, folder: str) -> None:
    """What will be packed, before it is; what films give is known roughly."""
    from mmdia_dataset.shards.packing import PackPlan

    if isinstance(plan, PackPlan):
        counts = plan.layout.shards_of()
        for name, samples in plan.layout.samples_of().items():
            most = f"up to {count_text(counts[name], 'loader process', 'loader processes')} can share them"
            err.print(f"{name}: {count_text(samples, 'sample')} in {count_text(counts[name], 'shard')}, {most}")
        err.print(f"writing {size_text(plan.bytes)} to {shown(folder)}; members: {', '.join(plan.stock.members)}")
        return
    films = plan.plan
    err.print(f"plan: up to {forecast_text(films.forecast, release, films.wanted, len(films.wishes))}")
    shards = count_text(plan.shards, "shard")
    err.print(f"about {shards} to {shown(folder)}; this needs disk space for the clips of one shard at a time")
    if "://" not in folder:
        say_if_full(Path(folder), films.forecast.bytes + plan.max_bytes)

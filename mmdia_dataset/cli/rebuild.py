"""`mmdia rebuild`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, MediaOption, ReleaseOption, command
from mmdia_dataset.cli.options import (
    AsIsOption,
    EditionsOption,
    IdsOption,
    JobsOption,
    Mode,
    ModeOption,
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
    from mmdia_dataset.building.plan import Plan

__all__ = ["rebuild"]


@command
@with_cutting
def rebuild(
    release: ReleaseOption,
    media: MediaOption,
    folder: Annotated[Path, typer.Option("--out", help="Folder to make, or to go on with.", show_default=False)],
    mode: ModeOption = Mode.copy,
    editions: EditionsOption = None,
    as_is: AsIsOption = False,
    split: SplitOption = None,
    ids: IdsOption = None,
    jobs: JobsOption = 1,
    format_: FormatOption = Format.text,
    **options: Any,
) -> int:
    """Cut every dialogue from the films you own, to the frame. Run it again to go on, or after a change."""

    def forecast(plan: Plan) -> None:
        size = forecast_text(plan.forecast, shown(release), plan.wanted, len(plan.wishes))
        err.print(f"plan: up to {size}")
        say_if_full(folder, plan.forecast.bytes)

    with progress_bar() as progress:
        report = mmdia_dataset.rebuild(
            release,
            media,
            folder,
            mode=mode.value,
            editions=editions,
            as_is=as_is,
            split=split,
            ids=ids or None,
            jobs=jobs,
            before=forecast,
            progress=progress,
            **options,
        )
    if format_ is Format.json:
        return print_json(report)
    out.print(
        f"{count_text(report.made, 'clip')} made, {report.kept:,} kept, {report.refused.total():,} refused: "
        f"{report.hours:.2f} h, {size_text(report.bytes)}, in {report.seconds:.1f} s"
    )
    if report.unreadable:
        lines = count_text(len(report.unreadable), "line")
        err.print(
            f"{lines} of the manifest could not be read. Clips of this mode were made again; to make those of another "
            f"mode again, run with that --mode. First of these lines: {shown(report.unreadable[0], 300)}"
        )
    print_editions(report.editions, report.notes, report.fallbacks)
    for rule, count in report.refused.most_common():
        examples = list(report.examples[rule].values())
        out.print(f"    {count:,} refused, of {count_text(len(examples), 'movie')}: {rule}")
        for example in examples[:3]:
            out.print(f"        {shown(example, 300)}")
        if len(examples) > 3:
            out.print("        … the full list is in manifest.jsonl")
        print_step(rule.ways("rebuild", release=release, media=media, out=folder)[0])
    if report.issues:
        err.print(f"the annotations have {count_text(report.issues, 'issue')}: mmdia validate {release}")
    if report.made + report.kept:
        err.print(f'next: in Python, mmdia_dataset.load("clips", data_dir="{folder}")')
    else:
        print_steps(ways_out(report.refused, "rebuild", release=release, media=media, out=folder))
    return report.exit_code

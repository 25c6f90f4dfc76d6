"""`mmdia align`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, MediaOption, ReleaseOption, command
from mmdia_dataset.cli.options import JobsOption, LanguageOption
from mmdia_dataset.cli.terminal import count_text, err, out, print_json, print_step, print_steps, progress_bar
from mmdia_dataset.errors import shown
from mmdia_dataset.refusals import ways_out

__all__ = ["align"]


@command
def align(
    release: ReleaseOption,
    media: MediaOption,
    folder: Annotated[
        Path, typer.Option("--out", help="Folder to write edition files and plots to.", show_default=False)
    ],
    language: LanguageOption = None,
    jobs: JobsOption = 1,
    format_: FormatOption = Format.text,
) -> int:
    """Find out which edition each film is; cut nothing. It says where the dialogues are, and why some are refused."""
    from mmdia_dataset.building.editions import Untimed

    with progress_bar() as progress:
        report = mmdia_dataset.align(release, media, folder, language=language, jobs=jobs, progress=progress)
    if format_ is Format.json:
        return print_json(report)
    for movie, timing in report.timings.items():
        name = f"  {shown(timing.located.path.name)}" if timing.located else ""
        out.print(f"{shown(movie)}{name}")
        words = timing.description or (
            f"{timing.reason.rule}: {timing.reason.detail}" if isinstance(timing, Untimed) else ""
        )
        out.print(f"    {shown(words, 1000)}")
        for note in timing.notes:
            out.print(f"    {shown(note, 300)}")
    out.print(
        f"{count_text(report.placed, 'dialogue')} placed, {report.refused:,} refused, in "
        f"{count_text(len(report.timings), 'recording')}"
    )
    if report.missing:
        few = ", ".join(shown(movie) for movie in list(report.missing)[:3])
        more = ", …" if len(report.missing) > 3 else ""
        dialogues = count_text(sum(report.wanted[movie] for movie in report.missing), "dialogue")
        out.print(f"no recording found for {count_text(len(report.missing), 'movie')} with {dialogues}: {few}{more}")
    for rule, count in report.reasons.most_common():
        out.print(f"    {count:,} refused: {rule}")
        print_step(rule.ways("align", release=release, media=media)[0])
    if report.placed:
        err.print(f"editions and plots: {report.out}")
        err.print(f"next: mmdia rebuild --release {release} --media {media} --editions {report.out} --out built")
    else:
        print_steps(ways_out(report.reasons, "align", release=release, media=media))
    return report.exit_code

"""`mmdia fingerprint`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, ReleaseOption, command
from mmdia_dataset.cli.options import JobsOption, LanguageOption
from mmdia_dataset.cli.terminal import count_text, err, out, print_json, progress_bar
from mmdia_dataset.errors import shown

__all__ = ["fingerprint"]


@command
def fingerprint(
    release: ReleaseOption,
    media: Annotated[
        Path | None,
        typer.Option("--media", help="Folder of the annotated copies; without it, the release's own sound is heard."),
    ] = None,
    folder: Annotated[Path, typer.Option("--out", help="Folder to write the passports to.")] = Path("passports"),
    language: LanguageOption = None,
    jobs: JobsOption = 1,
    format_: FormatOption = Format.text,
) -> int:
    """Make passports, by which others can align their films.

    For curators: a passport describes the copy that was annotated; its sound can't be made from it. Without --media,
    passports are made from the sound of the dialogues that the release brings.
    """
    with progress_bar() as progress:
        report = mmdia_dataset.fingerprint(release, media, folder, language=language, jobs=jobs, progress=progress)
    if format_ is Format.json:
        return print_json(report)
    for movie, why in [*report.failed.items(), *list(report.missing.items())[:20]]:
        out.print(f"no passport for {shown(movie)}: {shown(why, 300)}")
    for id_, why in list(report.left_out.items())[:20]:
        out.print(f"not in its passport: the sound of {shown(id_)}: {shown(why, 300)}")
    if len(report.left_out) > 20:
        out.print(f"… and {len(report.left_out) - 20:,} more sounds; --format json lists all")
    each = f", {report.bytes / 1000 / report.hours:.1f} kB of fingerprint per hour" if report.hours else ""
    out.print(f"{count_text(len(report.made), 'passport')} written to {shown(report.out)}: {report.hours:.2f} h{each}")
    if report.made and report.out.name != "passports":
        err.print(f"next: move them to {release}/passports; rebuild and align then use them")
    return report.exit_code

"""Commands about what others see: `card`, `publish`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.errors import shown
from mmdia_dataset.terminal import err, out, print_json, print_table, progress_bar, size_text

__all__ = ["card", "publish"]

LicenceOption = Annotated[str, typer.Option("--license", help="Of the annotations, such as cc-by-nc-4.0.")]


@command
def card(
    folder: Annotated[Path, typer.Argument(help="A built directory, or a release in our Parquet.")],
    repo: Annotated[str | None, typer.Option(help="Where it goes on the Hub: ORG/NAME.")] = None,
    licence: LicenceOption = "unknown",
    format_: FormatOption = Format.text,
) -> int:
    """Write its page: README.md with figures and pictures, and croissant.json."""
    from mmdia_dataset.showcase import card as write

    with progress_bar() as progress:
        report = write(folder, repo=repo, licence=licence, progress=progress)
    if format_ is Format.json:
        print_json({"files": [str(file) for file in report.files], "faults": list(report.faults)})
        return report.exit_code
    out.print(f"{shown(report.files[0])}, {len(report.files) - 2} pictures, {report.files[1].name}")
    for fault in report.faults:
        err.print(f"the Hub would refuse it: {shown(fault, 300)}")
    return report.exit_code


class Gate(StrEnum):
    """Who gets the files."""

    auto = "auto"
    manual = "manual"
    no = "no"


@command
def publish(
    folder: Annotated[Path, typer.Argument(help="A built directory, or a release.")],
    repo: Annotated[str, typer.Option(help="Dataset repository on the Hub: ORG/NAME.", show_default=False)],
    release: Annotated[
        Path | None,
        typer.Option(help="What it was built from: dialogues without a clip, and passports, are published too."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent; ask nothing of the Hub.")] = False,
    with_media: Annotated[bool, typer.Option("--with-media", help="Publish the clips too.")] = False,
    licence: LicenceOption = "unknown",
    revision: Annotated[str, typer.Option(help="Branch, made if it is not there.")] = "main",
    public: Annotated[bool, typer.Option("--public/--private", help="Who sees a repository made by this run.")] = False,
    gated: Annotated[Gate | None, typer.Option(help="Whether others have to ask for the files.")] = None,
    stage: Annotated[Path | None, typer.Option("--out", help="Keep what is published in this empty folder.")] = None,
    format_: FormatOption = Format.text,
) -> int:
    """Publish annotations, passports, editions and card on the Hub; never the clips unless told to."""
    from dataclasses import asdict

    from mmdia_dataset.publishing import publish as send

    report = send(
        folder,
        repo,
        release=release,
        dry_run=dry_run,
        with_media=with_media,
        licence=licence,
        revision=revision,
        public=public,
        gated=gated.value if gated else None,
        stage=stage,
    )
    for sentence in report.words:
        err.print(sentence)
    for fault in report.faults:
        err.print(f"the Hub would refuse the card: {shown(fault, 300)}")
    if format_ is Format.json:
        print_json({**asdict(report), "bytes": report.bytes})
        return report.exit_code
    print_table(("file", "size"), [(shown(name), size_text(size)) for name, size in report.files.items()])
    out.print(f"\n{report.dialogues:,} dialogues in {len(report.files):,} files, {size_text(report.bytes)}")
    for one in report.left_out:
        out.print(f"left out: {one.what}, {one.files:,} files, {size_text(one.bytes)}: {one.why}")
    if report.emptied:
        out.print(f"left out: {report.emptied:,} paths of files on somebody's machine")
    if report.commit is not None:
        out.print(f"published: {report.url}")
    elif not report.faults:
        err.print(f"nothing was sent; without --dry-run this goes to {shown(repo)}, branch {shown(revision)}")
    return report.exit_code

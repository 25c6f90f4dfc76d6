"""`mmdia publish`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.terminal import count_text, err, out, print_json, print_table, size_text
from mmdia_dataset.errors import shown

__all__ = ["publish"]

LicenceOption = Annotated[str, typer.Option("--license", help="License of the annotations, such as cc-by-nc-4.0.")]


class Gate(StrEnum):
    """Who gets the files."""

    auto = "auto"
    manual = "manual"
    no = "no"


@command
def publish(
    source: Annotated[Path, typer.Argument(help="A built directory, or a release.")],
    repo: Annotated[str, typer.Option(help="Dataset repository on the Hub: ORG/NAME.", show_default=False)],
    release: Annotated[
        Path | None,
        typer.Option(
            help="The release it was built from, to publish its passports and the dialogues without a clip too."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent, without contacting the Hub.")
    ] = False,
    with_media: Annotated[bool, typer.Option("--with-media", help="Publish the clips too.")] = False,
    licence: LicenceOption = "unknown",
    revision: Annotated[str, typer.Option(help="Branch to publish to, made if it is missing.")] = "main",
    public: Annotated[
        bool, typer.Option("--public/--private", help="Visibility of the repository, if this run makes it.")
    ] = False,
    gated: Annotated[Gate | None, typer.Option(help="Whether others have to ask for access.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Empty folder to keep a copy of what is published.")
    ] = None,
    format_: FormatOption = Format.text,
) -> int:
    """Publish annotations and card on the Hub, without the clips. Passports and editions are published too."""
    report = mmdia_dataset.publish(
        source,
        repo,
        release=release,
        dry_run=dry_run,
        with_media=with_media,
        licence=licence,
        revision=revision,
        public=public,
        gated=gated.value if gated else None,
        out=folder,
    )
    for sentence in report.words:
        err.print(sentence)
    for fault in report.faults:
        err.print(f"the Hub would refuse the card: {shown(fault, 300)}")
    if format_ is Format.json:
        return print_json(report)
    print_table(("file", "size"), [(shown(name), size_text(size)) for name, size in report.files.items()])
    out.print(
        f"\n{count_text(report.dialogues, 'dialogue')} in {count_text(len(report.files), 'file')}, "
        f"{size_text(report.bytes)}"
    )
    for omitted in report.left_out:
        out.print(
            f"left out: {omitted.what}, {count_text(omitted.files, 'file')}, {size_text(omitted.bytes)}: {omitted.why}"
        )
    if report.emptied:
        out.print(f"removed: {count_text(report.emptied, 'path')} to files on somebody's computer")
    if report.commit is not None:
        out.print(f"published: {report.url}")
    elif not report.faults:
        err.print(f"nothing was sent; without --dry-run, this goes to {shown(repo)}, branch {shown(revision)}")
    return report.exit_code

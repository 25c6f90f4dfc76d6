"""`mmdia decode`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.options import JobsOption, KindsOption, SoundFile, at_commas, duration_text, say_if_full
from mmdia_dataset.cli.terminal import count_text, err, out, print_json, progress_bar, size_text
from mmdia_dataset.errors import shown

if TYPE_CHECKING:
    from mmdia_dataset.commands.decode import DecodeForecast

__all__ = ["decode"]


@command
def decode(
    release: Annotated[Path, typer.Argument(help="Folder of the release, which holds audio_encoded/.")],
    weights: Annotated[
        Path, typer.Option("--weights", help="The codec's weights, a file that you have.", show_default=False)
    ],
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder in which audio/ is made (default: the release).")
    ] = None,
    kinds: KindsOption = None,
    sound: Annotated[SoundFile, typer.Option("--sound", help="Kind of sound file.")] = SoundFile.flac,
    device: Annotated[
        list[str] | None,
        typer.Option(
            "--device", help="Where to compute: cpu (default), or cuda:0,cuda:1.", callback=at_commas, metavar="A,B"
        ),
    ] = None,
    jobs: JobsOption = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Decode a few files to say what it would take; write nothing.")
    ] = False,
    format_: FormatOption = Format.text,
) -> int:
    """Make sound of a release's encoded sound (.dac). Run it again to go on.

    Nothing in the files is run, and nothing is downloaded: --weights are yours to bring.
    """
    places = ", ".join(device or ["cpu"])

    def forecast(ahead: DecodeForecast) -> None:
        err.print(
            f"plan: {count_text(ahead.files, 'file')} of {size_text(ahead.encoded_bytes)}: about {ahead.hours:,.2f} h "
            f"of sound, {size_text(ahead.bytes)} of {sound.value}, in about {duration_text(ahead.seconds)} on "
            f"{shown(places)}; {ahead.kept:,} decoded before"
        )
        say_if_full(folder or release, ahead.bytes)

    with progress_bar() as progress:
        report = mmdia_dataset.decode(
            release,
            weights,
            out=folder,
            kinds=kinds or None,
            sound=sound.value,
            device=device or None,
            jobs=jobs,
            dry_run=dry_run,
            before=forecast,
            progress=progress,
        )
    if format_ is Format.json:
        return print_json(report)
    for path, why in list(report.failed.items())[:20]:
        out.print(why if why.startswith(shown(path)) else f"{shown(path)}: {shown(why, 300)}.")
    if len(report.failed) > 20:
        out.print("… the full list is in the output of --format json")
    failed = f", {len(report.failed):,} can't be decoded" if report.failed else ""
    if dry_run:
        out.print(f"nothing was written; {report.kept:,} decoded before{failed}")
        err.print("next: the same command without --dry-run")
        return report.exit_code
    out.print(
        f"{count_text(report.made, 'file')} decoded, {report.kept:,} kept{failed}: {report.hours:,.2f} h, "
        f"{size_text(report.bytes)}, in {report.seconds:,.1f} s"
    )
    if folder is not None:
        err.print(f"next: move {folder}/audio into {release}, or link it there; then mmdia validate {release}")
    else:
        err.print(f"next: mmdia validate {release}")
    return report.exit_code

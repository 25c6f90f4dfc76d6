"""`mmdia coverage`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import mmdia_dataset
from mmdia_dataset.cli import terminal
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.splits import _EXAMPLES
from mmdia_dataset.errors import shown

if TYPE_CHECKING:
    from mmdia_dataset.certificates import Comparison
    from mmdia_dataset.schema import Certificate

__all__ = ["coverage"]


@command
def coverage(
    paths: Annotated[
        list[Path], typer.Argument(help="A built directory, or several to compare, as folders or certificates.")
    ],
    release: Annotated[
        Path | None, typer.Option("--release", help="The release, if only a part of it was rebuilt.")
    ] = None,
    mode: Annotated[
        list[str] | None, typer.Option("--mode", help="Count only dialogues with a clip of this mode; repeatable.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="When comparing: only this split.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File to write: the certificate; when comparing, the dialogues that all have."),
    ] = None,
    format_: FormatOption = Format.text,
) -> int:
    """Say which dialogues you have, and compare with others.

    Exit code 1 if there are none, or if certificates do not fit together.
    """
    from mmdia_dataset.certificates import certificate_hash

    report = mmdia_dataset.coverage(*paths, release=release, mode=mode or None, split=split, out=out)
    both = report.comparison
    if format_ is Format.json:
        return terminal.print_json(report)
    if both is None:
        _certificate(report.certificates[0])
    else:
        _comparison(report.certificates, both, [shown(path.name) for path in paths])
    for certificate, path in zip(report.certificates, paths, strict=True):
        terminal.out.print(f"certificate of {shown(path)}: {certificate_hash(certificate)}")
    if out is not None:
        terminal.err.print(f"written: {out} ({terminal.size_text(out.stat().st_size)})")
    return report.exit_code


def _certificate(certificate: Certificate) -> None:
    counted = [("all", certificate.wanted, certificate.made, certificate.hours)]
    counted += [(part.split, part.wanted, part.made.count, part.hours) for part in certificate.splits]
    rows: list[tuple[str, ...]] = [
        (name, f"{asked:,}", f"{cut:,}", f"{hours:,.2f}") for name, asked, cut, hours in counted
    ]
    terminal.print_table((", ".join(certificate.modes), "wanted", "made", "hours"), rows)
    bounds = {name.replace("_", " "): count for name, count in certificate.bounds.model_dump().items() if count}
    errors = ", ".join(f"{count:,} {name}" for name, count in bounds.items()) or "no clips"
    terminal.out.print(f"timing error: {errors}")
    terminal.out.print(f"hash of the release: {certificate.release}")


def _comparison(certificates: tuple[Certificate, ...], both: Comparison, names: list[str]) -> None:
    common = {part.split: part.ids.count for part in both.subset.splits}
    rows: list[tuple[str, ...]] = []
    for split in dict.fromkeys(part.split for certificate in certificates for part in certificate.splits):
        counts = [
            next((part.made.count for part in certificate.splits if part.split == split), 0)
            for certificate in certificates
        ]
        rows.append((split, *(f"{count:,}" for count in counts), f"{common.get(split, 0):,}"))
    rows.append(("all", *(f"{certificate.made:,}" for certificate in certificates), f"{both.subset.ids.count:,}"))
    terminal.print_table(("", *names, "common"), rows)
    if not both.modes:
        terminal.out.print(
            "the modes differ: " + " / ".join(", ".join(certificate.modes) for certificate in certificates)
        )
    if both.other_spans:
        count = terminal.count_text(len(both.other_spans), "movie")
        few = ", ".join(shown(movie) for movie in both.other_spans[:_EXAMPLES])
        terminal.out.print(f"left out, because the annotations differ: {count} ({few})")
    if both.other_splits:
        terminal.out.print(f"the splits differ: not the same dialogues in {', '.join(both.other_splits)}")
    if both.apart:
        terminal.out.print(
            f"left out, because they are in different splits: {terminal.count_text(both.apart, 'dialogue')}"
        )

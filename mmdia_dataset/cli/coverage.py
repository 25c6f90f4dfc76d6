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
        typer.Option("--out", help="File to write: the certificate, or of several the dialogues that all have."),
    ] = None,
    format_: FormatOption = Format.text,
) -> int:
    """Say which dialogues you have, and compare with others.

    Exit code 1 if there are none, or if certificates do not fit together.
    """
    from mmdia_dataset.certificates import certificate_hash

    found = mmdia_dataset.coverage(*paths, release=release, mode=mode or None, split=split, out=out)
    both = found.comparison
    if format_ is Format.json:
        return terminal.print_json(found)
    if both is None:
        _certificate(found.certificates[0])
    else:
        _comparison(found.certificates, both, [shown(path.name) for path in paths])
    for one, path in zip(found.certificates, paths, strict=True):
        terminal.out.print(f"certificate of {shown(path)}: {certificate_hash(one)}")
    if out is not None:
        terminal.err.print(f"written: {out} ({terminal.size_text(out.stat().st_size)})")
    return found.exit_code


def _certificate(one: Certificate) -> None:
    rows: list[tuple[str, ...]] = [("all", f"{one.wanted:,}", f"{one.made:,}", f"{one.hours:,.2f}")]
    rows += [(part.split, f"{part.wanted:,}", f"{part.made.count:,}", f"{part.hours:,.2f}") for part in one.splits]
    terminal.print_table((", ".join(one.modes), "wanted", "made", "hours"), rows)
    bounds = {name.replace("_", " "): count for name, count in one.bounds.model_dump().items() if count}
    terminal.out.print("error bounds: " + (", ".join(f"{count:,} {name}" for name, count in bounds.items()) or "none"))
    terminal.out.print(f"release: {one.release}")


def _comparison(certificates: tuple[Certificate, ...], both: Comparison, names: list[str]) -> None:
    common = {part.split: part.ids.count for part in both.subset.splits}
    rows: list[tuple[str, ...]] = []
    for split in dict.fromkeys(part.split for one in certificates for part in one.splits):
        counts = [next((part.made.count for part in one.splits if part.split == split), 0) for one in certificates]
        rows.append((split, *(f"{count:,}" for count in counts), f"{common.get(split, 0):,}"))
    rows.append(("all", *(f"{one.made:,}" for one in certificates), f"{both.subset.ids.count:,}"))
    terminal.print_table(("", *names, "common"), rows)
    if not both.modes:
        terminal.out.print("the modes differ: " + " / ".join(", ".join(one.modes) for one in certificates))
    if both.other_spans:
        count = terminal.count_text(len(both.other_spans), "movie")
        few = ", ".join(shown(movie) for movie in both.other_spans[:_EXAMPLES])
        terminal.out.print(f"left out, with other dialogues or spans: {count} ({few})")
    if both.other_splits:
        terminal.out.print(f"other dialogues are listed in {', '.join(both.other_splits)}")
    if both.apart:
        terminal.out.print(f"left out, in no common split: {terminal.count_text(both.apart, 'dialogue')}")

"""Commands about splits and what can be compared on them: `splits`, `bench`, `coverage`."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmdia_dataset import terminal
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.errors import UsageError, shown

if TYPE_CHECKING:
    from mmdia_dataset.certificates import Comparison
    from mmdia_dataset.schema import Certificate

__all__ = ["bench", "coverage", "splits"]

_EXAMPLES = 3


class By(StrEnum):
    """What stays together."""

    series = "series"
    movie = "movie"


@command
def splits(
    release: Annotated[Path, typer.Argument(help="Folder (or file) of annotations.")],
    out: Annotated[Path, typer.Option("--out", help="JSON file to write.")],
    by: Annotated[By, typer.Option("--by", help="What stays together.")] = By.series,
    seed: Annotated[int, typer.Option("--seed", help="Another seed gives other splits.")] = 0,
    parts: Annotated[str, typer.Option("--parts", help="Shares of the hours.")] = "train=0.9,validation=0.05,test=0.05",
    keep: Annotated[Path | None, typer.Option("--keep", help="Earlier splits; what they list stays put.")] = None,
    format_: FormatOption = Format.text,
) -> int:
    """Make train, validation and test that share no movie, no series, no words; exit code 1 if there is a leak."""
    from dataclasses import asdict

    from mmdia_dataset.partition import splits as make

    with terminal.progress_bar() as progress:
        made = make(release, out, by=by.value, seed=seed, parts=parts, keep=keep, progress=progress)
    if format_ is Format.json:
        plain = asdict(made)
        plain["leaks"] = made.leaks.counts()
        terminal.print_json(plain)
        return made.exit_code
    rows: list[tuple[str, ...]] = [
        (name, f"{p.wanted:.1%}", f"{p.share:.1%}", f"{p.hours:,.2f}", f"{p.dialogues:,}", f"{p.movies:,}",
         f"{p.relationships:.1%}", f"{p.interactions:.1%}")
        for name, p in made.parts.items()
    ]  # fmt: skip
    header = ("", "wanted", "share", "hours", "dialogues", "movies", "relationships off", "interactions off")
    terminal.print_table(header, rows)
    terminal.out.print(
        f"{made.groups:,} groups of movies, the largest of {made.largest:,}; {made.copies:,} pairs of dialogues of "
        "different movies have the same words"
    )
    for drawn, (there, gone) in made.drawn.items():
        terminal.out.print(f"{drawn}: {there:,} ids are in test; {gone:,} are not, and are left out")
    if keep is not None:
        terminal.out.print(f"{made.kept:,} dialogues stay where they were, {made.moved:,} move")
    found = made.leaks.counts()
    terminal.out.print("leaks: " + ", ".join(f"{count:,} {kind}" for kind, count in found.items()))
    for series, where in list(made.leaks.series.items())[:_EXAMPLES]:
        terminal.out.print(f"    {shown(series)}: in {', '.join(where)}")
    for one in made.leaks.words[:_EXAMPLES]:
        terminal.out.print(f"    {shown(one.id)} in {one.split} and {shown(one.other)} in {one.other_split}")
    terminal.err.print(f"written: {made.out}")
    return made.exit_code


@command
def bench(
    release: Annotated[Path, typer.Argument(help="Folder (or file) of annotations, or a built directory.")],
    selection: Annotated[
        str | None, typer.Option("--selection", help="Other bounds than ours, such as intensity=8,max_turns=8.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="JSON file for the ids.")] = None,
    format_: FormatOption = Format.text,
) -> int:
    """Which dialogues are the benchmark, and their figures beside the paper's; exit code 1 if none is."""
    from dataclasses import asdict

    from mmdia_dataset.statistics import PAPER_BENCH
    from mmdia_dataset.survey import bench as select

    with terminal.progress_bar() as progress:
        found = select(release, selection=_fields(selection), out=out, progress=progress)
    if format_ is Format.json:
        terminal.print_json({**asdict(found), "paper": asdict(PAPER_BENCH)})
        return found.exit_code
    columns = {"listed" if found.official else "selected": found.figures, "paper": PAPER_BENCH}
    rows: list[tuple[str, ...]] = []
    for name in asdict(PAPER_BENCH):
        values = [getattr(one, name) for one in columns.values()]
        cells = ["-" if v is None else f"{v:,}" if isinstance(v, int) else f"{v:,.2f}" for v in values]
        rows.append((name.replace("_", " "), *cells))
    terminal.print_table(("", *columns), rows)
    if not found.official:
        terminal.out.print("the release does not list its benchmark: these are selected by thresholds of ours")
    if out is not None:
        terminal.err.print(f"written: {out}")
    return found.exit_code


def _fields(text: str | None) -> dict[str, object]:
    """``intensity=8,partly=false`` as fields. Raises UsageError."""
    found: dict[str, object] = {}
    for part in text.split(",") if text else ():
        name, _, value = part.partition("=")
        try:
            found[name.strip()] = json.loads(value)
        except ValueError:
            raise UsageError(f"{part.strip()!r} is no bound", hint="write such as intensity=8,partly=false") from None
    return found


@command
def coverage(
    paths: Annotated[list[Path], typer.Argument(help="A built directory; or several, as folders or certificates.")],
    release: Annotated[
        Path | None, typer.Option("--release", help="The release, if the rebuild was of a part of it.")
    ] = None,
    mode: Annotated[
        list[str] | None, typer.Option("--mode", help="Count dialogues with a clip of this mode; repeatable.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="Of several: what is common of this split.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the certificate, or of several the subset all have.")
    ] = None,
    format_: FormatOption = Format.text,
) -> int:
    """Which dialogues are here, to compare with others; exit code 1 if nothing is, or if certificates do not fit."""
    from mmdia_dataset.certificates import certificate_hash
    from mmdia_dataset.certificates import coverage as cover

    found = cover(*paths, release=release, mode=mode or None, split=split, out=out)
    both = found.comparison
    if format_ is Format.json:
        plain: dict[str, object] = {"certificates": [one.model_dump(mode="json") for one in found.certificates]}
        if both is not None:
            plain |= {
                "subset": both.subset.model_dump(mode="json"), "only": both.only, "other_spans": both.other_spans,
                "other_splits": both.other_splits, "apart": both.apart, "same_modes": both.modes,
            }  # fmt: skip
        terminal.print_json(plain)
        return found.exit_code
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
        few = ", ".join(shown(movie) for movie in both.other_spans[:_EXAMPLES])
        terminal.out.print(f"{len(both.other_spans):,} movies have other dialogues or spans, and are left out: {few}")
    if both.other_splits:
        terminal.out.print(f"other dialogues are listed in {', '.join(both.other_splits)}")
    if both.apart:
        terminal.out.print(f"{both.apart:,} dialogues are in no split in common, and are left out")

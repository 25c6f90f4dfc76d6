"""The page about a folder of data: README.md, pictures, Croissant. Counted from what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from mmdia_dataset.built.manifest import is_built
from mmdia_dataset.errors import ReleaseUnreadable, UsageError
from mmdia_dataset.files import write_text
from mmdia_dataset.publishing import CROISSANT, CardFacts, card_faults, card_text, croissant_text
from mmdia_dataset.publishing.body import CardPicture, data_state
from mmdia_dataset.release import open_release
from mmdia_dataset.reports import Report
from mmdia_dataset.schema import SPLITS, Split
from mmdia_dataset.statistics import Covered
from mmdia_dataset.statistics.survey import StatsReport

if TYPE_CHECKING:
    from mmdia_dataset.plots.charts import Chart

__all__ = ["CARD", "FIGURES", "CardReport", "describe"]

CARD = "README.md"


FIGURES = "figures"


@dataclass(frozen=True, slots=True)
class CardReport(Report):
    """What was written, and what the Hub would refuse of it.

    Attributes:
        out: the folder.
        files: what was written, the card first.
        faults: a sentence for each.
    """

    out: Path
    files: tuple[Path, ...]
    faults: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 if the Hub would refuse the card."""
        return 1 if self.faults else 0


def describe(
    root: Path,
    counted: StatsReport,
    *,
    repo: str | None = None,
    licence: str = "unknown",
    coverage: Mapping[str, Covered] | None = None,
    movie_coverage: Mapping[str, Covered] | None = None,
) -> CardReport:
    """Write the page from the counts. Coverage may come from the folder that these annotations were taken from.

    Raises:
        UsageError: the folder holds a release in another form.
        OutputError: a file can't be written.
    """
    from mmdia_dataset.plots import write_pictures

    facts = _facts(root)
    coverage = counted.coverage if coverage is None else coverage
    movie_coverage = counted.movie_coverage if movie_coverage is None else movie_coverage
    for old in (root / FIGURES).glob("*.png"):
        old.unlink()
    drawn = write_pictures(root / FIGURES, counted.distributions, coverage, movie_coverage)
    facts = replace(
        facts,
        repo=repo,
        licence=licence,
        figures=counted.figures,
        distributions=counted.distributions,
        coverage=coverage,
        movie_coverage=movie_coverage,
        pictures=tuple(
            CardPicture(f"{FIGURES}/{file.name}", chart.title, _caption(chart, clips_here=facts.kind == "clips"))
            for file, chart in drawn
        ),
    )
    text = card_text(facts)
    write_text(root / CARD, text)
    machines = croissant_text(
        root,
        title="MM-DIA" if facts.kind == "dialogues" else "MM-DIA clips",
        words="Expressive dialogues from films: annotations of speech, without the films.",
        model=facts.model,
        files=facts.files,
        licence=licence,
        repo=repo,
    )
    write_text(root / CROISSANT, machines)
    names = [file.relative_to(root).as_posix() for file in root.rglob("*.parquet")]
    return CardReport(
        root, (root / CARD, root / CROISSANT, *(file for file, _ in drawn)), tuple(card_faults(text, names))
    )


def _caption(chart: Chart, *, clips_here: bool) -> str:
    if clips_here or chart.name not in ("coverage", "films"):
        return chart.caption
    return f"{chart.caption} The publisher cut them from their own films; this dataset has no clips."


def _facts(root: Path) -> CardFacts:
    """What a folder's own files say, without reading their rows."""
    if is_built(root):
        named = {split: f"annotations/{split}.parquet" for split in SPLITS}
        present = {split: name for split, name in named.items() if (root / name).is_file()}
        rows = {split: len(_column(root / name, "id")) for split, name in present.items()}
        return _counted(root, "clips", {split: (name,) for split, name in present.items()}, rows)
    release = open_release(root)
    if release.dialect != "parquet":
        raise UsageError(
            f"a card needs data that `datasets` can read, but this release is in dialect {release.dialect}",
            where=root,
            hint="convert it with `mmdia convert --to parquet`",
        )
    paths: dict[Split, list[str]] = {}
    counts: dict[Split, int] = {}
    for source in release.files:
        ids = _column(source.path, "id")
        memberships = {release.splits_of(str(id_)) for id_ in ids}
        if len(memberships) > 1:
            raise UsageError(
                f"dialogues of different splits share the file {source.name}",
                where=root,
                hint="`mmdia publish --dry-run --out FOLDER` makes a folder with one file for each split",
            )
        for split in memberships.pop() if memberships else ():
            paths.setdefault(split, []).append(source.name)
            counts[split] = counts.get(split, 0) + len(ids)
    files = {split: tuple(paths[split]) for split in SPLITS if split in paths}
    return _counted(root, "dialogues", files, counts)


def _counted(root: Path, kind: str, files: Mapping[Split, tuple[str, ...]], rows: Mapping[Split, int]) -> CardFacts:
    names = list(dict.fromkeys(name for paths in files.values() for name in paths))
    ids = {id_ for name in names for id_ in _column(root / name, "id")}
    languages = {code for name in names for code in _column(root / name, "language") if code}
    return CardFacts(
        kind="clips" if kind == "clips" else "dialogues",
        files=files,
        rows=rows,
        total=len(ids),
        state=data_state([root / name for name in names]),
        languages=tuple(sorted(languages)),
        passports=len(list((root / "passports").glob("*.json"))),
        editions=len(list((root / "editions").glob("*.json"))),
    )


def _column(file: Path, name: str) -> list[str | None]:
    try:
        values: list[str | None] = pq.read_table(file, columns=[name]).column(name).to_pylist()
    except (pa.ArrowException, OSError, KeyError) as error:
        reason = (str(error).splitlines() or ["?"])[0]
        raise ReleaseUnreadable(f"can't be read as a Parquet file of dialogues: {reason}", where=file) from error
    return values

"""`bench`: which dialogues are the benchmark, and their figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mmdia_dataset.built.annotations import open_annotations
from mmdia_dataset.files import write_text
from mmdia_dataset.reports import Report
from mmdia_dataset.splitting.benchmark import Selection
from mmdia_dataset.statistics import PAPER_BENCH, Figures, Statistics

if TYPE_CHECKING:
    from mmdia_dataset.processes import Progress

__all__ = ["BenchReport", "bench"]


@dataclass(frozen=True, slots=True)
class BenchReport(Report):
    """The benchmark's dialogues, their figures, and whether the release lists them itself; ``out`` has their ids."""

    JSON_TOO: ClassVar = ("paper",)

    ids: tuple[str, ...]
    figures: Figures
    official: bool
    out: Path | None

    @property
    def paper(self) -> Figures:
        """The figures of the paper's benchmark."""
        return PAPER_BENCH

    @property
    def exit_code(self) -> int:
        """1 if no dialogue is in it."""
        return 0 if self.ids else 1


def bench(
    release: Path | str,
    *,
    selection: Mapping[str, Any] | Selection | None = None,
    out: Path | str | None = None,
    progress: Progress | None = None,
) -> BenchReport:
    """Which dialogues are the benchmark: those the release lists, else those selected.

    Args:
        release: a release, or a built directory, of which the dialogues with clips are looked at.
        selection: some fields of `benchmark.Selection`, to select otherwise than by default.
        out: a JSON file for the ids. Called `bench_ids.json` in a release, it is what the release lists from then on.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        UsageError: a selection has no such field.
        ReleaseNotFound, ReleaseUnreadable: nothing can be read there.
        OutputError: the file can't be written.
    """
    thresholds = Selection.taken_from(selection)
    opened = open_annotations(release)
    is_bench = opened.bench(thresholds)
    ids, counted = [], Statistics()
    for dialogue in opened.dialogues(None if progress is None else partial(progress, "selecting")):
        if is_bench(dialogue):
            ids.append(dialogue.id)
            counted.add(dialogue)
    if out is not None:
        write_text(Path(out), json.dumps(ids, ensure_ascii=False, indent=1) + "\n")
    return BenchReport(tuple(ids), counted.figures, opened.official_bench, None if out is None else Path(out))

"""Rows of tasks: made from clips, of a built directory or of a release with sound, while they are read."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from mmdia_dataset.built.clipset import ClipSet
from mmdia_dataset.errors import DataNotFound
from mmdia_dataset.loader.parts import SourcePart, parquet_tables, unreadable
from mmdia_dataset.loader.row_sources import BuiltRows
from mmdia_dataset.loader.rows import row_schema, to_rows
from mmdia_dataset.schema import Clip, Split, arrow
from mmdia_dataset.views import MADE_BY, Task, TaskOptions, lacking

__all__ = ["OPTIONS", "Tasks"]

_ROWS = 200

OPTIONS = tuple(field.name for field in fields(TaskOptions))
"""Arguments of the loader that are options of tasks."""


@dataclass(frozen=True, kw_only=True)
class Tasks:
    """Rows of one task. `counts` has how many rows each split has; `state` changes with annotations and manifest."""

    built: BuiltRows
    task: Task
    options: TaskOptions
    state: str
    counts: tuple[tuple[Split, int], ...]

    @classmethod
    def of(cls, source: BuiltRows, task: Task, options: TaskOptions) -> Tasks:
        """Read a built directory. Warns about dialogues that lack what the task needs.

        Raises:
            DataNotFound: every dialogue lacks something.
            ReleaseUnreadable: its annotations can't be read.
        """
        state = source.fingerprint()
        counts, lacks = _counted(_clipset(source.root, source.media, state), task, options)
        advice = _advice(lacks, released=source.media is not None)
        if not counts and lacks:
            raise DataNotFound(
                f"no dialogue has everything that {task.name} needs: {_words(lacks)}", where=source.place, hint=advice
            )
        if lacks:
            total = lacks.total() + sum(counts.values())
            warnings.warn(
                f"{source.place}: {task.name} leaves out {lacks.total():,} of {total:,} rows: {_words(lacks)}; "
                f"{advice}.",
                stacklevel=2,
            )
        return cls(built=source, task=task, options=options, state=state, counts=tuple(counts.items()))

    @property
    def root(self) -> Path:
        """The folder that the user gave."""
        return self.built.place

    def schema(self) -> pa.Schema:
        """The schema of the tables."""
        return row_schema(self.task.model)

    def fingerprint(self) -> str:
        """Changes when an annotation or a clip is edited."""
        return self.state

    def shards(self) -> dict[Split, list[SourcePart]]:
        """The parts of each split that has rows. Raises ReleaseUnreadable."""
        present = dict(self.counts)
        return {split: parts for split, parts in self.built.shards().items() if present.get(split)}

    def tables(self, shard: SourcePart, split: Split) -> Iterator[pa.Table]:
        """The rows of one part. Raises ReleaseUnreadable."""
        clipset = _clipset(self.built.root, self.built.media, self.state)
        unseen = {"extra", "error_ms", *MADE_BY}.difference(self.task.media)
        for stored in parquet_tables(shard, Clip, _ROWS, without=unseen):
            try:
                clips = arrow.from_arrow(stored, Clip)  # one at a time: many alive would cost time and memory
                complete = (clip for clip in clips if lacking(self.task, self.options, clip) is None)
                rows = [clipset.row(self.task, self.options, clip, split) for clip in complete]
                table = to_rows(arrow.to_table(rows, self.task.model), self.task.model, self.root)
            except ValueError as error:  # as pydantic's are
                raise unreadable(shard.file, error) from None
            if len(table):
                yield table


@lru_cache(maxsize=2)
def _clipset(root: Path, media: Path | None, state: str) -> ClipSet:
    """The directory in a given state; kept in this process with what was read of it."""
    return ClipSet(root, media)


def _counted(clipset: ClipSet, task: Task, options: TaskOptions) -> tuple[dict[Split, int], Counter[str]]:
    """Rows per split, and how many are left out, by what they lack."""
    counts: dict[Split, int] = {}
    lacks: Counter[str] = Counter()
    for split in clipset.splits():
        for facts, count in clipset.facts(split).items():
            lack = facts.lacking(task, options)
            if lack is None:
                counts[split] = counts.get(split, 0) + count
            else:
                lacks[lack] += count
    return counts, lacks


def _words(lacks: Counter[str]) -> str:
    return ", ".join(f"{count:,} with {lack}" for lack, count in lacks.most_common())


def _advice(lacks: Counter[str], released: bool) -> str:
    """What to do about what most dialogues lack."""
    kinds = [kind for lack, _ in lacks.most_common() if (kind := lack.removeprefix("no ")) in MADE_BY]
    if not kinds:
        return "choose another `control`"
    cutting = f"run `mmdia rebuild --mode {MADE_BY[kinds[0]]}`"
    if not released:
        return f"{cutting} to make what is missing"
    if kinds[0] == "audio":
        return f"run `mmdia decode` if it is not decoded yet, or {cutting} with your films and load its output"
    return f"the release has no more, your films do: {cutting} and load its output"

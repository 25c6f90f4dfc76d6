"""Shards straight from a release and films: clips are cut, packed and removed, with no folder of clips in between.

The shards are the same as from a built directory. The final name of a shard contains the number of shards of its split,
which is known only at the end; until then it is in `.mmdia/` under another name.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import cast

from mmdia_dataset.building.plan import Plan
from mmdia_dataset.files import make_folder
from mmdia_dataset.processes import Progress
from mmdia_dataset.refusals import faults_in
from mmdia_dataset.schema import MadeLine, Shard, Split
from mmdia_dataset.shards.clip_stock import basis_of
from mmdia_dataset.shards.films import Films
from mmdia_dataset.shards.index import shard_name
from mmdia_dataset.shards.packreport import PackReport
from mmdia_dataset.shards.planning import filled_shards, parse_size
from mmdia_dataset.shards.shard_set import STATE, ShardSetWriter, make_shard
from mmdia_dataset.shards.stores import Store

__all__ = ["DirectPlan", "plan_direct", "write_direct"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectPlan:
    """What will be cut from films and packed; `shards` is about how many shards that gives."""

    plan: Plan
    max_bytes: int
    shuffle: int | None
    split: Split | None
    min_shards: int

    @property
    def shards(self) -> int:
        """By the recordings' own rates."""
        return max(1, ceil(self.plan.forecast.bytes / self.max_bytes))


def plan_direct(
    plan: Plan,
    *,
    max_size: str | int = "1GB",
    shuffle: int | None = None,
    split: str | None = None,
    min_shards: int = 1,
) -> DirectPlan:
    """Plan to pack straight from films. Arguments are those of `pack`; raises UsageError."""
    return DirectPlan(
        plan=plan,
        max_bytes=parse_size(max_size),
        shuffle=shuffle,
        split=cast("Split | None", split),
        min_shards=min_shards,
    )


def write_direct(plan: DirectPlan, out: Path | str, *, jobs: int = 1, progress: Progress | None = None) -> PackReport:
    """Cut and pack; shards that an earlier run made from the same sources are kept.

    Args:
        plan: from `plan_direct`.
        out: a folder or URL, new or of an earlier run.
        jobs: processes that cut.
        progress: called with the number of clips done.

    Raises:
        UsageError: `out` holds something else, or another run is using it.
        OutputError: it can't be written. Run again to go on.
    """
    started = time.monotonic()
    store = Store(out)
    report = PackReport(out=str(out))
    with ShardSetWriter.open(store) as writer, _workshop(store) as work:
        films = Films(plan.plan, plan.split, work, writer, max_bytes=plan.max_bytes, jobs=jobs, progress=progress)
        report.editions = {movie: timing.description for movie, timing in films.timings.items() if timing.description}
        report.notes = {movie: timing.notes for movie, timing in films.timings.items() if timing.notes}
        shards: list[Shard] = []
        for split in films.splits():
            mine: list[Shard] = []
            for part in filled_shards(films.samples(split, plan.shuffle), plan.max_bytes, plan.min_shards):
                mine.append(_shard(writer, films, split, len(mine), [sample.number for sample in part], report))
            for number, shard in enumerate(mine):
                file = shard_name(split, number, len(mine))
                store.move(shard.file, file)
                shards.append(shard.model_copy(update={"file": file}))
        films.close()
        for line in films.manifest():
            if isinstance(line, MadeLine) and line.fallback is not None:
                report.fallbacks.setdefault(line.recording.name, Counter())[line.fallback.detail] += 1
        for dialogue in films.refused():
            report.leave_out(dialogue)
        report.damaged += faults_in(Counter(dialogue.rule for dialogue in films.refused()))
        report.add_totals(*writer.finish(shards, sorted(films.members), films))
    report.seconds = time.monotonic() - started
    return report


def _shard(
    writer: ShardSetWriter, films: Films, split: Split, number: int, samples: Sequence[int], report: PackReport
) -> Shard:
    """A shard of these samples, under the name it has until its split is done."""
    shard = writer.reusable(split, number, basis_of(films.items(samples)))
    if shard is not None:
        report.kept += 1
    else:
        items = films.ready(samples)
        file, lines = f"{STATE}/{split}-{number:05}.tar", films.lines_of(samples)
        shard, left_out = make_shard(writer.store, file, split, films.packed(items), basis_of(items), lines)
        report.written += 1
        report.damaged += len(left_out)
        for dialogue in left_out:
            report.leave_out(dialogue)
    films.drop(samples, split)
    return shard


@contextmanager
def _workshop(store: Store) -> Iterator[Path]:
    """The folder where clips wait: beside the shards, where a run after a kill finds them, if those are here."""
    if store.local is not None:
        folder = store.local / STATE / "cutting"
        make_folder(folder)
        yield folder
    else:
        with tempfile.TemporaryDirectory(prefix="mmdia-cutting-") as temporary:
            yield Path(temporary)

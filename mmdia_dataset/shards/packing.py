"""`pack`: clips as shards, of a built directory, or of a release with sound.

Killed anywhere and started again: the same bytes.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmdia_dataset.errors import ConfigError, OutputError
from mmdia_dataset.processes import Progress, in_processes
from mmdia_dataset.schema import SPLITS, Shard, Split
from mmdia_dataset.shards.clip_stock import Item, LeftOut, PackedClips, Stock, basis_of, stock
from mmdia_dataset.shards.packreport import PackReport
from mmdia_dataset.shards.planning import Layout, ShardPlan, lay_out, parse_size
from mmdia_dataset.shards.release_stock import release_stock
from mmdia_dataset.shards.shard_set import ShardSetWriter, is_intact, make_shard
from mmdia_dataset.shards.stores import Store

__all__ = ["PackPlan", "plan_pack", "plan_release", "write_pack"]


@dataclass(frozen=True, slots=True)
class PackPlan:
    """What will be packed, and into which shards: known before anything is written."""

    stock: Stock
    layout: Layout

    @property
    def bytes(self) -> int:
        """All shards' size."""
        return sum(shard.bytes for shard in self.layout.shards)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """A shard to write, as it is sent to a process."""

    store: Store
    shard: ShardPlan
    source: PackedClips
    items: tuple[Item, ...]
    earlier: Shard | None


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of a task."""

    shard: Shard
    kept: bool
    left_out: tuple[LeftOut, ...]


def plan_pack(
    built: Path | str,
    *,
    max_size: str | int = "1GB",
    shuffle: int | None = None,
    split: str | None = None,
    modes: Sequence[str] | None = None,
    min_shards: int = 1,
) -> PackPlan:
    """Look at a built directory and lay its samples out in shards; writes nothing. Arguments are those of `pack`.

    Raises:
        UsageError: this is not a built directory, a mode is missing, or the size is not valid.
        ConfigError: the split is unknown or empty.
    """
    limit = parse_size(max_size)
    wanted = _checked(split)
    packable = stock(Path(built), modes, wanted)
    layout = lay_out(packable.sized, max_bytes=limit, shuffle=shuffle, split=wanted, min_shards=min_shards)
    if not layout.shards:
        what = "no dialogue has all its clips" if split is None else f"split {split!r} is empty"
        raise ConfigError(
            f"nothing can be packed: {what}", where=built, hint="see manifest.jsonl for the reasons, or choose --modes"
        )
    return PackPlan(packable, layout)


def plan_release(
    release: Path | str,
    *,
    max_size: str | int = "1GB",
    shuffle: int | None = None,
    split: str | None = None,
    min_shards: int = 1,
    jobs: int = 1,
    progress: Progress | None = None,
) -> PackPlan:
    """The same for a release with sound. Each of its files is read, to know its hash.

    Raises:
        UsageError: it has no sound, or sounds of several types, or the size is not valid.
        ConfigError: the split is unknown or empty.
    """
    limit = parse_size(max_size)
    wanted = _checked(split)
    packable = release_stock(Path(release), wanted, jobs=jobs, progress=progress)
    layout = lay_out(packable.sized, max_bytes=limit, shuffle=shuffle, split=wanted, min_shards=min_shards)
    if not layout.shards:
        what = "no dialogue has sound" if split is None else f"no dialogue of split {split!r} has sound"
        raise ConfigError(f"nothing can be packed: {what}", where=release, hint="run `mmdia validate` to see why")
    return PackPlan(packable, layout)


def _checked(split: str | None) -> Split | None:
    if split is None or split in SPLITS:
        return split
    raise ConfigError(f"unknown split {split!r}", hint=f"choose one of {', '.join(SPLITS)}")


def write_pack(plan: PackPlan, out: Path | str, *, jobs: int = 1, progress: Progress | None = None) -> PackReport:
    """Write the shards of a plan; those of an earlier run that hold the same are kept.

    Args:
        plan: from `plan_pack`.
        out: a folder or URL, new or of an earlier run.
        jobs: processes; each writes one shard at a time.
        progress: called with the number of shards done.

    Raises:
        UsageError: `out` holds something else, or another run is using it.
        OutputError: it can't be written. Run again to go on.
    """
    started = time.monotonic()
    store = Store(out)
    report = PackReport(out=os.fspath(out), left_out=Counter(plan.stock.left_out))
    report.examples = dict(plan.stock.examples)
    with ShardSetWriter.open(store) as writer:
        tasks = [
            _Task(store=store, shard=shard, source=plan.stock.source, items=items, earlier=writer.earlier(shard.file))
            for shard in plan.layout.shards
            for items in [tuple(plan.stock.items[number] for number in shard.samples)]
        ]
        shards: list[Shard] = []
        for task, result in in_processes(_write, tasks, jobs):
            if result is None:
                raise OutputError(
                    "the process that wrote this shard was killed", where=task.shard.file, hint="run it again"
                )
            shards.append(result.shard)
            report.kept += result.kept
            report.written += not result.kept
            for dialogue in result.left_out:
                report.damaged += 1
                report.leave_out(dialogue)
            if progress:
                progress("writing shards", len(shards), len(tasks))
        report.add_totals(*writer.finish(shards, plan.stock.members, plan.stock))
    report.seconds = time.monotonic() - started
    return report


def _write(task: _Task) -> _Done:
    """Write one shard, unless it is there already. Runs in a process of its own."""
    basis = basis_of(task.items)
    if task.earlier is not None and task.earlier.basis == basis and is_intact(task.store, task.earlier):
        return _Done(task.earlier, True, ())
    samples = task.source.packed(task.items)
    shard, left_out = make_shard(task.store, task.shard.file, task.shard.split, samples, basis)
    return _Done(shard, False, tuple(left_out))

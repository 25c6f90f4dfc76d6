"""`pack`: a built directory as shards. Killed anywhere and started again, it makes the same bytes."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from mmdia_dataset.errors import ConfigError, OutputError, UsageError
from mmdia_dataset.plans import Progress
from mmdia_dataset.processes import in_processes
from mmdia_dataset.schema import SPLITS, Shard, Split
from mmdia_dataset.shards.card import README, shards_card
from mmdia_dataset.shards.index import INDEX, index_text, make_index, parse_index
from mmdia_dataset.shards.planning import Layout, ShardPlan, lay_out, parse_size
from mmdia_dataset.shards.sources import Built, Item, LeftOut, Stock, stock
from mmdia_dataset.shards.stores import Store
from mmdia_dataset.shards.writing import Packed, write_shard

__all__ = ["PackPlan", "PackReport", "pack", "plan_pack", "write_pack"]

_STATE = ".mmdia"
_OLD_INDEX = f"{_STATE}/{INDEX}"


@dataclass(frozen=True, slots=True)
class PackPlan:
    """What will be packed, and into which shards: known before anything is written."""

    stock: Stock
    layout: Layout

    @property
    def bytes(self) -> int:
        """All shards' size."""
        return sum(shard.bytes for shard in self.layout.shards)


@dataclass(slots=True)
class PackReport:
    """What `pack` did.

    ``left_out`` counts dialogues by the rule that kept them out, ``examples`` has one of each. ``kept`` are shards of
    an earlier run that are what this one would write.
    """

    out: str
    samples: dict[Split, int] = field(default_factory=dict)
    shards: dict[Split, int] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    bytes: int = 0
    written: int = 0
    kept: int = 0
    removed: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    examples: dict[str, LeftOut] = field(default_factory=dict)
    damaged: int = 0
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """1 if clips were not what was made, or nothing was packed; else 0."""
        return 1 if self.damaged or not self.samples else 0


@dataclass(frozen=True, slots=True)
class _Task:
    """A shard to write, as it is sent to a process."""

    store: Store
    shard: ShardPlan
    source: Built
    items: tuple[Item, ...]
    known: Shard | None


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
        UsageError: no built directory, no such mode, no size.
        ConfigError: unknown split, or an empty one.
    """
    if split is not None and split not in SPLITS:
        raise ConfigError(f"unknown split {split!r}", hint=f"known are {', '.join(SPLITS)}")
    limit = parse_size(max_size)
    found = stock(Path(built), modes)
    layout = lay_out(found.sized, max_bytes=limit, shuffle=shuffle, split=split, min_shards=min_shards)
    if not layout.shards:
        what = "no dialogue has all its clips" if split is None else f"split {split!r} is empty"
        raise ConfigError(f"nothing can be packed: {what}", where=built, hint="see manifest.jsonl, or choose --modes")
    return PackPlan(found, layout)


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
    names = store.names()
    if names and not any(name == INDEX or name.startswith(f"{_STATE}/") for name in names):
        raise UsageError("the folder is not empty and holds no shards", where=store.url, hint="choose a new --out")
    report = PackReport(os.fspath(out), members=plan.stock.members, left_out=Counter(plan.stock.left_out))
    report.examples = dict(plan.stock.examples)
    with store.locked():
        known = _known(store, names)
        tasks = [
            _Task(store, shard, plan.stock.source, items, known.get(shard.file))
            for shard in plan.layout.shards
            for items in [tuple(plan.stock.items[number] for number in shard.samples)]
        ]
        # Meanwhile nobody shall take what is there for a whole set.
        text = store.read(INDEX)
        if text is not None:
            store.write_text(_OLD_INDEX, text.decode("utf-8", "replace"))
            store.remove(INDEX)
        shards: list[Shard] = []
        for task, done in in_processes(_write, tasks, jobs):
            if done is None:
                raise OutputError("the process that wrote it was killed", where=task.shard.file, hint="run it again")
            shards.append(done.shard)
            report.kept += done.kept
            report.written += not done.kept
            for one in done.left_out:
                report.damaged += 1
                report.left_out[one.rule] += 1
                report.examples.setdefault(one.rule, one)
            if progress:
                progress("writing shards", len(shards), len(tasks))
        index = make_index((shard for shard in shards if shard.samples), plan.stock.members)
        store.write_text(README, shards_card(index))
        store.write_text(INDEX, index_text(index))
        ours = {shard.file for shard in index.shards}
        for name in store.names():
            stale = name.startswith("data/") and name.endswith(".tar") and name not in ours
            report.removed += stale
            if stale or name.startswith(f"{_STATE}/"):
                store.remove(name)
    for split in SPLITS:
        mine = [shard for shard in index.shards if shard.split == split]
        if mine:
            report.shards[split] = len(mine)
            report.samples[split] = sum(shard.samples for shard in mine)
    report.bytes = index.bytes
    report.seconds = time.monotonic() - started
    return report


def pack(
    built: Path | str,
    out: Path | str,
    *,
    max_size: str | int = "1GB",
    shuffle: int | None = None,
    split: str | None = None,
    modes: Sequence[str] | None = None,
    min_shards: int = 1,
    jobs: int = 1,
    progress: Progress | None = None,
) -> PackReport:
    """Pack the clips of a built directory into WebDataset shards, with an index and a card.

    Args:
        built: the built directory.
        out: a folder, or any URL that fsspec knows, such as ``s3://bucket/shards``.
        max_size: of a shard, such as ``1GB``.
        shuffle: a seed to mix the samples of a split by; None keeps the order of the annotations.
        split: pack this one only.
        modes: of clips to pack; all there are by default.
        min_shards: of each split, so that as many readers can share it.
        jobs: processes.
        progress: called as ``progress(stage, done, total)``.
    """
    plan = plan_pack(built, max_size=max_size, shuffle=shuffle, split=split, modes=modes, min_shards=min_shards)
    return write_pack(plan, out, jobs=jobs, progress=progress)


def _state_file(file: str) -> str:
    return f"{_STATE}/{file.rsplit('/', 1)[-1]}.json"


def _known(store: Store, names: Sequence[str]) -> dict[str, Shard]:
    """What earlier runs say they wrote, by file."""
    known: dict[str, Shard] = {}
    for name in (INDEX, _OLD_INDEX):
        text = store.read(name) if name in names else None
        try:
            known |= {shard.file: shard for shard in parse_index(text).shards} if text else {}
        except ValueError:
            continue  # what it speaks of is written again
    for name in names:
        if name.startswith(f"{_STATE}/") and name.endswith(".tar.json"):
            try:
                shard = Shard.model_validate_json(store.read(name) or b"")
            except ValidationError:
                continue
            known[shard.file] = shard
    return known


def _write(task: _Task) -> _Done:
    """Write one shard, unless it is there already. Runs in a process of its own."""
    basis = hashlib.sha256("\n".join(item.digest() for item in task.items).encode()).hexdigest()
    if task.known is not None and task.known.basis == basis and _holds(task.store, task.known):
        return _Done(task.known, True, ())
    left_out: list[LeftOut] = []

    def samples() -> Iterator[Packed]:
        for one in task.source.packed(task.items):
            if isinstance(one, Packed):
                yield one
            else:
                left_out.append(one)

    shard = write_shard(task.store, task.shard.file, task.shard.split, samples(), basis)
    if left_out:  # so that it is written again when their clips are there
        shard = shard.model_copy(update={"basis": hashlib.sha256(f"{basis} incomplete".encode()).hexdigest()})
    task.store.write_text(_state_file(shard.file), shard.model_dump_json())
    return _Done(shard, False, tuple(left_out))


def _holds(store: Store, shard: Shard) -> bool:
    """Whether a shard is there, byte for byte."""
    digest = hashlib.sha256()
    try:
        if store.size(shard.file) != shard.bytes:
            return False
        with store.open(shard.file) as file:
            while block := file.read(4 << 20):
                digest.update(block)
    except (FileNotFoundError, OSError):
        return False
    return digest.hexdigest() == shard.sha256

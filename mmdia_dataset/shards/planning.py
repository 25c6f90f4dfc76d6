"""Which sample goes into which shard: in order, each filled with as many as it has room for.

So a shard depends only on the samples before its end. The shards are the same whether all sizes are known at the start,
or each size only when its clip is cut.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

from mmdia_dataset.errors import UsageError
from mmdia_dataset.schema import SPLITS, Split
from mmdia_dataset.shards.index import shard_name

__all__ = [
    "END_BYTES",
    "Layout",
    "ShardPlan",
    "Sized",
    "filled_shards",
    "in_order",
    "lay_out",
    "member_bytes",
    "parse_size",
]

T = TypeVar("T")

END_BYTES = 1024
"""The blocks of zeros at the end of a tar."""

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


@dataclass(frozen=True, slots=True)
class Sized:
    """What laying out needs to know of a sample: its place in `samples`, key, splits, and bytes in a tar."""

    number: int
    key: str
    splits: tuple[Split, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """A planned shard: its file, and the numbers of its samples in the order they are written."""

    file: str
    split: Split
    samples: tuple[int, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class Layout:
    """All planned shards."""

    shards: tuple[ShardPlan, ...]

    def shards_of(self) -> dict[Split, int]:
        """How many shards each split has, which is how many readers can share it."""
        counts = {split: sum(shard.split == split for shard in self.shards) for split in SPLITS}
        return {split: count for split, count in counts.items() if count}

    def samples_of(self) -> dict[Split, int]:
        """How many samples each split has."""
        return {
            split: sum(len(shard.samples) for shard in self.shards if shard.split == split)
            for split in self.shards_of()
        }


def parse_size(text: str | int) -> int:
    """Bytes from a text such as ``1GB``, ``500 MB`` or ``2GiB``. Raises UsageError."""
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]I?)?B?\s*", str(text).upper())
    if not match or not (size := round(float(match[1]) * _UNITS[match[2] or ""])):
        raise UsageError(f"the size {str(text)!r} is not valid", hint="write it as 1GB or 500MB")
    return size


def member_bytes(size: int) -> int:
    """What a member of so many bytes takes in a tar: a header, and whole blocks."""
    return 512 + -(-size // 512) * 512


def lay_out(
    samples: Iterable[Sized], *, max_bytes: int, shuffle: int | None, split: Split | None, min_shards: int
) -> Layout:
    """Spread samples over shards, split by split.

    Args:
        samples: in order; a sample in several splits goes into shards of each.
        max_bytes: the largest size of a shard; only a shard with a single sample may be larger.
        shuffle: a seed that mixes the samples of a split, so that neighbours are not of one film; None keeps the order.
        split: lay out this one only.
        min_shards: the least shards of each split, if it has that many samples.
    """
    by_split: dict[Split, list[Sized]] = {}
    for sample in samples:
        for name in sample.splits:
            if split in (None, name):
                by_split.setdefault(name, []).append(sample)
    shards: list[ShardPlan] = []
    for name in SPLITS:
        mine = in_order(by_split.get(name, []), shuffle, lambda sample: sample.key)
        parts = list(filled_shards(mine, max_bytes, min_shards))
        for number, part in enumerate(parts):
            size = sum(sample.bytes for sample in part) + END_BYTES
            shards.append(
                ShardPlan(shard_name(name, number, len(parts)), name, tuple(sample.number for sample in part), size)
            )
    return Layout(tuple(shards))


def in_order(samples: Sequence[T], shuffle: int | None, key: Callable[[T], str]) -> Sequence[T]:
    """Samples of a split as they are packed: by a hash of seed and key, or unchanged without a seed."""
    if shuffle is None:
        return samples
    return sorted(samples, key=lambda sample: hashlib.sha256(f"{shuffle}:{key(sample)}".encode()).digest())


def filled_shards(samples: Iterable[Sized], max_bytes: int, min_shards: int) -> Iterator[Sequence[Sized]]:
    """The shards of a split, each as soon as no later sample can change it.

    A shard ends before the sample that does not fit. If that gives less than `min_shards`, all samples are spread over
    that many shards of about equal size; until this is decided, nothing is returned.
    """
    room = max(1, max_bytes - END_BYTES)
    waiting: list[list[Sized]] = []
    returned = filled = 0
    for sample in samples:
        if not waiting or filled + sample.bytes > room:
            if returned + len(waiting) + 1 >= min_shards:
                yield from waiting
                returned, waiting = returned + len(waiting), []
            waiting.append([])
            filled = 0
        waiting[-1].append(sample)
        filled += sample.bytes
    remaining = [sample for part in waiting for sample in part]
    if returned or len(waiting) >= min(min_shards, len(remaining)):
        yield from waiting
    else:
        yield from _parts(remaining, max_bytes, min_shards)


def _parts(samples: Sequence[Sized], max_bytes: int, min_shards: int) -> Iterator[Sequence[Sized]]:
    """Runs of samples of about equal size, none above `max_bytes` unless it is a single sample."""
    if not samples:
        return
    room = max(1, max_bytes - END_BYTES)
    total = sum(sample.bytes for sample in samples)
    count = max(ceil(total / room), min(min_shards, len(samples)))
    start = filled = bytes_before = parts = 0
    for number, sample in enumerate(samples):
        full = filled + sample.bytes > room or (bytes_before + filled + sample.bytes / 2) * count > total * (parts + 1)
        scarce = len(samples) - number <= count - parts - 1
        if number > start and (full or scarce):
            yield samples[start:number]
            start, bytes_before, filled, parts = number, bytes_before + filled, 0, parts + 1
        filled += sample.bytes
    yield samples[start:]

"""`index.json`: which shards there are, and their hashes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence

from mmdia_dataset.errors import ShardsUnreadable
from mmdia_dataset.schema import SPLITS, FileBeside, FormatError, Shard, ShardIndex, Split, read_versioned
from mmdia_dataset.shards.stores import Store

__all__ = [
    "INDEX",
    "index_digest",
    "index_text",
    "make_index",
    "parse_index",
    "read_index",
    "shard_name",
    "shard_place",
    "splits_of",
]

INDEX = "index.json"
_UNHASHED = "0" * 64
_FILE = re.compile(r"(?:data|\.mmdia)/([a-z]+)-([0-9]{5})(?:-of-[0-9]{5})?\.tar")


def shard_name(split: Split, number: int, count: int) -> str:
    """The file name of a shard. `datasets` recognises such a file as a part of the split."""
    return f"data/{split}-{number:05}-of-{count:05}.tar"


def shard_place(file: str) -> tuple[str, int] | None:
    """Split and number of a shard from its file name, in any folder, with or without the number of shards."""
    match = _FILE.fullmatch(file)
    return None if match is None else (match[1], int(match[2]))


def make_index(shards: Iterable[Shard], members: Sequence[str], beside: Iterable[FileBeside] = ()) -> ShardIndex:
    """The index of some shards; `members` are the names after the key, `beside` lists other files."""
    ordered = sorted(shards, key=lambda shard: (SPLITS.index(shard.split), shard.file))
    index = ShardIndex(
        members=tuple(sorted(members)),
        samples=sum(shard.samples for shard in ordered),
        bytes=sum(shard.bytes for shard in ordered),
        shards=tuple(ordered),
        beside=tuple(beside),
        sha256=_UNHASHED,
    )
    return index.model_copy(update={"sha256": index_digest(index)})


def index_digest(index: ShardIndex) -> str:
    """The hash of what an index says."""
    content = {key: value for key, value in index.as_json().items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def index_text(index: ShardIndex) -> str:
    """An index as its file holds it."""
    return json.dumps(index.as_json(), indent=1) + "\n"


def parse_index(text: bytes) -> ShardIndex:
    """An index from its file's bytes. Raises FormatError, saying what is wrong."""
    return read_versioned(ShardIndex.model_validate_json, text)


def read_index(store: Store) -> ShardIndex | None:
    """The index of a set of shards; None if there is none.

    Raises:
        ShardsUnreadable: it can't be read, or is not valid.
    """
    text = store.read(INDEX)
    if text is None:
        return None
    try:
        return parse_index(text)
    except FormatError as error:
        what = error.what if error.newer else f"the index of shards is not valid ({error.what})"
        hint = error.hint or "run `mmdia check` to see what is wrong"
        raise ShardsUnreadable(what, where=store.path(INDEX), hint=hint) from None


def splits_of(index: ShardIndex) -> dict[Split, tuple[Shard, ...]]:
    """The shards of each split that has any."""
    by_split = {split: tuple(shard for shard in index.shards if shard.split == split) for split in SPLITS}
    return {split: shards for split, shards in by_split.items() if shards}

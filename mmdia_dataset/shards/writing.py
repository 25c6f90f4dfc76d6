"""Writing one shard: whole, verified, or not at all. Same samples, same bytes, on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mmdia_dataset.errors import OutputError
from mmdia_dataset.schema import Shard, Split
from mmdia_dataset.shards.planning import END_BYTES
from mmdia_dataset.shards.stores import Store
from mmdia_dataset.shards.tarscan import BLOCK, Entry, TarScan, header

__all__ = ["Packed", "write_shard"]


@dataclass(frozen=True, slots=True)
class Packed:
    """A sample as it is written: its key, and the bytes of each member by name."""

    key: str
    members: Mapping[str, bytes]


def write_shard(store: Store, file: str, split: Split, samples: Iterable[Packed], basis: str) -> Shard:
    """Write a tar of samples, read it back, and put it in place; its entry for the index.

    Members are written in order of their names, with fixed owner and mode and no time.

    Raises:
        OutputError: it can't be written, or what was read back is not what was written.
    """
    expected: list[tuple[str, str]] = []
    count = 0
    with store.writing(file) as temporary:
        with temporary.open("wb") as out:
            for sample in samples:
                count += 1
                for member, data in sorted(sample.members.items()):
                    name = f"{sample.key}.{member}"
                    out.write(header(name, len(data)))
                    out.write(data)
                    out.write(bytes(-len(data) % BLOCK))
                    expected.append((name, hashlib.sha256(data).hexdigest()))
            out.write(bytes(END_BYTES))
        size, digest = _read_back(temporary, expected)
    return Shard(file=file, split=split, samples=count, bytes=size, sha256=digest, basis=basis)


def _read_back(temporary: Path, expected: list[tuple[str, str]]) -> tuple[int, str]:
    """Size and hash of the tar on disk. Raises OutputError if it does not hold just these members."""
    size = temporary.stat().st_size
    with temporary.open("rb", buffering=0) as file:
        scan = TarScan(file, size, plain=True, hashing=True)
        found: list[tuple[str, str]] = []
        for entry in scan:
            if not isinstance(entry, Entry):
                raise OutputError(f"it was not written right ({entry.text})", where=temporary, hint="check the disk")
            hashed = hashlib.sha256()
            for piece in entry.chunks():
                hashed.update(piece)
            found.append((entry.name, hashed.hexdigest()))
    if found != expected:
        raise OutputError("what was read back is not what was written", where=temporary, hint="check the disk")
    return size, scan.sha256

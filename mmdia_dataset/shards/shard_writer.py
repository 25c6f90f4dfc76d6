"""Writing one shard: whole, verified, or not at all. Same samples, same bytes, on every machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mmdia_dataset.errors import OutputError
from mmdia_dataset.schema import Shard, Split
from mmdia_dataset.shards.planning import END_BYTES
from mmdia_dataset.shards.stores import Store
from mmdia_dataset.shards.tarscan import BLOCK, header

__all__ = ["PackedSample", "write_shard"]

_WRITE = 4 << 20
_ZEROS = bytes(BLOCK)


@dataclass(frozen=True, slots=True)
class PackedSample:
    """A sample as it is written: its key, and the bytes of each member by name."""

    key: str
    members: Mapping[str, bytes]


def write_shard(store: Store, file: str, split: Split, samples: Iterable[PackedSample], basis: str) -> Shard:
    """Write a tar of samples, see that all of it is on disk, and put it in place; its entry for the index.

    Members are written in order of their names, with fixed owner and mode and no time. Bytes are hashed on their way
    out, in a thread beside; of what is on disk, the length and every header are read back.

    Raises:
        OutputError: it can't be written, or the file on disk differs from what was written.
    """
    tar = _Tar()
    with store.writing(file) as temporary:
        digest, size = hashlib.sha256(), 0
        with temporary.open("wb") as out, ThreadPoolExecutor(1) as pool:
            hashing: Future[None] | None = None
            for piece in tar.pieces(samples):
                if hashing is not None:
                    hashing.result()
                hashing = pool.submit(digest.update, piece)
                out.write(piece)
                size += len(piece)
        tar.read_back(temporary, size)
    return Shard(file=file, split=split, samples=tar.samples, bytes=size, sha256=digest.hexdigest(), basis=basis)


class _Tar:
    """A tar in the making, and where its headers are."""

    def __init__(self) -> None:
        self.samples = 0
        self._headers: list[tuple[int, str, int]] = []

    def pieces(self, samples: Iterable[PackedSample]) -> Iterator[bytes]:
        """Its bytes; what is small is put together."""
        offset = flushed = 0
        waiting: list[bytes] = []
        for sample in samples:
            self.samples += 1
            for member, data in sorted(sample.members.items()):
                name, size = f"{sample.key}.{member}", len(data)
                self._headers.append((offset, name, size))
                padding = -size % BLOCK
                waiting += (header(name, size), data, _ZEROS[:padding])
                offset += BLOCK + size + padding
            if offset - flushed >= _WRITE:
                yield b"".join(waiting)
                waiting, flushed = [], offset
        yield b"".join((*waiting, bytes(END_BYTES)))

    def read_back(self, file: Path, size: int) -> None:
        """Whether the file has its length, and its headers are where they were written. Raises OutputError."""
        with file.open("rb") as tar:
            number = tar.fileno()
            good = tar.seek(0, 2) == size and all(
                os.pread(number, BLOCK, offset) == header(name, length) for offset, name, length in self._headers
            )
        if not good:
            raise OutputError("the shard on disk differs from what was written", where=file, hint="check the disk")

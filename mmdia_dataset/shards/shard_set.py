"""Writes a set of shards: continues what earlier runs left, and writes the index last.

.mmdia/                   only while writing: a note per finished shard, so that a run after a kill continues there
data/<split>-*.tar
editions/manifest.jsonl   what was cut from which recording, and what was refused and why
editions/<movie>.json     the timing of that recording
README.md, index.json     written last, so that nobody takes half a set for a whole one
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from mmdia_dataset.built.directory import BuiltDirectory
from mmdia_dataset.built.manifest import line_bytes, read_line
from mmdia_dataset.errors import ShardsUnreadable, UsageError
from mmdia_dataset.schema import FileBeside, FormatError, MadeLine, RefusedLine, Shard, ShardIndex, Split
from mmdia_dataset.shards.clip_stock import LeftOut
from mmdia_dataset.shards.index import INDEX, index_text, make_index, parse_index, shard_place
from mmdia_dataset.shards.shard_card import README, shards_card
from mmdia_dataset.shards.shard_writer import PackedSample, write_shard
from mmdia_dataset.shards.stores import Store

__all__ = ["MANIFEST", "STATE", "ManifestSource", "ShardSetWriter", "is_intact", "make_shard"]

STATE = ".mmdia"
# Beside the editions, as where they are published: a folder with a manifest at its top would be a built directory.
MANIFEST = "editions/manifest.jsonl"
_OLD_INDEX = f"{STATE}/{INDEX}"


class ManifestSource(Protocol):
    """What a source of clips provides for the manifest."""

    def manifest(self) -> Iterable[MadeLine | RefusedLine]:
        """One line per requested clip."""
        ...

    def edition(self, movie: str) -> bytes | None:
        """The edition file of a movie's recording; None if there is none."""
        ...


def is_intact(store: Store, shard: Shard) -> bool:
    """Whether a shard exists unchanged, byte for byte."""
    try:
        return store.size(shard.file) == shard.bytes and store.digest(shard.file) == (shard.sha256, shard.bytes)
    except OSError:
        return False


def make_shard(
    store: Store,
    file: str,
    split: Split,
    samples: Iterable[PackedSample | LeftOut],
    basis: str,
    lines: Iterable[MadeLine | RefusedLine] = (),
) -> tuple[Shard, list[LeftOut]]:
    """Write a shard and note that it is done, for a run after a kill; also returns what was left out.

    Args:
        store: where to write it.
        file: its name.
        split: its split.
        samples: its samples.
        basis: hash of its sources.
        lines: manifest lines of the clips that are cut for it.

    Raises:
        OutputError: it can't be written.
    """
    left_out: list[LeftOut] = []

    def good() -> Iterator[PackedSample]:
        for sample in samples:
            if isinstance(sample, PackedSample):
                yield sample
            else:
                left_out.append(sample)

    shard = write_shard(store, file, split, good(), basis)
    if left_out:  # so that it is written again when their clips are there
        shard = shard.model_copy(update={"basis": hashlib.sha256(f"{basis} incomplete".encode()).hexdigest()})
    note = f"{STATE}/{file.rsplit('/', 1)[-1]}"
    text = b"".join(map(line_bytes, lines))
    if text:
        store.write_text(f"{note}.jsonl", text.decode())
    store.write_text(f"{note}.json", shard.model_dump_json())
    return shard, left_out


def _notes(names: Sequence[str], ending: str) -> list[str]:
    """The notes that `make_shard` wrote."""
    return [name for name in names if name.startswith(f"{STATE}/") and name.count("/") == 1 and name.endswith(ending)]


def _check_version(store: Store, names: Sequence[str]) -> None:
    """Leave what a newer program made alone. Raises ShardsUnreadable."""
    for name in (INDEX, _OLD_INDEX):
        try:
            parse_index((store.read(name) if name in names else None) or b"")
        except FormatError as error:
            if error.newer:
                raise ShardsUnreadable(error.what, where=store.path(name), hint=error.hint) from None


class ShardSetWriter:
    """Writes a set of shards. Get one from `open`."""

    def __init__(self, store: Store, names: Sequence[str]) -> None:
        self.store = store
        self._names = names
        self._earlier_shards = list(self._read_earlier())

    @classmethod
    @contextmanager
    def open(cls, store: Store) -> Iterator[ShardSetWriter]:
        """Start a set, or continue one, and keep other runs out.

        Raises:
            UsageError: the place holds something else, or another run is using it.
            ShardsUnreadable: a newer program made what is there, in a format that this one can't read.
            OutputError: it can't be written.
        """
        names = store.names()
        if names and not any(name == INDEX or name.startswith(f"{STATE}/") for name in names):
            raise UsageError("the folder is not empty, but holds no shards", where=store.url, hint="choose a new --out")
        _check_version(store, names)
        with store.locked():
            store.forget_uploads()
            writer = cls(store, names)
            # Until the end, nobody may take this for a whole set.
            text = store.read(INDEX)
            if text is not None:
                store.write_text(_OLD_INDEX, text.decode("utf-8", "replace"))
                store.remove(INDEX)
            yield writer

    def _read_earlier(self) -> Iterator[Shard]:
        for name in (INDEX, _OLD_INDEX, *_notes(self._names, ".tar.json")):
            text = self.store.read(name) if name in self._names else None
            if text is None:
                continue
            try:
                yield from [Shard.model_validate_json(text)] if name.endswith(".tar.json") else parse_index(text).shards
            except ValueError:
                continue  # its shards are made again

    def earlier(self, file: str) -> Shard | None:
        """The note of the last earlier run that wrote a file."""
        return next((shard for shard in reversed(self._earlier_shards) if shard.file == file), None)

    def reusable(self, split: Split, number: int, basis: str) -> Shard | None:
        """The shard with this number that an earlier run made from the same sources, under any name; else None."""
        for shard in self._earlier_shards:
            if shard.basis != basis or shard_place(shard.file) != (split, number):
                continue
            for file in dict.fromkeys((shard.file, *self._names)):
                if shard_place(file) == (split, number):
                    present = shard.model_copy(update={"file": file})
                    if is_intact(self.store, present):
                        return present
        return None

    def lines(self) -> Iterator[MadeLine | RefusedLine]:
        """Manifest lines of earlier runs; lines of finished shards come last."""
        for name in (MANIFEST, *_notes(self._names, ".tar.jsonl")):
            for text in (self.store.read(name) or b"").splitlines():
                with suppress(FormatError):  # its clip is cut again
                    yield read_line(text)

    def editions(self) -> Iterator[tuple[str, bytes]]:
        """Names and content of the edition files of earlier runs."""
        for name in self._names:
            if name.startswith("editions/") and name.endswith(".json"):
                yield name, self.store.read(name) or b""

    def finish(self, shards: Iterable[Shard], members: Sequence[str], source: ManifestSource) -> tuple[ShardIndex, int]:
        """Write all other files, the index last, and remove stale files; returns the index and how many shards went."""
        store = self.store
        movies: set[str] = set()
        digest, size = hashlib.sha256(), 0
        with store.writing(MANIFEST) as temporary, temporary.open("wb") as file:
            for line in source.manifest():
                text = line_bytes(line)
                file.write(text)
                digest.update(text)
                size += len(text)
                if line.recording is not None:
                    movies.add(line.movie)
        beside = [FileBeside(file=MANIFEST, bytes=size, sha256=digest.hexdigest())]
        for movie in sorted(movies):
            edition = source.edition(movie)
            if edition is not None:
                name = BuiltDirectory.edition_file(movie)
                store.write_text(name, edition.decode())
                beside.append(FileBeside(file=name, bytes=len(edition), sha256=hashlib.sha256(edition).hexdigest()))
        index = make_index((shard for shard in shards if shard.samples), members, beside)
        ours = {*(entry.file for entry in index.beside), *(shard.file for shard in index.shards)}
        store.write_text(README, shards_card(index))
        store.write_text(INDEX, index_text(index))
        removed = 0
        for name in store.names():
            stale = name not in ours and (
                (name.startswith("data/") and name.endswith(".tar"))
                or (name.startswith("editions/") and name.endswith(".json"))
            )
            removed += stale and name.endswith(".tar")
            if stale or name.startswith(f"{STATE}/"):
                store.remove(name)
        return index, removed

"""A release as a source of rows: in its own order, or sorted by split."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache, partial
from multiprocessing import Pool
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from mmdia_dataset.loader.data_dir import fingerprint
from mmdia_dataset.loader.parts import (
    SourcePart,
    is_parquet,
    joined,
    parquet_ids,
    parquet_shards,
    parquet_tables,
    rows_of,
)
from mmdia_dataset.loader.rows import row_schema
from mmdia_dataset.schema import SPLITS, Dialogue, Split

if TYPE_CHECKING:
    from mmdia_dataset.release import Release

__all__ = ["Findings", "ReleasedRows", "StagedRows"]

# Small enough to keep Python objects few.
_ROWS = 500


@dataclass(slots=True)
class Findings:
    """The result of reading a release: the number of unreadable dialogues, and of issues by severity."""

    refused: int = 0
    issues: Counter[str] = field(default_factory=Counter)

    def add(self, more: Findings) -> None:
        """Count what another part of the release held."""
        self.refused += more.refused
        self.issues += more.issues

    def sentence(self, root: Path) -> str | None:
        """A sentence for the user, or None if everything is fine."""
        if not self.refused and not self.issues:
            return None
        parts = []
        if self.refused:
            parts.append(f"{self.refused:,} dialogues could not be read and are left out")
        if self.issues:
            counts = " and ".join(
                f"{self.issues[kind]:,} {kind}s" for kind in ("error", "warning") if self.issues[kind]
            )
            parts.append(f"{counts} were found")
        return f"{root}: {', '.join(parts)}; run `mmdia validate {root}` to see them all."


@dataclass(frozen=True)
class ReleasedRows:
    """A release. `state` is its fingerprint when it was opened; each worker process keeps the open release."""

    root: Path
    state: str

    @classmethod
    def open(cls, root: Path) -> ReleasedRows:
        """Read the current state of a release. Raises ReleaseNotFound."""
        from mmdia_dataset.release import open_release

        release = open_release(root)
        files = [file.path for file in release.files]
        if release.splits_file is not None:
            files.append(root / release.splits_file)
        state = fingerprint(files)
        _remember(root, state, release)
        return cls(root, state)

    def schema(self) -> pa.Schema:
        """The schema of the tables."""
        return row_schema(Dialogue)

    def release(self) -> Release:
        """The release itself."""
        return _opened(self.root, self.state)

    def fingerprint(self) -> str:
        """Changes when an annotation or the splits file is edited."""
        return self.state

    def parts(self) -> list[SourcePart]:
        """The parts of all splits together."""
        parts: list[SourcePart] = []
        for file in self.release().files:
            path = os.fspath(file.path)
            parts += parquet_shards(Path(path)) if is_parquet(path) else [SourcePart(path, size=file.size)]
        return parts

    def shards(self) -> dict[Split, list[SourcePart]]:
        """For reading without preparing: every part may contain every split.

        Only reading everything shows whether a dialogue has no split. If that is slow, `unassigned` is always listed,
        and may be empty.
        """
        release, parts = self.release(), self.parts()
        if release.splits is None:
            return {"train": parts}
        if all(is_parquet(part.file) for part in parts):
            ids = (id_ for part in joined(parts) for id_ in parquet_ids(part))
            present = {split for id_ in ids for split in release.splits_of(id_)}
        else:
            present = {split for split, listed in release.splits.lists() if listed} | {"unassigned"}
        return {split: parts for split in SPLITS if split in present}

    def ids(self) -> dict[Split, frozenset[str]]:
        """The dialogues of each split; reads all of it, once per process."""
        return _ids_of(self)

    def tables(self, shard: SourcePart, split: Split) -> Iterator[pa.Table]:
        """The rows of one part that are in a split. Warns once per process about dialogues that can't be read."""
        findings = Findings()
        for table in self._rows(shard, findings):
            rows = self._by_split(table).get(split, [])
            if rows:
                yield table if len(rows) == len(table) else table.take(rows)
        if findings.refused:
            _warn_once(self.root)

    def stage(self, folder: str, jobs: int = 1) -> tuple[StagedRows, Findings]:
        """Read all once, and write the rows of each split to Arrow files in a folder."""
        parts = self.parts()
        jobs = max(1, min(jobs, len(parts)))
        size = sum(part.size for part in parts)
        chunks: list[list[SourcePart]] = [[] for _ in range(jobs)]
        assigned = 0
        for part in parts:  # contiguous, so that rows keep their order
            chunks[min(jobs - 1, int(assigned * jobs / size)) if size else 0].append(part)
            assigned += part.size
        work = partial(_stage, self, folder)
        if jobs == 1:
            results = [work((0, chunks[0]))]
        else:
            with Pool(jobs) as pool:
                results = pool.map(work, enumerate(chunks), chunksize=1)
        findings = Findings(issues=Counter(issue.severity for issue in self.release().issues))
        files: dict[Split, list[SourcePart]] = {}
        for written, part_findings in results:
            findings.add(part_findings)
            for split, file in written.items():
                files.setdefault(split, []).append(SourcePart(file))
        return StagedRows({split: files[split] for split in SPLITS if split in files}), findings

    def _rows(self, shard: SourcePart, findings: Findings) -> Iterator[pa.Table]:
        """All rows of one part, of whatever split."""
        stored = parquet_tables(shard, Dialogue) if is_parquet(shard.file) else self._stored(shard, findings)
        yield from rows_of(stored, Dialogue, self.root, shard.file)

    def _stored(self, shard: SourcePart, findings: Findings) -> Iterator[pa.Table]:
        release = self.release()
        file = next(file for file in release.files if os.fspath(file.path) == shard.file)
        for batch in release.tables([file], _ROWS):
            findings.issues.update(issue.severity for issue in batch.issues)
            findings.refused += batch.refused
            if len(batch.table):
                yield batch.table

    def _by_split(self, table: pa.Table) -> dict[Split, list[int]]:
        """Row numbers of a table by the splits they are in."""
        splits_of = self.release().splits_of
        rows: dict[Split, list[int]] = {}
        for number, id_ in enumerate(table.column("id").to_pylist()):
            for split in splits_of(str(id_)):
                rows.setdefault(split, []).append(number)
        return rows


@dataclass(frozen=True)
class StagedRows:
    """Rows of a release, already sorted by split, in Arrow files."""

    files: dict[Split, list[SourcePart]]

    def schema(self) -> pa.Schema:
        """The schema of the tables."""
        return row_schema(Dialogue)

    def shards(self) -> dict[Split, list[SourcePart]]:
        """A part per file."""
        return self.files

    def tables(self, shard: SourcePart, split: Split) -> Iterator[pa.Table]:
        """The rows of one part."""
        with pa.memory_map(shard.file) as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                yield pa.Table.from_batches([batch])


_known: dict[tuple[Path, str], Release] = {}


def _remember(root: Path, state: str, release: Release) -> Release:
    """Keep a release that was opened, and one before it."""
    _known.pop((root, state), None)
    while len(_known) > 1:
        del _known[next(iter(_known))]
    _known[root, state] = release
    return release


def _opened(root: Path, state: str) -> Release:
    from mmdia_dataset.release import open_release

    return _known.get((root, state)) or _remember(root, state, open_release(root))


@lru_cache(maxsize=2)
def _ids_of(released: ReleasedRows) -> dict[Split, frozenset[str]]:
    ids_by_split: dict[Split, set[str]] = {}
    splits_of = released.release().splits_of
    for part in joined(released.parts()):
        if is_parquet(part.file):
            ids = parquet_ids(part)
        else:
            ids = [id_ for table in released._stored(part, Findings()) for id_ in table.column("id").to_pylist()]
        for id_ in ids:
            for split in splits_of(id_):
                ids_by_split.setdefault(split, set()).add(id_)
    return {split: frozenset(ids) for split, ids in ids_by_split.items()}


def _stage(
    released: ReleasedRows, folder: str, work: tuple[int, list[SourcePart]]
) -> tuple[dict[Split, str], Findings]:
    """Write the rows of some parts; gives the file of each split. Runs in a process of its own."""
    number, parts = work
    findings = Findings()
    files: dict[Split, str] = {}
    writers: dict[Split, pa.ipc.RecordBatchStreamWriter] = {}
    with ExitStack() as stack:
        for part in joined(parts):
            for table in released._rows(part, findings):
                for split, rows in released._by_split(table).items():
                    if split not in writers:
                        files[split] = os.fspath(Path(folder, f"{split}-{number:05}.arrow"))
                        stream = pa.ipc.new_stream(files[split], released.schema())
                        writers[split] = stack.enter_context(stream)
                    writers[split].write_table(table if len(rows) == len(table) else table.take(rows))
    return files, findings


_warned: set[Path] = set()


def _warn_once(root: Path) -> None:
    if root not in _warned:
        _warned.add(root)
        warnings.warn(
            f"{root}: some dialogues could not be read and are left out; run `mmdia validate {root}` to see them all.",
            stacklevel=2,
        )

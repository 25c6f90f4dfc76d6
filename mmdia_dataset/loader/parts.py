"""Parts of sources that can be read on their own: a file, or row groups of a Parquet file."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mmdia_dataset.errors import ReleaseUnreadable
from mmdia_dataset.loader.rows import to_rows
from mmdia_dataset.schema import Dialogue, FormatError, arrow

__all__ = [
    "SourcePart",
    "is_parquet",
    "joined",
    "parquet_ids",
    "parquet_shards",
    "parquet_tables",
    "rows_of",
    "unreadable",
]

_BATCH = 5000


@dataclass(frozen=True, slots=True)
class SourcePart:
    """A part of a source that can be read on its own: a file, or some row groups [first, last) of a Parquet file.

    `size` is roughly its bytes, to share work evenly.
    """

    file: str
    groups: tuple[int, int] | None = None
    size: int = 0


def joined(shards: Iterable[SourcePart]) -> list[SourcePart]:
    """The same parts, with neighbouring row groups of one file made one part: each opens its file once."""
    parts: list[SourcePart] = []
    for shard in shards:
        before = parts[-1] if parts else None
        if (
            before
            and before.file == shard.file
            and before.groups
            and shard.groups
            and before.groups[1] == shard.groups[0]
        ):
            parts[-1] = SourcePart(shard.file, (before.groups[0], shard.groups[1]))
        else:
            parts.append(shard)
    return parts


def is_parquet(file: str) -> bool:
    """Whether a part is of a Parquet file."""
    return file.endswith(".parquet")


def parquet_shards(file: Path) -> list[SourcePart]:
    """A part per row group. Raises ReleaseUnreadable."""
    try:
        with pq.ParquetFile(file) as stored:
            arrow.check_version(stored)
            metadata = stored.metadata
            sizes = [metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups)]
    except FormatError as newer:
        raise ReleaseUnreadable(newer.what, where=file, hint=newer.hint) from None
    except (pa.ArrowException, OSError) as error:
        raise unreadable(os.fspath(file), error) from error
    return [SourcePart(os.fspath(file), (group, group + 1), size) for group, size in enumerate(sizes)]


def parquet_tables(
    shard: SourcePart, model: type[Dialogue], rows: int = _BATCH, without: Container[str] = ()
) -> Iterator[pa.Table]:
    """Stored tables of at most so many rows of a part of a Parquet file, with the model's columns, `without` some."""
    names = [name for name in arrow.arrow_schema(model).names if name not in without]
    try:
        with pq.ParquetFile(shard.file) as file:
            groups = None if shard.groups is None else list(range(*shard.groups))
            for batch in file.iter_batches(rows, row_groups=groups, columns=names):
                yield pa.Table.from_batches([batch])
    except (pa.ArrowException, OSError) as error:
        raise unreadable(shard.file, error) from error


def parquet_ids(part: SourcePart) -> list[str]:
    """The ids of the rows of a part of a Parquet file. Raises ReleaseUnreadable."""
    try:
        with pq.ParquetFile(part.file) as file:
            groups = None if part.groups is None else list(range(*part.groups))
            table = file.read(columns=["id"]) if groups is None else file.read_row_groups(groups, columns=["id"])
            return [id_ for id_ in table.column("id").to_pylist() if id_ is not None]
    except (pa.ArrowException, OSError, KeyError) as error:
        raise unreadable(part.file, error) from error


def rows_of(tables: Iterable[pa.Table], model: type[Dialogue], root: Path, file: str) -> Iterator[pa.Table]:
    """Stored tables of a file in the form that `datasets` stores. Raises ReleaseUnreadable."""
    for table in tables:
        try:
            yield to_rows(table, model, root)
        except ValueError as error:
            raise unreadable(file, error) from None


def unreadable(file: str, error: Exception) -> ReleaseUnreadable:
    """The error for a Parquet file with other content."""
    reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    return ReleaseUnreadable(
        f"the file can't be read as Parquet of dialogues ({reason})", where=file, hint="write it again"
    )

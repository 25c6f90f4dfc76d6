"""What rows are read from: a built directory, or a release (see `released`).

Nothing here imports `datasets`; only the builder does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from mmdia_dataset.built.manifest import AGAIN, MANIFEST, check_manifest, has_manifest, is_built
from mmdia_dataset.errors import ReleaseUnreadable
from mmdia_dataset.loader.data_dir import fingerprint
from mmdia_dataset.loader.parts import SourcePart, parquet_shards, parquet_tables, rows_of
from mmdia_dataset.loader.released import ReleasedRows
from mmdia_dataset.loader.rows import row_schema
from mmdia_dataset.schema import SPLITS, Clip, Dialogue, Split

__all__ = ["BuiltRows", "RowSource", "open_source"]


class RowSource(Protocol):
    """Rows by split."""

    def schema(self) -> pa.Schema:
        """The schema of the tables."""
        ...

    def shards(self) -> dict[Split, list[SourcePart]]:
        """The parts of each existing split, in the order of `SPLITS`."""
        ...

    def tables(self, shard: SourcePart, split: Split) -> Iterator[pa.Table]:
        """The rows of one part."""
        ...


@dataclass(frozen=True)
class BuiltRows:
    """A built directory: `annotations/<split>.parquet`, read with media as `Clip`, without as `Dialogue`.

    Of a release with sound, `root` is in the cache, `media` is the release, and `state` its fingerprint.
    """

    root: Path
    model: type[Dialogue] = Clip
    media: Path | None = None
    state: str | None = None

    @property
    def place(self) -> Path:
        """The folder that the user gave; paths of media count from there."""
        return self.media or self.root

    def schema(self) -> pa.Schema:
        """The schema of the tables."""
        return row_schema(self.model)

    def annotations(self) -> dict[Split, Path]:
        """The files there are."""
        files = {split: self.root / "annotations" / f"{split}.parquet" for split in SPLITS}
        return {split: file for split, file in files.items() if file.is_file()}

    def fingerprint(self) -> str:
        """Changes when an annotation or a line of the manifest is edited."""
        return self.state or fingerprint([*self.annotations().values(), self.root / MANIFEST])

    def check(self) -> None:
        """Read the manifest, if there is one: rows whose clip nobody can vouch for are not served.

        Raises:
            ReleaseUnreadable: a line can't be understood.
        """
        if has_manifest(self.root):
            check_manifest(self.root)

    def shards(self) -> dict[Split, list[SourcePart]]:
        """A part per row group. Raises ReleaseUnreadable: rows or a line of the manifest can't be understood."""
        self.check()
        shards = {split: parquet_shards(file) for split, file in self.annotations().items()}
        return {split: parts for split, parts in shards.items() if parts}

    def tables(self, shard: SourcePart, split: Split) -> Iterator[pa.Table]:
        """The rows of one part. Raises ReleaseUnreadable."""
        yield from rows_of(parquet_tables(shard, self.model), self.model, self.place, shard.file)


def open_source(root: Path, model: type[Dialogue]) -> BuiltRows | ReleasedRows:
    """The folder as a source of dialogues, or of clips if it is a built directory.

    Raises:
        ReleaseNotFound: it holds no annotations.
        ReleaseUnreadable: it is a built directory whose rebuild did not finish.
    """
    annotated = any((root / "annotations").glob("*.parquet"))
    if annotated and (is_built(root) or not (root / "dialogues").is_dir()):
        return BuiltRows(root, model)
    if is_built(root):
        raise ReleaseUnreadable("the rebuild has not finished, or made no clips", where=root, hint=AGAIN)
    return ReleasedRows.open(root)

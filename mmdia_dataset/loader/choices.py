"""Selects some dialogues of a source: those of a subset, or those of the benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mmdia_dataset.built.annotations import open_annotations
from mmdia_dataset.certificates import subset_ids
from mmdia_dataset.errors import ConfigError, DataNotFound, UsageError
from mmdia_dataset.files import sha256_of
from mmdia_dataset.loader.parts import SourcePart
from mmdia_dataset.loader.released import ReleasedRows
from mmdia_dataset.loader.row_sources import BuiltRows, RowSource
from mmdia_dataset.schema import Split
from mmdia_dataset.splitting.benchmark import Selection

__all__ = ["ARGUMENTS", "BENCH", "Choice"]

BENCH: Split = "bench"
"""The configuration whose rows are the benchmark, and the one split it has."""

ARGUMENTS = ("subset", "selection")
"""Arguments of the loader that choose dialogues."""


@dataclass(frozen=True)
class Choice:
    """Which dialogues to load. `text` names the choice in the cache.

    Attributes:
        text: the choice as text, for the name of the cache folder.
        subset: ids of a subset, which must all be present; None for no subset.
        bench: the first split of each dialogue of the benchmark; None for no benchmark.
    """

    text: str
    subset: frozenset[str] | None = None
    bench: dict[str, Split] | None = None

    @classmethod
    def taken_from(cls, arguments: dict[str, Any], name: str, source: BuiltRows | ReleasedRows) -> Choice | None:
        """The choice in the loader's arguments, which are removed from them. None to load everything.

        Raises:
            BadCertificate: the subset file is not valid.
            DataNotFound: no dialogue is in the benchmark.
            UsageError: a selection is given without the benchmark, or has an unknown field.
        """
        subset_file, selection = arguments.pop("subset", None), arguments.pop("selection", None)
        text, subset, bench = "", None, None
        if subset_file is not None:
            file = Path(subset_file).expanduser()
            subset = subset_ids(file)
            text = f"subset={sha256_of(file)[:32]}"
        if name == BENCH:
            chosen = Selection.taken_from(selection)
            bench = _bench(source.root, source.fingerprint(), chosen)
            text += f"bench:{chosen.text()}"
            if not bench:
                raise DataNotFound(
                    "no dialogue is in the benchmark",
                    where=source.root,
                    hint="run `mmdia bench` to see what it requires",
                )
        elif selection is not None:
            raise UsageError("selection is only for the benchmark", hint=f"load the configuration {BENCH}")
        return cls(text, subset, bench) if text else None

    def applied(self, source: RowSource) -> ChosenRows:
        """The chosen rows of a source."""
        return ChosenRows(source, self)


@dataclass(frozen=True)
class ChosenRows:
    """Rows of another source, only of the chosen dialogues."""

    source: RowSource
    choice: Choice

    def schema(self) -> pa.Schema:
        """The schema of the tables."""
        return self.source.schema()

    def shards(self) -> dict[Split, list[SourcePart]]:
        """The parts of each split that has chosen rows; for the benchmark, of its one split.

        Raises:
            ConfigError: dialogues of the subset are missing. To find out, a streamed release is read once.
        """
        parts = self.source.shards()
        subset = self.choice.subset
        if subset is not None:
            present_ids = self.source.ids() if isinstance(self.source, ReleasedRows) else _ids(self.source, parts)
            chosen_ids = {split: present_ids.get(split, frozenset()) & subset for split in parts}
            missing = subset.difference(*chosen_ids.values())
            if missing:
                root = getattr(self.source, "root", None)
                raise ConfigError(
                    f"{len(missing):,} of the subset's {len(subset):,} dialogues are missing, such as {min(missing)}",
                    where=root,
                    hint="run `mmdia coverage` on this directory and the others to get what all have",
                )
            parts = {split: shards for split, shards in parts.items() if chosen_ids[split]}
        if self.choice.bench is not None:
            return {BENCH: list({shard: None for shards in parts.values() for shard in shards})}
        return parts

    def tables(self, shard: SourcePart, split: Split) -> Iterator[pa.Table]:
        """The chosen rows of one part."""
        if self.choice.bench is None:
            for table in self.source.tables(shard, split):
                yield from self._only(table, self.choice.subset or frozenset())
            return
        # A dialogue in several splits comes once: with the first of them.
        for part, shards in self.source.shards().items():
            if any(candidate.file == shard.file for candidate in shards):
                ids = frozenset(id_ for id_, first in self.choice.bench.items() if first == part)
                for table in self.source.tables(shard, part):
                    yield from self._only(table, ids if self.choice.subset is None else ids & self.choice.subset)

    @staticmethod
    def _only(table: pa.Table, ids: frozenset[str]) -> Iterator[pa.Table]:
        rows = table.filter(pc.is_in(table.column("id"), value_set=pa.array(sorted(ids), pa.string())))
        if len(rows):
            yield rows


def _ids(source: RowSource, parts: dict[Split, list[SourcePart]]) -> dict[Split, frozenset[str]]:
    """The ids of the rows of each split."""
    return {
        split: frozenset(
            id_ for shard in shards for table in source.tables(shard, split) for id_ in table.column("id").to_pylist()
        )
        for split, shards in parts.items()
    }


@lru_cache(maxsize=4)
def _bench(root: Path, state: str, selection: Selection) -> dict[str, Split]:
    """The benchmark of a folder in a given state: the first split of each of its dialogues."""
    opened = open_annotations(root)
    is_bench = opened.bench(selection)
    return {dialogue.id: opened.splits_of(dialogue.id)[0] for dialogue in opened.dialogues() if is_bench(dialogue)}

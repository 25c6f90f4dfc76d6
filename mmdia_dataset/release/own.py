"""Our own dialects: one dialogue per Parquet row or JSON line, and `movies.jsonl`. Nothing is interpreted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from mmdia_dataset.release.jsonfile import check_entry, json_lines, parse
from mmdia_dataset.release.movie_files import EntryReading, MovieBook, SourceFile, invalid
from mmdia_dataset.release.rules import EntryError, make_issue
from mmdia_dataset.release.sniff import first_line
from mmdia_dataset.schema import Dialogue, FormatError, Issue, Movie, without_unknown_keys
from mmdia_dataset.schema.arrow import check_version, from_row, stored_schema

__all__ = ["MARKER", "ROWS", "ParquetFiles", "json_line", "parquet_writer", "read_jsonl", "read_movies", "read_parquet"]

MARKER = ".mmdia-release.json"
"""Says that `convert` wrote a folder, which files, and in which version of our formats."""

ROWS = 1000
"""Dialogues in a row group."""

_COLUMNS = list(Dialogue.model_fields)
_NEWER = "newer"  # where `extra` has what a newer program wrote, by place


def _reading(make: Callable[[], Dialogue], source: SourceFile, path: str) -> EntryReading:
    try:
        dialogue = make()
    except EntryError as error:
        issue = make_issue(error.rule, source.name, f"{path}{error.at}", error.message, error.hint)
    except (ValidationError, RecursionError) as error:
        fault = invalid(error)
        issue = make_issue(fault.rule, source.name, path, fault.message, fault.hint)
    except ValueError as error:  # the JSON in an `extra` column
        issue = make_issue("bad-dialogue", source.name, path, f"extra: {first_line(error)}")
    else:
        return EntryReading(dialogue=dialogue, issues=(), file=source.name, path=path)
    return EntryReading(dialogue=None, issues=(issue,), file=source.name, path=path)


def read_parquet(source: SourceFile) -> Iterator[EntryReading]:
    """Every row of a Parquet file; unknown columns are not read."""
    row = 0
    try:
        with pq.ParquetFile(source.path) as file:
            check_version(file)
            columns = [name for name in file.schema_arrow.names if name in _COLUMNS]
            for batch in file.iter_batches(batch_size=ROWS, columns=columns):
                for values in batch.to_pylist():
                    yield _reading(partial(_from_row, values), source, f"row {row}")
                    row += 1
    except FormatError as error:
        newer = make_issue("bad-parquet", source.name, "$", error.what, error.hint)
        yield EntryReading(dialogue=None, issues=(newer,), file=source.name, path="$")
    except (pa.ArrowException, OSError, ValueError) as error:
        message = f"can't be read as Parquet after {row} rows: {first_line(error)}"
        yield EntryReading(
            dialogue=None,
            issues=(make_issue("bad-parquet", source.name, f"row {row}", message),),
            file=source.name,
            path=f"row {row}",
        )


def read_jsonl(source: SourceFile) -> Iterator[EntryReading]:
    """Every line of a JSONL file of ours."""
    try:
        for number, line in json_lines(source.path):
            yield _reading(partial(_dialogue, line, number, source.newer), source, f"line {number}")
    except EntryError as error:
        issue = make_issue(error.rule, source.name, "$", error.message)
        yield EntryReading(dialogue=None, issues=(issue,), file=source.name, path="$")


def _from_row(values: dict[str, Any]) -> Dialogue:
    return Dialogue.model_validate(from_row(values, Dialogue))


def _dialogue(line: bytes, number: int, newer: bool) -> Dialogue:
    try:
        return Dialogue.model_validate_json(line)
    except ValidationError as error:  # taken apart again, to say whether it is the JSON that is wrong or the dialogue
        problem = error
    value, doubtful = parse(line, first_line=number)
    if doubtful:
        check_entry(value)
    if newer:
        dialogue, unknown = without_unknown_keys(Dialogue.model_validate_json, value, problem)
        held = {".".join(map(str, place)): item for place, item in unknown}
        return dialogue.model_copy(update={"extra": {**dialogue.extra, _NEWER: held}})
    return Dialogue.model_validate(value)


def read_movies(path: Path, name: str, movies: MovieBook) -> list[Issue]:
    """Add the movies of a `movies.jsonl`; gives its issues."""
    issues: list[Issue] = []
    try:
        for number, line in json_lines(path):
            try:
                movies.add(Movie.model_validate(parse(line, first_line=number)[0]))
            except ValidationError as error:
                fault = invalid(error)
                issues.append(make_issue("bad-dialogue", name, f"line {number}", fault.message, fault.hint))
            except EntryError as error:
                issues.append(make_issue(error.rule, name, f"line {number}", error.message))
    except EntryError as error:
        issues.append(make_issue(error.rule, name, "$", error.message))
    return issues


def json_line(item: Dialogue | Movie) -> str:
    """A dialogue or movie as one line of JSON; a dialogue's fields with default values are left out."""
    plain = item.model_dump(exclude_defaults=isinstance(item, Dialogue))
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")) + "\n"


def parquet_writer(path: Path, model: type[Dialogue] = Dialogue) -> pq.ParquetWriter:
    """A writer of dialogues; its rows are given by `to_table`."""
    return pq.ParquetWriter(path, stored_schema(model), compression="zstd")


class ParquetFiles:
    """Writes tables of a model to a Parquet file per split in a new folder, in row groups of `ROWS`; to be closed."""

    def __init__(self, folder: Path, model: type[Dialogue] = Dialogue) -> None:
        folder.mkdir()
        self._folder, self._model = folder, model
        self._waiting: dict[str, pa.Table] = {}
        self._open: dict[str, Any] = {}

    def add(self, split: str, table: pa.Table) -> None:
        """Take dialogues. Raises OSError."""
        if split in self._waiting:
            table = pa.concat_tables([self._waiting[split], table])
        while len(table) >= ROWS:
            self._write(split, table.slice(0, ROWS))
            table = table.slice(ROWS)
        self._waiting[split] = table

    def _write(self, split: str, table: pa.Table) -> None:
        if split not in self._open:
            self._open[split] = parquet_writer(self._folder / f"{split}.parquet", self._model)
        if len(table):
            self._open[split].write_table(table.combine_chunks())

    def close(self) -> int:
        """Write the remaining rows and close all files; gives their number. Raises OSError."""
        for split, table in self._waiting.items():
            self._write(split, table)
        files = len(self._open)
        self.abandon()
        return files

    def abandon(self) -> None:
        """Close all files without writing the remaining rows."""
        self._waiting.clear()
        while self._open:
            self._open.popitem()[1].close()

"""The built directory as it is written: what `rebuild` makes and the loader reads.

    clips/<movie>/<id>.mp4|wav     one file per clip
    annotations/<split>.parquet    a row per clip made, with the clip's path
    editions/<movie>.json          how the recording's time runs
    manifest.jsonl                 one line per clip wanted, made or refused, and why: see `manifest.py`
    .mmdia-built.json              says what the folder is
    README.md                      card with YAML, so that plain load_dataset(folder) works
    .mmdia/                        only while a run is under way: a journal per movie, and a lock

Whether a clip is there is decided by the manifest and the journals, never by a file's existence.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from io import FileIO
from pathlib import Path

import pyarrow.parquet as pq

from mmdia_dataset.built.manifest import (
    MANIFEST,
    STATE,
    is_built,
    line_bytes,
    read_lines,
    unreadable_line,
    write_lines,
    write_marker,
)
from mmdia_dataset.errors import OutputError, UsageError
from mmdia_dataset.files import file_name, make_folder, only_run, output_error, sha256_of, whole_file, write_text
from mmdia_dataset.schema import SPLITS, Clip, Dialogue, Edition, MadeLine, RefusedLine, Split, arrow

__all__ = ["BuiltDirectory", "Journal", "edition_text"]

FOLDERS = ("clips", "annotations", "editions")
ROWS_PER_BATCH = 500


def edition_text(edition: Edition) -> str:
    """An edition as its file holds it."""
    return json.dumps(edition.as_json(exclude_none=True), ensure_ascii=False, indent=1) + "\n"


class Journal:
    """Lines of one movie as they are made, on disk as soon as `add` returns. Survives a kill of the process.

    Several processes may append to one journal: a line is a single write to the end of the file.
    """

    def __init__(self, file: Path) -> None:
        make_folder(file.parent)
        self._path = file
        try:
            self._file: FileIO = file.open("ab", buffering=0)
        except OSError as error:
            raise output_error(error, file) from error
        # A run killed while it wrote leaves half a line; a newline keeps it from spoiling ours.
        if self._file.tell():
            self._append(b"\n")

    def add(self, line: MadeLine | RefusedLine) -> None:
        """Append a line. Raises OutputError."""
        self._append(line_bytes(line))

    def lines(self) -> list[MadeLine | RefusedLine]:
        """What it holds so far, of all processes. Raises OutputError."""
        try:
            return [line for _, line, _ in read_lines(self._path) if line is not None]
        except OSError as error:
            raise output_error(error, self._path) from error

    def _append(self, data: bytes) -> None:
        try:
            written = self._file.write(data)
        except OSError as error:
            raise output_error(error, self._path) from error
        if written != len(data):
            raise output_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), self._path)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class BuiltDirectory:
    """A built directory, for writing. Paths in lines and rows are relative to its `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / STATE

    @contextmanager
    def open(self) -> Iterator[None]:
        """Make or take over the directory, and keep other runs out of it.

        Raises:
            UsageError: the folder holds something else, a link leads out of it, or another run is using it.
            OutputError: it can't be written.
        """
        if self.root.is_dir() and not is_built(self.root) and any(self.root.iterdir()):
            raise UsageError(
                "the folder is not empty and not a built directory", where=self.root, hint="choose a new --out folder"
            )
        for path in (self.state, *(self.root / name for name in FOLDERS), *self.root.glob("clips/*")):
            if path.is_symlink():  # what is written and swept below it would not be this folder's
                raise UsageError("a link leads out of the folder", where=path, hint="choose a new --out folder")
        try:
            with only_run(self.state, self.root):
                yield
        except PermissionError as error:
            raise output_error(error, self.root) from error

    def clip_file(self, movie: str, dialogue: str, suffix: str) -> str:
        """Where a clip goes, relative to the directory; safe whatever the ids hold."""
        return f"clips/{file_name(movie)}/{file_name(dialogue)}{suffix}"

    def journal(self, movie: str) -> Journal:
        """The journal of a movie, to be appended to."""
        return Journal(self.state / f"{file_name(movie)}.jsonl")

    def lines(self, unreadable: list[str] | None = None) -> dict[tuple[str, str], MadeLine | RefusedLine]:
        """What is known of each clip, by dialogue id and mode: the manifest, overlaid with journals of a killed run.

        Lines that can't be understood count as absent: their clips are made again. A sentence on each of the manifest's
        is added to `unreadable`; a journal may end in half a line.

        Raises:
            ReleaseUnreadable: a line is of a newer program, in a format that this one can't read.
        """
        lines: dict[tuple[str, str], MadeLine | RefusedLine] = {}
        files = [self.root / MANIFEST, *sorted(self.state.glob("*.jsonl"))]
        for file in files:
            if file.is_file():
                for number, line, fault in read_lines(file):
                    if line is not None:
                        lines[line.id, line.mode] = line
                    elif fault is not None and fault.newer:
                        raise unreadable_line(file, number, fault)
                    elif fault is not None and unreadable is not None and file.name == MANIFEST:
                        unreadable.append(f"{MANIFEST}, line {number}: {fault.what}")
        return lines

    def holds(self, line: MadeLine) -> bool:
        """Whether a line's clip is there, byte for byte."""
        return all(self._is(self.root / name, *what) for name, what in line.stored().items())

    @staticmethod
    def _is(file: Path, size: int, sha256: str) -> bool:
        try:
            return file.stat().st_size == size and sha256_of(file) == sha256
        except OSError:
            return False

    @staticmethod
    def edition_file(movie: str) -> str:
        """Where a movie's edition goes, relative to the directory."""
        return f"editions/{file_name(movie)}.json"

    def write_edition(self, edition: Edition) -> None:
        """Write one movie's edition file."""
        write_text(self.root / self.edition_file(edition.movie), edition_text(edition))

    def write_manifest(self, lines: Iterable[MadeLine | RefusedLine]) -> None:
        """Write the manifest, in the order of the lines, and what says that this is a built directory."""
        write_lines(self.root / MANIFEST, lines)
        write_marker(self.root)

    def write_annotations(
        self, rows: Iterable[tuple[Dialogue, tuple[Split, ...]]], model: type[Dialogue] = Clip
    ) -> dict[Split, int]:
        """Write `annotations/<split>.parquet` from rows of a model and the splits each is in; gives rows per split.

        Files of splits that have no rows are removed.
        """
        counts: dict[Split, int] = {}
        waiting: dict[Split, list[Dialogue]] = {}
        schema = arrow.stored_schema(model)
        with ExitStack() as files:
            writers: dict[Split, pq.ParquetWriter] = {}

            def flush(split: Split) -> None:
                if split not in writers:
                    temporary = files.enter_context(whole_file(self.root / "annotations" / f"{split}.parquet"))
                    # Closed before its file is put in place: a stack unwinds in reverse.
                    writers[split] = files.enter_context(pq.ParquetWriter(temporary, schema, compression="zstd"))
                writers[split].write_table(arrow.to_table(waiting.pop(split), model))

            for row, splits in rows:
                for split in splits:
                    counts[split] = counts.get(split, 0) + 1
                    waiting.setdefault(split, []).append(row)
                    if len(waiting[split]) >= ROWS_PER_BATCH:
                        flush(split)
            for split in list(waiting):
                flush(split)
        for split in SPLITS:
            if split not in counts:
                (self.root / "annotations" / f"{split}.parquet").unlink(missing_ok=True)
        return {split: counts[split] for split in SPLITS if split in counts}

    def sweep(self, lines: Iterable[MadeLine | RefusedLine]) -> int:
        """Remove from `clips/` and `editions/` what no line speaks of, such as leftovers of a killed run.

        Both folders are ours alone. Gives the number of files removed.
        """
        lines = list(lines)
        kept = {file for line in lines if isinstance(line, MadeLine) for file in line.stored()}
        kept |= {self.edition_file(line.movie) for line in lines if line.recording is not None}
        removed = 0
        for top in ("clips", "editions"):
            for folder, _, names in os.walk(self.root / top, topdown=False):
                for name in names:
                    file = Path(folder, name)
                    if file.relative_to(self.root).as_posix() not in kept:
                        file.unlink()
                        removed += 1
                if not any(Path(folder).iterdir()):
                    Path(folder).rmdir()
        return removed

    def finish(self) -> None:
        """The run is complete: forget its journals."""
        try:
            shutil.rmtree(self.state)
        except OSError as error:
            raise OutputError(f"can't be removed: {error.strerror}", where=self.state) from error

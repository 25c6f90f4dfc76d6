"""Conversion from any dialect to any other, into a new folder that appears complete or not at all."""

from __future__ import annotations

import json
import shutil
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

from mmdia_dataset.errors import UsageError
from mmdia_dataset.files import file_name, make_folder, output_error, write_text
from mmdia_dataset.release import srt, training, utterances
from mmdia_dataset.release.audio import media_folders
from mmdia_dataset.release.folder import Release, nothing_read
from mmdia_dataset.release.identity import is_safe
from mmdia_dataset.release.movie_files import SourceFile, write_frame
from mmdia_dataset.release.own import MARKER, ParquetFiles, json_line
from mmdia_dataset.release.passports import PASSPORTS
from mmdia_dataset.release.sniff import DIALECTS, Dialect
from mmdia_dataset.release.split_files import write_splits
from mmdia_dataset.reports import Report
from mmdia_dataset.schema import FORMAT_VERSION, Dialogue, Issue, Movie, Split

__all__ = ["ConvertReport", "convert"]

Progress = Callable[[int, int], None]
WRITERS: dict[str, Callable[[Dialogue], dict[str, Any]]] = {
    "srt": srt.write_entry,
    "utterances": utterances.write_entry,
    "training": training.write_entry,
}
_EXAMPLES = 3
_BUFFERED = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertReport(Report):
    """What was converted.

    Attributes:
        out: the folder made.
        dialect: what it holds.
        dialogues: dialogues written.
        unreadable: entries left out because they could not be read; the issues say why.
        movies: movies they are from.
        files: annotation files written.
        media: the release's folders of sound and video; they stay where they are.
        counts: how many issues of each rule there were.
        issues: the first few issues of each rule.
    """

    out: Path
    dialect: Dialect
    dialogues: int
    unreadable: int
    movies: int
    files: int
    media: tuple[Path, ...]
    counts: dict[str, int]
    issues: tuple[Issue, ...]

    @property
    def exit_code(self) -> int:
        """1 if entries could not be read."""
        return 1 if self.unreadable else 0


def convert(release: Release, out: Path, to: Dialect, progress: Progress | None = None) -> ConvertReport:
    """Write a release in another dialect.

    Our own dialects also keep what a file said beyond the fields, so converting to ours and back gives equal JSON.
    Between two of upstream's dialects only the fields are kept.

    Args:
        release: what to convert.
        out: the folder to make; an existing one is replaced only if `convert` made it and nothing was added.
        to: the dialect to write.
        progress: called as ``progress(done, total)`` in bytes read.

    Raises:
        UsageError: the dialect is unknown, or `out` holds other files.
        ReleaseUnreadable: no dialogue could be read.
        OutputError: the folder can't be written.
    """
    if to not in DIALECTS:
        raise UsageError(f"unknown dialect {to!r}", hint=f"choose one of {', '.join(DIALECTS)}")
    _check_target(release, out)
    temporary = out.absolute().with_name(f".{out.absolute().name}.part")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        make_folder(temporary)
        report = _write(release, temporary, to, progress, out)
        written = sorted(file.relative_to(temporary).as_posix() for file in temporary.rglob("*") if file.is_file())
        marker = {"made_by": "mmdia convert", "version": FORMAT_VERSION, "dialect": to, "files": written}
        write_text(temporary / MARKER, json.dumps(marker) + "\n")
        _put(temporary, out.absolute())
    except OSError as error:
        raise output_error(error, out) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return report


def _check_target(release: Release, out: Path) -> None:
    target, source = out.resolve(), release.path.resolve()
    if target.is_relative_to(source) or source.is_relative_to(target):
        raise UsageError("the output folder and the release contain each other", where=out, hint="choose another --out")
    if not out.exists():
        return
    if not out.is_dir():
        raise UsageError("the output path is a file, not a folder", where=out, hint="choose another --out")
    files = {file.relative_to(out).as_posix() for file in out.rglob("*") if not file.is_dir() or file.is_symlink()}
    if not files:
        return
    try:
        marker = json.loads((out / MARKER).read_text("utf-8"))
        foreign = files - set(marker["files"]) - {MARKER}
    except (OSError, ValueError, KeyError, TypeError):
        foreign = files
    if foreign:
        message = f"the folder is not empty, and {min(foreign)!r} in it was not written by `mmdia convert`"
        raise UsageError(message, where=out, hint="choose an empty folder")


def _put(temporary: Path, out: Path) -> None:
    """Move a folder into place; the old one, which is ours, is removed after that."""
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    temporary.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _write(release: Release, folder: Path, to: Dialect, progress: Progress | None, out: Path) -> ConvertReport:
    counts: Counter[str] = Counter()
    examples: list[Issue] = []

    def note(issues: tuple[Issue, ...]) -> None:
        for issue in issues:
            counts[issue.rule] += 1
            if counts[issue.rule] <= _EXAMPLES:
                examples.append(issue)

    note(release.issues)
    writer: _Writer = _Tables(folder) if to == "parquet" else _Lines(folder) if to == "jsonl" else _Upstream(folder, to)
    total = sum(source.size for source in release.files)
    done = dialogues = unreadable = 0
    try:
        for source in release.files:
            for issues, written, refused in writer.take(release, source):
                note(issues)
                dialogues += written
                unreadable += refused
            done += source.size
            if progress:
                progress(done, total)
        if not dialogues:
            raise nothing_read(release.root, next(iter(examples), None))
        movies = release.movies()
        files = writer.finish(movies)
    finally:
        writer.abandon()
    if release.splits is not None:
        ours = to in ("parquet", "jsonl")
        name = "splits.json" if ours else "train_eval_test_hard_ids.json"
        write_splits(release.splits, folder / name, upstream=not ours)
    _copy_passports(release, folder)
    return ConvertReport(
        out=out,
        dialect=to,
        dialogues=dialogues,
        unreadable=unreadable,
        movies=len(movies),
        files=files,
        media=tuple(media_folders(release.path)),
        counts=dict(counts),
        issues=tuple(examples),
    )


def _copy_passports(release: Release, folder: Path) -> None:
    passports = release.root / PASSPORTS
    if not passports.is_dir() or passports.is_symlink():
        return
    for file in sorted(passports.glob("*.json")):
        if file.is_file() and not file.is_symlink():
            (folder / PASSPORTS).mkdir(exist_ok=True)
            shutil.copyfile(file, folder / PASSPORTS / file.name)


class _Writer(ABC):
    """Takes a release file by file, and writes the files."""

    @abstractmethod
    def take(self, release: Release, source: SourceFile) -> Iterator[tuple[tuple[Issue, ...], int, int]]:
        """Take a file's dialogues; gives, in portions, the issues and the numbers of dialogues taken and refused."""

    @abstractmethod
    def finish(self, movies: tuple[Movie, ...]) -> int:
        """Write everything; gives the number of annotation files."""

    @abstractmethod
    def abandon(self) -> None:
        """Let go of open files."""


class _OneByOne(_Writer):
    """Takes dialogues as models, one after the other."""

    def take(self, release: Release, source: SourceFile) -> Iterator[tuple[tuple[Issue, ...], int, int]]:
        for reading in release.read([source]):
            if reading.dialogue is not None:
                self.add(reading.dialogue, release.splits_of(reading.dialogue.id))
            yield reading.issues, int(reading.dialogue is not None), int(reading.dialogue is None)

    @abstractmethod
    def add(self, dialogue: Dialogue, splits: tuple[Split, ...]) -> None:
        """Take a dialogue."""


class _Tables(_Writer):
    """`dialogues/<split>.parquet`, each dialogue once, in the first of its splits; `movies.jsonl`. Makes no models."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = ParquetFiles(folder / "dialogues")

    def take(self, release: Release, source: SourceFile) -> Iterator[tuple[tuple[Issue, ...], int, int]]:
        for table, issues, refused in release.tables([source]):
            rows: dict[Split, list[int]] = {}
            for row, id_ in enumerate(table.column("id").to_pylist()):
                rows.setdefault(release.splits_of(id_)[0], []).append(row)
            for split, members in rows.items():
                self._files.add(split, table.take(members))
            yield issues, len(table), refused

    def finish(self, movies: tuple[Movie, ...]) -> int:
        write_text(self._folder / "movies.jsonl", "".join(map(json_line, movies)))
        return self._files.close()

    def abandon(self) -> None:
        self._files.abandon()


class _Lines(_OneByOne):
    """`dialogues/<split>.jsonl`, each dialogue once, in the first of its splits; `movies.jsonl`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "dialogues").mkdir()
        self._open: dict[Split, TextIO] = {}

    def add(self, dialogue: Dialogue, splits: tuple[Split, ...]) -> None:
        split = splits[0]
        if split not in self._open:
            path = self._folder / "dialogues" / f"{split}.jsonl"
            self._open[split] = path.open("w", encoding="utf-8", newline="\n")
        self._open[split].write(json_line(dialogue))

    def finish(self, movies: tuple[Movie, ...]) -> int:
        write_text(self._folder / "movies.jsonl", "".join(map(json_line, movies)))
        files = len(self._open)
        self.abandon()
        return files

    def abandon(self) -> None:
        while self._open:
            self._open.popitem()[1].close()


class _Upstream(_OneByOne):
    """One file per movie, dialogues in the order they once had; or one JSONL of training lines.

    Dialogues arrive by split and are wanted by movie, so they wait in one file per movie.
    """

    def __init__(self, folder: Path, to: Dialect) -> None:
        self._folder = folder
        self._to = to
        self._write = WRITERS[to]
        self._waiting: dict[tuple[str, str | None], list[str]] = {}
        self._count = 0
        self._spools: dict[tuple[str, str | None], Path] = {}

    def add(self, dialogue: Dialogue, splits: tuple[Split, ...]) -> None:
        key = ("", None) if self._to == "training" else (dialogue.movie, dialogue.batch)
        line = json.dumps(self._write(dialogue), ensure_ascii=False)
        self._waiting.setdefault(key, []).append(f"{dialogue.number}\t{line}\n")
        self._count += 1
        if self._count >= _BUFFERED:
            self._flush()

    def _flush(self) -> None:
        for key, lines in self._waiting.items():
            spool = self._spools.setdefault(key, self._folder / f".{len(self._spools)}.spool")
            with spool.open("a", encoding="utf-8", newline="\n") as file:
                file.writelines(lines)
        self._waiting.clear()
        self._count = 0

    def _entries(self, key: tuple[str, str | None]) -> list[tuple[int, str]]:
        spool = self._spools.get(key)
        if spool is None:
            return []
        with spool.open(encoding="utf-8", newline="\n") as file:
            pairs = [line.rstrip("\n").partition("\t") for line in file]
        spool.unlink()
        return [(int(number), text) for number, _, text in pairs]

    def abandon(self) -> None:
        """Nothing is open; spools go with the folder."""

    def finish(self, movies: tuple[Movie, ...]) -> int:
        self._flush()
        if self._to == "training":
            with (self._folder / "mm-dia.jsonl").open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(f"{text}\n" for _, text in self._entries(("", None)))
            return 1
        shared = Counter(movie.file for movie in movies)
        used_names: set[str] = set()
        for movie in movies:
            layout = movie.extra.get(self._to)
            order = layout.get("order") if isinstance(layout, dict) else None
            entries = _ordered(self._entries((movie.id, movie.batch)), order)
            name = _target(movie, alone=shared[movie.file] == 1)
            if name in used_names:
                name = f"json/{_folder(movie.batch or 'other')}/{file_name(movie.id)}.json"
            used_names.add(name)
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            mark = "\x00entries\x00"
            frame, inner = write_frame(movie, self._to, [])
            inner.append(mark)
            head, _, tail = json.dumps(frame, ensure_ascii=False).partition(json.dumps(mark))
            body = ",\n".join(entries)
            path.write_text(f"{head}\n{body}\n{tail}\n" if body else head + tail, encoding="utf-8", newline="\n")
        return len(used_names)


def _ordered(entries: list[tuple[int, str]], order: Any) -> list[str]:
    """Entries in the original order of their file; without one, by number."""
    places: dict[int, list[int]] = {}
    if isinstance(order, list):
        for place, number in enumerate(order):
            if type(number) is int:
                places.setdefault(number, []).append(place)
    ranked = []
    for number, text in entries:
        free_places = places.get(number)
        place = (free_places.pop(0) if len(free_places) > 1 else free_places[0]) if free_places else len(order or ())
        ranked.append((place, number, text))
    ranked.sort(key=lambda item: item[:2])
    return [text for _, _, text in ranked]


def _target(movie: Movie, *, alone: bool) -> str:
    """The path of a movie's file: the original one, if it has the usual form."""
    stem = movie.id.removeprefix(f"{movie.batch}_") if movie.batch else movie.id
    if alone and movie.file and movie.file.endswith(".json"):
        parts = PurePosixPath(movie.file).parts
        if "json" in parts[:-1]:
            return movie.file
        stem = parts[-1].removesuffix(".json")
    batch = movie.batch or ("movie" if movie.imdb else None)
    return f"json/{_folder(batch)}/{stem}.json" if batch else f"json/{stem}.json"


def _folder(batch: str) -> str:
    """A batch as the name of a folder; it may come from a file of ours, where it can be any text."""
    return batch if is_safe(batch) else file_name(batch)

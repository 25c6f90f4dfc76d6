"""Reads the files of upstream's dialects: entry by entry, so that a bad one does not spoil the others."""

from __future__ import annotations

import itertools
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pydantic import ValidationError

from mmdia_dataset.release import srt, training, utterances
from mmdia_dataset.release.drafts import Draft, drafts_to_table
from mmdia_dataset.release.identity import Home, home_of_dialogue, home_of_entry, home_of_file, movie_of
from mmdia_dataset.release.jsonfile import check_entry, json_lines, parse, read_json
from mmdia_dataset.release.residue import apply, diff
from mmdia_dataset.release.rules import EntryError, Notes, make_issue
from mmdia_dataset.release.sniff import Dialect, clips_key, entry_dialect, is_lines
from mmdia_dataset.release.stamps import StampedLines
from mmdia_dataset.release.values import clip_number, first_key, json_type
from mmdia_dataset.schema import Dialogue, Issue, Movie, fault_in_words
from mmdia_dataset.schema.arrow import holds, to_table

__all__ = [
    "ENTRY_READERS",
    "Batch",
    "EntryReading",
    "MovieBook",
    "SourceFile",
    "batch_of",
    "file_tables",
    "invalid",
    "movies_of_file",
    "read_file",
    "write_frame",
]

EntryReader = Callable[[dict[str, Any], Home, Notes], tuple[Dialogue, tuple[int, ...] | None]]
ENTRY_READERS: dict[str, tuple[EntryReader, str]] = {
    "srt": (srt.read_entry, srt.LINES),
    "utterances": (utterances.read_entry, utterances.LINES),
    "training": (training.read_entry, training.LINES),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file of a release.

    Attributes:
        path: where it is.
        name: its path relative to the release, with ``/``, as issues name it.
        dialect: what it holds.
        size: its size in bytes.
        newer: whether a program of a newer minor version wrote it.
    """

    path: Path
    name: str
    dialect: Dialect
    size: int
    newer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryReading:
    """The result of reading one entry: a dialogue, or None with the reason among the issues.

    Attributes:
        dialogue: what was read.
        issues: what was wrong, or had to be interpreted.
        file: the file's name in the release.
        path: JSON path of the entry, ``$.clips[3]``; ``line 7`` in JSONL, ``row 7`` in Parquet.
    """

    dialogue: Dialogue | None
    issues: tuple[Issue, ...]
    file: str
    path: str
    _lines: str = field(default="turns", repr=False)
    _places: tuple[int, ...] | None = field(default=None, repr=False)

    def path_of(self, turn: int) -> str:
        """JSON path of the line a turn came from: ``$.clips[3].srt[2]``."""
        place = turn
        if self._places is not None and 0 <= turn < len(self._places):
            place = self._places[turn]
        return f"{self.path}.{self._lines}[{place}]"


class MovieBook:
    """The movies of a release that are known so far, by id and batch."""

    def __init__(self) -> None:
        self._movies: dict[tuple[str, str | None], Movie] = {}
        self.done: set[str] = set()

    def add(self, movie: Movie) -> Movie | None:
        """Add a movie. If another file gave it before, that entry stays and is returned."""
        earlier = self._movies.setdefault((movie.id, movie.batch), movie)
        return earlier if earlier.file != movie.file else None

    def has(self, movie: str, batch: str | None) -> bool:
        """Whether a movie is known."""
        return (movie, batch) in self._movies

    def meet(self, movie: str, batch: str | None, file: str | None) -> None:
        """Add the movie of a dialogue, if it is not known yet."""
        if not self.has(movie, batch):
            self.add(movie_of(Home(movie, batch), file))

    def all(self) -> tuple[Movie, ...]:
        """Every movie, in order of id and batch."""
        return tuple(sorted(self._movies.values(), key=lambda movie: (movie.id, movie.batch or "")))


def _failure(source: SourceFile, error: EntryError, path: str = "$") -> EntryReading:
    return EntryReading(dialogue=None, issues=_refused(source, error, path).issues, file=source.name, path=path)


def _refused(source: SourceFile, error: EntryError, path: str = "$") -> _Entry:
    return _Entry(None, (make_issue(error.rule, source.name, f"{path}{error.at}", error.message, error.hint),), path)


def invalid(error: ValidationError | RecursionError) -> EntryError:
    """The faults of a dialogue that does not fit the schema, as one sentence."""
    if isinstance(error, RecursionError):
        return EntryError("too-deep", "the JSON is nested too deeply")
    faults = error.errors(include_url=False, include_context=False)
    first = faults[0]
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
    rule = {"string_unicode": "not-unicode"}.get(first["type"], "bad-dialogue")
    if first["loc"] in (("id",), ("movie",)):
        rule = "unsafe-id"
    place = place.removeprefix(".") or "the dialogue"
    missing = [str(fault["loc"][0]) for fault in faults if fault["type"] == "missing" and len(fault["loc"]) == 1]
    if missing:
        what, hint, remaining = f"missing: {', '.join(missing)}", "add what is missing", len(faults) - len(missing)
    else:
        what, hint, remaining = f"{place}: {fault_in_words(first)}", None, len(faults) - 1
    more = f" (and {remaining} more fault{'s' if remaining > 1 else ''})" if remaining else ""
    return EntryError(rule, f"{what}{more}", hint=hint)


def _frame(value: Any, home: Home) -> tuple[list[Any], str, list[Any]]:
    """A document's entries, their JSON path, and the rest of the file as residue."""
    canonical = _canonical_frame(home)
    if type(value) is list:
        return value, "$", diff(canonical, [])
    key = clips_key(value)
    if key is None:
        return [value], "$", []
    return value[key], f"$.{key}", diff(canonical, {**value, key: []}, aliases={"movie_id": "movie"})


def _canonical_frame(home: Home) -> dict[str, Any]:
    stem = home.movie.removeprefix(f"{home.batch}_") if home.batch else home.movie
    return {"movie": stem, "clips": []}


def write_frame(movie: Movie, dialect: Dialect, entries: list[Any]) -> tuple[Any, list[Any]]:
    """The file's object or list for a movie, and the list in it for the entries; it already holds the given ones."""
    frame: Any = _canonical_frame(Home(movie.id, movie.batch))
    layout = movie.extra.get(dialect)
    frame = apply(frame, layout.get("frame") if isinstance(layout, dict) else None)
    if type(frame) is dict:
        key = clips_key(frame) or "clips"
        frame[key] = entries
        return frame, entries
    return entries, entries


def _order(entries: list[Any]) -> list[int] | None:
    """The clip numbers in the file's order, where that is not ascending."""
    numbers = []
    for entry in entries:
        try:
            if type(entry) is dict:
                numbers.append(clip_number(first_key(entry, "clip_id", "dialog_id", "id")))
        except EntryError:
            pass
    return None if all(map(operator.le, numbers, numbers[1:])) else numbers


def _open(source: SourceFile, movies: MovieBook) -> tuple[list[Any], str, Home, bool, list[Issue]]:
    """Parse a document and note its movie. Raises EntryError."""
    value, doubtful = read_json(source.path)
    if type(value) not in (dict, list):
        raise EntryError("wrong-shape", f"the file holds {json_type(value)}, not an object with `clips`")
    home = home_of_file(source.path, source.name, value)
    entries, path, frame = _frame(value, home)
    if type(value) is dict and path == "$" and entry_dialect(value) is None:
        shown = ", ".join(map(repr, list(value)[:5]))
        raise EntryError("wrong-shape", f"the object has the keys {shown or 'none'}, but no list `clips`")
    issues: list[Issue] = []
    if source.dialect == "training":
        return entries, path, home, doubtful, issues
    layout: dict[str, Any] = {}
    try:
        check_entry(frame)
        if frame:
            layout["frame"] = frame
    except EntryError as error:
        issues.append(make_issue(error.rule, source.name, "$", error.message))
    if order := _order(entries):
        layout["order"] = order
    stated = {home_of(entry, home, source.dialect).movie for entry in entries[:1]} or {home.movie}
    if path != "$" or home.movie in stated or not entries:
        movie = movie_of(home, source.name, value)
        movie = movie.model_copy(update={"extra": {source.dialect: layout}}) if layout else movie
        if (earlier := movies.add(movie)) is not None:
            message = f"{home.movie} of batch {home.batch} is also in {earlier.file}"
            issues.append(make_issue("movie-in-two-files", source.name, "$", message))
    return entries, path, home, doubtful, issues


def home_of(entry: Any, home: Home, dialect: Dialect) -> Home:
    """The movie an entry belongs to; its file's movie if the entry does not say."""
    try:
        if dialect == "training":
            return home_of_dialogue(entry.get("dialog_id"), first_key(entry, "path", "video_path"))[0]
        return home_of_entry(entry, home) if dialect == "utterances" else home
    except (EntryError, AttributeError):
        return home


class _Entry(NamedTuple):
    """An entry after its reader: a dialogue, a draft that is not checked yet, or None; and its issues."""

    result: Dialogue | Draft | None
    issues: tuple[Issue, ...]
    path: str
    places: tuple[int, ...] | None = None


def read_file(source: SourceFile, movies: MovieBook) -> Iterator[EntryReading]:
    """Every entry of a file of one of upstream's dialects."""
    for entry in _entries(source, movies):
        yield _judged(entry, source, movies)


class Batch(NamedTuple):
    """Some dialogues of a file as a table, their issues, and the number of entries that could not be read."""

    table: pa.Table
    issues: tuple[Issue, ...]
    refused: int


def file_tables(source: SourceFile, movies: MovieBook, rows: int) -> Iterator[Batch]:
    """The entries of a file of an upstream dialect, `rows` at a time. Most are read without making models."""
    entries = _entries(source, movies)
    while chunk := list(itertools.islice(entries, rows)):
        yield _laid_out(chunk, source, movies) or batch_of([_judged(entry, source, movies) for entry in chunk])


def batch_of(readings: Sequence[EntryReading]) -> Batch:
    """Readings as a batch."""
    dialogues = [reading.dialogue for reading in readings if reading.dialogue is not None]
    issues = tuple(issue for reading in readings for issue in reading.issues)
    return Batch(to_table(dialogues, Dialogue), issues, len(readings) - len(dialogues))


def _laid_out(entries: list[_Entry], source: SourceFile, movies: MovieBook) -> Batch | None:
    """Entries as a batch; None if an entry must be checked by itself, or would be changed."""
    drafts = [entry.result for entry in entries if isinstance(entry.result, Draft)]
    if len(drafts) < sum(entry.result is not None for entry in entries):
        return None
    try:
        for draft in drafts:
            _check_residue(draft.extra)
        table = drafts_to_table(drafts)
    except (EntryError, pa.ArrowException, OverflowError, UnicodeError):
        return None
    if not holds(table, Dialogue):
        return None
    for draft in drafts:
        movies.meet(draft.movie, draft.batch, source.name)
    return Batch(table, tuple(issue for entry in entries for issue in entry.issues), len(entries) - len(drafts))


def _judged(entry: _Entry, source: SourceFile, movies: MovieBook) -> EntryReading:
    """The entry's dialogue, if it fits the schema."""
    result, issues, path, places = entry
    if result is None:
        return EntryReading(dialogue=None, issues=issues, file=source.name, path=path)
    try:
        dialogue = result.dialogue() if isinstance(result, Draft) else result
        _check_residue(dialogue.extra)
    except EntryError as error:
        return _failure(source, error, path)
    except (ValidationError, RecursionError) as error:
        return _failure(source, invalid(error), path)
    movies.meet(dialogue.movie, dialogue.batch, source.name)
    return EntryReading(
        dialogue=dialogue,
        issues=issues,
        file=source.name,
        path=path,
        _lines=ENTRY_READERS[source.dialect][1],
        _places=places,
    )


def _check_residue(extra: dict[str, Any]) -> None:
    """Refuse residue that our files can't store. Raises EntryError."""
    for operations in extra.values():
        for operation in operations:
            if type(operation[-1]) in (dict, list):
                check_entry(operation[-1])


def _entries(source: SourceFile, movies: MovieBook) -> Iterator[_Entry]:
    try:
        if is_lines(source.path):
            yield from _line_entries(source)
            movies.done.add(source.name)
            return
        entries, base, home, doubtful, issues = _open(source, movies)
    except EntryError as error:
        movies.done.add(source.name)
        yield _refused(source, error)
        return
    single = base == "$" and len(entries) == 1 and not _is_list(source.path)
    usual = srt.prepare(entries) if source.dialect == "srt" else []
    for place, raw in enumerate(entries):
        entries[place] = None  # read once, and gone: fewer objects to keep
        path = base if single else f"{base}[{place}]"
        entry = _taken(source, raw, path, home, doubtful=doubtful, usual=usual[place] if usual else None)
        if issues:
            entry = entry._replace(issues=(*issues, *entry.issues))
            issues = []
        yield entry
    if issues:
        yield _Entry(None, tuple(issues), "$")
    movies.done.add(source.name)


def _line_entries(source: SourceFile) -> Iterator[_Entry]:
    home = home_of_file(source.path, source.name, None)
    for number, line in json_lines(source.path):
        path = f"line {number}"
        try:
            raw, doubtful = parse(line, first_line=number)
        except EntryError as error:
            yield _refused(source, error, path)
        else:
            yield _taken(source, raw, path, home, doubtful=doubtful)


def _is_list(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"["


def _check_shape(entry: Any, lines: str) -> None:
    if type(entry) is not dict:
        raise EntryError("wrong-shape", f"the entry is {json_type(entry)}, not an object")
    if lines not in entry:
        shown = ", ".join(map(repr, list(entry)[:8]))
        raise EntryError("wrong-shape", f"the entry has the keys {shown or 'none'}, but no `{lines}`")


def _taken(
    source: SourceFile, raw: Any, path: str, home: Home, *, doubtful: bool, usual: StampedLines | None = None
) -> _Entry:
    read, lines = ENTRY_READERS[source.dialect]
    notes = Notes()
    result: Dialogue | Draft
    try:
        _check_shape(raw, lines)
        if doubtful:
            check_entry(raw)
        if source.dialect == "srt":
            result = srt.take_apart(raw, home, notes, usual)
            places = result.places
        else:
            result, places = read(raw, home, notes)
    except EntryError as error:
        return _refused(source, error, path)
    except (ValidationError, RecursionError) as error:
        return _refused(source, invalid(error), path)
    return _Entry(result, notes.issues(source.name, path), path, places)


def movies_of_file(source: SourceFile, movies: MovieBook) -> None:
    """Add a file's movies without reading its dialogues; `read_file` reports what can't be read."""
    try:
        if is_lines(source.path):
            entries: Iterator[Any] = (parse(line)[0] for _, line in json_lines(source.path))
            home = home_of_file(source.path, source.name, None)
        else:
            listed, _, home, _, _ = _open(source, movies)
            entries = iter(listed)
        counted = Counter(home_of(entry, home, source.dialect) for entry in entries if type(entry) is dict)
        for entry_home in counted:
            movies.meet(entry_home.movie, entry_home.batch, source.name)
    except (EntryError, ValidationError):
        pass
    movies.done.add(source.name)

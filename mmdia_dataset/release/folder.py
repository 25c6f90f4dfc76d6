"""A release is a folder. Its files are recognised by content, whatever their names are."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mmdia_dataset.errors import ReleaseNotFound, ReleaseUnreadable, shown
from mmdia_dataset.release.movie_files import (
    Batch,
    EntryReading,
    MovieBook,
    SourceFile,
    batch_of,
    file_tables,
    movies_of_file,
    read_file,
)
from mmdia_dataset.release.own import MARKER, read_jsonl, read_movies, read_parquet
from mmdia_dataset.release.rules import EntryError, make_issue
from mmdia_dataset.release.sniff import DIALECTS, Dialect, Kind, kind_of
from mmdia_dataset.release.split_files import membership, read_splits
from mmdia_dataset.schema import Dialogue, FormatError, Issue, Movie, Split, Splits, marked_version, newer_minor

__all__ = ["Release", "nothing_read", "open_release"]

_SUFFIXES = (".json", ".jsonl", ".parquet")
_MEDIA_FOLDERS = ("audio", "video")
_JOINED_BY: dict[Dialect, tuple[str, ...]] = {
    "parquet": (".parquet",),
    "jsonl": (".jsonl",),
    "srt": (".json", ".jsonl"),
    "utterances": (".json", ".jsonl"),
    "training": (".json", ".jsonl"),
}


class Release:
    """The annotations as published: their files, splits and movies. Made by `open_release`.

    Attributes:
        path: what was opened: a folder, or a single file.
        root: the folder; of a single file, the one it is in.
        dialect: what its files are written in.
        files: the files of that dialect, by name.
        splits: the splits, or None if the release has no splits file.
        splits_file: that file's name in the release, or None.
        issues: the issues found while looking for files.
    """

    def __init__(
        self,
        root: Path,
        dialect: Dialect,
        files: tuple[SourceFile, ...],
        splits: Splits | None = None,
        splits_file: str | None = None,
        issues: tuple[Issue, ...] = (),
        movies: MovieBook | None = None,
        path: Path | None = None,
    ) -> None:
        self.path = path or root
        self.root = root
        self.dialect = dialect
        self.files = files
        self.splits = splits
        self.splits_file = splits_file
        self.issues = issues
        self._movies = movies or MovieBook()
        self._memberships = None if splits is None else membership(splits)

    def __repr__(self) -> str:
        return f"Release({str(self.root)!r}, {self.dialect}, {len(self.files)} files)"

    def read(self, files: Iterable[SourceFile] | None = None) -> Iterator[EntryReading]:
        """Every entry of the release, or of some of its files, in their order.

        Bad content raises nothing: an entry or a file that can't be read gives an `EntryReading` without a
        dialogue. At most one file is in memory at a time.
        """
        for source in self.files if files is None else files:
            if source.dialect in ("parquet", "jsonl"):
                for reading in read_parquet(source) if source.dialect == "parquet" else read_jsonl(source):
                    if reading.dialogue is not None:
                        self._movies.meet(reading.dialogue.movie, reading.dialogue.batch, None)
                    yield reading
                self._movies.done.add(source.name)
            else:
                yield from read_file(source, self._movies)

    def tables(self, files: Iterable[SourceFile] | None = None, rows: int = 500) -> Iterator[Batch]:
        """The same as `read`, as tables of the dialogues of at most so many entries of one file."""
        for source in self.files if files is None else files:
            if source.dialect in ("parquet", "jsonl"):
                readings = self.read([source])
                while chunk := list(itertools.islice(readings, rows)):
                    yield batch_of(chunk)
            else:
                yield from file_tables(source, self._movies, rows)

    def dialogues(
        self,
        on_issues: Callable[[tuple[Issue, ...]], None] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[Dialogue]:
        """Every dialogue once; if two have the same id, the first.

        Args:
            on_issues: called with the issues of each entry.
            progress: called as ``progress(done, total)`` in bytes, after each file.

        Raises:
            ReleaseUnreadable: no dialogue could be read; the error says what is wrong with the first entry.
        """
        ids: set[str] = set()
        first: Issue | None = None
        total, done = max(1, sum(source.size for source in self.files)), 0
        for source in self.files:
            for reading in self.read([source]):
                if reading.issues and on_issues:
                    on_issues(reading.issues)
                if reading.dialogue is None:
                    first = first or next(iter(reading.issues), None)
                elif reading.dialogue.id not in ids:
                    ids.add(reading.dialogue.id)
                    yield reading.dialogue
            done += source.size
            if progress:
                progress(done, total)
        if not ids:
            raise nothing_read(self.root, first)

    def movies(self) -> tuple[Movie, ...]:
        """Every movie of the release, one per id and batch.

        Movies become known while files are read. Files that were not read to their end are searched first, which takes
        about as long as parsing them.
        """
        for source in self.files:
            if source.name in self._movies.done:
                continue
            if source.dialect in ("parquet", "jsonl"):
                for _ in self.read([source]):
                    pass
            else:
                movies_of_file(source, self._movies)
        return self._movies.all()

    def splits_of(self, dialogue_id: str) -> tuple[Split, ...]:
        """The splits a dialogue is in; `train` if the release has no splits file, `unassigned` if it lacks the id."""
        if self._memberships is None:
            return ("train",)
        return self._memberships.get(dialogue_id, ("unassigned",))


def nothing_read(root: Path, first: Issue | None) -> ReleaseUnreadable:
    """The error for a release without a readable dialogue, from the first issue of its entries."""
    if first is None:
        return ReleaseUnreadable("no dialogues found", where=root, hint="run `mmdia validate` to see why")
    where = root / first.file if first.file else root
    return ReleaseUnreadable(first.message, where=where, at=first.path, hint=first.hint)


def open_release(path: Path | str) -> Release:
    """Find the annotations in a folder, at any depth, or in a single file.

    Raises:
        ReleaseNotFound: the path does not exist, or holds no annotations.
        ReleaseUnreadable: a newer program wrote it, in a format that this one can't read.
    """
    root = Path(path)
    if not root.exists():
        raise ReleaseNotFound("there is no such file or folder", where=root, hint="check the path of the release")
    try:
        version = marked_version((root if root.is_dir() else root.parent) / MARKER)
    except FormatError as error:
        raise ReleaseUnreadable(error.what, where=root, hint=error.hint) from None
    newer = newer_minor(version)
    issues: list[Issue] = []
    if root.is_file():
        candidates, root = [root], root.parent
        skipped = 0
    else:
        candidates, skipped = _walk(root, issues)
    kinds: list[tuple[Path, str, Kind]] = []
    doubtful: list[tuple[Path, str, EntryError]] = []
    for file in candidates:
        name = _name(file, root)
        try:
            kinds.append((file, name, kind_of(file, newer=newer is not None)))
        except EntryError as error:
            doubtful.append((file, name, error))
    dialect = _richest([kind for _, _, kind in kinds], [file for file, _, _ in doubtful])
    if dialect is None and newer is not None:
        raise ReleaseUnreadable(newer.what, where=path, hint=newer.hint)
    if dialect is None:
        raise ReleaseNotFound(
            _nothing(kinds, candidates, skipped), where=path, hint="give the folder with the annotation files"
        )
    files = [_source(file, name, dialect, newer) for file, name, kind in kinds if kind == dialect]
    for file, name, fault in doubtful:
        if file.suffix.lower() in _JOINED_BY[dialect]:
            files.append(_source(file, name, dialect, newer))
        else:
            issues.append(make_issue(fault.rule, name, f"${fault.at}", fault.message))
    issues += _left_out(kinds, dialect)
    splits, splits_file, wrong = _splits(kinds)
    movies = MovieBook()
    if dialect in ("parquet", "jsonl"):
        for file, name, kind in kinds:
            if kind == "movies":
                wrong += read_movies(file, name, movies)
    files.sort(key=lambda source: source.name)
    return Release(root, dialect, tuple(files), splits, splits_file, (*issues, *wrong), movies, Path(path))


def _name(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix()


def _source(file: Path, name: str, dialect: Dialect, newer: FormatError | None) -> SourceFile:
    try:
        size = file.stat().st_size
    except OSError:
        size = 0
    return SourceFile(path=file, name=name, dialect=dialect, size=size, newer=newer is not None)


def _walk(root: Path, issues: list[Issue]) -> tuple[list[Path], int]:
    """Every file that may hold annotations, by name; and the number of other files."""
    plain: list[Path] = []
    links: list[Path] = []
    skipped = 0
    for folder, folders, names in os.walk(root):
        parent = Path(folder)
        subfolders = []
        for name in sorted(folders):
            if name.startswith(".") or name == "clips" or name.lower().startswith(_MEDIA_FOLDERS):
                continue
            if (parent / name).is_symlink():
                _inside(parent / name, root, issues)  # one inside is met at its own place
                continue
            subfolders.append(name)
        folders[:] = subfolders
        for name in sorted(names):
            file = parent / name
            if name.startswith(".") or not name.lower().endswith(_SUFFIXES):
                skipped += 1
            elif file.is_symlink():
                links.append(file)
            elif file.is_file():
                plain.append(file)
    real_files = {file.resolve() for file in plain} if links else set()
    for link in links:
        if _inside(link, root, issues) and (real := link.resolve()) not in real_files and real.is_file():
            real_files.add(real)
            plain.append(link)
    return sorted(plain, key=lambda file: _name(file, root)), skipped


def _inside(link: Path, root: Path, issues: list[Issue]) -> bool:
    """Whether a link stays in the release, or in the Hub cache of a snapshot; if not, adds an issue."""
    try:
        target, base = link.resolve(), root.resolve()
    except (OSError, RuntimeError):
        target, base = Path("/"), root
    blobs = base.parent.parent / "blobs"
    if target.is_relative_to(base) or (base.parent.name == "snapshots" and target.parent == blobs):
        return True
    name = _name(link, root)
    issues.append(make_issue("outside-release", name, "$", "the link leads outside the release folder"))
    return False


def _richest(kinds: list[Kind], doubtful: list[Path]) -> Dialect | None:
    for dialect in DIALECTS:
        if dialect in kinds:
            return dialect
    suffixes = {file.suffix.lower() for file in doubtful}
    if suffixes & {".json", ".jsonl"}:  # may be annotations: reading them says what is wrong
        return "srt"
    return "parquet" if suffixes else None


def _nothing(kinds: list[tuple[Path, str, Kind]], candidates: list[Path], skipped: int) -> str:
    if not candidates:
        return (
            f"no annotations: {skipped} file{'s' if skipped > 1 else ''}, none of them .json, .jsonl or .parquet"
            if skipped
            else "the folder is empty"
        )
    counted = Counter(kind for _, _, kind in kinds)
    words = {
        "splits": "splits file",
        "movies": "movies file",
        "known": "edition, passport or schema file",
        "other": "unknown JSON or Parquet file",
    }
    listing = ", ".join(f"{count} {words[kind]}{'s' if count > 1 else ''}" for kind, count in counted.items())
    return f"no annotations found, only {listing} (the first is {shown(candidates[0].name)})"


def _left_out(kinds: list[tuple[Path, str, Kind]], dialect: Dialect) -> Iterator[Issue]:
    by_dialect: dict[str, list[str]] = {}
    for _, name, kind in kinds:
        if kind in DIALECTS and kind != dialect:
            by_dialect.setdefault(kind, []).append(name)
        elif kind == "other":
            yield make_issue(
                "not-annotations", name, "$", "the file holds neither annotations nor splits; it is ignored"
            )
    for poorer, names in by_dialect.items():
        folder = os.path.commonpath([os.path.dirname(name) for name in names]) if len(names) > 1 else names[0]  # noqa: PTH120
        many = f"{len(names)} files are" if len(names) > 1 else "one file is"
        message = f"{many} in dialect {poorer} and ignored, because {dialect} is used"
        hint = f"to use them, give {shown(folder) or 'a folder that holds only them'}"
        yield make_issue("other-dialect", names[0], "$", message, hint)


def _splits(kinds: list[tuple[Path, str, Kind]]) -> tuple[Splits | None, str | None, list[Issue]]:
    """The splits of a release: of `splits.json`, else of the file with most ids; and of a list of the benchmark's."""
    candidates: list[tuple[str, Splits]] = []
    benches: list[tuple[str, Splits]] = []
    issues: list[Issue] = []
    for file, name, kind in kinds:
        if kind != "splits":
            continue
        try:
            splits, wrong = read_splits(file, name)
        except EntryError as error:
            issues.append(make_issue(error.rule, name, f"${error.at}", error.message))
            continue
        issues += wrong
        if splits is not None:
            only_bench = splits.bench and not any(ids for split, ids in splits.lists() if split != "bench")
            (benches if only_bench else candidates).append((name, splits))
    bench = benches[0] if benches else None
    if not candidates:
        return (None, None, issues) if bench is None else (bench[1], bench[0], issues)
    chosen, best = max(
        candidates,
        key=lambda candidate: (candidate[0] == "splits.json", sum(len(ids) for _, ids in candidate[1].lists())),
    )
    why = "because of its name" if chosen == "splits.json" else "because it has more ids"
    issues += [
        make_issue("other-splits", name, "$", f"{chosen} is used instead, {why}")
        for name, _ in candidates
        if name != chosen
    ]
    if bench is not None and not best.bench:
        best = best.model_copy(update={"bench": bench[1].bench})
    return best, chosen, issues

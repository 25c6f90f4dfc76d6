"""A publication: the folder that goes public, made of a release or a built directory, without media and private names.

    dialogues/<splits>.parquet     each dialogue once; `train-hard.parquet` holds those of both splits
    splits.json, movies.jsonl      as in any release of our own form, which this is
    passports/<movie>.json
    editions/<movie>.json          how the times of the publisher's recordings differ, file names left out
    editions/manifest.jsonl        what was cut from them, file names left out
    README.md, figures/, croissant.json

With media it is a built directory instead: `annotations/`, `manifest.jsonl` and `clips/` as `rebuild` made them.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.parquet as pq
from pydantic import JsonValue

from mmdia_dataset.built.annotations import Annotations, manifest_lines, open_annotations
from mmdia_dataset.built.clipset import ClipSet
from mmdia_dataset.built.directory import BuiltDirectory, edition_text
from mmdia_dataset.built.manifest import MANIFEST, MARKER, write_lines
from mmdia_dataset.errors import ReleaseUnreadable, UsageError
from mmdia_dataset.files import file_name, make_folder, output_error, whole_file, write_text
from mmdia_dataset.publishing.page import CardReport, describe
from mmdia_dataset.release import open_release, read_passport, write_passport
from mmdia_dataset.release.own import json_line
from mmdia_dataset.release.split_files import write_splits
from mmdia_dataset.schema import (
    SPLITS,
    Clip,
    Dialogue,
    Edition,
    FormatError,
    MadeLine,
    Movie,
    Reason,
    RecordingInfo,
    RefusedLine,
    Split,
    Splits,
    arrow,
    read_versioned,
)
from mmdia_dataset.statistics.survey import survey

__all__ = ["Publication", "Withheld", "make_publication", "published_extra", "published_line"]

_ROWS = 1000
_VIDEOS = (".mp4", ".mkv", ".avi", ".mov", ".webm")
_MEDIA = (*_VIDEOS, ".wav", ".flac", ".opus", ".ogg", ".mp3", ".m4a", ".dac", ".jpg", ".jpeg", ".png")
_OURS = {"README.md", "croissant.json", MANIFEST, MARKER, "splits.json", "movies.jsonl"}
# A file on somebody's machine: from the root, from the home folder, on a Windows drive or share, or as an address.
_LOCAL = re.compile(r"(?:/|~[/\\]|[A-Za-z]:[/\\]|\\\\|file:)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Withheld:
    """Files of the source that are not published, and why."""

    what: str
    files: int
    bytes: int
    why: str


@dataclass(slots=True, kw_only=True)
class Publication:
    """A folder to publish.

    Attributes:
        root: the folder.
        card: its card, and what the Hub would refuse of it.
        dialogues: different ones.
        media: whether it has clips.
        left_out: files of the source that are not in it.
        emptied: number of values of `extra` that named a file on some machine, and were removed.
    """

    root: Path
    card: CardReport
    dialogues: int
    media: bool
    left_out: list[Withheld] = field(default_factory=list)
    emptied: int = 0

    def files(self) -> dict[str, int]:
        """Size of each file, by name relative to the root."""
        files = (file for file in self.root.rglob("*") if file.is_file())
        return {file.relative_to(self.root).as_posix(): file.stat().st_size for file in sorted(files)}


def make_publication(
    source: Path,
    folder: Path,
    *,
    release: Path | None = None,
    repo: str | None = None,
    licence: str = "unknown",
    with_media: bool = False,
) -> Publication:
    """Write the publication of a source into an empty folder. Same source, same bytes.

    Args:
        source: a built directory, or a release.
        folder: made if it is not there.
        release: the release of the built directory; its dialogues without a clip and its passports are published too.
        repo: where it will be.
        licence: of the annotations.
        with_media: publish the clips too.

    Raises:
        ReleaseNotFound, ReleaseUnreadable: nothing can be read there.
        UsageError: the folder is not empty, or the options do not fit together.
        OutputError: the folder can't be written.
    """
    opened = open_annotations(source)
    if with_media and not opened.built:
        raise UsageError("a release has no clips", where=source, hint="leave out --with-media")
    if release is not None and (with_media or not opened.built):
        what = "with the clips, only dialogues that have one are published" if with_media else "the source is a release"
        raise UsageError(
            f"--release works only for a built directory without its clips; {what}", hint="leave out --release"
        )
    if folder.exists() and any(folder.iterdir()):
        raise UsageError("the folder is not empty", where=folder, hint="choose an empty folder")
    make_folder(folder)
    words = opened if release is None else Annotations(release, open_release(release), built=False)
    counted = survey(opened) if opened.built else None
    if with_media:
        dialogues, emptied = _write_clips(opened, folder)
    else:
        dialogues, emptied = _write_dialogues(words, folder)
    for movie in {movie.id for movie in words.release.movies()}:
        # A built directory has none of its own, unless somebody put them there.
        passport = read_passport(words.root, movie)
        if passport is not None:
            write_passport(folder / "passports", passport)
    if opened.built:
        _write_editions(source, folder)
        lines = [published_line(line) for line in manifest_lines(source)]
        if with_media:
            BuiltDirectory(folder).write_manifest(lines)
        else:  # the folder must not be taken for a built directory
            write_lines(folder / "editions" / MANIFEST, lines)
    card = describe(
        folder,
        survey(open_annotations(folder)),
        repo=repo,
        licence=licence,
        coverage=counted.coverage if counted else None,
        movie_coverage=counted.movie_coverage if counted else None,
    )
    return Publication(
        root=folder,
        card=card,
        dialogues=dialogues,
        media=with_media,
        left_out=list(_left_out(source, opened.built, with_media)),
        emptied=emptied,
    )


# --- annotations ------------------------------------------------------------------------------------------------------


def _write_dialogues(opened: Annotations, folder: Path) -> tuple[int, int]:
    """Rows by the splits they are in, the splits, the movies; gives how many dialogues, and values emptied."""
    emptied = 0
    members: dict[Split, list[str]] = {}
    waiting: dict[tuple[Split, ...], list[Dialogue]] = {}
    count = 0
    schema = arrow.stored_schema(Dialogue)
    with ExitStack() as files:
        writers: dict[tuple[Split, ...], pq.ParquetWriter] = {}

        def flush(splits: tuple[Split, ...]) -> None:
            if splits not in writers:
                temporary = files.enter_context(whole_file(folder / "dialogues" / f"{'-'.join(splits)}.parquet"))
                writers[splits] = files.enter_context(pq.ParquetWriter(temporary, schema, compression="zstd"))
            writers[splits].write_table(arrow.to_table(waiting.pop(splits), Dialogue))

        for dialogue in opened.dialogues():
            extra, removed = published_extra(dialogue.extra)
            emptied += removed
            splits = tuple(split for split in SPLITS if split in opened.splits_of(dialogue.id))
            for split in splits:
                members.setdefault(split, []).append(dialogue.id)
            waiting.setdefault(splits, []).append(dialogue.model_copy(update={"extra": extra}) if removed else dialogue)
            count += 1
            if len(waiting[splits]) >= _ROWS:
                flush(splits)
        for splits in list(waiting):
            flush(splits)
    named = {split: tuple(ids) for split, ids in members.items() if split != "unassigned"}
    write_splits(Splits.model_validate(named), folder / "splits.json")
    movies = []
    for movie in opened.release.movies():
        extra, removed = published_extra(movie.extra)
        emptied += removed
        movies.append(movie.model_copy(update={"extra": extra, "file": _relative(movie)}))
    write_text(folder / "movies.jsonl", "".join(map(json_line, movies)))
    return count, emptied


def _relative(movie: Movie) -> str | None:
    """The release file a movie was read from; of rows in Parquet that says nothing."""
    return movie.file if movie.file and movie.file.endswith((".json", ".jsonl")) else None


def published_extra(extra: dict[str, JsonValue]) -> tuple[dict[str, JsonValue], int]:
    """What a release file held beyond our fields, without names of files on some machine; and how many there were.

    An operation of residue (see `release/residue.py`) that would write such a name is dropped; elsewhere the text is
    emptied.
    """
    removed = 0

    def cleaned(value: Any) -> Any:
        nonlocal removed
        if isinstance(value, str) and _LOCAL.match(value):
            removed += 1
            return ""
        if isinstance(value, list):
            return [cleaned(item) for item in value]
        if isinstance(value, dict):
            return {key: cleaned(item) for key, item in value.items()}
        return value

    def operation(item: Any) -> Any:
        """The operation to publish; None drops it. Its pointer begins with a slash too, but is not a file."""
        if isinstance(item, list) and len(item) in (2, 3) and isinstance(item[0], str):
            before = removed
            rest = [*item[:2], *(cleaned(value) for value in item[2:])]
            return None if removed > before else rest
        return cleaned(item)

    result: dict[str, JsonValue] = {}
    for dialect, residue in extra.items():
        if isinstance(residue, list):
            result[dialect] = [published for item in residue if (published := operation(item)) is not None]
        else:
            result[dialect] = cleaned(residue)
    return result, removed


# --- what was built ---------------------------------------------------------------------------------------------------


def _recording(recording: RecordingInfo, movie: str) -> RecordingInfo:
    """A recording under its movie's name. Its hash stays: by it, owners of the same file find that they are."""
    suffix = PurePosixPath(recording.name).suffix.lower()
    return recording.model_copy(update={"name": file_name(movie) + (suffix if suffix in _MEDIA else "")})


def _reasons(reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """Reasons by their rule alone: their sentences may name the publisher's files."""
    return tuple(Reason(rule=reason.rule, detail=reason.rule.replace("-", " ")) for reason in reasons)


def published_line(line: MadeLine | RefusedLine) -> MadeLine | RefusedLine:
    """A line of the manifest, without names of the publisher's files; what only newer programs know may be one."""
    line = line.without_unknown()
    recording = None if line.recording is None else _recording(line.recording, line.movie)
    if isinstance(line, MadeLine):
        return line.model_copy(update={"recording": recording})
    return line.model_copy(update={"recording": recording, "reasons": _reasons(line.reasons)})


def _write_editions(source: Path, folder: Path) -> None:
    for file in sorted((source / "editions").glob("*.json")):
        try:
            edition = read_versioned(Edition.model_validate_json, file.read_bytes()).without_unknown()
        except (FormatError, OSError) as error:
            newer = error if isinstance(error, FormatError) and error.newer else None
            what, hint = (newer.what, newer.hint) if newer else ("not a valid edition file", None)
            raise ReleaseUnreadable(
                what, where=file, hint=hint or "run `mmdia validate` to see what is wrong"
            ) from error
        update = {
            "recording": _recording(edition.recording, edition.movie),
            "refused": tuple(
                dialogue.model_copy(update={"reasons": _reasons(tuple(dialogue.reasons))})
                for dialogue in edition.refused
            ),
        }
        name = f"{file_name(edition.movie)}.json"
        write_text(folder / "editions" / name, edition_text(edition.model_copy(update=update)))


def _write_clips(opened: Annotations, folder: Path) -> tuple[int, int]:
    """The rows and files of a built directory; gives how many dialogues, and values emptied."""
    clips = ClipSet(opened.root)
    emptied, ids = 0, set()

    def rows() -> Iterator[tuple[Clip, tuple[Split, ...]]]:
        nonlocal emptied
        for split in clips.splits():
            for clip in clips.clips(split):
                extra, removed = published_extra(clip.extra)
                emptied += removed
                ids.add(clip.id)
                yield clip.model_copy(update={"extra": extra}), (split,)

    BuiltDirectory(folder).write_annotations(rows())
    for line in manifest_lines(opened.root):
        for name in line.stored() if isinstance(line, MadeLine) else ():
            _put(opened.root / name, folder / name)
    return len(ids), emptied


def _put(file: Path, target: Path) -> None:
    """A file in another place as well: the same one where the disk can do that, else a copy."""
    make_folder(target.parent)
    try:
        if file.is_symlink():
            raise UsageError(
                "the clip is a link, and links are not published", where=file, hint="run `mmdia rebuild` again"
            )
        try:
            os.link(file, target)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copyfile(file, target)
    except FileNotFoundError:
        raise UsageError("the clip is missing", where=file, hint="run `mmdia rebuild` again") from None
    except OSError as error:
        raise output_error(error, target) from error


def _left_out(source: Path, built: bool, with_media: bool) -> Iterator[Withheld]:
    """By kind, the largest reason first."""
    ours = "clips are parts of films; --with-media publishes them, if you have the right to"
    kinds: dict[str, tuple[str, list[int]]] = {
        "media": (ours if built else "the sound and video of a release are never published", []),
        "names": ("they are rewritten without your file names and notes", []),
        "other": ("they are not part of a publication", []),
    }
    root = source if source.is_dir() else source.parent
    for file in root.rglob("*"):
        if not file.is_file():
            continue
        name = file.relative_to(root)
        if file.suffix.lower() in _MEDIA and (name.parts[0] != "figures" or file.suffix != ".png"):
            kind = "" if with_media and name.parts[0] == "clips" else "media"
        elif name.parts[0] == "editions" or name.as_posix() == MANIFEST:
            kind = "names"
        elif file.suffix.lower() in (".parquet", ".json", ".jsonl") or str(name) in _OURS or name.parts[0] == "figures":
            kind = ""
        else:
            kind = "other"
        if kind:
            kinds[kind][1].append(file.stat().st_size)
    for what, (why, sizes) in kinds.items():
        if sizes:
            yield Withheld(what, len(sizes), sum(sizes), why)

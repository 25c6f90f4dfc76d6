"""The manifest of a built directory, and how such a directory is known: the only place that reads or writes either.

    manifest.jsonl       a line per clip wanted: made or refused, and why
    .mmdia-built.json    says that the folder is a built directory, in which version, and the manifest's hash

A line that can't be understood counts as absent for a rebuild, which makes its clip again. Everybody else refuses the
manifest, with the number of the line: what is cut, packed or scored must not depend on which lines were readable.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from mmdia_dataset.errors import ReleaseUnreadable
from mmdia_dataset.files import sha256_of, whole_file, write_text
from mmdia_dataset.schema import (
    FORMAT_VERSION,
    FormatError,
    MadeLine,
    ManifestLine,
    RefusedLine,
    marked_version,
    read_versioned,
)

__all__ = [
    "AGAIN",
    "MANIFEST",
    "MARKER",
    "STATE",
    "check_manifest",
    "has_manifest",
    "is_built",
    "line_bytes",
    "read_line",
    "read_lines",
    "read_manifest",
    "unfinished",
    "unreadable_line",
    "write_lines",
    "write_marker",
]

MANIFEST = "manifest.jsonl"
MARKER = ".mmdia-built.json"
STATE = ".mmdia"
AGAIN = "run the same `mmdia rebuild` again"

_LINE: TypeAdapter[MadeLine | RefusedLine] = TypeAdapter(ManifestLine)
_KEYS = {"movie", "mode", "span"}  # no manifest of another program has them all
_LOOKED_AT = 20  # lines, of a manifest without a marker


def is_built(folder: Path) -> bool:
    """Whether a folder is a built directory, finished or not, even if lines of its manifest are damaged.

    Folders of programs that wrote no marker are known by a run under way, or by lines of ours: others have files called
    manifest.jsonl too.

    Raises:
        ReleaseUnreadable: a newer program made it, in a format that this one can't read.
    """
    try:
        marked = marked_version(folder / MARKER) is not None
    except FormatError as newer:
        raise ReleaseUnreadable(newer.what, where=folder, hint=newer.hint) from None
    return marked or (folder / STATE).is_dir() or _has_lines_of_ours(folder / MANIFEST)


def _has_lines_of_ours(file: Path) -> bool:
    try:
        with file.open("rb") as lines:
            for text in islice(lines, _LOOKED_AT):
                try:
                    line = from_json(text)
                except ValueError:
                    continue
                if isinstance(line, dict) and line.keys() >= _KEYS:
                    return True
    except OSError:
        pass
    return False


def write_marker(folder: Path) -> None:
    """Say that a folder is a built directory, and what its manifest was when it was written. Raises OutputError."""
    marker = {"made_by": "mmdia rebuild", "version": FORMAT_VERSION, "manifest": sha256_of(folder / MANIFEST)}
    write_text(folder / MARKER, json.dumps(marker) + "\n")


def has_manifest(folder: Path) -> bool:
    """Whether a folder has a manifest."""
    return (folder / MANIFEST).is_file()


def read_line(text: bytes) -> MadeLine | RefusedLine:
    """A line of a manifest. Raises FormatError."""
    return read_versioned(_LINE.validate_json, text)


def read_lines(file: Path) -> Iterator[tuple[int, MadeLine | RefusedLine | None, FormatError | None]]:
    """Lines of a manifest or journal: line number from 1, then the line, or what is wrong with it."""
    with file.open("rb") as lines:
        for number, text in enumerate(lines, 1):
            if not text.strip():
                continue
            try:
                yield number, read_line(text), None
            except FormatError as fault:
                yield number, None, fault


def read_manifest(root: Path) -> Iterator[MadeLine | RefusedLine]:
    """The lines of a built directory's manifest, one at a time; every one of them can be understood.

    Raises:
        ReleaseUnreadable: there is no manifest, or a line of it can't be understood.
    """
    is_built(root)  # where a newer program made the folder, this says so
    file = root / MANIFEST
    try:
        for number, line, fault in read_lines(file):
            if line is None or fault is not None:
                raise unreadable_line(file, number, fault)
            yield line
    except OSError as error:
        raise ReleaseUnreadable("the rebuild has not finished", where=root, hint=AGAIN) from error


def check_manifest(root: Path) -> None:
    """Check that every line of a manifest can be understood. An unchanged manifest is not read line by line.

    Raises:
        ReleaseUnreadable: there is no manifest, or a line of it can't be understood.
    """
    try:
        marker = json.loads((root / MARKER).read_bytes())
        if marker["version"] == FORMAT_VERSION and marker["manifest"] == sha256_of(root / MANIFEST):
            return
    except (OSError, ValueError, TypeError, KeyError):
        pass
    for _ in read_manifest(root):
        pass


def unfinished(root: Path) -> ReleaseUnreadable | None:
    """The error for a built directory whose rebuild did not finish; None if it did."""
    if (root / STATE).is_dir() or not has_manifest(root):
        return ReleaseUnreadable("the rebuild has not finished", where=root, hint=AGAIN)
    return None


def unreadable_line(file: Path, number: int, fault: FormatError | None) -> ReleaseUnreadable:
    """The one sentence for a line that can't be understood."""
    what, hint = (fault.what, fault.hint) if fault else ("nothing", None)
    return ReleaseUnreadable(what, where=file, at=f"line {number}", hint=hint or AGAIN)


def line_bytes(line: MadeLine | RefusedLine) -> bytes:
    """A line as a manifest holds it."""
    return (to_json(line.as_json()) if line.is_newer else _LINE.dump_json(line)) + b"\n"


def write_lines(file: Path, lines: Iterable[MadeLine | RefusedLine]) -> None:
    """Write a manifest, in the order of the lines. Raises OutputError."""
    with whole_file(file) as temporary, temporary.open("wb") as written:
        for line in lines:
            written.write(line_bytes(line))

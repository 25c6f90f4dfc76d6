"""Files that appear whole or not at all.

Everything this package writes goes through a hidden temporary file in the same folder, which is flushed to disk and
renamed. A run that is killed leaves at most such a temporary file, never half a file under its final name.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mmdia_dataset.errors import OutputError, UsageError

__all__ = [
    "TEMP_SUFFIX",
    "check_folder",
    "content_of",
    "file_name",
    "make_folder",
    "only_run",
    "output_error",
    "sha256_of",
    "whole_file",
    "write_text",
]

TEMP_SUFFIX = ".part"
"""How temporary files end; they also start with a dot."""

_FAULTS = {
    errno.ENOSPC: ("the disk is full", "free some space and run it again (finished work is kept)"),
    errno.EDQUOT: ("your quota is used up", "free some space and run it again (finished work is kept)"),
    errno.EFBIG: ("the file is larger than the system allows", "write to another disk, or raise the limit"),
    errno.EROFS: ("the disk is read-only", "choose another output folder"),
    errno.EACCES: ("you may not write here", "choose another output folder, or change its permissions"),
    errno.EPERM: ("you may not write here", "choose another output folder, or change its permissions"),
    errno.ENAMETOOLONG: ("the name is too long for this disk", "choose a shorter output folder"),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", "choose another output folder"),
    errno.EEXIST: ("a part of the path is a file, not a folder", "choose another output folder"),
    errno.EISDIR: ("a folder with this name exists", "move it away, or choose another output folder"),
}


def output_error(error: OSError, path: Path) -> OutputError:
    """The one sentence for a failed write."""
    unknown = f"writing fails ({(error.strerror or str(error)).lower()})", "check the disk"
    what, hint = _FAULTS.get(error.errno or 0, unknown)
    return OutputError(what, where=path, hint=hint)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it.

    Raises:
        OutputError: it can't be made, or a file is in its place.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error, folder) from error


def check_folder(folder: Path) -> None:
    """Check that a folder can be made and written, without making it: before hours of work.

    Raises:
        OutputError: it can't, or a file is in its place.
    """
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))
    if not existing.is_dir():
        raise output_error(NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)), folder)
    if not os.access(existing, os.W_OK | os.X_OK):
        raise output_error(PermissionError(errno.EACCES, os.strerror(errno.EACCES)), folder)


@contextmanager
def only_run(state: Path, where: str | os.PathLike[str]) -> Iterator[None]:
    """Keep other runs out of an output folder for as long as the block runs.

    Args:
        state: the folder in it for the state of the run; it is created.
        where: the output folder, as errors call it.

    Raises:
        UsageError: another run is using it.
        OutputError: the lock can't be written.
    """
    make_folder(state)
    try:
        lock = (state / "lock").open("ab")
    except OSError as error:
        raise output_error(error, state.parent) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hint = "wait until it ends, or choose another --out"
            raise UsageError("another run is writing here", where=where, hint=hint) from None
        yield


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives a temporary path to write to, and puts the file in place when the block ends well.

    Raises:
        OutputError: the folder or the file can't be written. The temporary file is removed.
    """
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}{TEMP_SUFFIX}")
    try:
        try:
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            raise output_error(error, path) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file, whole or not at all. Raises OutputError."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def content_of(file: str, size: int) -> bytes:
    """A file that should have so many bytes; of a longer one, one byte more. Raises OSError.

    In as few calls as can be: there may be a hundred thousand files.
    """
    number = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(number, size)
        while len(data) < size and (more := os.read(number, size - len(data))):
            data += more
        longer = os.read(number, 1)
    finally:
        os.close(number)
    return data + longer


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes, as hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state_of(file: str | os.PathLike[str]) -> str | None:
    """Size and times of a file, None if it can't be looked at: another text once it was edited.

    The time of change catches an edit that kept size and time of modification, as rsync and cp -p do.
    """
    try:
        state = os.stat(file)  # noqa: PTH116 - 200,000 of them
    except OSError:
        return None
    return f"{state.st_size}\0{state.st_mtime_ns}\0{state.st_ctime_ns}"


def file_name(text: str) -> str:
    """An id as a file name: ASCII letters, digits and ``._-`` stay, other bytes become ``~`` and two hex digits.

    Two ids never share a name. A name too long for file systems is cut, and made unique again by a hash.
    """
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
    name = "".join(chr(byte) if byte in plain else f"~{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))
    if name.startswith("."):
        name = f"~2e{name[1:]}"
    if len(name) > 200:
        name = f"{name[:180]}~~{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    return name

"""Where shards lie: a folder here, or any place that fsspec reaches, such as ``s3://bucket/shards``."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from mmdia_dataset.errors import OutputError, ShardsUnreadable, UsageError
from mmdia_dataset.files import TEMP_SUFFIX, make_folder, only_run, output_error, whole_file

__all__ = ["Store"]

# Where an object appears only when it is whole, so that it needs no other name until then.
_WHOLE = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory")


class Store:
    """A place for files, by names relative to it. Equal urls make equal stores; it can be sent to other processes."""

    def __init__(self, url: str | os.PathLike[str]) -> None:
        self.url = os.fspath(url)
        try:
            self._fs, self.root = fsspec.core.url_to_fs(self.url)
        except (ValueError, ImportError) as error:
            raise UsageError(
                f"this kind of URL is not supported ({error})", where=self.url, hint="give a folder or another URL"
            ) from error
        self.local = Path(self.root) if isinstance(self._fs, LocalFileSystem) else None

    def __reduce__(self) -> tuple[Any, ...]:
        return Store, (self.url,)

    def path(self, name: str) -> str:
        """The full path of a file, as the file system has it."""
        return f"{self.root.rstrip('/')}/{name}"

    def names(self) -> list[str]:
        """All files below it, sorted; empty if the place does not exist. Raises ShardsUnreadable."""
        prefix = f"{self.root.rstrip('/')}/"
        try:
            with self._reading(""):
                self._fs.invalidate_cache()
                return sorted(path.removeprefix(prefix) for path in self._fs.find(self.root) if path.startswith(prefix))
        except FileNotFoundError:
            return []

    def is_file(self) -> bool:
        """Whether the place itself is one file."""
        with self._reading(""):
            return bool(self._fs.isfile(self.root))

    def size(self, name: str) -> int:
        """Bytes of a file. Raises ShardsUnreadable."""
        with self._reading(name):
            return int(self._fs.size(self.path(name)))

    def read(self, name: str) -> bytes | None:
        """A small file's content; None if it does not exist. Raises ShardsUnreadable."""
        try:
            with self._reading(name):
                return bytes(self._fs.cat_file(self.path(name)))
        except FileNotFoundError:
            return None

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A file for reading from start to end. Raises ShardsUnreadable."""
        with self._reading(name):
            options = {} if self.local else {"cache_type": "readahead", "block_size": 8 << 20}
            file = self._fs.open(self.path(name), "rb", **options)
        with file:
            yield file

    def digest(self, name: str) -> tuple[str, int]:
        """SHA-256 of a file, as hexadecimal digits, and its bytes. Raises FileNotFoundError, ShardsUnreadable."""
        digest, size = hashlib.sha256(), 0
        with self.open(name) as file:
            while block := file.read(4 << 20):
                digest.update(block)
                size += len(block)
        return digest.hexdigest(), size

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Gives a local path to write to; the file is put in place, whole, when the block ends well.

        Raises:
            OutputError: it can't be written.
        """
        if self.local is not None:
            with whole_file(self.local / name) as temporary:
                yield temporary
            return
        with tempfile.TemporaryDirectory(prefix="mmdia-shard-") as folder:
            temporary = Path(folder, "shard")
            yield temporary
            target = self.path(name)
            passing = target if self._keeps_objects() else f"{target}{TEMP_SUFFIX}"
            try:
                self._make_folder_of(target)
                self._fs.put_file(os.fspath(temporary), passing)
                if passing != target:
                    self._fs.mv(passing, target)
            except Exception as error:  # each store has its own
                with suppress(Exception):
                    self._fs.rm_file(passing)
                raise OutputError(f"writing fails ({error})", where=f"{self.url}/{name}") from error

    def forget_uploads(self) -> None:
        """Remove parts of uploads that a killed run left unfinished: nobody sees them, but the owner pays for them."""
        if not hasattr(self._fs, "abort_mpu"):
            return
        bucket, _, below = self.root.partition("/")
        prefix = f"{below}/" if below else ""
        try:
            listing = self._fs.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=prefix)
            for upload in listing.get("Uploads", ()):
                self._fs.abort_mpu(bucket, upload["Key"], upload["UploadId"])
        except Exception as error:  # each store has its own
            raise OutputError(f"writing fails ({error})", where=self.url) from error

    def write_text(self, name: str, text: str) -> None:
        """Write a text file, whole or not at all. Raises OutputError."""
        with self.writing(name) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")

    def move(self, name: str, target: str) -> None:
        """Give a file another name. Raises OutputError."""
        if name == target:
            return
        try:
            if self.local is not None:
                make_folder((self.local / target).parent)
                (self.local / name).replace(self.local / target)
            else:
                self._make_folder_of(self.path(target))
                self._fs.mv(self.path(name), self.path(target))
        except Exception as error:  # each store has its own
            raise OutputError(f"renaming fails ({error})", where=f"{self.url}/{name}") from error

    def remove(self, name: str) -> None:
        """Remove a file, and its folder if it was the last in it. Raises OutputError."""
        try:
            self._fs.rm_file(self.path(name))
            if self.local is not None:
                with suppress(OSError):
                    (self.local / name).parent.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            raise output_error(error, Path(self.path(name))) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Mark the place as an unfinished set, and keep other runs out if it is a folder on this machine.

        Raises:
            UsageError: another run is using it.
            OutputError: it can't be written.
        """
        if self.local is None:
            self.write_text(".mmdia/begun", "")
            yield
            return
        with only_run(self.local / ".mmdia", self.url):
            yield

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except Exception as error:  # each store has its own
            where = f"{self.url}/{name}" if name else self.url
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            hint = "check the path, the network and your access"
            raise ShardsUnreadable(f"reading fails ({reason})", where=where, hint=hint) from error

    def _keeps_objects(self) -> bool:
        protocol = self._fs.protocol
        return (protocol if isinstance(protocol, str) else protocol[0]) in _WHOLE

    def _make_folder_of(self, path: str) -> None:
        """Object stores need no folders; making one could create the bucket, which the user did not request."""
        if not self._keeps_objects():
            self._fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)

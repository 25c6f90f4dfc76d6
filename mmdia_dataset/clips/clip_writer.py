"""Writing a clip: whole or not at all, and hashed on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from mmdia_dataset.files import whole_file

__all__ = ["write"]


def write(file: Path, parts: Iterable[bytes | memoryview], check: Callable[[Path], None]) -> tuple[str, int]:
    """Write a file so that it appears whole or not at all; its SHA-256 and size.

    Raises:
        OutputError: the disk or the folder does not take it.
        MediaError: whatever `check` finds in the written file.
    """
    digest, size = hashlib.sha256(), 0
    with whole_file(file) as temporary:
        with temporary.open("wb") as out:
            for part in parts:
                out.write(part)
                digest.update(part)
                size += len(part)
        check(temporary)
    return digest.hexdigest(), size

"""How long a media file plays, from its header, while its bytes are read. Nothing is decoded.

MP4 says it in the movie header box, WAV by the size of its data, FLAC in its first block. What is kept of a file is a
few bytes of MP4, and the first 64 kB of others.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["Lengths", "lengths_for"]

_HEAD = 1 << 16


class Lengths(Protocol):
    """Takes a file's bytes piece by piece; then says how long it plays, or what is wrong with it."""

    def feed(self, piece: memoryview) -> None:
        """The next bytes."""
        ...

    def seconds(self) -> float | None:
        """How many seconds it plays; None if it does not say. Raises ValueError with what is wrong."""
        ...


def lengths_for(member: str, size: int) -> Lengths | None:
    """The reader for a member, by its ending and size; None for file types that are not checked."""
    ending = member.rsplit(".", 1)[-1]
    if ending == "mp4":
        return _Mp4()
    reader = {"wav": _wav, "flac": _flac, "jpg": _jpeg, "jpeg": _jpeg, "png": _png}.get(ending)
    return None if reader is None else _Head(reader, size)


class _Mp4:
    """Walks the boxes of an MP4 file; goes into `moov`, over all others."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._skip = 0
        self._found: float | None = None
        self._fault = ""
        self._first = True
        self._movie_header = False

    def feed(self, piece: memoryview) -> None:
        position = 0
        while position < len(piece) and not self._fault and self._found is None:
            if self._skip:
                step = min(self._skip, len(piece) - position)
                self._skip -= step
                position += step
                continue
            needed = 40 if self._movie_header else 16 if self._head[:4] == b"\0\0\0\1" else 8
            step = min(needed - len(self._head), len(piece) - position)
            self._head += piece[position : position + step]
            position += step
            if len(self._head) == needed:
                self._box() if not self._movie_header else self._read_header()

    def _box(self) -> None:
        size, kind = int.from_bytes(self._head[:4], "big"), bytes(self._head[4:8])
        if size == 1 and len(self._head) < 16:
            return  # its size comes in eight more bytes
        header = len(self._head)
        size = int.from_bytes(self._head[8:16], "big") if size == 1 else size or 1 << 62
        self._head.clear()
        if self._first and kind != b"ftyp":
            self._fault = "this is not an MP4 file"
        elif size < header:
            self._fault = "an MP4 box is smaller than its header"
        elif kind == b"mvhd":
            self._movie_header = True
        elif kind != b"moov":
            self._skip = size - header
        self._first = False

    def _read_header(self) -> None:
        head = self._head
        offset, wide = (20, 8) if head[0] else (12, 4)
        clock = int.from_bytes(head[offset : offset + 4], "big")
        if not clock:
            self._fault = "the clock rate is 0"
        else:
            self._found = int.from_bytes(head[offset + 4 : offset + 4 + wide], "big") / clock

    def seconds(self) -> float | None:
        if self._fault or self._found is None:
            raise ValueError(self._fault or "the MP4 index is missing")
        return self._found


class _Head:
    """Keeps a file's beginning, and reads it."""

    def __init__(self, reader: _Reader, size: int) -> None:
        self._reader, self._size = reader, size
        self._head = bytearray()

    def feed(self, piece: memoryview) -> None:
        if len(self._head) < _HEAD:
            self._head += piece[: _HEAD - len(self._head)]

    def seconds(self) -> float | None:
        return self._reader(bytes(self._head), self._size)


class _Reader(Protocol):
    def __call__(self, head: bytes, size: int, /) -> float | None: ...


def _wav(head: bytes, size: int) -> float | None:
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise ValueError("this is not a WAV file")
    position, per_second = 12, 0
    while position + 8 <= len(head):
        kind, length = head[position : position + 4], int.from_bytes(head[position + 4 : position + 8], "little")
        if kind == b"fmt ":
            per_second = int.from_bytes(head[position + 16 : position + 20], "little")
        elif kind == b"data":
            if not per_second:
                raise ValueError("the header has no data rate")
            if position + 8 + length > size:
                raise ValueError("the file is shorter than its header says")
            return length / per_second
        position += 8 + length + length % 2
    if position + 8 > size:
        raise ValueError("the file has no sound")
    return None


def _flac(head: bytes, size: int) -> float | None:
    if head[:4] != b"fLaC" or len(head) < 42:
        raise ValueError("this is not a FLAC file")
    packed = int.from_bytes(head[18:26], "big")
    rate, count = packed >> 44, packed & ((1 << 36) - 1)
    if not rate:
        raise ValueError("the header has no sample rate")
    return count / rate if count else None


def _jpeg(head: bytes, size: int) -> None:
    if head[:2] != b"\xff\xd8":
        raise ValueError("this is not a JPEG file")


def _png(head: bytes, size: int) -> None:
    if head[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("this is not a PNG file")

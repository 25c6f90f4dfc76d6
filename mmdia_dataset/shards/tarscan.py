"""A strict reader of tar files, for checking them: it trusts nothing, extracts nothing, and continues after damage.

It reads a file once, from start to end, in large blocks, and needs the same memory whatever a header claims. Other
readers are forgiving, each in its own way: they skip what they can't read, end where a header is broken, follow links.
A fault becomes a `Flaw`, and the scan continues at the next valid header.

The format is POSIX.1-1988 (ustar) with GNU's and POSIX.1-2001's (pax) extensions, which are read as far as is needed to
say what they do.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO

__all__ = ["BLOCK", "Entry", "Flaw", "TarScan", "header"]

BLOCK = 512
_READ = 4 << 20
_MAX_EXTENSION = 1 << 20  # pax records and GNU long names: what is longer is a trick
_END = bytes(BLOCK)

# Headers as `header` writes them: everything but name, size and checksum is the same in all.
_MODE_TO_GID = b"0000444\0" + b"0000000\0" * 2
_MTIME = b"00000000000\0"
_REST = b"0" + bytes(100) + b"ustar\x0000" + bytes(247)
_CONSTANT = sum(_MODE_TO_GID) + sum(_MTIME) + sum(_REST) + 8 * 32

_KINDS = {
    b"1": "hard-link",
    b"2": "symlink",
    b"3": "device",
    b"4": "device",
    b"5": "folder",
    b"6": "device",
}
_SIZED = re.compile(rb" *([0-7]+)[ \0]*")
_PAX_RECORD = re.compile(rb"([0-9]{1,9}) ([^=]+)=")


@dataclass(frozen=True, slots=True)
class Flaw:
    """A fault in a tar: its rule, the place in the file, the member if it is known, and a sentence."""

    rule: str
    offset: int
    name: str
    text: str


class Entry:
    """A regular file in a tar; anything not read before the next entry is skipped.

    Attributes:
        name: as stored, undecodable bytes as surrogates.
        offset: where its header is.
        size: bytes it claims to hold, and the tar is long enough for.
        plain: whether its header is just as this package writes it.
    """

    __slots__ = ("_chunks", "name", "offset", "plain", "size")

    def __init__(self, name: str, offset: int, size: int, plain: bool, chunks: Iterable[memoryview]) -> None:
        self.name, self.offset, self.size, self.plain, self._chunks = name, offset, size, plain, chunks

    def chunks(self) -> Iterable[memoryview]:
        """Its bytes, once; each piece is valid until the next is asked for."""
        return self._chunks


class TarScan:
    """The entries and flaws of one tar, in order.

    Args:
        file: opened for reading, at its start.
        length: bytes of the file.
        plain: whether only headers as this package writes them are allowed.
        hashing: whether to compute the file's SHA-256 at the same time, in another thread.
    """

    def __init__(self, file: IO[bytes], length: int, *, plain: bool = False, hashing: bool = False) -> None:
        self._file, self._length, self._plain = file, length, plain
        self._digest = hashlib.sha256()
        self._pool = ThreadPoolExecutor(1) if hashing else None
        self._buffers = [bytearray(_READ + BLOCK), bytearray(_READ + BLOCK)]
        self._pending: list[Future[None] | None] = [None, None]
        self._turn = 0
        self._buffer = self._buffers[0]
        self._view = memoryview(self._buffer)
        self._begin = self._end = 0  # what is read and not yet used: _view[_begin:_end]
        self._offset = 0  # of _view[_begin] in the file
        self._long: str | None = None  # a name that an extension gave for the next header

    @property
    def sha256(self) -> str:
        """Of the whole file, after all entries."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[Entry | Flaw]:
        try:
            yield from self._entries()
            while self._fill():
                self._skip(self._end - self._begin)
            for future in self._pending:
                if future is not None:
                    future.result()
        finally:
            if self._pool is not None:
                self._pool.shutdown()

    # --- the file ---

    def _fill(self) -> bool:
        """Read on, keeping what is not used yet (less than a block); False at the end of the file."""
        unread = bytes(self._view[self._begin : self._end])
        self._turn ^= 1
        pending, buffer = self._pending[self._turn], self._buffers[self._turn]
        if pending is not None:
            pending.result()
            self._pending[self._turn] = None
        self._buffer, self._view = buffer, memoryview(buffer)
        buffer[: len(unread)] = unread
        self._begin, self._end = 0, len(unread)
        while self._end < _READ:
            count = self._file.readinto(self._view[self._end :])  # type: ignore[attr-defined]
            if not count:
                break
            self._end += count
        fresh = self._view[len(unread) : self._end]
        if self._pool is not None and len(fresh):
            self._pending[self._turn] = self._pool.submit(self._digest.update, fresh)
        return len(fresh) > 0

    def _skip(self, count: int) -> None:
        self._begin += count
        self._offset += count

    def _block(self) -> memoryview | None:
        """The next block, not yet passed; None where less than one is left."""
        if self._end - self._begin < BLOCK:
            self._fill()
        return self._view[self._begin : self._begin + BLOCK] if self._end - self._begin >= BLOCK else None

    def _data(self, size: int) -> Iterator[memoryview]:
        """The next `size` bytes, piece by piece."""
        remaining = size
        while remaining:
            if self._begin == self._end and not self._fill():
                return
            count = min(remaining, self._end - self._begin)
            piece = self._view[self._begin : self._begin + count]
            self._skip(count)
            remaining -= count
            yield piece

    # --- headers ---

    def _entries(self) -> Iterator[Entry | Flaw]:
        while True:
            block = self._block()
            start = self._offset
            if block is None:
                unread = self._end - self._begin
                if unread:
                    yield Flaw("cut-in-header", start, "", f"the file ends after {unread} bytes of a header")
                else:
                    yield Flaw("no-end", start, "", "the file lacks the two blocks of zeros that end a tar")
                return
            if block == _END:
                self._skip(BLOCK)
                flaw = self._ending(start)
                if flaw is not None:
                    yield flaw
                if flaw is None or flaw.rule != "early-end":
                    return
                continue
            head = bytes(block)
            plain = _read_plain(head)
            if plain is None:
                yield from self._foreign_header(head, start)
                continue
            name, size = plain
            data = self._begin + BLOCK
            end, padded = data + size, data + size + -size % BLOCK
            zeros = padded - end
            if padded <= self._end and self._long is None and self._buffer.count(0, end, padded) == zeros:
                # All of it is at hand, and good: most members of a set of small ones.
                yield Entry(name, start, size, True, (self._view[data:end],))
                self._skip(padded - self._begin)
            else:
                yield from self._file_entry(name, size, start, True)

    def _ending(self, start: int) -> Flaw | None:
        """What is wrong with the end that seems to be reached after one block of zeros."""
        block = self._block()
        if block is None:
            return Flaw("no-end", start, "", "the file ends with one block of zeros instead of two")
        if block != _END:
            return Flaw("early-end", start, "", "a single block of zeros is between members, so readers stop here")
        while self._begin < self._end or self._fill():
            unread = self._view[self._begin : self._end]
            if bytes(unread).strip(b"\0"):
                offset = self._offset + len(unread) - len(bytes(unread).lstrip(b"\0"))
                return Flaw(
                    "data-after-end", offset, "", "data follows the end of the tar, where readers do not see it"
                )
            self._skip(len(unread))
        return None

    def _file_entry(self, name: str, size: int, start: int, plain: bool) -> Iterator[Entry | Flaw]:
        """A regular file whose header is at `start` and not yet skipped."""
        if self._long is not None:
            name, self._long = self._long, None
        padded = -(-size // BLOCK) * BLOCK
        if start + BLOCK + size > self._length:
            available = max(0, self._length - start - BLOCK)
            self._skip(BLOCK)
            more_follow = self._resync()
            rule, why = ("size", "other members follow") if more_follow else ("cut-in-body", "the file was cut off")
            yield Flaw(rule, start, name, f"the member claims {size:,} bytes, but only {available:,} are left ({why})")
            return
        self._skip(BLOCK)
        data = start + BLOCK
        yield Entry(name, start, size, plain, self._data(size))
        for _ in self._data(data + size - self._offset):
            pass
        for piece in self._data(padded - size):
            if bytes(piece).strip(b"\0"):
                yield Flaw("padding", data + size, name, "the padding after the data is not zero")
        if self._offset < data + padded:
            yield Flaw("cut-in-body", start, name, "the file ends in the padding after the data")

    def _foreign_header(self, block: bytes, start: int) -> Iterator[Entry | Flaw]:
        """A block that is not one of our headers: another program's, or not a header."""
        raw = block[:100].split(b"\0")[0]
        if block[257:263] == b"ustar\0" and (prefix := block[345:500].split(b"\0")[0]):
            raw = prefix + b"/" + raw
        name = raw.decode("utf-8", "surrogateescape")
        if not _checksum_holds(block):
            self._skip(BLOCK)
            self._resync()
            lost = self._offset - start
            text = f"the header has a wrong checksum; {lost:,} bytes can't be read as members"
            yield Flaw("header-checksum", start, name if name.isprintable() else "", text)
            return
        kind = block[156:157]
        size = _size(block[124:136])
        if size is None:
            self._skip(BLOCK)
            self._resync()
            yield Flaw("size", start, name, "the size is negative or not a number")
            return
        if self._plain:
            yield Flaw("header-form", start, name, "the header differs from those that `pack` writes")
        if kind in (b"0", b"\0", b"7"):
            yield from self._file_entry(name, size, start, False)
        elif kind in (b"x", b"g", b"L", b"K"):
            yield from self._extension(kind, size, start, name)
        elif kind in _KINDS:
            self._skip(BLOCK)
            self._long = None
            target = block[157:257].split(b"\0")[0].decode("utf-8", "replace")
            yield Flaw(
                _KINDS[kind],
                start,
                name,
                f"the member points to {target!r}" if target else "the member is not a regular file",
            )
        else:
            rule = "sparse" if kind == b"S" else "kind"
            text = (
                "the member is a sparse file, which readers expand"
                if kind == b"S"
                else f"the member has the unknown kind {kind!r}"
            )
            yield Flaw(rule, start, name, text)
            self._skip(BLOCK)
            self._long = None
            if start + BLOCK + size <= self._length and kind != b"S":
                for _ in self._data(-(-size // BLOCK) * BLOCK):
                    pass
            else:
                self._resync()

    def _extension(self, kind: bytes, size: int, start: int, name: str) -> Iterator[Flaw]:
        """A header that says something about the next one."""
        self._skip(BLOCK)
        if size > _MAX_EXTENSION or self._offset + size > self._length:
            self._resync()
            yield Flaw("extension", start, name, f"an extended header claims {size:,} bytes")
            return
        text = b"".join(bytes(piece) for piece in self._data(size))
        for _ in self._data(-size % BLOCK):
            pass
        if kind == b"L":
            self._long = text.split(b"\0")[0].decode("utf-8", "surrogateescape")
            return
        if kind == b"K":
            return
        records = _pax(text)
        if records is None:
            yield Flaw("extension", start, name, "an extended header can't be read")
            return
        for key in records:
            if "sparse" in key.lower() or key == "SCHILY.realsize":
                yield Flaw("sparse", start, name, f"an extended header makes the next member sparse ({key})")
                return
            if key in ("size", "linkpath") or (kind == b"g" and key in ("path", "size")):
                yield Flaw("extension", start, name, f"an extended header changes {key!r} of the next member")
        if kind == b"x" and "path" in records:
            self._long = records["path"]

    def _resync(self) -> bool:
        """Go on to the next block that is a header; False if there is none, and the file is at its end."""
        self._long = None
        while self._block() is not None:
            buffer = self._buffer
            position = self._begin
            while (position := buffer.find(b"ustar", position + 257, self._end)) >= 0:
                position -= 257
                fits = (position - self._begin) % BLOCK == 0 and position + BLOCK <= self._end
                if fits and _checksum_holds(bytes(self._view[position : position + BLOCK])):
                    self._skip(position - self._begin)
                    return True
                position += 1
            whole = (self._end - self._begin) // BLOCK * BLOCK
            tail = self._tail_of_zeros(whole)
            self._skip(whole if tail is None else tail)
            if tail is not None:
                return False
        return False

    def _tail_of_zeros(self, whole: int) -> int | None:
        """Where the end of the tar begins in what is read so far, if the file ends here with blocks of zeros."""
        if self._offset + (self._end - self._begin) < self._length:
            return None
        data = bytes(self._view[self._begin : self._begin + whole])
        used = -(-len(data.rstrip(b"\0")) // BLOCK) * BLOCK
        return used if whole - used >= 2 * BLOCK else None


def header(name: str, size: int) -> bytes:
    """The header that this package gives a regular file; the one that `TarScan` calls plain.

    Raises:
        ValueError: the name is longer than 100 bytes, or the size than 8 GiB.
    """
    raw, digits = name.encode(), b"%011o\0" % size
    if len(raw) > 100 or len(digits) > 12:
        raise ValueError("the name or size is too long for a tar header")
    checksum = b"%06o\0 " % (_CONSTANT + sum(raw) + sum(digits))
    return raw.ljust(100, b"\0") + _MODE_TO_GID + digits + _MTIME + checksum + _REST


def _read_plain(block: bytes) -> tuple[str, int] | None:
    """Name and size of a header as `header` writes it, None for any other block."""
    if block[156:] != _REST or block[100:124] != _MODE_TO_GID or block[136:148] != _MTIME:
        return None
    raw, digits = block[:100].rstrip(b"\0"), block[124:136]
    if block[148:156] != b"%06o\0 " % (_CONSTANT + sum(raw) + sum(digits)) or b"\0" in raw or digits[11]:
        return None
    try:
        return raw.decode(), int(digits[:11], 8) if digits[:11].isdigit() else -1
    except ValueError:  # an 8 or a 9, or no UTF-8
        return None


def _checksum_holds(block: bytes) -> bool:
    match = _SIZED.fullmatch(block[148:156])
    if match is None:
        return False
    stored = int(match[1], 8)
    counted = block[:148] + b" " * 8 + block[156:]
    # Some old writers summed signed characters.
    return stored in (sum(counted), sum(counted) - 256 * sum(byte > 127 for byte in counted))


def _size(field: bytes) -> int | None:
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") - (1 << 95)  # GNU's base 256, for more than 8 GiB
        return value if field[0] == 0x80 and value < 1 << 63 else None
    match = _SIZED.fullmatch(field)
    return int(match[1], 8) if match else (0 if not field.strip(b" \0") else None)


def _pax(text: bytes) -> dict[str, str] | None:
    """The records of a pax header, None where they can't be read."""
    records, position = {}, 0
    while position < len(text) and text[position]:
        match = _PAX_RECORD.match(text, position)
        if match is None:
            return None
        end = position + int(match[1])
        if end > len(text) or end <= match.end() or text[end - 1 : end] != b"\n":
            return None
        records[match[2].decode("utf-8", "replace")] = text[match.end() : end - 1].decode("utf-8", "surrogateescape")
        position = end
    return records

"""The index of an MP4 or QuickTime file: which samples its tracks have, when they are shown and where they lie.

It is read strictly: the tables must have matching numbers of entries, and every sample must be inside the file.

Layout: ISO/IEC 14496-12, sections 8.6.1 (stts, ctts), 8.6.2 (stss), 8.6.6 (elst), 8.7 (stsz, stsc, stco).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.media.containers.mp4boxes import CHUNK_PATH, boxes
from mmdia_dataset.media.containers.packet_rows import Ints, Rows, Unsure

__all__ = ["BrokenIndex", "Mp4Index", "Track", "read_tracks"]

_LARGEST_INDEX = 64 << 20
_MOST_SAMPLES = 3_000_000
_MOST_BOXES = 10_000
_TABLES = {b"stsd", b"stts", b"stsc"}


class BrokenIndex(ValueError):
    """A damaged index: it lacks a part that every index has."""


@dataclass(frozen=True, kw_only=True)
class Track:
    """One track as the index describes it.

    Attributes:
        number: the track number in the file.
        kind: ``vide`` or ``soun``.
        timescale: ticks per second of the track's clock.
        edits: (seconds, start in ticks of the material or -1 for a pause) of each edit.
        tables: the boxes of its sample tables, by kind.
        file_size: bytes of the file.
    """

    number: int
    kind: str
    timescale: int
    edits: tuple[tuple[Fraction, int], ...]
    tables: dict[bytes, memoryview]
    file_size: int

    @property
    def delay(self) -> Fraction:
        """Seconds before the show begins."""
        return self.edits[0][0] if self.edits and self.edits[0][1] < 0 else Fraction(0)

    @property
    def media_time(self) -> int:
        """Ticks of the material hidden before the show."""
        return self.edits[-1][1] if self.edits else 0

    @property
    def end(self) -> Fraction:
        """When the show is over, in seconds."""
        return self.delay + (self.edits[-1][0] if self.edits else Fraction(self.length, self.timescale))

    @property
    def material_end(self) -> Fraction:
        """When the show or its material is over, in seconds."""
        return min(self.end, self.delay + Fraction(self.length - self.media_time, self.timescale))

    @cached_property
    def length(self) -> int:
        """Ticks of all samples together."""
        return sum(count * step for count, step in self._table(b"stts", 2).tolist())

    @property
    def claimed(self) -> int:
        """Length of the track in ticks by its header; 0 if the header does not say."""
        header = self.tables[b"mdhd"]
        form, offset, unknown = (">Q", 32, (1 << 64) - 1) if header[8] == 1 else (">I", 24, (1 << 32) - 1)
        ticks: int = struct.unpack_from(form, header, offset)[0]
        return 0 if ticks == unknown else ticks

    @property
    def count(self) -> int:
        """How many samples there are."""
        return int(self._numbers(b"stsz", 16, 4)[0])

    def shown(self) -> Ints:
        """When each sample that the edit list lets through is shown, in ticks after the delay, in order."""
        pts = self.times()[0]
        stop = self.media_time + ceil((self.end - self.delay) * self.timescale)
        shown = pts[(pts >= self.media_time) & (pts < stop)] - self.media_time
        shown.sort()
        return shown

    def times(self) -> tuple[Ints, Ints]:
        """When each sample is shown, and when it is decoded, in ticks from the first one's decoding."""
        table = self._table(b"stts", 2)
        self._must_add_up(table[:, 0])
        steps = np.repeat(table[:, 1], table[:, 0])
        dts = np.cumsum(steps) - steps
        if b"ctts" not in self.tables:
            return dts, dts
        table = self._table(b"ctts", 2)
        self._must_add_up(table[:, 0])
        # Negative in version 1; in version 0 some writers mean it so, and none has shifts of days.
        shifts: Ints = table[:, 1].astype(np.uint32).view(np.int32).astype(np.int64)
        late: Ints = np.repeat(shifts, table[:, 0])
        return dts + late, dts

    def sizes(self) -> Ints:
        """Bytes of each sample."""
        uniform, count = self._numbers(b"stsz", 12, 8).tolist()
        if count > _MOST_SAMPLES:
            raise ValueError(f"it has {count} samples")
        if uniform:
            return np.full(count, uniform, np.int64)
        sizes = self._numbers(b"stsz", 20)
        if len(sizes) < count:
            raise ValueError("its table of sizes is cut off")
        return sizes[:count]

    def places(self, sizes: Ints) -> Ints:
        """Where in the file each sample begins."""
        chunks = self._chunks()
        runs = self._table(b"stsc", 3)
        firsts = runs[:, 0] - 1
        if len(chunks) == 0 or len(runs) == 0 or firsts[0] != 0 or (np.diff(firsts) <= 0).any():
            raise ValueError("its chunks are out of order")
        lengths = np.diff(firsts, append=len(chunks))
        if (lengths < 0).any() or int(runs[:, 1].max()) > _MOST_SAMPLES:
            raise ValueError("its chunk tables contradict each other")
        per_chunk = np.repeat(runs[:, 1], lengths)
        self._must_add_up(per_chunk)
        before = np.cumsum(sizes) - sizes
        first = np.cumsum(per_chunk) - per_chunk
        first = np.minimum(first, max(0, len(sizes) - 1))
        begins: Ints = np.repeat(chunks - before[first], per_chunk)
        return before + begins

    def keys(self) -> NDArray[np.bool_]:
        """Whether each sample can be decoded without others."""
        if b"stss" not in self.tables:
            return np.ones(self.count, bool)
        numbers = self._table(b"stss", 1)[:, 0] - 1
        keys = np.zeros(self.count, bool)
        if len(numbers) and not 0 <= int(numbers.min()) <= int(numbers.max()) < len(keys):
            raise ValueError("a keyframe number is out of range")
        keys[numbers] = True
        return keys

    def must_lie_in_file(self) -> None:
        """Raise ValueError unless all samples are inside the file."""
        uniform, count = self._numbers(b"stsz", 12, 8).tolist()
        total = uniform * count if uniform else int(self._numbers(b"stsz", 20).sum())
        chunks = self._chunks()
        if total > self.file_size or (len(chunks) and int(chunks.max()) >= self.file_size):
            raise ValueError("some of its samples lie outside the file")
        if int(self._table(b"stts", 2)[:, 0].sum()) != count:
            raise ValueError("its tables of times and sizes have different lengths")

    def _chunks(self) -> Ints:
        return self._numbers(b"co64", 16, form=">u8") if b"co64" in self.tables else self._numbers(b"stco", 16)

    def _must_add_up(self, counts: Ints) -> None:
        if int(counts.sum()) != self.count or self.count > _MOST_SAMPLES:
            raise ValueError("its tables have different lengths")

    def _table(self, kind: bytes, columns: int) -> Ints:
        """A table of 32-bit numbers, its count in front."""
        (rows,) = struct.unpack_from(">I", self.tables[kind], 12)
        numbers = self._numbers(kind, 16)
        if len(numbers) < rows * columns:
            raise ValueError(f"its table {kind!r} is cut off")
        return numbers[: rows * columns].reshape(rows, columns)

    def _numbers(self, kind: bytes, start: int, length: int | None = None, form: str = ">u4") -> Ints:
        data = self.tables[kind][start : None if length is None else start + length]
        width = int(form[-1])
        return np.frombuffer(data[: len(data) // width * width], form).astype(np.int64)


def read_tracks(file: int) -> list[Track]:
    """The tracks of an open file.

    Args:
        file: its descriptor.

    Raises:
        BrokenIndex: a part of the index is missing.
        ValueError: the index is missing or malformed, or refers to data outside the file.
        OSError: it can't be read.
    """
    size = os.fstat(file).st_size
    moov = _moov(file, size)
    try:
        children = _children(moov)
        header = dict(children)[b"mvhd"]
        timescale = struct.unpack_from(">I", header, 28 if header[8] == 1 else 20)[0]
        if b"mvex" in dict(children) or not timescale:
            raise ValueError("its index does not list the samples")
        if any(_turned(kind, b"trak") for kind, _ in children):
            raise BrokenIndex("one of its tracks can't be read")
        return [_track(box, timescale, size) for kind, box in children if kind == b"trak"]
    except (struct.error, KeyError, IndexError) as error:
        raise BrokenIndex(f"a box of its index is missing or too short ({error})") from error


def _children(data: memoryview) -> list[tuple[bytes, memoryview]]:
    try:
        return list(boxes(data))
    except ValueError as error:
        raise BrokenIndex(str(error)) from error


def _turned(kind: bytes, expected: bytes) -> bool:
    """Whether two names differ by one bit."""
    return (int.from_bytes(kind, "big") ^ int.from_bytes(expected, "big")).bit_count() == 1


def _moov(file: int, size: int) -> memoryview:
    offset = 0
    for _ in range(_MOST_BOXES):
        head = os.pread(file, 16, offset)
        if len(head) < 8:
            break
        length, kind = struct.unpack_from(">I4s", head)
        front = 8
        if length == 1 and len(head) == 16:
            (length,), front = struct.unpack_from(">Q", head, 8), 16
        if length < front or offset + length > size:
            break
        if kind == b"moov":
            if length > _LARGEST_INDEX:
                raise ValueError(f"its index has {length} bytes")
            data = os.pread(file, length - front, offset + front)
            if len(data) == length - front:
                return memoryview(data)
            break
        offset += length
    raise ValueError("it has no index")


def _track(trak: memoryview, movie_timescale: int, file_size: int) -> Track:
    tables: dict[bytes, memoryview] = {}

    def gather(children: memoryview) -> None:
        for kind, box in _children(children):
            if kind in (b"edts", *CHUNK_PATH):
                gather(box[8:])
            else:
                tables.setdefault(kind, box)

    gather(trak[8:])
    (number,) = struct.unpack_from(">I", tables[b"tkhd"], 28 if tables[b"tkhd"][8] == 1 else 20)
    (timescale,) = struct.unpack_from(">I", tables[b"mdhd"], 28 if tables[b"mdhd"][8] == 1 else 20)
    if not timescale:
        raise ValueError("a track's clock rate is 0")
    edits = () if b"elst" not in tables else tuple(_edits(tables[b"elst"], movie_timescale))
    kind = bytes(tables[b"hdlr"][16:20])
    if any(_turned(kind, expected) for expected in (b"vide", b"soun")) or not tables.keys() >= _TABLES:
        raise BrokenIndex("a track has no type, or lacks a table")
    return Track(
        number=number,
        kind=kind.decode("ascii", "replace"),
        timescale=timescale,
        edits=edits,
        tables=tables,
        file_size=file_size,
    )


def _edits(box: memoryview, timescale: int) -> Iterator[tuple[Fraction, int]]:
    (count,) = struct.unpack_from(">I", box, 12)
    form, width = (">QqI", 20) if box[8] == 1 else (">IiI", 12)
    if count > 1000:
        raise ValueError("its edit list has more than 1000 entries")
    for number in range(count):
        length, start, rate = struct.unpack_from(form, box, 16 + width * number)
        if rate != 1 << 16:
            raise ValueError("its edit list changes the speed")
        yield Fraction(length, timescale), start


class Mp4Index:
    """Packets of two tracks of an MP4 file.

    Args:
        file: descriptor of the open file.
        picture: number of the picture's track.
        sound: number of the sound's track; None for none.

    Raises:
        Unsure: the file is not simple enough.
        OSError: it can't be read.
    """

    def __init__(self, file: int, picture: int, sound: int | None) -> None:
        try:
            tracks = {track.number: track for track in read_tracks(file)}
            self.tracks = [tracks[number] for number in (picture, *([] if sound is None else [sound]))]
            self._rows = [_rows(track) for track in self.tracks]
        except (ValueError, KeyError) as error:
            raise Unsure(str(error)) from error
        for track in self.tracks:
            # One stretch of the material, perhaps after a pause: then time runs evenly, and libavformat agrees.
            if len(track.edits) > 2 or (len(track.edits) == 2 and track.edits[0][1] >= 0):
                raise Unsure("an edit list with several parts")

    def windows(self, picture: tuple[int, int], sound: tuple[int, int]) -> Iterator[tuple[Rows, Rows | None]]:
        """As `Index` says: one window, since the index is whole."""
        rows = self._rows[0]
        assert rows.dts is not None  # noqa: S101 - MP4 has them
        # Frames before the first may be decoded a group of pictures earlier, but the keyframe is enough to begin with.
        first = int(np.searchsorted(rows.dts, picture[0], "right"))
        starts = np.flatnonzero(rows.keys[:first] & (rows.pts[:first] <= picture[0]))
        begin = int(starts[-1]) if len(starts) else 0
        begin = max(0, begin - 2)
        end = int(np.searchsorted(rows.dts, picture[1], "left"))
        while True:
            later = rows.pts[max(0, end - 64) : end + 64]
            after = later[later >= picture[1]]
            if len(after) == 0:
                raise Unsure("the picture ends there")
            stop = int(np.searchsorted(rows.dts, after.min(), "left"))
            if stop <= end + 64:
                break
            end = stop
        heard = None
        if len(self._rows) > 1:
            sounds = self._rows[1]
            low = max(0, int(np.searchsorted(sounds.pts, sound[0])) - 2)
            heard = sounds.part(low, int(np.searchsorted(sounds.pts, sound[1])) + 2)
        yield rows.part(begin, min(end + 64, len(rows.pts))), heard

    def sounds(self, begin: int, end: int) -> Rows:
        """As `Index` says."""
        if len(self._rows) < 2:
            raise Unsure("no sound")
        rows = self._rows[1]
        earlier = int(np.searchsorted(rows.pts, begin, "right"))
        if not earlier:
            raise Unsure("no sound so early")
        return rows.part(earlier - 1, int(np.searchsorted(rows.pts, end)))


def _rows(track: Track) -> Rows:
    pts, dts = track.times()
    sizes = track.sizes()
    places = track.places(sizes)
    if len(sizes) == 0 or int(sizes.min()) < 1 or int(places.min()) < 0:
        raise ValueError("a track has no samples, or empty ones")
    if int((places + sizes).max()) > track.file_size:
        raise ValueError("some of its samples lie outside the file")
    if (np.diff(dts) < 0).any():
        raise ValueError("its decoding times run backwards")
    return Rows(pts=pts, dts=dts, places=places, sizes=sizes, keys=track.keys())

"""Matroska's elements, what its head says, and its seek points (cues); read strictly, since files are untrusted.

Layout: RFC 8794 (EBML), RFC 9559 (Matroska), sections 5.1.5 (cues) and 10.2 (blocks).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from mmdia_dataset.media.containers.packet_rows import Unsure

__all__ = [
    "BESIDE",
    "BLOCK",
    "CLUSTER",
    "GROUP",
    "REFERENCE",
    "SIMPLE",
    "TIME",
    "MatroskaSegment",
    "SeekPoint",
    "children",
    "element",
    "number_of",
]

CLUSTER, TIME, SIMPLE, GROUP, BLOCK, REFERENCE = 0x1F43B675, 0xE7, 0xA3, 0xA0, 0xA1, 0xFB
"""Kinds of elements: a cluster, its time, and the blocks in it."""
_EBML, _SEGMENT, _SEEK_HEAD, _INFO, _TRACKS, _CUES = (
    0x1A45DFA3,
    0x18538067,
    0x114D9B74,
    0x1549A966,
    0x1654AE6B,
    0x1C53BB6B,
)
BESIDE = (_CUES, _SEEK_HEAD, 0x1254C367, 0x1941A469, 0x1043A770, 0xEC, 0xBF)
"""Kinds of elements that may be between clusters: also tags, attachments, chapters, void, checksum."""
_SEEK, _SEEK_ID, _SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
_SCALE = 0x2AD7B1
_CUE, _CUE_TIME, _CUE_PLACES, _CUE_TRACK, _CUE_CLUSTER, _CUE_BLOCK = 0xBB, 0xB3, 0xB7, 0xF7, 0xF1, 0xF0
_LARGEST = 4 << 20
_HEADS = 64  # bytes that hold a cluster's time, or a block's head


@dataclass(frozen=True, slots=True)
class SeekPoint:
    """Where something of a time lies, both as the file counts them.

    Attributes:
        time: in ticks of the segment.
        track: the number of the track.
        cluster: the place of its cluster, from the beginning of the segment's content.
        block: the place of its block, from the beginning of the cluster's content; None if the file does not say.
    """

    time: int
    track: int
    cluster: int
    block: int | None


class MatroskaSegment:
    """The head of a Matroska file.

    Args:
        file: descriptor of the open file.

    Attributes:
        clock: seconds per tick.
        tracks: what the file says of its tracks.
        seek_points: in the order of the file.

    Raises:
        Unsure: the file is not simple enough.
        OSError: it can't be read.
    """

    def __init__(self, file: int) -> None:
        self._file = file
        self._size = os.fstat(file).st_size
        kind, offset, size = self.head(0)
        if kind != _EBML:
            raise Unsure("no EBML header")
        kind, self._start, size = self.head(offset + size)
        if kind != _SEGMENT:
            raise Unsure("no segment")
        self._end = self._start + size
        parts = self._parts()
        scale = next((number_of(data) for kind, data in children(parts[_INFO]) if kind == _SCALE), 1_000_000)
        self.clock = Fraction(scale, 1_000_000_000)
        self.tracks = parts[_TRACKS]
        self.seek_points = list(_seek_points(parts[_CUES]))

    def block_time(self, point: SeekPoint) -> int | None:
        """The time of the block that a seek point leads to, in ticks; None if no cluster is there.

        Raises:
            Unsure: the cluster has no time, or no block of the track there.
            OSError: the file can't be read.
        """
        head = os.pread(self._file, _HEADS, self._start + point.cluster)
        kind, begin, _ = element(head, 0)
        if kind != CLUSTER or point.block is None:
            return None
        inside = self._start + point.cluster + begin
        head, offset, time = os.pread(self._file, _HEADS, inside), 0, None
        while time is None:
            kind, begin, size = element(head, offset)
            if not kind or size is None or begin + size > len(head):
                raise Unsure("a cluster does not begin with its time")
            offset = begin + size
            time = number_of(head[begin:offset]) if kind == TIME else None
        block = os.pread(self._file, _HEADS, inside + point.block)
        kind, offset, _ = element(block, 0)
        if kind == GROUP:
            kind, offset, _ = element(block, offset)
        if kind not in (SIMPLE, BLOCK) or len(block) < offset + 3 or block[offset] != point.track | 0x80:
            raise Unsure("a seek point leads to no block of its track")
        return time + int.from_bytes(block[offset + 1 : offset + 3], "big", signed=True)

    def _parts(self) -> dict[int, bytes]:
        """The segment's information, tracks and seek points, found from its beginning and its list of places."""
        needed, offset = {_INFO, _TRACKS, _CUES}, self._start
        parts: dict[int, bytes] = {}
        elsewhere: dict[int, int] = {}
        while offset < self._end and needed - set(parts):
            try:
                kind, data, size = self.head(offset)
            except Unsure:
                break  # the list of places may lead on
            if kind == CLUSTER:
                break
            if kind in needed or kind == _SEEK_HEAD:
                body = self.content(data, size)
                if kind == _SEEK_HEAD:
                    for entry_kind, entry in children(body):
                        seek = dict(children(entry)) if entry_kind == _SEEK else {}
                        if _SEEK_ID in seek and _SEEK_POSITION in seek:
                            elsewhere[number_of(seek[_SEEK_ID])] = self._start + number_of(seek[_SEEK_POSITION])
                else:
                    parts[kind] = body
            offset = data + size
        for kind in needed - set(parts):
            if kind not in elsewhere:
                raise Unsure("a part of the segment is missing")
            actual_kind, data, size = self.head(elsewhere[kind])
            if actual_kind != kind:
                raise Unsure("a part of the segment is not where it should be")
            parts[kind] = self.content(data, size)
        return parts

    def head(self, offset: int) -> tuple[int, int, int]:
        """The element at a place in the file: its kind, the place of its content, and its size."""
        head = os.pread(self._file, 12, offset)
        kind, data, size = element(head, 0)
        if not kind or size is None or offset + data + size > self._size:
            raise Unsure("an element is cut off, or does not say its size")
        return kind, offset + data, size

    def content(self, offset: int, size: int, most: int = _LARGEST) -> bytes:
        """What lies at a place of the file."""
        if size > most:
            raise Unsure("an element is larger than any should be")
        data = os.pread(self._file, size, offset)
        if len(data) != size:
            raise Unsure("the file ends inside an element")
        return data


def element(data: bytes, offset: int) -> tuple[int, int, int | None]:
    """Kind, start of the content, and size of an element; kind 0 if there is none, size None if it is unknown."""
    if offset + 2 > len(data) or data[offset] < 0x10:
        return 0, 0, None
    length = 9 - data[offset].bit_length()
    kind = int.from_bytes(data[offset : offset + length], "big")
    offset += length
    if offset >= len(data) or not data[offset]:
        return 0, 0, None
    length = 9 - data[offset].bit_length()
    size = int.from_bytes(data[offset : offset + length], "big") & ((1 << 7 * length) - 1)
    if offset + length > len(data):
        return 0, 0, None
    return kind, offset + length, None if size == (1 << 7 * length) - 1 else size


def children(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements in an element's content."""
    offset = 0
    while offset < len(data):
        kind, begin, size = element(data, offset)
        if not kind or size is None or begin + size > len(data):
            raise Unsure("an element is longer than the one it lies in")
        yield kind, data[begin : begin + size]
        offset = begin + size


def number_of(data: bytes) -> int:
    """What an element of a number holds."""
    if len(data) > 8:
        raise Unsure("a number of more than eight bytes")
    return int.from_bytes(data, "big")


def _seek_points(data: bytes) -> Iterator[SeekPoint]:
    for kind, cue in children(data):
        if kind != _CUE:
            continue
        parts = list(children(cue))
        time = next((number_of(value) for part_kind, value in parts if part_kind == _CUE_TIME), None)
        for part_kind, value in parts:
            place = dict(children(value)) if part_kind == _CUE_PLACES else {}
            if time is not None and _CUE_CLUSTER in place:
                block = number_of(place[_CUE_BLOCK]) if _CUE_BLOCK in place else None
                yield SeekPoint(time, number_of(place.get(_CUE_TRACK, b"")), number_of(place[_CUE_CLUSTER]), block)

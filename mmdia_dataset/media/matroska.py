"""Matroska and WebM: where the packets of two tracks lie, read strictly, without libavformat.

Only the plain case is read: cues, clusters of known size, blocks without lacing, tracks without compression. Anything
else raises `Unsure`. Files are untrusted: every size is checked against what it lies in before it is used, and no more
than one cluster of at most 64 MiB is in memory.

Layout: RFC 8794 (EBML) and RFC 9559 (Matroska), sections 5.1 (elements) and 10.2 (blocks).
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from mmdia_dataset.media.samples import Rows, Unsure

__all__ = ["MatroskaIndex"]

_EBML, _SEGMENT, _SEEK_HEAD, _INFO, _TRACKS = 0x1A45DFA3, 0x18538067, 0x114D9B74, 0x1549A966, 0x1654AE6B
_CUES, _CLUSTER = 0x1C53BB6B, 0x1F43B675
_SEEK, _SEEK_ID, _SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
_SCALE = 0x2AD7B1
_TRACK, _NUMBER, _TYPE, _ENCODINGS, _TRACK_SCALE = 0xAE, 0xD7, 0x83, 0x6D80, 0x23314F
_CUE, _CUE_TIME, _CUE_PLACES, _CUE_TRACK, _CUE_CLUSTER = 0xBB, 0xB3, 0xB7, 0xF7, 0xF1
_TIME, _SIMPLE, _GROUP, _BLOCK, _REFERENCE = 0xE7, 0xA3, 0xA0, 0xA1, 0xFB
_BESIDE = (_CUES, _SEEK_HEAD, 0x1254C367, 0x1941A469, 0x1043A770, 0xEC, 0xBF)  # tags, attachments, chapters, void
_HARMLESS = (0xAB, 0xA7, 0xEC, 0xBF)  # previous size, position, void, checksum
_LARGEST_CLUSTER, _LARGEST_HEAD, _MOST_BLOCKS = 64 << 20, 4 << 20, 200_000
# H.264 and HEVC let at most 16 frames overtake another one.
_REORDER = 17
_PICTURE, _SOUND = 1, 2


class _Cluster:
    """One cluster's blocks: arrays of each wanted track, and where the next cluster is looked for."""

    __slots__ = ("after", "lanes")

    def __init__(self, after: int, lanes: list[Rows]) -> None:
        self.after = after
        self.lanes = lanes


class MatroskaIndex:
    """Packets of a Matroska file by way of its cues.

    Args:
        file: descriptor of the open file.
        picture: which of the picture tracks, from 0.
        sound: which of the sound tracks; None for none.

    Raises:
        Unsure: it is not as plain as it has to be.
        OSError: it can't be read.
    """

    def __init__(self, file: int, picture: int, sound: int | None) -> None:
        self._file = file
        self._size = os.fstat(file).st_size
        kind, at, size = self._head(0)
        if kind != _EBML:
            raise Unsure("no EBML header")
        kind, self._start, size = self._head(at + size)
        if kind != _SEGMENT:
            raise Unsure("no segment")
        self._end = self._start + size
        parts = self._parts()
        scale = next((_number(data) for kind, data in _children(parts[_INFO]) if kind == _SCALE), 1_000_000)
        self.clock = Fraction(scale, 1_000_000_000)
        tracks = [dict(_children(data)) for kind, data in _children(parts[_TRACKS]) if kind == _TRACK]
        wanted = [_nth(tracks, _PICTURE, picture), *([] if sound is None else [_nth(tracks, _SOUND, sound)])]
        if any(_ENCODINGS in track or _TRACK_SCALE in track for track in wanted):
            raise Unsure("a track is compressed, or has a clock of its own")
        numbers = [_number(track[_NUMBER]) for track in wanted]
        if max(numbers) > 126:
            raise Unsure("track numbers of several bytes")
        self.counts = [sum(_number(track.get(_TYPE, b"")) == kind for track in tracks) for kind in (_PICTURE, _SOUND)]
        self._lanes = [number | 0x80 for number in numbers]
        cues = sorted(_cues(parts[_CUES], numbers[0]))
        if not cues:
            raise Unsure("no cues")
        self._cue_times = [time for time, _ in cues]
        self._cue_places = [place for _, place in cues]
        self._clusters: dict[int, _Cluster] = {}

    def windows(self, picture: tuple[int, int], sound: tuple[int, int]) -> Iterator[tuple[Rows, Rows | None]]:
        """As `Index` says."""
        begin = max(0, bisect_right(self._cue_times, min(picture[0], sound[0])) - 1)
        low = self._start + self._cue_places[max(0, begin - 2)]
        for place in [place for place in self._clusters if place < low]:
            del self._clusters[place]
        for cue in range(begin, max(begin - 3, -1), -1):
            yield self._window(self._start + self._cue_places[cue], picture[1], sound[1])

    def sounds(self, begin: int, end: int) -> Rows:
        """As `Index` says."""
        for _, sound in self.windows((begin, begin), (begin, end)):
            if sound is None:
                break
            if earlier := int(np.searchsorted(sound.pts, begin, "right")):
                return sound.part(earlier - 1, int(np.searchsorted(sound.pts, end)))
        raise Unsure("no sound, or none so early")

    def _window(self, place: int, last: int, sound_last: int) -> tuple[Rows, Rows | None]:
        """All blocks from a cluster on until both tracks are through, or the recording is."""
        found: list[list[Rows]] = [[] for _ in self._lanes]
        beyond = 0
        picture_done = sound_done = False
        while not (picture_done and sound_done):
            cluster = self._clusters.get(place)
            if cluster is None:
                cluster = self._read(place)
                if cluster is None:
                    break
                self._clusters[place] = cluster
            for lane, rows in zip(found, cluster.lanes, strict=True):
                lane.append(rows)
            times = cluster.lanes[0].pts
            beyond += int(np.count_nonzero(times >= last))
            picture_done = beyond >= _REORDER
            if len(self._lanes) == 1:
                sound_done = True
            elif len(heard := cluster.lanes[1].pts):
                sound_done = bool(heard[-1] >= sound_last)
            place = cluster.after
        if not found[0]:
            raise Unsure("a cue leads nowhere")
        joined = [_joined(lane) for lane in found]
        return joined[0], joined[1] if len(joined) > 1 else None

    def _read(self, place: int) -> _Cluster | None:
        """The cluster at a place or after what else lies there; None at the end."""
        while place < self._end:
            kind, at, size = self._head(place)
            if kind == _CLUSTER:
                data = self._bytes(at, size, _LARGEST_CLUSTER)
                return _Cluster(at + size, _blocks(data, at, self._lanes))
            if kind not in _BESIDE:
                raise Unsure("no cluster where one should be")
            place = at + size
        return None

    def _parts(self) -> dict[int, bytes]:
        """The segment's information, tracks and cues, found from its beginning and its list of places."""
        wanted, at = {_INFO, _TRACKS, _CUES}, self._start
        found: dict[int, bytes] = {}
        elsewhere: dict[int, int] = {}
        while at < self._end and wanted - set(found):
            kind, data, size = self._head(at)
            if kind == _CLUSTER:
                break
            if kind in wanted or kind == _SEEK_HEAD:
                body = self._bytes(data, size)
                if kind == _SEEK_HEAD:
                    for one, entry in _children(body):
                        seek = dict(_children(entry)) if one == _SEEK else {}
                        if _SEEK_ID in seek and _SEEK_POSITION in seek:
                            elsewhere[_number(seek[_SEEK_ID])] = self._start + _number(seek[_SEEK_POSITION])
                else:
                    found[kind] = body
            at = data + size
        for kind in wanted - set(found):
            if kind not in elsewhere:
                raise Unsure("a part of the segment is missing")
            there, data, size = self._head(elsewhere[kind])
            if there != kind:
                raise Unsure("a part of the segment is not where it should be")
            found[kind] = self._bytes(data, size)
        return found

    def _head(self, at: int) -> tuple[int, int, int]:
        """Of the element at a place in the file: kind, where its content begins, size."""
        head = os.pread(self._file, 12, at)
        kind, data, size = _element(head, 0)
        if not kind or size is None or at + data + size > self._size:
            raise Unsure("an element is cut off, or does not say its size")
        return kind, at + data, size

    def _bytes(self, at: int, size: int, most: int = _LARGEST_HEAD) -> bytes:
        if size > most:
            raise Unsure("an element is larger than any should be")
        data = os.pread(self._file, size, at)
        if len(data) != size:
            raise Unsure("the file ends inside an element")
        return data


def _element(data: bytes, at: int) -> tuple[int, int, int | None]:
    """Kind, start of the content, and size of an element; kind 0 if there is none, size None if it is unknown."""
    if at + 2 > len(data) or data[at] < 0x10:
        return 0, 0, None
    length = 9 - data[at].bit_length()
    kind = int.from_bytes(data[at : at + length], "big")
    at += length
    if at >= len(data) or not data[at]:
        return 0, 0, None
    length = 9 - data[at].bit_length()
    size = int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
    if at + length > len(data):
        return 0, 0, None
    return kind, at + length, None if size == (1 << 7 * length) - 1 else size


def _children(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements in an element's content."""
    at = 0
    while at < len(data):
        kind, begin, size = _element(data, at)
        if not kind or size is None or begin + size > len(data):
            raise Unsure("an element is longer than the one it lies in")
        yield kind, data[begin : begin + size]
        at = begin + size


def _number(data: bytes) -> int:
    if len(data) > 8:
        raise Unsure("a number of more than eight bytes")
    return int.from_bytes(data, "big")


def _nth(tracks: list[dict[int, bytes]], kind: int, number: int) -> dict[int, bytes]:
    of_kind = [track for track in tracks if _number(track.get(_TYPE, b"")) == kind and _NUMBER in track]
    if number >= len(of_kind):
        raise Unsure("fewer tracks than libavformat sees")
    return of_kind[number]


def _cues(data: bytes, number: int) -> Iterator[tuple[int, int]]:
    """(time, cluster) of a track's cues."""
    for kind, cue in _children(data):
        if kind != _CUE:
            continue
        parts = list(_children(cue))
        time = next((_number(value) for one, value in parts if one == _CUE_TIME), None)
        for one, value in parts:
            place = dict(_children(value)) if one == _CUE_PLACES else {}
            if time is not None and _CUE_CLUSTER in place and _number(place.get(_CUE_TRACK, b"")) == number:
                yield time, _number(place[_CUE_CLUSTER])


def _blocks(data: bytes, base: int, lanes: list[int]) -> list[Rows]:
    """The blocks in a cluster's content, of each lane; this loop runs once per block."""
    starts: list[int] = []
    sizes: list[int] = []
    dependent: list[int] = []
    alone: list[int] = []
    time, at, end = None, 0, len(data)
    for _ in range(_MOST_BLOCKS):
        if at >= end - 5:
            break
        first = data[at + 1]
        if data[at] == _SIMPLE and first >= 0x10:
            if first >= 0x80:
                size = first & 0x7F
                at += 2
            elif first >= 0x40:
                size = (first & 0x3F) << 8 | data[at + 2]
                at += 3
            elif first >= 0x20:
                size = (first & 0x1F) << 16 | data[at + 2] << 8 | data[at + 3]
                at += 4
            else:
                size = (first & 0x0F) << 24 | data[at + 2] << 16 | data[at + 3] << 8 | data[at + 4]
                at += 5
            starts.append(at)
            sizes.append(size)
            at += size
            continue
        kind, begin, long = _element(data, at)
        if not kind or long is None or begin + long > end:
            raise Unsure("an element is longer than its cluster")
        at = begin + long
        if kind == _TIME:
            time = _number(data[begin:at])
        elif kind in (_SIMPLE, _GROUP):
            if kind == _GROUP:
                begin, long, key = _block_of(data, begin, at)
                (alone if key else dependent).append(begin)
            starts.append(begin)
            sizes.append(long)
        elif kind not in _HARMLESS:
            raise Unsure("an element that clusters don't have")
    if at != end or time is None:
        raise Unsure("a block is longer than its cluster, or the cluster has no time")
    begins, lengths = np.array(starts, np.int64), np.array(sizes, np.int64)
    if len(begins) and (int(lengths.min()) <= 4 or int((begins + lengths).max()) > end):
        raise Unsure("a block without content")
    raw = np.frombuffer(data, np.uint8)
    if (raw[begins - 1][lengths == 0x7F] == 0xFF).any() or (raw[begins - 2][lengths == 0x3FFF] == 0x7F).any():
        raise Unsure("a block of unknown size")
    flags = raw[begins + 3]
    keys = (flags & 0x80) != 0
    if alone:
        keys |= np.isin(begins, alone)
    if dependent:
        keys &= ~np.isin(begins, dependent)
    shifts = (raw[begins + 1].astype(np.int64) << 8 | raw[begins + 2]).astype(np.uint16).view(np.int16)
    found = []
    for lane in lanes:
        mine = np.flatnonzero(raw[begins] == lane)
        if (flags[mine] & 0x06).any():
            raise Unsure("laced blocks")
        found.append(
            Rows(shifts[mine] + np.int64(time), None, begins[mine] + (base + 4), lengths[mine] - 4, keys[mine])
        )
    return found


def _block_of(data: bytes, at: int, end: int) -> tuple[int, int, bool]:
    """The block in a group: where, how long, and whether it stands alone."""
    block, alone = (0, 0), True
    while at < end:
        kind, begin, size = _element(data, at)
        if not kind or size is None or begin + size > end:
            raise Unsure("an element is longer than its group")
        if kind == _BLOCK:
            block = begin, size
        elif kind == _REFERENCE:
            alone = False
        at = begin + size
    if block[1] < 4:
        raise Unsure("a group without a block")
    return *block, alone


def _joined(parts: list[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in ("pts", "places", "sizes", "keys")]
    return Rows(columns[0], None, *columns[1:])

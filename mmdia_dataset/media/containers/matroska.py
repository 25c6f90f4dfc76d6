"""Matroska and WebM: where the packets of two tracks lie, read strictly, without libavformat.

Only the simple case is read: cues, clusters of known size, blocks without lacing, tracks without compression. Anything
else raises `Unsure`. Files are untrusted: every size is checked against its parent before it is used, and at most one
cluster, of at most 64 MiB, is in memory.

Layout: RFC 8794 (EBML) and RFC 9559 (Matroska), sections 5.1 (elements) and 10.2 (blocks).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

import numpy as np

from mmdia_dataset.media.containers.ebml import (
    BESIDE,
    BLOCK,
    CLUSTER,
    GROUP,
    REFERENCE,
    SIMPLE,
    TIME,
    MatroskaSegment,
    children,
    element,
    number_of,
)
from mmdia_dataset.media.containers.packet_rows import Rows, Unsure

__all__ = ["MatroskaIndex"]

_TRACK, _NUMBER, _TYPE, _ENCODINGS, _TRACK_SCALE = 0xAE, 0xD7, 0x83, 0x6D80, 0x23314F
_HARMLESS = (0xAB, 0xA7, 0xEC, 0xBF)  # previous size, position, void, checksum
_LARGEST_CLUSTER, _MOST_BLOCKS = 64 << 20, 200_000
# H.264 and HEVC let at most 16 frames overtake another one.
_REORDER = 17
_PICTURE, _SOUND = 1, 2
# By the second byte of a SimpleBlock: how long its kind and size are together. By that: the size that means unknown.
_HEADS = np.array([10 - first.bit_length() for first in range(256)])
_UNKNOWN = np.array([0] + [(1 << 7 * size) - 1 for size in range(9)] + [0])
# A block begins with its track, two bytes of time, and flags.
_HEAD = np.arange(4)


class _Cluster:
    """One cluster's blocks: arrays of each wanted track, and where the next cluster is looked for."""

    __slots__ = ("after", "lanes")

    def __init__(self, after: int, lanes: list[Rows]) -> None:
        self.after = after
        self.lanes = lanes


class MatroskaIndex(MatroskaSegment):
    """Packets of a Matroska file, found by its seek points.

    Args:
        file: descriptor of the open file.
        picture: which of the picture tracks, from 0.
        sound: which of the sound tracks; None for none.

    Raises:
        Unsure: the file is not simple enough.
        OSError: it can't be read.
    """

    def __init__(self, file: int, picture: int, sound: int | None) -> None:
        super().__init__(file)
        tracks = [dict(children(data)) for kind, data in children(self.tracks) if kind == _TRACK]
        chosen = [_nth(tracks, _PICTURE, picture), *([] if sound is None else [_nth(tracks, _SOUND, sound)])]
        if any(_ENCODINGS in track or _TRACK_SCALE in track for track in chosen):
            raise Unsure("a track is compressed, or has a clock of its own")
        numbers = [number_of(track[_NUMBER]) for track in chosen]
        if max(numbers) > 126:
            raise Unsure("track numbers of several bytes")
        self.counts = [sum(number_of(track.get(_TYPE, b"")) == kind for track in tracks) for kind in (_PICTURE, _SOUND)]
        self._lanes = [number | 0x80 for number in numbers]
        points = sorted((point.time, point.cluster) for point in self.seek_points if point.track == numbers[0])
        if not points:
            raise Unsure("no cues")
        self._point_times = [time for time, _ in points]
        self._point_places = [place for _, place in points]
        self._clusters: dict[int, _Cluster] = {}

    def windows(self, picture: tuple[int, int], sound: tuple[int, int]) -> Iterator[tuple[Rows, Rows | None]]:
        """As `Index` says."""
        begin = max(0, bisect_right(self._point_times, min(picture[0], sound[0])) - 1)
        low = self._start + self._point_places[max(0, begin - 2)]
        for place in [place for place in self._clusters if place < low]:
            del self._clusters[place]
        for number in range(begin, max(begin - 3, -1), -1):
            yield self._window(self._start + self._point_places[number], picture[1], sound[1])

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
        lane_rows: list[list[Rows]] = [[] for _ in self._lanes]
        beyond = 0
        picture_done = sound_done = False
        while not (picture_done and sound_done):
            cluster = self._clusters.get(place)
            if cluster is None:
                cluster = self._read(place)
                if cluster is None:
                    break
                self._clusters[place] = cluster
            for lane, rows in zip(lane_rows, cluster.lanes, strict=True):
                lane.append(rows)
            times = cluster.lanes[0].pts
            beyond += int(np.count_nonzero(times >= last))
            picture_done = beyond >= _REORDER
            if len(self._lanes) == 1:
                sound_done = True
            elif len(heard := cluster.lanes[1].pts):
                sound_done = bool(heard[-1] >= sound_last)
            place = cluster.after
        if not lane_rows[0]:
            raise Unsure("a cue leads nowhere")
        joined = [_joined(lane) for lane in lane_rows]
        return joined[0], joined[1] if len(joined) > 1 else None

    def _read(self, place: int) -> _Cluster | None:
        """The cluster at a place or after what else lies there; None at the end."""
        while place < self._end:
            kind, begin, size = self.head(place)
            if kind == CLUSTER:
                data = self.content(begin, size, _LARGEST_CLUSTER)
                return _Cluster(begin + size, _blocks(data, begin, self._lanes))
            if kind not in BESIDE:
                raise Unsure("no cluster where one should be")
            place = begin + size
        return None


def _nth(tracks: list[dict[int, bytes]], kind: int, number: int) -> dict[int, bytes]:
    of_kind = [track for track in tracks if number_of(track.get(_TYPE, b"")) == kind and _NUMBER in track]
    if number >= len(of_kind):
        raise Unsure("fewer tracks than libavformat sees")
    return of_kind[number]


def _blocks(data: bytes, base: int, lanes: list[int]) -> list[Rows]:
    """The blocks in a cluster's content, of each lane."""
    # The loop runs once per block: it only follows sizes from element to element, the rest is done for all at once.
    edges = [0]
    groups: list[tuple[int, int, int, bool]] = []
    time, offset, end = None, 0, len(data)
    for _ in range(_MOST_BLOCKS):
        if offset >= end - 5:
            break
        first = data[offset + 1]
        if data[offset] == SIMPLE and first >= 0x10:
            if 0x40 <= first < 0x80:
                offset += ((first & 0x3F) << 8 | data[offset + 2]) + 3
            elif first >= 0x80:
                offset += (first & 0x7F) + 2
            elif first >= 0x20:
                offset += ((first & 0x1F) << 16 | data[offset + 2] << 8 | data[offset + 3]) + 4
            else:
                offset += ((first & 0x0F) << 24 | data[offset + 2] << 16 | data[offset + 3] << 8 | data[offset + 4]) + 5
        else:
            kind, begin, size = element(data, offset)
            if not kind or size is None or begin + size > end:
                raise Unsure("an element is longer than its cluster")
            offset = begin + size
            if kind == TIME:
                time = number_of(data[begin:offset])
            elif kind == GROUP:
                groups.append((len(edges) - 1, *_block_of(data, begin, offset)))
            elif kind != SIMPLE and kind not in _HARMLESS:
                raise Unsure("an element that clusters don't have")
        edges.append(offset)
    if offset != end or time is None:
        raise Unsure("a block is longer than its cluster, or the cluster has no time")
    raw, places = np.frombuffer(data, np.uint8), np.array(edges, np.int64)
    starts = places[:-1]
    heads = _HEADS[raw[starts + 1]]
    begins, ends = starts + heads, places[1:]
    blocks = raw[starts] == SIMPLE
    if (ends - begins == _UNKNOWN[heads])[blocks].any():
        raise Unsure("a block of unknown size")
    if groups:
        numbers, firsts, sizes, alone = (np.array(column) for column in zip(*groups, strict=True))
        begins[numbers], ends[numbers], blocks[numbers] = firsts, firsts + sizes, True
    block_numbers = np.flatnonzero(blocks)
    begins, sizes = begins[block_numbers], (ends - begins)[block_numbers]
    if len(sizes) and sizes.min() <= 4:
        raise Unsure("a block without content")
    head = raw[begins[:, None] + _HEAD]
    keys = (head[:, 3] & 0x80) != 0
    if groups:
        keys[np.searchsorted(block_numbers, numbers)] = alone
    times = head[:, 1:3].copy().view(">i2")[:, 0] + np.int64(time)
    laced = (head[:, 3] & 0x06) != 0
    lane_rows = []
    for lane in lanes:
        mine = np.flatnonzero(head[:, 0] == lane)
        if laced[mine].any():
            raise Unsure("laced blocks")
        lane_rows.append(
            Rows(pts=times[mine], dts=None, places=begins[mine] + (base + 4), sizes=sizes[mine] - 4, keys=keys[mine])
        )
    return lane_rows


def _block_of(data: bytes, offset: int, end: int) -> tuple[int, int, bool]:
    """The block in a group: where, how long, and whether it stands alone."""
    block, alone = (0, 0), True
    while offset < end:
        kind, begin, size = element(data, offset)
        if not kind or size is None or begin + size > end:
            raise Unsure("an element is longer than its group")
        if kind == BLOCK:
            block = begin, size
        elif kind == REFERENCE:
            alone = False
        offset = begin + size
    if block[1] < 4:
        raise Unsure("a group without a block")
    return *block, alone


def _joined(parts: list[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    names = ("pts", "places", "sizes", "keys")
    return Rows(dts=None, **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

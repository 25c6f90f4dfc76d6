"""An MP4 file's index for samples that are known as arrays: tables of our own between boxes of libavformat's.

What describes codecs (`stsd`) and tracks is taken from a small file that libavformat's muxer wrote for the same tracks;
times, sizes and places are written here.

Layout: ISO/IEC 14496-12, sections 8.6.1 (stts, ctts), 8.6.2 (stss), 8.7 (stsz, stsc, stco), 8.9 (sgpd, sbgp).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.media.containers.mp4boxes import (
    Edit,
    box,
    boxes,
    edit_list,
    movie_header,
    shift_chunks,
    track_header,
)
from mmdia_dataset.media.containers.packet_rows import Ints, Unsure

__all__ = ["Lane", "Template"]

_LARGEST = 1 << 32
# In a decoder's configuration of an `esds` box: the tag, its length in four bytes, then 13 bytes, rates last.
_RATES = b"\x04\x80\x80\x80"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A track's samples in decoding order, times in ticks of its clock, 0 at the clip's start.

    Attributes:
        pts: when each is shown.
        dts: when each is decoded; rising.
        last: ticks of the last one.
        sizes: bytes of each.
        keys: whether each can be decoded without others.
        chunks: the sample each chunk begins with.
        edit: what is shown.
    """

    pts: Ints
    dts: Ints
    last: int
    sizes: Ints
    keys: NDArray[np.bool_]
    chunks: Ints
    edit: Edit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Track:
    header: memoryview
    before: list[bytes]  # of `mdia`, up to `minf`; the media header first
    media: list[bytes]  # of `minf`, up to `stbl`
    description: bytes
    roll: bytes


class Template:
    """The boxes around the tables, from a file that libavformat's muxer wrote.

    Raises:
        Unsure: the file is not as expected.
    """

    def __init__(self, data: memoryview) -> None:
        try:
            parts = list(boxes(data))
            moov = dict(parts)[b"moov"]
            self._front = bytes(parts[0][1])
            children = list(boxes(moov[8:]))
            self._header = dict(children)[b"mvhd"]
            self._tracks = [_template(child) for kind, child in children if kind == b"trak"]
            self._rest = [bytes(child) for kind, child in children if kind not in (b"mvhd", b"trak")]
        except (ValueError, KeyError, IndexError, struct.error) as error:
            raise Unsure("libavformat's muxer writes other files than expected") from error

    def front(self, lanes: Sequence[Lane], timescale: int) -> bytes:
        """All of a clip's file that comes before its samples, which follow chunk by chunk, of all tracks in turn.

        Args:
            lanes: one per track; chunk n of each comes before chunk n + 1 of any; a track's may be empty.
            timescale: ticks per second of the whole.

        Raises:
            Unsure: the clip is too large for 32-bit places.
        """
        total = sum(int(lane.sizes.sum()) for lane in lanes)
        if len(lanes) != len(self._tracks) or total + (64 << 20) > _LARGEST:
            raise Unsure("a clip of 4 GiB")
        duration = max(round((lane.edit.delay + lane.edit.duration) * timescale) for lane in lanes)
        sizes = [np.add.reduceat(np.append(lane.sizes, 0), np.minimum(lane.chunks, len(lane.sizes))) for lane in lanes]
        counts = [np.diff(lane.chunks, append=len(lane.sizes)) for lane in lanes]
        table = np.stack([np.where(count > 0, size, 0) for size, count in zip(sizes, counts, strict=True)], axis=1)
        places = (np.cumsum(table) - table.ravel()).reshape(table.shape)
        tracks = [
            _track(track, lane, timescale, places[:, number][counts[number] > 0], counts[number][counts[number] > 0])
            for number, (track, lane) in enumerate(zip(self._tracks, lanes, strict=True))
        ]
        moov = bytearray(box(b"moov", movie_header(self._header, duration, timescale), *tracks, *self._rest))
        shift_chunks(memoryview(moov)[8:], len(self._front) + len(moov) + 8)
        return self._front + bytes(moov) + struct.pack(">I4s", total + 8, b"mdat")


def _template(trak: memoryview) -> _Track:
    children = dict(boxes(trak[8:]))
    before: list[bytes] = []
    media: list[bytes] = []
    tables: dict[bytes, memoryview] = {}
    for kind, child in boxes(children[b"mdia"][8:]):
        if kind != b"minf":
            before.append(bytes(child))
            continue
        for inner, part in boxes(child[8:]):
            if inner == b"stbl":
                tables = dict(boxes(part[8:]))
            else:
                media.append(bytes(part))
    return _Track(
        header=children[b"tkhd"],
        before=before,
        media=media,
        description=_description(tables[b"stsd"]),
        roll=bytes(tables.get(b"sgpd", b"")),
    )


def _description(stsd: memoryview) -> bytes:
    """The codec's description without bit rates, which are those of the packets the template was made of."""
    data = bytes(stsd)
    position = data.find(b"btrt")
    if position >= 0:
        # A box of 20 bytes inside the one entry: both get shorter.
        data = data[: position - 4] + data[position + 16 :]
        (entry,) = struct.unpack_from(">I", data, 16)
        data = struct.pack(">I", len(data)) + data[4:16] + struct.pack(">I", entry - 20) + data[20:]
    position = data.find(_RATES, max(0, data.find(b"esds")))
    if b"esds" in data and position >= 0:
        data = data[: position + 10] + bytes(8) + data[position + 18 :]
    return data


def _track(track: _Track, lane: Lane, timescale: int, places: Ints, counts: Ints) -> bytes:
    steps = np.diff(lane.dts, append=lane.dts[-1] + lane.last)
    length = int(lane.dts[-1]) + lane.last - int(lane.dts[0])
    shifts = lane.pts - lane.dts
    tables = [track.description, _runs(b"stts", steps)]
    if shifts.any():
        tables.append(_runs(b"ctts", shifts))
    if not lane.keys.all():
        numbers = np.flatnonzero(lane.keys) + 1
        tables.append(box(b"stss", struct.pack(">II", 0, len(numbers)), numbers.astype(">u4").tobytes()))
    if track.roll:
        group = struct.unpack_from(">4s", track.roll, 12)[0]
        tables += [track.roll, box(b"sbgp", struct.pack(">I4sIII", 0, group, 1, len(lane.sizes), 1))]
    firsts = np.flatnonzero(np.diff(counts, prepend=-1))
    runs = np.stack([firsts + 1, counts[firsts], np.ones_like(firsts)], axis=1)
    tables += [
        box(b"stsc", struct.pack(">II", 0, len(runs)), runs.astype(">u4").tobytes()),
        box(b"stsz", struct.pack(">III", 0, 0, len(lane.sizes)), lane.sizes.astype(">u4").tobytes()),
        box(b"stco", struct.pack(">II", 0, len(places)), places.astype(">u4").tobytes()),
    ]
    media = box(b"minf", *track.media, box(b"stbl", *tables))
    return box(
        b"trak",
        track_header(track.header, lane.edit, timescale),
        edit_list(lane.edit, timescale),
        box(b"mdia", _media_header(track.before[0], length), *track.before[1:], media),
    )


def _media_header(header: bytes, length: int) -> bytes:
    patched = bytearray(header)
    form, offset = (">Q", 32) if patched[8] == 1 else (">I", 24)
    struct.pack_into(form, patched, offset, length)
    return bytes(patched)


def _runs(kind: bytes, values: Ints) -> bytes:
    """A table of (how many, which), run by run."""
    firsts = np.flatnonzero(np.diff(values, prepend=values[0] - 1))
    runs = np.stack([np.diff(firsts, append=len(values)), values[firsts]], axis=1)
    return box(kind, struct.pack(">II", 0, len(runs)), runs.astype(">i4").tobytes())

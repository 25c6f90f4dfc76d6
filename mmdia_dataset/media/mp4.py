"""MP4 boxes: what libavformat's muxer leaves to be done, in pure bytes.

The muxer writes an edit list that hides the head of a track (everything before time 0) but never its tail. `finish`
replaces each track's edit list by one of exact start and length, sets the lengths in the headers to match, and moves
the index (`moov`) in front of the media data, so that a clip starts playing before it is loaded.

Layout of the boxes: ISO/IEC 14496-12, sections 8.2.2 (mvhd), 8.3.2 (tkhd), 8.6.6 (elst), 8.7.5 (stco, co64).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path

__all__ = ["Edit", "Track", "boxes", "finish", "read_tracks"]

_CHUNK_PATH = (b"mdia", b"minf", b"stbl")


@dataclass(frozen=True, slots=True)
class Edit:
    """What of a track is shown.

    Attributes:
        media_time: ticks of the track's own clock between its first decoded sample and the start of the show.
        duration: length of the show in seconds, from the start of the track's material.
        delay: seconds of the clip that pass before the track begins.
    """

    media_time: int
    duration: Fraction
    delay: Fraction = Fraction(0)


def boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """The boxes in a stretch of bytes: kind and the whole box, header included.

    Raises:
        ValueError: a box is shorter than its header or longer than what is left.
    """
    at = 0
    while at < len(data):
        if len(data) - at < 8:
            raise ValueError("an MP4 box is cut off")
        size, kind = struct.unpack_from(">I4s", data, at)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
        elif size == 0:
            size = len(data) - at
        if size < 8 or size > len(data) - at:
            raise ValueError(f"the MP4 box {kind!r} claims {size} bytes")
        yield kind, data[at : at + size]
        at += size


def finish(data: memoryview, edits: Sequence[Edit], timescale: int) -> tuple[bytes, memoryview]:
    """The finished file in two parts: everything up to the media data, and the media data untouched.

    Args:
        data: a file as the muxer wrote it, index last.
        edits: what to show of each track, in the order of the tracks.
        timescale: ticks per second for the lengths of the edits and of the whole.

    Raises:
        ValueError: the bytes are no such file.
    """
    parts = list(boxes(data))
    if [kind for kind, _ in parts[:1]] != [b"ftyp"] or parts[-1][0] != b"moov":
        raise ValueError("not an MP4 file as the muxer writes it")
    front, moov = parts[0][1], parts[-1][1]
    total = max(_ticks(edit.delay + edit.duration, timescale) for edit in edits)
    children: list[bytes] = []
    tracks = iter(edits)
    for kind, box in boxes(moov[8:]):
        if kind == b"mvhd":
            children.append(_header(box, total, timescale))
        elif kind == b"trak":
            children.append(_track(box, next(tracks), timescale))
        else:
            children.append(bytes(box))
    index = bytearray(_box(b"moov", *children))
    _shift_chunks(memoryview(index)[8:], len(index))
    return bytes(front) + bytes(index), data[len(front) : len(data) - len(moov)]


def _ticks(seconds: Fraction, timescale: int) -> int:
    return round(seconds * timescale)


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _header(box: memoryview, duration: int, timescale: int) -> bytes:
    """The movie header with its clock and length replaced; times of creation stay as they are: zero."""
    patched = bytearray(box)
    if patched[8] == 1:
        struct.pack_into(">IQ", patched, 28, timescale, duration)
    else:
        struct.pack_into(">II", patched, 20, timescale, duration)
    return bytes(patched)


def _track(box: memoryview, edit: Edit, timescale: int) -> bytes:
    """A track with its edit list replaced and the length in its header set to match."""
    children: list[bytes] = []
    for kind, child in boxes(box[8:]):
        if kind == b"edts":
            continue
        if kind == b"tkhd":
            patched = bytearray(child)
            form, at = (">Q", 36) if patched[8] == 1 else (">I", 28)
            struct.pack_into(form, patched, at, _ticks(edit.delay + edit.duration, timescale))
            children += [bytes(patched), _edit_list(edit, timescale)]
        else:
            children.append(bytes(child))
    return _box(b"trak", *children)


def _edit_list(edit: Edit, timescale: int) -> bytes:
    entries = [(_ticks(edit.duration, timescale), edit.media_time)]
    if delay := _ticks(edit.delay, timescale):
        entries.insert(0, (delay, -1))  # -1 is the standard's mark of an empty edit
    rows = b"".join(struct.pack(">IiHH", length, start, 1, 0) for length, start in entries)
    return _box(b"edts", _box(b"elst", struct.pack(">II", 0, len(entries)), rows))


def _shift_chunks(children: memoryview, by: int) -> None:
    """Add to every chunk's place in the file, in place: the index now lies before the media data."""
    for kind, box in boxes(children):
        if kind == b"trak" or kind in _CHUNK_PATH:
            _shift_chunks(box[8:], by)
        elif kind in (b"stco", b"co64"):
            form = "I" if kind == b"stco" else "Q"
            (count,) = struct.unpack_from(">I", box, 12)
            places = struct.unpack_from(f">{count}{form}", box, 16)
            if kind == b"stco" and count and max(places) + by >= 1 << 32:
                raise ValueError("the clip is too large for 32-bit chunk offsets")
            struct.pack_into(f">{count}{form}", box, 16, *(place + by for place in places))


@dataclass(frozen=True, slots=True)
class Track:
    """One track of a finished file, as its index describes it.

    Attributes:
        kind: ``vide`` or ``soun``.
        timescale: ticks per second of the track's clock.
        times: when each sample is shown, in decoding order, in ticks from the first one's decoding.
        length: ticks of all samples together.
        media_time: ticks of the material hidden before the show.
        delay: seconds before the show begins.
        duration: seconds of the show.
    """

    kind: str
    timescale: int
    times: list[int]
    length: int
    media_time: int
    delay: Fraction
    duration: Fraction

    @property
    def end(self) -> Fraction:
        """When the show is over, in seconds."""
        return self.delay + self.duration

    @property
    def material_end(self) -> Fraction:
        """When the show or its material is over, in seconds."""
        return min(self.end, self.delay + Fraction(self.length - self.media_time, self.timescale))

    def shown(self) -> list[int]:
        """When each sample that the edit list lets through is shown, in ticks after the delay, in order."""
        stop = self.media_time + ceil(self.duration * self.timescale)
        return sorted(time - self.media_time for time in self.times if self.media_time <= time < stop)


def read_tracks(path: Path) -> list[Track]:
    """The tracks of a file as its index describes them.

    Raises:
        ValueError: the index is missing or malformed, or speaks of data outside the file.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        moov = b""
        while (head := file.read(8)) and not moov:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"moov":
                moov = file.read(length - 8)
            else:
                file.seek(length - 8, os.SEEK_CUR)
    try:
        children = list(boxes(memoryview(moov)))
        header = dict(children)[b"mvhd"]
        timescale = struct.unpack_from(">I", header, 28 if header[8] == 1 else 20)[0]
        return [_read_track(box, timescale, size) for kind, box in children if kind == b"trak"]
    except (struct.error, KeyError, IndexError) as error:
        raise ValueError(f"a box is missing or too short: {error}") from error


def _read_track(trak: memoryview, movie_timescale: int, size: int) -> Track:
    found: dict[bytes, memoryview] = {}

    def gather(children: memoryview) -> None:
        for kind, box in boxes(children):
            if kind in (b"edts", *_CHUNK_PATH):
                gather(box[8:])
            else:
                found[kind] = box

    gather(trak[8:])
    edits = [struct.unpack_from(">Ii", found[b"elst"], 16 + 12 * n) for n in range(_count(found[b"elst"]))]
    delay = edits[0][0] if edits[0][1] < 0 else 0
    duration, media_time = edits[-1]
    times: list[int] = []
    at = 0
    for count, step in _rows(found[b"stts"], 2):
        times += range(at, at + count * step, step) if step else [at] * count
        at += count * step
    if b"ctts" in found:
        shifts = [shift for count, shift in _rows(found[b"ctts"], 2) for _ in range(count)]
        times = [time + shift for time, shift in zip(times, shifts, strict=True)]
    sizes = [one for (one,) in _rows(found[b"stsz"], 1, 16)]
    uniform, number = struct.unpack_from(">II", found[b"stsz"], 12)
    total = uniform * number or sum(sizes)
    kind, form = (b"co64", "Q") if b"co64" in found else (b"stco", "I")
    places = struct.unpack_from(f">{_count(found[kind])}{form}", found[kind], 16)
    if number != len(times) or total > size or (places and max(places) >= size):
        raise ValueError("its samples do not all lie in the file")
    (track_timescale,) = struct.unpack_from(">I", found[b"mdhd"], 28 if found[b"mdhd"][8] == 1 else 20)
    return Track(
        bytes(found[b"hdlr"][16:20]).decode("ascii", "replace"),
        track_timescale,
        times,
        at,
        media_time,
        Fraction(delay, movie_timescale),
        Fraction(duration, movie_timescale),
    )


def _count(box: memoryview) -> int:
    return int(struct.unpack_from(">I", box, 12)[0])


def _rows(box: memoryview, columns: int, at: int = 12) -> Iterator[tuple[int, ...]]:
    """The rows of a table of 32-bit numbers whose count stands at `at`."""
    (count,) = struct.unpack_from(">I", box, at)
    rows = box[at + 4 :] if count and len(box) > at + 4 else memoryview(b"")
    return struct.iter_unpack(f">{columns}I", rows)

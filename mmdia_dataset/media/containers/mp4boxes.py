"""MP4 boxes: completes the files of libavformat's muxer, in pure bytes.

The muxer writes an edit list that hides the head of a track (everything before time 0) but never its tail. `finish`
replaces each track's edit list by one of exact start and length, sets the lengths in the headers to match, and moves
the index (`moov`) in front of the media data, so that a clip starts playing before it is loaded.

Layout of the boxes: ISO/IEC 14496-12, sections 8.2.2 (mvhd), 8.3.2 (tkhd), 8.6.6 (elst), 8.7.5 (stco, co64).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["CHUNK_PATH", "Edit", "box", "boxes", "edit_list", "finish", "movie_header", "shift_chunks", "track_header"]

CHUNK_PATH = (b"mdia", b"minf", b"stbl")
"""The boxes that lead from a track to its tables."""


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
    offset = 0
    while offset < len(data):
        if len(data) - offset < 8:
            raise ValueError("an MP4 box is cut off")
        size, kind = struct.unpack_from(">I4s", data, offset)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, offset + 8)
        elif size == 0:
            size = len(data) - offset
        if size < 8 or size > len(data) - offset:
            raise ValueError(f"the MP4 box {kind!r} can't have {size} bytes")
        yield kind, data[offset : offset + size]
        offset += size


def finish(data: memoryview, edits: Sequence[Edit], timescale: int) -> tuple[bytes, memoryview]:
    """The finished file in two parts: everything up to the media data, and the media data untouched.

    Args:
        data: a file as the muxer wrote it, index last.
        edits: what to show of each track, in the order of the tracks.
        timescale: ticks per second for the lengths of the edits and of the whole.

    Raises:
        ValueError: the bytes are not such a file.
    """
    parts = list(boxes(data))
    if [kind for kind, _ in parts[:1]] != [b"ftyp"] or parts[-1][0] != b"moov":
        raise ValueError("this is not an MP4 file from the muxer")
    front, moov = parts[0][1], parts[-1][1]
    total = max(_ticks(edit.delay + edit.duration, timescale) for edit in edits)
    children: list[bytes] = []
    tracks = iter(edits)
    for kind, child in boxes(moov[8:]):
        if kind == b"mvhd":
            children.append(movie_header(child, total, timescale))
        elif kind == b"trak":
            children.append(_track(child, next(tracks), timescale))
        else:
            children.append(bytes(child))
    index = bytearray(box(b"moov", *children))
    shift_chunks(memoryview(index)[8:], len(index))
    return bytes(front) + bytes(index), data[len(front) : len(data) - len(moov)]


def _ticks(seconds: Fraction, timescale: int) -> int:
    return round(seconds * timescale)


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of a kind with its content."""
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def movie_header(whole: memoryview, duration: int, timescale: int) -> bytes:
    """The movie header with its clock and length replaced; times of creation stay as they are: zero."""
    patched = bytearray(whole)
    if patched[8] == 1:
        struct.pack_into(">IQ", patched, 28, timescale, duration)
    else:
        struct.pack_into(">II", patched, 20, timescale, duration)
    return bytes(patched)


def track_header(whole: memoryview, edit: Edit, timescale: int) -> bytes:
    """A track's header with the length of its show replaced."""
    patched = bytearray(whole)
    form, offset = (">Q", 36) if patched[8] == 1 else (">I", 28)
    struct.pack_into(form, patched, offset, _ticks(edit.delay + edit.duration, timescale))
    return bytes(patched)


def _track(whole: memoryview, edit: Edit, timescale: int) -> bytes:
    """A track with its edit list replaced and the length in its header set to match."""
    children: list[bytes] = []
    for kind, child in boxes(whole[8:]):
        if kind == b"edts":
            continue
        if kind == b"tkhd":
            children += [track_header(child, edit, timescale), edit_list(edit, timescale)]
        else:
            children.append(bytes(child))
    return box(b"trak", *children)


def edit_list(edit: Edit, timescale: int) -> bytes:
    """The box that says what of a track is shown."""
    entries = [(_ticks(edit.duration, timescale), edit.media_time)]
    if delay := _ticks(edit.delay, timescale):
        entries.insert(0, (delay, -1))  # -1 is the standard's mark of an empty edit
    rows = b"".join(struct.pack(">IiHH", length, start, 1, 0) for length, start in entries)
    return box(b"edts", box(b"elst", struct.pack(">II", 0, len(entries)), rows))


def shift_chunks(children: memoryview, by: int) -> None:
    """Add to every chunk's place in the file, in place: the index now lies before the media data."""
    for kind, child in boxes(children):
        if kind == b"trak" or kind in CHUNK_PATH:
            shift_chunks(child[8:], by)
        elif kind in (b"stco", b"co64"):
            form = "I" if kind == b"stco" else "Q"
            (count,) = struct.unpack_from(">I", child, 12)
            places = struct.unpack_from(f">{count}{form}", child, 16)
            if kind == b"stco" and count and max(places) + by >= 1 << 32:
                raise ValueError("the clip is too large for 32-bit chunk offsets")
            struct.pack_into(f">{count}{form}", child, 16, *(place + by for place in places))

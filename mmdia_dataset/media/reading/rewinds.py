"""Finds timestamps that restart: joined transport and program streams use the same time for several moments."""

from __future__ import annotations

import os
from itertools import combinations, pairwise

import av.error
from av.packet import Packet
from av.stream import Stream

from mmdia_dataset.media.reading.clock import clock_of
from mmdia_dataset.media.reading.tracks import Tracks

__all__ = ["repeated_stretches"]

# The clock is read at as many places, evenly spread over the file; a part shorter than their distance can be missed.
_BYTES_APART, _LEAST, _MOST = 4_000_000, 16, 256
_SLACK_S = 1.0  # by which timestamps may go back in the order of the file


def repeated_stretches(path: str | os.PathLike[str]) -> tuple[tuple[float, float], ...]:
    """Stretches of recording time, in seconds, that occur several times in a recording; nearly always none.

    Raises:
        MediaUnreadable: it can't be opened.
    """
    with Tracks(path) as tracks:
        stream = tracks.video or tracks.audio
        if stream is None or not tracks.joinable:
            return ()
        clock, size = clock_of(stream), tracks.container.size or 0  # the stubs of PyAV 19 know that it may be unknown
        count = max(_LEAST, min(_MOST, size // _BYTES_APART))
        times: list[float] = []
        for number in range(count):
            packet = _first_dated(tracks, stream.index, size * number // count)
            if packet is not None and packet.pts is not None:
                times.append(float(packet.pts * clock - tracks.origin))
    return _repeated(times)


def _first_dated(tracks: Tracks, index: int, place: int) -> Packet[Stream] | None:
    """The first packet of a track with a timestamp from a place in the file on."""
    try:
        tracks.container.seek(place, unsupported_byte_offset=True)
        for packet in tracks.container.demux(tracks.container.streams[index]):
            if packet.size and packet.pts is not None:
                return packet
    except av.error.FFmpegError:
        return None
    return None


def _repeated(times: list[float]) -> tuple[tuple[float, float], ...]:
    """What several rising parts of a row of times have in common, each as wide as it may be."""
    parts: list[list[float]] = []
    for time in times:
        if not parts or time < parts[-1][-1] - _SLACK_S:
            parts.append([])
        parts[-1].append(time)
    if len(parts) < 2:
        return ()
    step = max((after - before for part in parts for before, after in pairwise(part)), default=0.0)
    ends = [(min(part) - step - _SLACK_S, max(part) + step + _SLACK_S) for part in parts]
    common = [(max(first[0], second[0]), min(first[1], second[1])) for first, second in combinations(ends, 2)]
    return tuple((low, high) for low, high in common if low < high)

"""The packets of a sound track, read forwards: by way of libavformat, or by the recording's own index."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Protocol

import av.error
import numpy as np
from av.audio.stream import AudioStream
from av.packet import Packet

from mmdia_dataset.errors import MediaDamaged
from mmdia_dataset.media.containers.packet_rows import Rows, Unsure
from mmdia_dataset.media.reading.by_index import Lookup
from mmdia_dataset.media.reading.clock import clock_of
from mmdia_dataset.media.reading.damage import zero_test
from mmdia_dataset.media.reading.tracks import Tracks

__all__ = ["IndexTape", "PacketTape", "Tape"]

if TYPE_CHECKING:  # generic in the stubs only
    AudioPacket = Packet[AudioStream]

# A later start means reading backwards in growing steps: seeks in TS and PS land late.
_STEPS_BACK = (0, 1, 3, 9, 27, 81)
_FAR = Fraction(20)  # seconds that are read through rather than sought over
_BATCH = Fraction(5)  # seconds looked up at a time
_NEAR = 1 << 20  # bytes between packets that are read along with them


class Tape(Protocol):
    """The packets of a sound track."""

    def since(self, low: int) -> Iterator[tuple[AudioPacket, bool]]:
        """The packets in order, from the last one that begins at or before a timestamp, to the end of the recording.

        Each comes with whether it is known to be broken: marked as corrupt, or overwritten with zeros.

        Raises:
            MediaDamaged: reading fails.
            Unsure: they can't be read this way.
        """
        ...


class PacketTape:
    """By way of libavformat; packets read since the last look back are kept. It opens the recording a second time."""

    def __init__(self, recording: Tracks, audio: AudioStream) -> None:
        self._source, self._clock, self._zeroed = recording, clock_of(audio), zero_test(audio)
        self._opened: tuple[Tracks, AudioStream] | None = None
        self._complete_from: int | None = None  # nothing is missing from here on; None before the first packet
        self._kept: deque[AudioPacket] = deque()
        self._packets: Iterator[AudioPacket] = iter(())
        self._far = ceil(_FAR / self._clock)

    def since(self, low: int) -> Iterator[tuple[AudioPacket, bool]]:
        """As `Tape` says."""
        reusable = bool(self._kept) and (self._complete_from is None or self._complete_from <= low)
        if not reusable or low - (self._kept[-1].pts or 0) > self._far:
            self._seek(low)
        index = 0
        while True:
            while len(self._kept) < max(2, index + 1):
                packet = self._read()
                if packet is None:
                    break
                self._kept.append(packet)
            if index == len(self._kept):
                return
            if not index and len(self._kept) > 1 and (self._kept[1].pts or 0) <= low:
                self._complete_from = self._kept[1].pts
                self._kept.popleft()
                continue
            packet = self._kept[index]
            yield packet, packet.is_corrupt or self._zeroed(bytes(packet))
            index += 1

    def _read(self) -> AudioPacket | None:
        try:
            for packet in self._packets:
                if packet.size and packet.pts is not None:
                    return packet
        except av.error.FFmpegError as error:
            raise MediaDamaged(f"reading fails ({error.strerror})", where=self._source.path) from error
        return None

    def _seek(self, low: int) -> None:
        if self._opened is None:
            another = self._source.another()
            assert another.audio is not None  # noqa: S101 - the same file
            self._opened = another, another.audio
        recording, audio = self._opened
        moment = recording.seconds(audio, low)
        guide = recording.video or audio  # what the container's index is about; not discarded, or TS can't seek
        for back in (*_STEPS_BACK, None):
            since = Fraction(-1) if back is None else moment - recording.margin - back
            if since <= 0:
                since = min(Fraction(0), recording.seconds(audio, audio.start_time or 0)) - 10
            try:
                recording.seek(guide, int(recording.ticks(guide, since)))
            except av.error.FFmpegError as error:
                raise MediaDamaged(f"reading fails ({error.strerror})", where=recording.path) from error
            self._packets = recording.demux(audio)  # type: ignore[assignment]
            first = self._read()
            self._kept = deque() if first is None else deque([first])
            self._complete_from = None if since < 0 or first is None else first.pts
            if since < 0 or (first is not None and (first.pts or 0) <= low):
                return


class IndexTape:
    """By the recording's own index: nothing but the sound is read."""

    def __init__(self, lookup: Lookup) -> None:
        assert lookup.audio is not None  # noqa: S101 - the caller has seen to it
        self._lookup, self._shift, self._zeroed = lookup, lookup.shifts[1], lookup.tests[1]
        self._clock = clock_of(lookup.audio)
        self._batch = ceil(_BATCH / self._clock)

    def since(self, low: int) -> Iterator[tuple[AudioPacket, bool]]:
        """As `Tape` says."""
        begin, last_pts = low - self._shift, None
        while True:
            rows = self._lookup.sounds(begin, begin + self._batch)
            if last_pts is not None:
                rows = rows.part(int(np.searchsorted(rows.pts, last_pts, "right")), len(rows.pts))
            if not len(rows.pts) or (np.diff(rows.pts) <= 0).any():
                raise Unsure("the sound ends, or has a hole")
            yield from self._packets(rows)
            begin, last_pts = begin + self._batch, int(rows.pts[-1])

    def _packets(self, rows: Rows) -> Iterator[tuple[AudioPacket, bool]]:
        low, high = int(rows.places.min()), int((rows.places + rows.sizes).max())
        if high - low > 4 * int(rows.sizes.sum()) + _NEAR:
            for number in range(len(rows.pts)):  # far apart, or not where they should be: one by one
                yield from self._cut(rows.part(number, number + 1))
        else:
            yield from self._cut(rows)

    def _cut(self, rows: Rows) -> Iterator[tuple[AudioPacket, bool]]:
        """Packets that are read at once."""
        low, ends = int(rows.places.min()), rows.places + rows.sizes
        data = self._lookup.read(low, int(ends.max()))
        columns = (rows.pts + self._shift, rows.places - low, ends - low)
        for pts, begin, end in zip(*(column.tolist() for column in columns), strict=True):
            content = data[begin:end]
            packet: AudioPacket = Packet(content)  # type: ignore[assignment]
            packet.pts = pts
            yield packet, self._zeroed(content)

"""The packets of a sound track, read forwards."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import av.error
from av.audio.stream import AudioStream
from av.packet import Packet

from mmdia_dataset.errors import MediaDamaged
from mmdia_dataset.media.packets import Recording

__all__ = ["Tape"]

if TYPE_CHECKING:  # generic in the stubs only
    AudioPacket = Packet[AudioStream]

# A later start means reading backwards in growing steps: seeks in TS and PS land late.
_STEPS_BACK = (0, 1, 3, 9, 27, 81)
_FAR = Fraction(20)  # seconds that are read through rather than sought over


class Tape:
    """The packets of a sound track, read forwards; those read since the last look back are kept."""

    def __init__(self, recording: Recording, audio: AudioStream) -> None:
        self.recording, self.audio = recording, audio
        self._complete_from: int | None = None  # nothing is missing from here on; None before the first packet
        self._kept: deque[AudioPacket] = deque()
        self._packets: Iterator[AudioPacket] = iter(())
        self._far = ceil(_FAR / (audio.time_base or Fraction(1, 1_000_000)))

    def since(self, low: int) -> Iterator[AudioPacket]:
        """The packets that are not over by a timestamp, in order, to the end of the recording.

        Raises:
            MediaDamaged: reading stops.
        """
        known = bool(self._kept) and (self._complete_from is None or self._complete_from <= low)
        if not known or low - (self._kept[-1].pts or 0) > self._far:
            self._seek(low)
        at = 0
        while True:
            if at == len(self._kept):
                packet = self._read()
                if packet is None:
                    return
                self._kept.append(packet)
            packet = self._kept[at]
            end = (packet.pts or 0) + (packet.duration or 0)
            if end <= low and at == 0 and len(self._kept) > 1:
                self._complete_from = end
                self._kept.popleft()
                continue
            at += 1
            if end > low:
                yield packet

    def _read(self) -> AudioPacket | None:
        try:
            for packet in self._packets:
                if packet.size and packet.pts is not None:
                    return packet
        except av.error.FFmpegError as error:
            raise MediaDamaged(f"reading stops ({error.strerror})", where=self.recording.path) from error
        return None

    def _seek(self, low: int) -> None:
        recording = self.recording
        moment = recording.seconds(self.audio, low)
        guide = recording.video or self.audio  # what the container's index is about; not discarded, or TS can't seek
        for back in (*_STEPS_BACK, None):
            since = Fraction(-1) if back is None else moment - recording.margin - back
            if since <= 0:
                since = min(Fraction(0), recording.seconds(self.audio, self.audio.start_time or 0)) - 10
            try:
                recording.seek(guide, int(recording.ticks(guide, since)))
            except av.error.FFmpegError as error:
                raise MediaDamaged(f"reading stops ({error.strerror})", where=recording.path) from error
            self._packets = recording.demux(self.audio)  # type: ignore[assignment]
            first = self._read()
            self._kept = deque() if first is None else deque([first])
            self._complete_from = None if since < 0 or first is None else first.pts
            if since < 0 or (first is not None and (first.pts or 0) <= low):
                return

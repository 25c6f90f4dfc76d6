"""Finds a recording's packets by its own index: the fast way for simple films.

Reading packets with libavformat is most of the cost of finding a span. If a recording is a simple MP4 or Matroska file,
its index is read directly instead. If anything is not clearly right, this raises `Unsure`, and libavformat does the
work and reports what is wrong. Before the index is used, it is compared with what libavformat reads from the file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from types import TracebackType
from typing import Self

import av.error
import numpy as np
from av.packet import Packet
from av.stream import Stream

from mmdia_dataset.media.containers.matroska import MatroskaIndex
from mmdia_dataset.media.containers.mp4index import Mp4Index
from mmdia_dataset.media.containers.packet_rows import STRANGE, Index, Ints, Rows, Unsure
from mmdia_dataset.media.reading.clock import clock_of
from mmdia_dataset.media.reading.damage import zero_test
from mmdia_dataset.media.reading.recording import OpenRecording
from mmdia_dataset.media.reading.stretches import JITTER

__all__ = ["IndexedSpan", "Lookup"]

_PROBES = 12
_AROUND_S = 2
_TEMPORAL_DELIMITER = b"\x12\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedSpan:
    """A span by the index, times in its own ticks.

    Attributes:
        start: recording seconds of the first frame.
        end: recording seconds of the frame after the last.
        picture: packets from the keyframe before to the last one shown, in decoding order.
        shown: times of the frames inside, in order.
        sound: packets heard from before the start to after the end; None without sound.
    """

    start: Fraction
    end: Fraction
    picture: Rows
    shown: Ints
    sound: Rows | None


class Lookup:
    """A recording's own index, and its file open beside libavformat; use it in a `with` block, inside the recording's.

    Attributes:
        shifts: what to add to the index's times of picture and sound to get libavformat's.
        tests: of picture and sound, whether a packet was overwritten.

    Raises:
        Unsure: the recording is not simple enough.
    """

    def __init__(self, recording: OpenRecording) -> None:
        video, audio = recording.video, recording.audio
        if video is None:
            raise Unsure("no picture")
        self.recording, self.video, self.audio = recording, video, audio
        self.tests = [zero_test(track) for track in (video, audio) if track is not None]
        try:
            self._file = os.open(recording.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise Unsure("it can't be opened") from error
        try:
            self._index = self._opened()
            self.shifts = self._compare()
        except (OSError, av.error.FFmpegError, *STRANGE) as error:
            os.close(self._file)
            raise Unsure("it can't be read") from error
        except Unsure:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def find(self, start: Fraction, end: Fraction, lead: Fraction, tail: Fraction = Fraction(0)) -> IndexedSpan:
        """The packets of [start, end).

        Args:
            start: recording seconds.
            end: recording seconds.
            lead: seconds of sound before the first frame.
            tail: seconds of sound after the end.

        Raises:
            Unsure: they are not clearly right.
            MediaDamaged: times stored in the file disagree.
        """
        recording, video, audio = self.recording, self.video, self.audio
        if start < 0:
            raise Unsure("it begins before the recording")
        recording.must_be_dated(start, end)
        reach = end + tail + recording.longest_pause * clock_of(video) + JITTER
        first, last = ceil(recording.ticks(video, start)), ceil(recording.ticks(video, end))
        shift = self.shifts[0]
        low, high = first - shift, last - shift
        if audio is not None:
            low = floor(recording.ticks(audio, start - lead)) - self.shifts[1]
            high = ceil(recording.ticks(audio, reach)) - self.shifts[1]
        try:
            for picture, sound in self._index.windows((first - shift, last - shift), (low, high)):
                frames = self._frames(picture, first - shift, last - shift)
                if frames is None:
                    continue
                rows, shown, after = frames
                begin = recording.seconds(video, int(shown[0]) + shift)
                finish = recording.seconds(video, after + shift)
                heard = None if sound is None else self._sound(sound, begin, finish, lead, tail)
                if sound is not None and heard is None:
                    continue
                return IndexedSpan(start=begin, end=finish, picture=rows, shown=shown, sound=heard)
        except (OSError, *STRANGE) as error:
            raise Unsure("it can't be read") from error
        raise Unsure("no keyframe, or no sound, is found before the span")

    def sounds(self, begin: int, end: int) -> Rows:
        """The sound's packets around [begin, end), in its own ticks, as `Index.sounds` gives them.

        Raises:
            Unsure: the index can't be followed.
        """
        try:
            return self._index.sounds(begin, end)
        except (OSError, *STRANGE) as error:
            raise Unsure("it can't be read") from error

    def read(self, low: int, high: int) -> bytes:
        """The bytes [low, high) of the file. Raises Unsure if they are not all there."""
        try:
            data = os.pread(self._file, high - low, low)
        except OSError as error:
            raise Unsure("it can't be read") from error
        if len(data) != high - low:
            raise Unsure("the file has become shorter")
        return data

    def _opened(self) -> Index:
        """The reader of the recording's container."""
        file, video, audio, container = self._file, self.video, self.audio, self.recording.container
        name = container.format.name
        if name.startswith("mov"):
            index = Mp4Index(file, video.id, None if audio is None else audio.id)
            clocks = [Fraction(1, track.timescale) for track in index.tracks]
            if clocks != [track.time_base for track in (video, audio) if track is not None]:
                raise Unsure("clocks that libavformat sees otherwise")
            return index
        if name.startswith("matroska"):
            pictures, sounds = list(container.streams.video), list(container.streams.audio)
            matroska = MatroskaIndex(file, pictures.index(video), None if audio is None else sounds.index(audio))
            if any(track.time_base != matroska.clock for track in (video, audio) if track is not None):
                raise Unsure("clocks that libavformat sees otherwise")
            return matroska
        raise Unsure("another container")

    def _frames(self, rows: Rows, first: int, last: int) -> tuple[Rows, Ints, int] | None:
        """Packets from the keyframe on, times of the frames shown, and of the one after; None to look further back."""
        pts = rows.pts
        beyond = pts[pts >= last]
        inside = pts[(pts >= first) & (pts < last)]
        if len(inside) == 0 or len(beyond) == 0:
            raise Unsure("no frame inside, or none after")
        shown = np.sort(inside)
        zero, after = int(shown[0]), int(beyond.min())
        serving = np.flatnonzero(rows.keys & (pts <= zero))
        earlier = pts[pts < zero]
        if len(serving) == 0 or len(earlier) == 0:
            return None
        decodable = rows.part(int(serving[-1]), int(np.flatnonzero((pts >= zero) & (pts < after))[-1]) + 1)
        line = np.sort(pts[(pts >= min(int(decodable.pts[0]), int(earlier.max()))) & (pts <= after)])
        steps = np.diff(line)
        if steps.min() <= 0 or steps.max() > self.recording.longest_pause:
            raise Unsure("frames are missing, or carry the same timestamp")
        beat, low = self.recording.beat, int(decodable.pts.min())
        if beat is not None and beat.missed(np.sort(pts[(pts >= low) & (pts <= after)])):
            raise Unsure("a frame is missing, or has a doubtful timestamp")
        if int(decodable.pts[0]) + self.shifts[0] < 0 or self._beyond_edit(after):
            raise Unsure("the recording's own edit list hides frames")
        return decodable, shown, after

    def _beyond_edit(self, after: int) -> bool:
        if not isinstance(self._index, Mp4Index):
            return False
        track = self._index.tracks[0]
        return after + self.shifts[0] > track.end * track.timescale

    def _sound(self, rows: Rows, start: Fraction, end: Fraction, lead: Fraction, tail: Fraction) -> Rows | None:
        """The packets heard from `lead` before the start to `tail` after the end; None to look further back."""
        recording, audio = self.recording, self.audio
        assert audio is not None  # noqa: S101 - the caller has seen to it
        shift, clock = self.shifts[1], clock_of(audio)
        begin, low = floor(recording.ticks(audio, start)) - shift, floor(recording.ticks(audio, start - lead)) - shift
        finish = ceil(recording.ticks(audio, end + tail)) - shift
        starts = rows.pts
        if len(starts) < 2:
            raise Unsure("hardly any sound")
        steps = np.diff(starts)
        step = int(np.median(steps))
        numbers = np.flatnonzero((starts + step > low) & (starts < finish))
        if len(numbers) == 0 or starts[numbers[0]] > begin:
            return None
        if numbers[0] == 0 and starts[0] > low:
            return None
        first, stop = int(numbers[0]), int(numbers[-1]) + 1
        jitter = max(int(JITTER / clock), 2)
        if stop == len(starts) or np.abs(steps[first:stop] - step).max() > jitter:
            raise Unsure("the sound ends, or has a hole")
        return rows.part(first, stop)

    def _compare(self) -> list[int]:
        """What to add to the index's timestamps to get libavformat's, at the beginning and in the middle alike."""
        recording = self.recording
        tracks = [track for track in (self.video, self.audio) if track is not None]
        shifts: set[tuple[int, ...]] = set()
        duration = Fraction(recording.container.duration or 0, 1_000_000)
        for moment in (Fraction(0), duration / 2):
            packets = recording.some_packets(moment, _PROBES)
            if any(len(packets[track.index]) < _PROBES for track in tracks):
                raise Unsure("hardly any packets")
            bounds = []
            for track in tracks:
                times = [packet.pts for packet in packets[track.index]]
                around = int(_AROUND_S / (clock_of(track)))
                if any(time is None for time in times):
                    raise Unsure("packets without timestamps")
                bounds.append((min(times) - around, max(times) + around))  # type: ignore[type-var, operator]
            rows = next(self._index.windows(bounds[0], bounds[-1]), None)
            if rows is None:
                raise Unsure("the index begins later")
            track_shifts = [
                self._shift(track_rows, packets[track.index])
                for track_rows, track in zip(rows, tracks, strict=False)
                if track_rows
            ]
            shifts.add(tuple(track_shifts))
        if len(shifts) != 1:
            raise Unsure("the index and libavformat differ over times")
        return list(shifts.pop())

    def _shift(self, rows: Rows, packets: Sequence[Packet[Stream]]) -> int:
        """The difference of timestamps between packets and the rows that are the same ones."""
        sizes = [packet.size for packet in packets]
        for begin in np.flatnonzero(rows.sizes == sizes[0]).tolist():
            mine = rows.part(begin, begin + len(sizes))
            if mine.sizes.tolist() != sizes:
                continue
            place = int(mine.places[0])
            if self.read(place, place + sizes[0]) != bytes(packets[0]):
                continue
            shifts = {(packet.pts or 0) - pts for packet, pts in zip(packets, mine.pts.tolist(), strict=True)}
            keys = all(packet.is_keyframe or not key for packet, key in zip(packets, mine.keys.tolist(), strict=True))
            hidden = any(packet.is_discard and packet.stream.type == "video" for packet in packets)
            if len(shifts) == 1 and keys and not hidden and not any(packet.is_corrupt for packet in packets):
                if any(bytes(packet)[:2] == _TEMPORAL_DELIMITER for packet in packets):
                    raise Unsure("AV1 with delimiters")
                return int(shifts.pop())
        raise Unsure("the index and libavformat differ over packets")

"""Clips as byte ranges of their recording: the fast way for films whose own index says where each packet lies.

Reading packets through libavformat is most of what copying costs. Where a recording is MP4 or Matroska of the plain
kind, and its packets can go into a clip as they are, its index is read directly instead and the bytes are copied.
Everything here has to be plainly right: whatever is not raises `Unsure`, and the clip is cut by way of libavformat,
which also finds the words for what is wrong. The index is compared with what libavformat says of the same recording
before it is trusted.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from types import TracebackType
from typing import Self

import av.error
import numpy as np
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from mmdia_dataset.media.damage import zero_test
from mmdia_dataset.media.matroska import MatroskaIndex
from mmdia_dataset.media.mp4 import Edit
from mmdia_dataset.media.mp4index import Mp4Index
from mmdia_dataset.media.mp4table import Lane, Template
from mmdia_dataset.media.mux import add_track, frame_samples, margins, open_mp4, timescale_of
from mmdia_dataset.media.packets import Recording
from mmdia_dataset.media.places import sample_places
from mmdia_dataset.media.samples import Index, Ints, Rows, Unsure
from mmdia_dataset.media.stretches import JITTER

__all__ = ["Ranges", "RangesClip"]

# Their packets are the same in Matroska and in MP4. H.264 and HEVC only with lengths instead of start codes.
_PICTURES = ("h264", "hevc", "vp9", "av1", "mpeg4", "mpeg2video")
_SOUNDS = ("aac", "ac3", "eac3", "mp2", "mp3", "opus", "flac", "alac", "dts")
_PROBES = 12
_AROUND_S = 2
_CHUNK_S = 2.0
# What numbers that make no sense may come to.
_STRANGE = (ValueError, IndexError, KeyError, OverflowError)
_TEMPORAL_DELIMITER = b"\x12\x00"


@dataclass(frozen=True, slots=True)
class RangesClip:
    """A clip that can be made of byte ranges.

    Attributes:
        start: recording seconds of the first frame.
        end: recording seconds of the frame after the last.
        times: when each frame is shown, in ticks of the picture's clock from the start.
        parts: the file, piece by piece. Raises Unsure where data is broken or has changed.
    """

    start: Fraction
    end: Fraction
    times: Ints
    parts: Iterator[bytes]


class Ranges:
    """A recording's packets as byte ranges; use it in a `with` block, inside that of the recording.

    Raises:
        Unsure: the recording is not of the plain kind.
    """

    def __init__(self, recording: Recording) -> None:
        video, audio = recording.video, recording.audio
        if video is None or not _as_stored(video, audio):
            raise Unsure("packets that have to be changed")
        self._recording, self._video, self._audio = recording, video, audio
        try:
            self._file = os.open(recording.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise Unsure("it can't be opened") from error
        try:
            self._index = _index(self._file, recording)
            self._tests = [zero_test(track) for track in (video, audio) if track is not None]
            self._shifts = self._compare()
            self._template = self._written()
        except (OSError, av.error.FFmpegError, *_STRANGE) as error:
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
        os.close(self._file)

    def clip(self, start: Fraction, end: Fraction) -> RangesClip:
        """The clip of a span.

        Args:
            start: recording seconds.
            end: recording seconds.

        Raises:
            Unsure: it is not plainly right.
        """
        recording, video, audio = self._recording, self._video, self._audio
        if start < 0:
            raise Unsure("it begins before the recording")
        lead, _ = margins(recording)
        clock = video.time_base or Fraction(1)
        reach = end + recording.longest_pause * clock + JITTER
        first, last = ceil(recording.ticks(video, start)), ceil(recording.ticks(video, end))
        shift = self._shifts[0]
        low = high = 0
        if audio is not None:
            low = floor(recording.ticks(audio, start - lead)) - self._shifts[1]
            high = ceil(recording.ticks(audio, reach)) - self._shifts[1]
        else:
            low, high = first - shift, last - shift
        try:
            for picture, sound in self._index.windows((first - shift, last - shift), (low, high)):
                found = self._frames(picture, first - shift, last - shift)
                if found is None:
                    continue
                rows, shown, after = found
                begin = recording.seconds(video, int(shown[0]) + shift)
                finish = recording.seconds(video, after + shift)
                heard = None if sound is None else self._sound(sound, begin, finish, lead)
                if sound is not None and heard is None:
                    continue
                return self._laid_out(rows, shown, heard, begin, finish)
        except (OSError, *_STRANGE) as error:
            raise Unsure("it can't be read") from error
        raise Unsure("no keyframe, or no sound, is found before the span")

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
        kept = rows.part(int(serving[-1]), int(np.flatnonzero((pts >= zero) & (pts < after))[-1]) + 1)
        line = np.sort(pts[(pts >= min(int(kept.pts[0]), int(earlier.max()))) & (pts <= after)])
        steps = np.diff(line)
        if steps.min() <= 0 or steps.max() > self._recording.longest_pause:
            raise Unsure("frames are missing, or carry the same timestamp")
        if int(kept.pts[0]) + self._shifts[0] < 0 or self._beyond_edit(after):
            raise Unsure("the recording's own edit list hides frames")
        return kept, shown, after

    def _beyond_edit(self, after: int) -> bool:
        if not isinstance(self._index, Mp4Index):
            return False
        track = self._index.tracks[0]
        return after + self._shifts[0] > track.end * track.timescale

    def _sound(self, rows: Rows, start: Fraction, end: Fraction, lead: Fraction) -> Rows | None:
        """The sound packets heard from `lead` before the start to the end; None to look further back."""
        recording, audio = self._recording, self._audio
        assert audio is not None  # noqa: S101 - the caller has seen to it
        shift, clock = self._shifts[1], audio.time_base or Fraction(1)
        begin, low = floor(recording.ticks(audio, start)) - shift, floor(recording.ticks(audio, start - lead)) - shift
        finish = ceil(recording.ticks(audio, end)) - shift
        starts = rows.pts
        if len(starts) < 2:
            raise Unsure("hardly any sound")
        steps = np.diff(starts)
        step = int(np.median(steps))
        kept = np.flatnonzero((starts + step > low) & (starts < finish))
        if len(kept) == 0 or starts[kept[0]] > begin:
            return None
        if kept[0] == 0 and starts[0] > low:
            return None
        one, other = int(kept[0]), int(kept[-1]) + 1
        jitter = max(int(JITTER / clock), 2)
        if other == len(starts) or np.abs(steps[one:other] - step).max() > jitter:
            raise Unsure("the sound ends, or has a hole")
        return rows.part(one, other)

    def _laid_out(self, rows: Rows, shown: Ints, heard: Rows | None, start: Fraction, end: Fraction) -> RangesClip:
        """The file: tables, then samples in chunks of two seconds, picture and sound in turn."""
        timescale = timescale_of(self._video)
        scale = (self._video.time_base or Fraction(1)) * timescale
        if scale.denominator != 1:
            raise Unsure("a clock that MP4 can't have")
        length = (end - start) * timescale
        zero = int(shown[0])
        tracks = [rows] if heard is None else [rows, heard]
        pts, dts, last = _picture_times(rows, zero, int(scale), int(length))
        lanes = [(pts, dts, last, Edit(-int(dts[0]), end - start), timescale)]
        if heard is not None and self._audio is not None:
            rate = self._audio.codec_context.sample_rate
            points, last, edit = self._sound_times(heard, start, end, rate)
            lanes.append((points, points, last, edit, rate))
        begin = min(int(times[0]) / rate for _, times, _, _, rate in lanes)
        stop = max(int(times[-1]) / rate for _, times, _, _, rate in lanes)
        edges = np.arange(begin, stop + _CHUNK_S, _CHUNK_S)[1:]
        table = [
            Lane(
                shown_at,
                times,
                last,
                packets.sizes,
                packets.keys,
                np.append(0, np.searchsorted(times, edges * rate)),
                edit,
            )
            for packets, (shown_at, times, last, edit, rate) in zip(tracks, lanes, strict=True)
        ]
        front = self._template.front(table, timescale)
        return RangesClip(start, end, shown - zero, self._parts(front, tracks, [lane.chunks for lane in table]))

    def _sound_times(self, rows: Rows, start: Fraction, end: Fraction, rate: int) -> tuple[Ints, int, Edit]:
        """As `mux` does it, on the same numbers."""
        audio, recording = self._audio, self._recording
        assert audio is not None  # noqa: S101 - the caller has seen to it
        per_tick = (audio.time_base or Fraction(1, rate)) * rate
        ticks = (rows.pts + self._shifts[1]).tolist()
        fixed = frame_samples(audio, ticks, per_tick)
        places, _ = sample_places(ticks, [fixed] * len(ticks), per_tick, (start + recording.origin) * rate)
        points = np.array(places, np.int64)
        if fixed < 1 or (np.diff(points) <= 0).any():
            raise Unsure("packets of unknown lengths")
        delay = Fraction(max(0, places[0]), rate)
        heard = min(end - start, Fraction(places[-1] + fixed, rate)) - delay
        return points, fixed, Edit(max(0, -places[0]), heard, delay)

    def _parts(self, front: bytes, tracks: Sequence[Rows], chunks: Sequence[Ints]) -> Iterator[bytes]:
        """The file: its index, then chunk by chunk the packets of each track in turn."""
        yield front
        lanes = [_Lane(rows, begins) for rows, begins in zip(tracks, chunks, strict=True)]
        for number in range(len(chunks[0])):
            wanted = [lane.spans(number) for lane in lanes]
            low = min((spans[0][0] for spans in wanted if spans), default=0)
            high = max((spans[-1][1] for spans in wanted if spans), default=0)
            near = high - low <= 4 * sum(lane.bytes[number] for lane in lanes) + (1 << 20)
            data = self._read(low, high) if near else b""
            for lane, spans, broken in zip(lanes, wanted, self._tests, strict=True):
                if near:
                    joined = b"".join([data[one - low : other - low] for one, other in spans])
                else:
                    joined = b"".join([self._read(one, other) for one, other in spans])
                if broken.in_any(joined, lane.sizes(number)):
                    raise Unsure("zeros where no packet has them")
                yield joined

    def _read(self, low: int, high: int) -> bytes:
        try:
            data = os.pread(self._file, high - low, low)
        except OSError as error:
            raise Unsure("it can't be read") from error
        if len(data) != high - low:
            raise Unsure("the file has become shorter")
        return data

    def _compare(self) -> list[int]:
        """What to add to the index's timestamps to get libavformat's, at the beginning and in the middle alike."""
        recording = self._recording
        tracks = [track for track in (self._video, self._audio) if track is not None]
        shifts: set[tuple[int, ...]] = set()
        duration = Fraction(recording.container.duration or 0, 1_000_000)
        for moment in (Fraction(0), duration / 2):
            packets = recording.some_packets(moment, _PROBES)
            if any(len(packets[track.index]) < _PROBES for track in tracks):
                raise Unsure("hardly any packets")
            bounds = []
            for track in tracks:
                times = [packet.pts for packet in packets[track.index]]
                around = int(_AROUND_S / (track.time_base or Fraction(1)))
                if any(time is None for time in times):
                    raise Unsure("packets without timestamps")
                bounds.append((min(times) - around, max(times) + around))  # type: ignore[type-var, operator]
            rows = next(self._index.windows(bounds[0], bounds[-1]), None)
            if rows is None:
                raise Unsure("the index begins later")
            found = [self._shift(one, packets[track.index]) for one, track in zip(rows, tracks, strict=False) if one]
            shifts.add(tuple(found))
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
            if self._read(place, place + sizes[0]) != bytes(packets[0]):
                continue
            shifts = {(packet.pts or 0) - pts for packet, pts in zip(packets, mine.pts.tolist(), strict=True)}
            keys = all(packet.is_keyframe or not key for packet, key in zip(packets, mine.keys.tolist(), strict=True))
            hidden = any(packet.is_discard and packet.stream.type == "video" for packet in packets)
            if len(shifts) == 1 and keys and not hidden and not any(packet.is_corrupt for packet in packets):
                if any(bytes(packet)[:2] == _TEMPORAL_DELIMITER for packet in packets):
                    raise Unsure("AV1 with delimiters")
                return int(shifts.pop())
        raise Unsure("the index and libavformat differ over packets")

    def _written(self) -> Template:
        """What libavformat's muxer writes for these tracks, from some packets of the beginning."""
        recording, buffer = self._recording, io.BytesIO()
        packets = recording.some_packets(Fraction(0), _PROBES)
        with open_mp4(buffer, timescale_of(self._video)) as out:
            tracks = {track.index: add_track(out, track) for track in (self._video, self._audio) if track is not None}
            out.start_encoding()
            for index, track in tracks.items():
                for number, packet in enumerate(packets[index]):
                    packet.stream = track
                    packet.time_base = Fraction(1, 1000)
                    packet.pts = packet.dts = 40 * number
                    packet.duration = 40
                    out.mux_one(packet)
        return Template(buffer.getbuffer())


def _as_stored(video: VideoStream, audio: AudioStream | None) -> bool:
    """Whether packets can go into a clip as they are."""
    context = video.codec_context
    name = context.codec.canonical_name
    extra = context.extradata or b""
    if name not in _PICTURES or (name in ("h264", "hevc") and extra[:1] != b"\x01"):
        return False
    if audio is None:
        return True
    name = audio.codec_context.codec.canonical_name
    return name in _SOUNDS and (name != "aac" or bool(audio.codec_context.extradata))


def _index(file: int, recording: Recording) -> Index:
    """The reader of the recording's container."""
    video, audio, container = recording.video, recording.audio, recording.container
    assert video is not None  # noqa: S101 - the caller has seen to it
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


def _picture_times(rows: Rows, zero: int, scale: int, length: int) -> tuple[Ints, Ints, int]:
    """When packets are shown and decoded, 0 at the first frame shown, and how long the last one lasts."""
    pts = (rows.pts - zero) * scale
    order = np.sort(pts)
    dts = None if rows.dts is None else (rows.dts - zero) * scale
    if dts is None or (np.diff(dts) <= 0).any() or (dts > pts).any():
        # None are given: the times of showing in order, as late as reordering needs.
        numbers = np.arange(len(pts))
        delay = int((numbers - np.searchsorted(order, pts)).max())
        step = max(1, int(order[-1] - order[0]) // max(1, len(order) - 1))
        ahead = order[0] - np.arange(delay, 0, -1) * step
        dts = np.concatenate([ahead, order[: len(order) - delay]])
    place = int(np.searchsorted(order, pts[-1])) + 1
    following = order[place] if place < len(order) else max(length, int(order[-1]) + scale)
    return pts, dts, int(following) - int(pts[-1])


class _Lane:
    """A track's packets as stretches of the file, chunk by chunk."""

    def __init__(self, rows: Rows, chunks: Ints) -> None:
        begins, ends, count = rows.places, rows.places + rows.sizes, len(rows.places)
        if (begins[1:] < ends[:-1]).any():
            raise Unsure("packets that do not lie in order")
        apart = np.ones(count, bool)
        apart[1:] = begins[1:] != ends[:-1]
        apart[chunks[chunks < count]] = True
        firsts = np.flatnonzero(apart)
        self._sizes = rows.sizes.tolist()
        self._chunks = np.append(chunks, count).tolist()
        self._stretches = list(
            zip(begins[firsts].tolist(), ends[np.append(firsts[1:] - 1, count - 1)].tolist(), strict=True)
        )
        self._bounds = np.searchsorted(firsts, np.append(chunks, count)).tolist()
        total = np.append(0, np.cumsum(rows.sizes))
        self.bytes = np.diff(total[np.append(chunks, count)]).tolist()

    def spans(self, number: int) -> list[tuple[int, int]]:
        """The stretches of a chunk: from where to where."""
        return self._stretches[self._bounds[number] : self._bounds[number + 1]]

    def sizes(self, number: int) -> list[int]:
        """Bytes of each packet of a chunk."""
        found: list[int] = self._sizes[self._chunks[number] : self._chunks[number + 1]]
        return found

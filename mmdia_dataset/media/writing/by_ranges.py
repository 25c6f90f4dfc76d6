"""Clips as byte ranges of their recording: the fast way for films whose own index gives the place of each packet.

If `Lookup` can read a recording's index, and its packets fit into a clip unchanged, the bytes are copied. If anything
is not clearly right, this raises `Unsure`, and libavformat cuts the clip.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Self

import av.error
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from mmdia_dataset.media.containers.mp4boxes import Edit
from mmdia_dataset.media.containers.mp4table import Lane, Template
from mmdia_dataset.media.containers.packet_rows import STRANGE, Ints, Rows, Unsure
from mmdia_dataset.media.reading.by_index import Lookup
from mmdia_dataset.media.reading.clock import clock_of
from mmdia_dataset.media.reading.recording import OpenRecording
from mmdia_dataset.media.sound.placing import sample_places
from mmdia_dataset.media.writing.mux import add_track, frame_samples, margins, open_mp4, timescale_of

__all__ = ["Ranges", "RangesClip"]

# Their packets are the same in Matroska and in MP4. H.264 and HEVC only with lengths instead of start codes.
_PICTURES = ("h264", "hevc", "vp9", "av1", "mpeg4", "mpeg2video")
_SOUNDS = ("aac", "ac3", "eac3", "mp2", "mp3", "opus", "flac", "alac", "dts")
_PROBES = 12
_CHUNK_S = 4.0


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
        Unsure: the recording is not simple enough.
    """

    def __init__(self, recording: OpenRecording) -> None:
        video, audio = recording.video, recording.audio
        if video is None or not _as_stored(video, audio):
            raise Unsure("packets that have to be changed")
        self._recording, self._video, self._audio = recording, video, audio
        self._lookup = Lookup(recording)
        try:
            self._template = self._written()
        except (OSError, av.error.FFmpegError, *STRANGE) as error:
            self._lookup.close()
            raise Unsure("it can't be read") from error
        except Unsure:
            self._lookup.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lookup.close()

    def clip(self, start: Fraction, end: Fraction) -> RangesClip:
        """The clip of a span.

        Args:
            start: recording seconds.
            end: recording seconds.

        Raises:
            Unsure: it is not clearly right.
        """
        span = self._lookup.find(start, end, margins(self._recording)[0])
        try:
            return self._laid_out(span.picture, span.shown, span.sound, span.start, span.end)
        except STRANGE as error:
            raise Unsure("it can't be read") from error

    def _laid_out(self, rows: Rows, shown: Ints, heard: Rows | None, start: Fraction, end: Fraction) -> RangesClip:
        """The file: tables, then samples in chunks of four seconds, picture and sound in turn."""
        timescale = timescale_of(self._video)
        scale = clock_of(self._video) * timescale
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
                pts=shown_at,
                dts=times,
                last=last,
                sizes=packets.sizes,
                keys=packets.keys,
                chunks=np.append(0, np.searchsorted(times, edges * rate)),
                edit=edit,
            )
            for packets, (shown_at, times, last, edit, rate) in zip(tracks, lanes, strict=True)
        ]
        front = self._template.front(table, timescale)
        return RangesClip(start, end, shown - zero, self._parts(front, tracks, [lane.chunks for lane in table]))

    def _sound_times(self, rows: Rows, start: Fraction, end: Fraction, rate: int) -> tuple[Ints, int, Edit]:
        """As `mux` does it, on the same numbers."""
        audio, recording = self._audio, self._recording
        assert audio is not None  # noqa: S101 - the caller has seen to it
        per_tick = clock_of(audio) * rate
        ticks = (rows.pts + self._lookup.shifts[1]).tolist()
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
            spans = [lane.spans(number) for lane in lanes]
            low = min((int(begins[0]) for begins, _ in spans if len(begins)), default=0)
            high = max((int(ends[-1]) for _, ends in spans if len(ends)), default=0)
            near = high - low <= 4 * sum(lane.bytes[number] for lane in lanes) + (1 << 20)
            data = self._lookup.read(low, high) if near else b""
            for lane, (begins, ends), broken in zip(lanes, spans, self._lookup.tests, strict=True):
                if near:
                    places = zip((begins - low).tolist(), (ends - low).tolist(), strict=True)
                    joined = b"".join([data[begin:end] for begin, end in places])
                else:
                    places = zip(begins.tolist(), ends.tolist(), strict=True)
                    joined = b"".join([self._lookup.read(begin, end) for begin, end in places])
                if broken.in_any(joined, lane.sizes(number)):
                    raise Unsure("zeros where no packet has them")
                yield joined

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
        return Template(memoryview(buffer.getvalue()))


def _as_stored(video: VideoStream, audio: AudioStream | None) -> bool:
    """Whether packets fit into a clip unchanged."""
    context = video.codec_context
    name = context.codec.canonical_name
    extra = context.extradata or b""
    if name not in _PICTURES or (name in ("h264", "hevc") and extra[:1] != b"\x01"):
        return False
    if audio is None:
        return True
    name = audio.codec_context.codec.canonical_name
    return name in _SOUNDS and (name != "aac" or bool(audio.codec_context.extradata))


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
        self._begins, self._ends = begins[firsts], ends[np.append(firsts[1:] - 1, count - 1)]
        self._bounds = np.searchsorted(firsts, np.append(chunks, count)).tolist()
        total = np.append(0, np.cumsum(rows.sizes))
        self.bytes = np.diff(total[np.append(chunks, count)]).tolist()

    def spans(self, number: int) -> tuple[Ints, Ints]:
        """The stretches of a chunk: from where and to where."""
        piece = slice(self._bounds[number], self._bounds[number + 1])
        return self._begins[piece], self._ends[piece]

    def sizes(self, number: int) -> list[int]:
        """Bytes of each packet of a chunk."""
        sizes: list[int] = self._sizes[self._chunks[number] : self._chunks[number + 1]]
        return sizes

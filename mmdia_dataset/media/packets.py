"""Finding the packets of a span in a recording, and judging whether they are whole.

All times inside are integer ticks of a track's own clock; fractions of a second appear only at the edges.

Limits of what is noticed without decoding: packets that are missing (gaps in the timestamps), packets the demuxer
calls corrupt, and data overwritten with zeros. Not noticed: flipped bits inside a packet; missing frames of a recording
whose frame rate varies, as long as the hole is no longer than that recording's pauses; and the loss of nothing but a
frame after the end that frames before it are made from. `media.verify` decodes, and sees more.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import ceil, floor
from types import TracebackType
from typing import TYPE_CHECKING, Self

import av.error
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Discard, Stream
from av.video.stream import VideoStream

from mmdia_dataset.errors import MediaDamaged, MediaError, SpanOutside, UnsupportedCodec, shown
from mmdia_dataset.media.damage import zero_test
from mmdia_dataset.media.probe import best_audio, best_video, open_media, origin_of
from mmdia_dataset.media.steps import clock_of, frame_ticks, usual_step, within

__all__ = ["JITTER", "REORDER", "EmptySpan", "Recording", "Stretch"]

if TYPE_CHECKING:  # generic in the stubs only
    AudioPacket = Packet[AudioStream]
    VideoPacket = Packet[VideoStream]

# H.264 and HEVC let at most 16 frames overtake another one; after more frames beyond a moment, none before it follows.
REORDER = 17
# A later start means reading backwards in growing steps: seeks in TS and PS land after the keyframe.
_STEPS_BACK = (0, 1, 3, 9, 27, 81)
# Once one track is this far past the end, the other one has a hole and is not waited for.
_PATIENCE = Fraction(10)
# A step of this size between two sound packets is a rounding of timestamps, a larger one a hole.
JITTER = Fraction(1, 100)
# Seconds of the recording from which its frame rate is judged.
_SAMPLE = Fraction(8)
# Sound may begin later or end earlier than the picture by this much at the ends of a recording.
_RAGGED = Fraction(1, 10)


class EmptySpan(MediaError):
    """No frame begins inside the wanted span."""


@dataclass(slots=True)
class Stretch:
    """What a recording holds of a span.

    Attributes:
        start: recording seconds of the first frame inside; without a picture, the wanted start.
        end: recording seconds of the frame after the last; without a picture, the wanted end.
        video: packets in decoding order from a keyframe on, up to the last one that is shown; empty if not kept.
        audio: packets from `lead` before the start to `tail` after the end.
        shown: timestamps of the frames inside the span, in order.
    """

    start: Fraction
    end: Fraction
    video: list[VideoPacket] = field(default_factory=list)
    audio: list[AudioPacket] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Haul:
    """What one pass over a part of the recording brought up."""

    video: list[VideoPacket] = field(default_factory=list)
    audio: list[AudioPacket] = field(default_factory=list)
    times: list[int] = field(default_factory=list)  # of all frames seen, hidden ones apart
    key: int | None = None
    ended: bool = False
    undated: bool = False


class Recording:
    """A recording, open for reading spans in any order; use it in a `with` block.

    Raises:
        MediaUnreadable: it can't be opened.
    """

    def __init__(self, path: str | os.PathLike[str], language: str | None = None, track: int | None = None) -> None:
        self.path = path
        self.container = open_media(path)
        self.video: VideoStream | None = best_video(self.container)
        self.audio: AudioStream | None = best_audio(self.container, language, track)
        self.origin = origin_of(self.container)
        wanted = {stream.index for stream in (self.video, self.audio) if stream is not None}
        for stream in self.container.streams:
            if stream.index not in wanted:
                stream.discard = Discard.all
        name = self.container.format.name
        # Only here does the file itself say when a frame is decoded; elsewhere libavformat guesses.
        self._has_dts = name.startswith(("mov", "mpeg"))
        self.margin = Fraction(1) if name.startswith("mpeg") else Fraction(0)
        duration = self.container.duration
        self._claimed_end = Fraction(duration, 1_000_000) if duration and duration > 0 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.container.close()

    def ticks(self, stream: VideoStream | AudioStream, seconds: Fraction) -> Fraction:
        """A moment of recording time on a track's clock; whole only by chance."""
        return (seconds + self.origin) / clock_of(stream)

    def seconds(self, stream: VideoStream | AudioStream, ticks: int) -> Fraction:
        """A timestamp of a track as recording time."""
        return ticks * clock_of(stream) - self.origin

    def stretch(
        self, start: Fraction, end: Fraction, *, lead: Fraction, tail: Fraction = Fraction(0), pictures: bool = True
    ) -> Stretch:
        """The packets of [start, end).

        Args:
            start: recording seconds.
            end: recording seconds.
            lead: seconds of sound wanted before the first frame, for the decoder to settle.
            tail: seconds of sound wanted after the end.
            pictures: keep the picture's packets; without, only their timestamps are read.

        Raises:
            EmptySpan: no frame begins in the span.
            SpanOutside: the span does not lie inside the recording.
            MediaDamaged: data is missing or broken, as far as it shows without decoding.
            UnsupportedCodec: the picture has no usable timestamps.
        """
        haul = _Haul()
        for back in _STEPS_BACK:
            since = start - lead - self.margin - back
            haul = self._read(since, start, end, tail, pictures)
            if since <= 0 or self._reaches_back(haul, start, lead):
                break
        else:
            haul = self._read(Fraction(0), start, end, tail, pictures)
        result = Stretch(start, end) if self.video is None else self._frames(haul, start, end, pictures)
        if self.audio is not None:
            result.audio = self._sound(haul, result, lead, tail)
        return result

    def some_packets(self, moment: Fraction, count: int) -> dict[int, list[Packet[Stream]]]:
        """The first packets of each track from the keyframe before a moment on, by the track's index.

        Raises:
            FFmpegError: they can't be read.
        """
        tracks = [one for one in (self.video, self.audio) if one is not None]
        found: dict[int, list[Packet[Stream]]] = {track.index: [] for track in tracks}
        self._seek(tracks[0], moment)
        for number, packet in enumerate(self.container.demux(*tracks)):
            if packet.size and len(found[packet.stream_index]) < count:
                found[packet.stream_index].append(packet)
            if number > 100 * count or all(len(packets) >= count for packets in found.values()):
                break
        return found

    def _read(self, since: Fraction, start: Fraction, end: Fraction, tail: Fraction, pictures: bool) -> _Haul:
        """One pass from the keyframe before `since` until both tracks are through."""
        tracks = [one for one in (self.video, self.audio) if one is not None]
        haul = _Haul()
        try:
            self._seek(tracks[0], since)
            self._collect(self.container.demux(*tracks), haul, start, end, tail, pictures)
        except av.error.FFmpegError as error:
            raise MediaDamaged(
                f"reading stops near {float(start):.3f} s ({error.strerror})", where=self.path
            ) from error
        return haul

    def _seek(self, track: VideoStream | AudioStream, since: Fraction) -> None:
        """To the keyframe before a moment, or to the beginning."""
        if since <= 0:
            # Well before the beginning: TS looks for decoding times, which come earlier than the first frame.
            tracks = [one for one in (self.video, self.audio) if one is not None]
            since = min(Fraction(0), *(self.seconds(one, one.start_time or 0) for one in tracks)) - _PATIENCE
        try:
            self.container.seek(int(self.ticks(track, since)), stream=track)
        except av.error.FFmpegError:  # no keyframe lies before it
            self.container.seek(track.start_time or 0, stream=track, backward=False)

    def _collect(
        self,
        packets: Iterator[Packet[Stream]],
        haul: _Haul,
        start: Fraction,
        end: Fraction,
        tail: Fraction,
        pictures: bool,
    ) -> None:
        """Take packets in until no more is needed of either track; this loop runs once per packet, on integers."""
        video, audio = self.video, self.audio
        video_index = -1 if video is None else video.index
        first = last = give_up = sound_last = sound_give_up = 0
        if video is not None:
            first, last = ceil(self.ticks(video, start)), ceil(self.ticks(video, end))
            give_up = ceil(self.ticks(video, end + _PATIENCE))
        if audio is not None:
            sound_last = ceil(self.ticks(audio, end + tail))
            sound_give_up = ceil(self.ticks(audio, end + _PATIENCE))
        picture_done, sound_done = video is None, audio is None
        after: int | None = None  # the first frame at or after the end, as far as seen
        beyond = 0
        for packet in packets:
            if not packet.size:
                continue
            pts = packet.pts
            if packet.stream_index != video_index:
                haul.audio.append(packet)  # type: ignore[arg-type]
                if pts is not None:
                    sound_done = pts >= sound_last
                    if pts >= sound_give_up and not picture_done:
                        return
            elif pts is None:
                haul.undated = True
            elif picture_done:
                if pts >= give_up:
                    return
            else:
                if pts <= first and packet.is_keyframe:
                    haul.key = pts
                    haul.video.clear()
                if pictures:
                    haul.video.append(packet)  # type: ignore[arg-type]
                if packet.is_discard:
                    continue
                haul.times.append(pts)
                if pts < last:
                    continue
                beyond += 1
                if after is None or pts < after:
                    after = pts
                    if video is not None and audio is not None:
                        sound_last = ceil(self.ticks(audio, self.seconds(video, after) + tail))
                        sound_done = False
                dts = packet.dts
                picture_done = beyond >= REORDER or (self._has_dts and dts is not None and dts >= after)
            if picture_done and sound_done:
                return
        haul.ended = True

    def _reaches_back(self, haul: _Haul, start: Fraction, lead: Fraction) -> bool:
        """Whether a pass began early enough for the decoders of both tracks."""
        if self.audio is not None:
            first = next((packet.pts for packet in haul.audio if packet.pts is not None), None)
            if first is None or self.seconds(self.audio, first) > max(start - lead, Fraction(0)):
                return False
        if self.video is None or haul.key is not None:
            return True
        # A keyframe that is itself the first frame inside serves too.
        edge = ceil(self.ticks(self.video, start))
        inside = [time for time in haul.times if time >= edge]
        return (
            bool(inside)
            and bool(haul.times)
            and any(packet.is_keyframe and packet.pts == min(inside) for packet in haul.video)
        )

    def _frames(self, haul: _Haul, start: Fraction, end: Fraction, pictures: bool) -> Stretch:
        """The frames inside the span, in order, whole and without holes."""
        video = self.video
        assert video is not None  # noqa: S101 - the caller asked
        if haul.undated:
            raise UnsupportedCodec("the picture's packets carry no timestamps", where=self.path)
        first, last = ceil(self.ticks(video, start)), ceil(self.ticks(video, end))
        times = sorted(haul.times)
        if any(one == other for one, other in pairwise(times)):
            raise MediaDamaged(f"near {float(start):.3f} s several frames carry the same timestamp", where=self.path)
        low, high = bisect_left(times, first), bisect_left(times, last)
        inside = times[low:high]
        step = usual_step(times) or frame_ticks(video)
        pause = self.longest_pause
        if high < len(times):
            after = times[high]
        elif not times or not haul.ended:
            raise MediaDamaged(f"the picture is missing from {float(start):.3f} s on", where=self.path)
        else:
            after = times[-1] + step
            self._must_be_end(self.seconds(video, after), end, step * clock_of(video))
        if start < -step * clock_of(video):
            raise SpanOutside(f"the span begins {float(-start):.3f} s before the recording", where=self.path)
        if not inside:
            if low and high < len(times) and times[high] - times[low - 1] > pause:
                raise MediaDamaged(self._hole(video, times[low - 1], times[high]), where=self.path)
            raise EmptySpan("no frame begins inside the span", where=self.path)
        if not low and inside[0] == video.start_time and inside[0] - first > pause:
            raise SpanOutside(
                f"the picture begins at {float(self.seconds(video, inside[0])):.3f} s, after the span", where=self.path
            )
        before = times[low - 1] if low else first - step
        result = Stretch(self.seconds(video, inside[0]), self.seconds(video, after), shown=inside)
        line = [before, *inside, after]
        if pictures:
            # A hole among the hidden frames is one in what the shown ones are made from.
            result.video = self._decodable(haul.video, inside, after)
            used = [packet.pts or 0 for packet in result.video[:1]]
            if used[0] < inside[0]:
                line = [*times[bisect_left(times, used[0]) : low], *inside, after]
        for one, other in pairwise(line):
            if other - one > pause:
                raise MediaDamaged(self._hole(video, one, other), where=self.path)
        return result

    def _decodable(self, packets: list[VideoPacket], inside: list[int], after: int) -> list[VideoPacket]:
        """From the last keyframe that serves to the last frame shown, in decoding order."""
        starts = [n for n, packet in enumerate(packets) if packet.is_keyframe and (packet.pts or 0) <= inside[0]]
        if not starts:
            raise MediaDamaged("no keyframe is found before the span", where=self.path)
        stops = [
            n for n, packet in enumerate(packets) if packet.pts == inside[-1] or within(packet.pts, inside[0], after)
        ]
        kept = packets[starts[-1] : stops[-1] + 1]
        self._must_be_whole(kept, packets[0].stream)
        if any(packet.is_discard and within(packet.pts, inside[0], after) for packet in kept):
            raise UnsupportedCodec("the recording's own edit list hides frames inside the span", where=self.path)
        return kept

    def _sound(self, haul: _Haul, stretch: Stretch, lead: Fraction, tail: Fraction) -> list[AudioPacket]:
        """The sound packets that are heard between `lead` before the start and `tail` after the end, without holes."""
        audio = self.audio
        assert audio is not None  # noqa: S101 - the caller asked
        packets = [packet for packet in haul.audio if packet.pts is not None]
        starts = [packet.pts or 0 for packet in packets]
        step = usual_step(starts)
        ends = [pts + (packet.duration or step) for pts, packet in zip(starts, packets, strict=True)]
        begin, low = floor(self.ticks(audio, stretch.start)), floor(self.ticks(audio, stretch.start - lead))
        finish, high = ceil(self.ticks(audio, stretch.end)), ceil(self.ticks(audio, stretch.end + tail))
        ragged, jitter = int(_RAGGED / clock_of(audio)), max(int(JITTER / clock_of(audio)), 2)
        kept = [n for n in range(len(packets)) if ends[n] > low and starts[n] < high]
        missing = "there is no sound"
        if kept and ends[kept[-1]] > begin and starts[kept[0]] < finish:
            missing = (
                f"the sound begins at {float(self.seconds(audio, starts[kept[0]])):.3f} s"
                if starts[kept[0]] > begin + ragged
                else f"the sound ends at {float(self.seconds(audio, ends[kept[-1]])):.3f} s"
                if ends[kept[-1]] < finish - ragged
                else ""
            )
        if missing:
            at_edge = haul.ended or (packets and starts[0] == audio.start_time)
            kind = SpanOutside if at_edge else MediaDamaged
            raise kind(f"{missing}, the clip would lie at {float(stretch.start):.3f} s", where=self.path)
        heard = [packets[n] for n in kept]
        self._must_be_whole(heard, audio)
        for n, following in pairwise(kept):
            if abs(starts[following] - ends[n]) > jitter and starts[n] < finish:
                raise MediaDamaged(self._hole(audio, ends[n], starts[following]), where=self.path)
        return heard

    @cached_property
    def longest_pause(self) -> Fraction:
        """The longest distance of two frames that is not yet a hole, in ticks of the picture's clock.

        A sample from inside the recording tells whether its frame rate is steady; if so, 2.5 frames, since soft
        telecine alternates between 2 and 3 fields, else a second or ten frames, whichever is more. The same for all
        spans of a recording, so that what is refused does not depend on what else was asked for.
        """
        video = self.video
        assert video is not None  # noqa: S101 - the caller asked
        since = (self._claimed_end or Fraction(0)) / 4
        try:
            times = sorted(self._read(since, since, since + _SAMPLE, Fraction(0), False).times)
        except MediaDamaged:  # the sample's misfortune is not the span's
            times = []
        step = usual_step(times) or frame_ticks(video)
        steps = [other - one for one, other in pairwise(times)]
        uneven = sum(abs(one - step) * 2 > step + 2 for one in steps)
        if uneven * 20 <= len(steps):
            return step * Fraction(5, 2) + 1
        return max(1 / clock_of(video), Fraction(10 * step))

    def _must_be_whole(self, packets: list[VideoPacket] | list[AudioPacket], stream: VideoStream | AudioStream) -> None:
        zeroed = zero_test(stream)
        for packet in packets:
            if packet.is_corrupt or zeroed(bytes(packet)):
                kind = "picture" if stream is self.video else "sound"
                at = float(self.seconds(stream, packet.pts or 0))
                raise MediaDamaged(f"the {kind}'s data is broken at {at:.3f} s", where=self.path)

    def _must_be_end(self, seen: Fraction, wanted: Fraction, step: Fraction) -> None:
        """The picture ended inside the span: at the recording's end, or because the rest of it is gone."""
        if wanted <= seen + step:
            return
        claimed = self._claimed_end
        if claimed is not None and wanted <= claimed:
            raise MediaDamaged(
                f"the picture ends at {float(seen):.3f} s, though the file claims {float(claimed):.3f} s",
                where=self.path,
            )
        raise SpanOutside(
            f"the span ends at {float(wanted):.3f} s, the recording at {float(seen):.3f} s", where=self.path
        )

    def _hole(self, stream: VideoStream | AudioStream, one: int, other: int) -> str:
        kind = "picture" if stream is self.video else "sound"
        place = f"from {float(self.seconds(stream, one)):.3f} s to {float(self.seconds(stream, other)):.3f} s"
        return f"the {kind} has a hole or jumps {place}"

    def __repr__(self) -> str:
        return f"Recording({shown(self.path)!r})"

"""A span of a recording: its packets, and whether they are complete.

This notices, without decoding: missing packets (gaps in the timestamps), packets that the demuxer calls corrupt, and
data overwritten with zeros. It does not notice: flipped bits inside a packet; missing frames in a recording with a
variable frame rate, if the gap is not longer than the recording's usual pauses; and the loss of a single frame after
the end that earlier frames are made from. `media.verify` decodes, and notices more.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import TYPE_CHECKING

from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.stream import VideoStream

from mmdia_dataset.errors import MediaDamaged, MediaError, SpanOutside, UnsupportedCodec
from mmdia_dataset.media.reading.clock import clock_of, frame_ticks, usual_step, within
from mmdia_dataset.media.reading.damage import zero_test
from mmdia_dataset.media.reading.tracks import Tracks
from mmdia_dataset.media.reading.witnesses import Beat

__all__ = ["JITTER", "EmptySpan", "PacketBatch", "Stretch", "frames_of", "sound_packets"]

if TYPE_CHECKING:  # generic in the stubs only
    AudioPacket = Packet[AudioStream]
    VideoPacket = Packet[VideoStream]

# A step of this size between two sound packets is a rounding of timestamps, a larger one a gap.
JITTER = Fraction(1, 100)
# Sound may begin later or end earlier than the picture by this much at the ends of a recording.
_RAGGED = Fraction(1, 10)


class EmptySpan(MediaError):
    """No frame begins inside the span."""


@dataclass(slots=True, kw_only=True)
class Stretch:
    """What a recording holds of a span.

    Attributes:
        start: recording seconds of the first frame inside; without a picture, the start of the span.
        end: recording seconds of the frame after the last; without a picture, the end of the span.
        video: packets in decoding order from a keyframe on, up to the last one that is shown; empty if not kept.
        audio: packets from `lead` before the start to `tail` after the end.
        shown: timestamps of the frames inside the span, in order.
    """

    start: Fraction
    end: Fraction
    video: list[VideoPacket] = field(default_factory=list)
    audio: list[AudioPacket] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class PacketBatch:
    """The packets that one pass over a part of the recording read."""

    video: list[VideoPacket] = field(default_factory=list)
    audio: list[AudioPacket] = field(default_factory=list)
    times: list[int] = field(default_factory=list)  # of all frames seen, hidden ones apart
    keys: set[int] = field(default_factory=set)  # times of those that begin a group
    key: int | None = None
    ended: bool = False
    undated: bool = False


def frames_of(
    tracks: Tracks,
    batch: PacketBatch,
    span: tuple[Fraction, Fraction],
    pictures: bool,
    pause: Fraction,
    beat: Beat | None,
) -> Stretch:
    """The frames inside a span, in order, whole and without gaps; a distance above `pause` ticks is a gap.

    If frames have a steady distance, `beat`, a frame off this beat has a wrong timestamp, unless a new part of the
    recording begins with it.

    Raises:
        EmptySpan, SpanOutside, MediaDamaged, UnsupportedCodec: as in `OpenRecording.stretch`.
    """
    video, (start, end) = tracks.video, span
    assert video is not None  # noqa: S101 - the caller asked
    if batch.undated:
        raise UnsupportedCodec("the picture has no timestamps", where=tracks.path)
    first, last = ceil(tracks.ticks(video, start)), ceil(tracks.ticks(video, end))
    times = sorted(batch.times)
    if any(early == late for early, late in pairwise(times)):
        raise MediaDamaged(f"several frames near {float(start):.3f} s have the same timestamp", where=tracks.path)
    low, high = bisect_left(times, first), bisect_left(times, last)
    inside = times[low:high]
    step = usual_step(times) or frame_ticks(video)
    if high < len(times):
        after = times[high]
    elif not times or not batch.ended:
        raise MediaDamaged(f"the picture is missing from {float(start):.3f} s on", where=tracks.path)
    else:
        after = times[-1] + step
        _must_be_end(tracks, tracks.seconds(video, after), end, step * clock_of(video))
    if start < -step * clock_of(video):
        raise SpanOutside(f"the span begins {float(-start):.3f} s before the recording does", where=tracks.path)
    if not inside:
        if low and high < len(times) and times[high] - times[low - 1] > pause:
            raise MediaDamaged(_hole(tracks, video, times[low - 1], times[high]), where=tracks.path)
        raise EmptySpan("no frame begins inside the span", where=tracks.path)
    # Not all have been read of those before the keyframe, and beyond the frame after the last.
    line = times[0 if batch.key is not None else max(0, low - 1) : high + 1]
    missed = beat.missed(line, batch.keys) if beat is not None else []
    if missed:
        seconds = float(tracks.seconds(video, line[missed[0]]))
        raise MediaDamaged(f"a frame is missing or has a wrong timestamp at {seconds:.3f} s", where=tracks.path)
    beginning = not low and inside[0] == video.start_time
    if beginning and inside[0] - first > pause:
        raise SpanOutside(
            f"the picture begins at {float(tracks.seconds(video, inside[0])):.3f} s, after the span", where=tracks.path
        )
    before = times[low - 1] if low else inside[0] if beginning else first - step
    result = Stretch(start=tracks.seconds(video, inside[0]), end=tracks.seconds(video, after), shown=inside)
    line = [before, *inside, after]
    if pictures:
        # The shown frames are made from the hidden ones, so a gap among these counts too.
        result.video = _decodable(tracks, batch.video, inside, after)
        used = [packet.pts or 0 for packet in result.video[:1]]
        if used[0] < inside[0]:
            line = [*times[bisect_left(times, used[0]) : low], *inside, after]
    for early, late in pairwise(line):
        if late - early > pause:
            raise MediaDamaged(_hole(tracks, video, early, late), where=tracks.path)
    if batch.ended and pause < 3 * step and after - inside[-1] > Fraction(3, 2) * step:
        # Cut off among frames that overtake each other: one that came before `after` is gone.
        raise MediaDamaged(_hole(tracks, video, inside[-1], after), where=tracks.path)
    return result


def _decodable(tracks: Tracks, packets: list[VideoPacket], inside: list[int], after: int) -> list[VideoPacket]:
    """From the last keyframe that serves to the last frame shown, in decoding order."""
    starts = [n for n, packet in enumerate(packets) if packet.is_keyframe and (packet.pts or 0) <= inside[0]]
    if not starts:
        raise MediaDamaged("there is no keyframe before the span", where=tracks.path)
    stops = [n for n, packet in enumerate(packets) if packet.pts == inside[-1] or within(packet.pts, inside[0], after)]
    decodable = packets[starts[-1] : stops[-1] + 1]
    _must_be_whole(tracks, decodable, packets[0].stream)
    if any(packet.is_discard and within(packet.pts, inside[0], after) for packet in decodable):
        raise UnsupportedCodec("the file's edit list hides frames inside the span", where=tracks.path)
    return decodable


def sound_packets(
    tracks: Tracks, batch: PacketBatch, stretch: Stretch, lead: Fraction, tail: Fraction
) -> list[AudioPacket]:
    """The sound packets that are heard between `lead` before the start and `tail` after the end, without gaps.

    Raises:
        SpanOutside, MediaDamaged: as in `OpenRecording.stretch`.
    """
    audio = tracks.audio
    assert audio is not None  # noqa: S101 - the caller asked
    packets = [packet for packet in batch.audio if packet.pts is not None]
    starts = [packet.pts or 0 for packet in packets]
    step = usual_step(starts)
    ends = [pts + (packet.duration or step) for pts, packet in zip(starts, packets, strict=True)]
    begin, low = floor(tracks.ticks(audio, stretch.start)), floor(tracks.ticks(audio, stretch.start - lead))
    finish, high = ceil(tracks.ticks(audio, stretch.end)), ceil(tracks.ticks(audio, stretch.end + tail))
    ragged, jitter = int(_RAGGED / clock_of(audio)), max(int(JITTER / clock_of(audio)), 2)
    numbers = [n for n in range(len(packets)) if ends[n] > low and starts[n] < high]
    missing = "there is no sound"
    if numbers and ends[numbers[-1]] > begin and starts[numbers[0]] < finish:
        missing = (
            f"the sound begins at {float(tracks.seconds(audio, starts[numbers[0]])):.3f} s, too late"
            if starts[numbers[0]] > begin + ragged
            else f"the sound ends at {float(tracks.seconds(audio, ends[numbers[-1]])):.3f} s, too early"
            if ends[numbers[-1]] < finish - ragged
            else ""
        )
    if missing:
        at_edge = batch.ended or (packets and starts[0] == audio.start_time)
        kind = SpanOutside if at_edge else MediaDamaged
        raise kind(f"{missing} for the clip at {float(stretch.start):.3f} s", where=tracks.path)
    heard = [packets[n] for n in numbers]
    _must_be_whole(tracks, heard, audio)
    first, last = numbers[0], numbers[-1]
    if starts[first] > begin + jitter and (first or starts[0] > (audio.start_time or starts[0]) + ragged):
        raise MediaDamaged(_hole(tracks, audio, begin, starts[first]), where=tracks.path)
    if ends[last] < finish - jitter and (last + 1 < len(packets) or not batch.ended):
        raise MediaDamaged(_hole(tracks, audio, ends[last], finish), where=tracks.path)
    for n, following in pairwise(numbers):
        if abs(starts[following] - ends[n]) > jitter and starts[n] < finish:
            raise MediaDamaged(_hole(tracks, audio, ends[n], starts[following]), where=tracks.path)
    return heard


def _must_be_whole(
    tracks: Tracks, packets: list[VideoPacket] | list[AudioPacket], stream: VideoStream | AudioStream
) -> None:
    zeroed = zero_test(stream)
    for packet in packets:
        if packet.is_corrupt or zeroed(bytes(packet)):
            kind = "picture" if stream is tracks.video else "sound"
            seconds = float(tracks.seconds(stream, packet.pts or 0))
            raise MediaDamaged(f"the {kind}'s data is broken at {seconds:.3f} s", where=tracks.path)


def _must_be_end(tracks: Tracks, picture_end: Fraction, span_end: Fraction, step: Fraction) -> None:
    """The picture ended inside the span: at the recording's end, or because the rest of it is gone."""
    if span_end <= picture_end + step:
        return
    claimed = tracks.claimed_end
    if claimed is not None and span_end <= claimed:
        raise MediaDamaged(
            f"the picture ends at {float(picture_end):.3f} s, but the file claims {float(claimed):.3f} s",
            where=tracks.path,
        )
    raise SpanOutside(
        f"the span ends at {float(span_end):.3f} s, but the recording at {float(picture_end):.3f} s", where=tracks.path
    )


def _hole(tracks: Tracks, stream: VideoStream | AudioStream, begin: int, end: int) -> str:
    kind = "picture" if stream is tracks.video else "sound"
    place = f"from {float(tracks.seconds(stream, begin)):.3f} s to {float(tracks.seconds(stream, end)):.3f} s"
    return f"the {kind} has a gap or a jump {place}"

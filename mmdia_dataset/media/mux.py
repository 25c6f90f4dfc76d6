"""Packets of a recording as an MP4 file that shows exactly a span of them, without re-encoding anything."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from fractions import Fraction

import av
import av.error
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from mmdia_dataset.errors import MediaDamaged, NoVideo, UnsupportedCodec
from mmdia_dataset.media.mp4 import Edit, finish
from mmdia_dataset.media.packets import Recording, Stretch
from mmdia_dataset.media.places import sample_places

__all__ = ["preroll", "remux"]

_PREROLL = Fraction(1, 10)
# Each packet of these decodes alone, and decoders that work on several at once trip over hidden ones.
_INDEPENDENT = ("pcm_", "flac", "alac", "wavpack", "tta")

_FINE = 10_000  # ticks per second below which libavformat's muxer would choose a finer clock by itself
_BUFFER = 1 << 20
_FRAME_SAMPLES = {"ac3": 1536, "eac3": 1536, "mp2": 1152, "mp2float": 1152, "mp3": 1152, "mp3float": 1152}


def preroll(recording: Recording) -> Fraction:
    """Seconds of hidden sound before a clip: most decoders need some packets before their output is right."""
    audio = recording.audio
    return Fraction(0) if audio is None or audio.codec_context.name.startswith(_INDEPENDENT) else _PREROLL


def remux(recording: Recording, stretch: Stretch) -> tuple[bytes, memoryview]:
    """The MP4 file of a stretch in two parts, to be written one after the other.

    The file lies in memory, once; the stretch's packets are used up. Same packets, same bytes.

    Raises:
        NoVideo: the recording has no picture.
        UnsupportedCodec: MP4 has no place for one of the codecs.
        MediaDamaged: the muxer does not accept the packets.
    """
    if recording.video is None:
        raise NoVideo("the recording has no picture track", where=recording.path, hint="cut it with mode 'audio'")
    buffer = io.BytesIO()
    clock = recording.video.time_base or Fraction(1, 90_000)
    timescale = clock.denominator
    while timescale < _FINE:
        timescale *= 2
    options = {"movie_timescale": str(timescale), "video_track_timescale": str(timescale), "fflags": "+bitexact"}
    # Times before the clip's start stay negative: that is what hides them.
    options["avoid_negative_ts"] = "disabled"
    try:
        with av.open(buffer, "w", format="mp4", container_options=options, buffer_size=_BUFFER) as out:
            edits = _write(out, recording, stretch, timescale)
    except (av.error.FFmpegError, ValueError) as error:
        at = float(stretch.start)
        raise MediaDamaged(f"the packets at {at:.3f} s don't fit together ({error})", where=recording.path) from error
    return finish(buffer.getbuffer(), edits, timescale)


def _write(out: OutputContainer, recording: Recording, stretch: Stretch, timescale: int) -> list[Edit]:
    """Set up the tracks, write all packets, and say what of each track is to be shown."""
    video, audio = recording.video, recording.audio
    assert video is not None  # noqa: S101 - remux has seen to it
    try:
        picture = _add(out, video)
        sound = None if audio is None else _add(out, audio)
        out.start_encoding()
    except (av.error.FFmpegError, ValueError) as error:
        names = " and ".join(one.codec_context.codec.canonical_name for one in (video, audio) if one is not None)
        raise UnsupportedCodec(f"MP4 has no place for {names}", where=recording.path) from error
    frames, edit = _picture_times(recording, stretch, timescale)
    edits, lanes = [edit], [iter(_ready(stretch.video, frames, picture, Fraction(1, timescale)))]
    if audio is not None and sound is not None:
        rate = audio.codec_context.sample_rate
        samples, edit = _sound_times(recording, stretch, rate)
        edits.append(edit)
        lanes.append(iter(_ready(stretch.audio, samples, sound, Fraction(1, rate))))
    for lane in lanes:  # the muxer orders them by time
        for packet in lane:
            out.mux_one(packet)
    return edits


def _add(out: OutputContainer, source: VideoStream | AudioStream) -> VideoStream | AudioStream:
    if source.codec_context.name.startswith("pcm_"):
        raise ValueError("few players know PCM in MP4, and the muxer takes it only in even packets")
    # opaque: some codecs (AV1) have a decoder of another name than any encoder.
    stream = out.add_stream_from_template(source, opaque=True)
    if isinstance(source, VideoStream) and isinstance(stream, VideoStream):
        if source.codec_context.name == "hevc":
            stream.codec_context.codec_tag = "hvc1"  # players of Apple's accept no other
        if source.sample_aspect_ratio:
            stream.codec_context.sample_aspect_ratio = source.sample_aspect_ratio
    if source.language:
        stream.metadata["language"] = source.language
    stream.disposition = Disposition.default
    return stream


def _ready(
    packets: list[Packet[VideoStream]] | list[Packet[AudioStream]],
    times: list[tuple[int, int, int]],
    stream: VideoStream | AudioStream,
    tick: Fraction,
) -> Iterator[Packet[VideoStream] | Packet[AudioStream]]:
    """Packets given their new times and track, one by one, and let go of."""
    packets.reverse()
    for pts, dts, duration in times:
        packet = packets.pop()
        packet.stream = stream
        packet.time_base = tick
        packet.pts, packet.dts, packet.duration = pts, dts, duration
        yield packet


def _picture_times(recording: Recording, stretch: Stretch, timescale: int) -> tuple[list[tuple[int, int, int]], Edit]:
    """(pts, dts, duration) of each picture packet, 0 at the first frame shown."""
    video = recording.video
    assert video is not None  # noqa: S101 - remux has seen to it
    clock = video.time_base or Fraction(1, 90_000)
    scale = int(clock * timescale)
    zero = stretch.shown[0]
    points = [((packet.pts or 0) - zero) * scale for packet in stretch.video]
    given = [packet.dts for packet in stretch.video]
    decode = [(dts - zero) * scale for dts in given if dts is not None]
    rising = all(one < other for one, other in itertools.pairwise(decode))
    if len(decode) < len(points) or not rising or any(d > p for d, p in zip(decode, points, strict=True)):
        decode = _decode_times(points)
    order = sorted(points)
    length = int((stretch.end - stretch.start) * timescale)
    following = dict(zip(order, [*order[1:], max(length, order[-1] + scale)], strict=True))
    times = [(pts, dts, following[pts] - pts) for pts, dts in zip(points, decode, strict=True)]
    return times, Edit(media_time=-decode[0], duration=stretch.end - stretch.start)


def _decode_times(points: list[int]) -> list[int]:
    """Decoding times for a container that has none: the presentation times in order, as late as reordering needs.

    Rising, and never after the presentation time of the same packet.
    """
    order = sorted(points)
    rank = {time: n for n, time in enumerate(order)}
    delay = max(n - rank[time] for n, time in enumerate(points))
    step = max(1, (order[-1] - order[0]) // max(1, len(order) - 1))
    return [order[n - delay] if n >= delay else order[0] - (delay - n) * step for n in range(len(points))]


def _sound_times(recording: Recording, stretch: Stretch, rate: int) -> tuple[list[tuple[int, int, int]], Edit]:
    """(pts, dts, duration) in samples of each sound packet, 0 at the first frame shown."""
    audio = recording.audio
    assert audio is not None  # noqa: S101 - the caller asked
    per_tick = (audio.time_base or Fraction(1, rate)) * rate
    ticks = [packet.pts or 0 for packet in stretch.audio]
    context = audio.codec_context
    fixed = context.frame_size or _FRAME_SAMPLES.get(context.name, 0)
    if not fixed and len(ticks) > 1:
        fixed = round((ticks[-1] - ticks[0]) * per_tick / (len(ticks) - 1))
    zero = (stretch.start + recording.origin) * rate
    points, _ = sample_places(ticks, [fixed] * len(ticks), per_tick, zero)
    last = fixed or round((stretch.audio[-1].duration or 1) * per_tick)
    steps = [max(1, other - one) for one, other in itertools.pairwise(points)] + [last]
    times = [(pts, pts, step) for pts, step in zip(points, steps, strict=True)]
    length = stretch.end - stretch.start
    delay = Fraction(max(0, points[0]), rate)
    heard = min(length, Fraction(points[-1] + steps[-1], rate)) - delay
    return times, Edit(media_time=max(0, -points[0]), duration=heard, delay=delay)

"""Packets of a recording as an MP4 file that shows exactly a span of them, without re-encoding anything."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import av.error
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from mmdia_dataset.errors import MediaDamaged, NoVideo, UnsupportedCodec
from mmdia_dataset.media.containers.mp4boxes import Edit, finish
from mmdia_dataset.media.containers.packet_rows import STRANGE
from mmdia_dataset.media.reading.clock import clock_of
from mmdia_dataset.media.reading.recording import OpenRecording
from mmdia_dataset.media.reading.stretches import Stretch
from mmdia_dataset.media.sound.placing import sample_places
from mmdia_dataset.media.writing.lossless import FlacSound
from mmdia_dataset.media.writing.track_labels import label

__all__ = ["add_track", "frame_samples", "margins", "mp4_holds", "open_mp4", "remux", "timescale_of"]

_PREROLL, _ROUNDING = Fraction(1, 10), Fraction(1, 100)
# Each packet of these decodes alone, and decoders that work on several at once trip over hidden ones.
_INDEPENDENT = ("flac", "alac", "wavpack", "tta")

_FINE = 10_000  # ticks per second below which libavformat's muxer would choose a finer clock by itself
_BUFFER = 1 << 20
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
_FRAME_SAMPLES = {"ac3": 1536, "eac3": 1536, "mp2": 1152, "mp2float": 1152, "mp3": 1152, "mp3float": 1152}


def margins(recording: OpenRecording) -> tuple[Fraction, Fraction]:
    """Seconds of sound needed before and after a clip: most decoders need some packets before their output is right.

    Uncompressed samples are cut to fit, with a margin for rounded timestamps.
    """
    audio = recording.audio
    if audio is None or audio.codec_context.name.startswith(_INDEPENDENT):
        return Fraction(0), Fraction(0)
    return (_ROUNDING, _ROUNDING) if _pcm_block(audio) else (_PREROLL, Fraction(0))


def mp4_holds(track: VideoStream | AudioStream) -> bool:
    """Whether MP4 can hold a track so that readers find it."""
    name = track.codec_context.codec.canonical_name
    if name.startswith("pcm_") and not name.startswith("pcm_s16"):
        return False  # ffmpeg 5.1 takes 24 bits for 16 and hears noise, and knows no floats there
    try:
        with open_mp4(io.BytesIO(), _FINE) as out:
            add_track(out, track)
            out.start_encoding()
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def remux(recording: OpenRecording, stretch: Stretch, sound: FlacSound | None = None) -> tuple[bytes, memoryview]:
    """The MP4 file of a stretch in two parts, to be written one after the other.

    The file lies in memory, once; the stretch's packets are used up. Same packets, same bytes. If sound is given,
    it replaces the recording's packets.

    Raises:
        NoVideo: the recording has no picture.
        UnsupportedCodec: MP4 can't hold one of the codecs.
        MediaDamaged: the muxer does not accept the packets.
    """
    if recording.video is None:
        raise NoVideo("the recording has no picture track", where=recording.path, hint="choose mode 'audio'")
    buffer = io.BytesIO()
    timescale = timescale_of(recording.video)
    try:
        with open_mp4(buffer, timescale) as out:
            edits = _write(out, recording, stretch, timescale, sound)
        return finish(memoryview(buffer.getvalue()), edits, timescale)
    except (av.error.FFmpegError, *STRANGE) as error:
        seconds = float(stretch.start)
        raise MediaDamaged(f"MP4 rejects the packets at {seconds:.3f} s ({error})", where=recording.path) from error


def timescale_of(video: VideoStream) -> int:
    """Ticks per second of a clip's picture: the recording's own, or a multiple."""
    timescale = clock_of(video).denominator
    while timescale < _FINE:
        timescale *= 2
    return timescale


def open_mp4(buffer: io.BytesIO, timescale: int) -> OutputContainer:
    """Libavformat's muxer, set so that it writes the same bytes for the same packets."""
    options = {"movie_timescale": str(timescale), "video_track_timescale": str(timescale), "fflags": "+bitexact"}
    # Times before the clip's start stay negative: that is what hides them.
    options["avoid_negative_ts"] = "disabled"
    return av.open(buffer, "w", format="mp4", container_options=options, buffer_size=_BUFFER)


def _write(
    out: OutputContainer, recording: OpenRecording, stretch: Stretch, timescale: int, flac: FlacSound | None
) -> list[Edit]:
    """Set up the tracks, write all packets, and say what of each track is to be shown."""
    video, audio = recording.video, recording.audio
    assert video is not None  # noqa: S101 - remux has seen to it
    try:
        picture = add_track(out, video)
        sound = None if audio is None else flac.add_track(out, audio) if flac else add_track(out, audio)
        out.start_encoding()
    except (av.error.FFmpegError, ValueError) as error:
        names = [track.codec_context.codec.canonical_name for track in (video, audio) if track is not None]
        strange = [name for name in names if name not in out.supported_codecs]
        raise UnsupportedCodec(
            f"MP4 can't hold {' and '.join(strange or names)}",
            where=recording.path,
            hint="choose mode 'encode'",
        ) from error
    frames, edit = _picture_times(recording, stretch, timescale)
    edits = [edit]
    lanes: list[Iterator[Packet[VideoStream]] | Iterator[Packet[AudioStream]]] = []
    lanes.append(_ready(stretch.video, frames, picture, Fraction(1, timescale)))  # type: ignore[arg-type]
    if flac is not None and isinstance(sound, AudioStream):
        edits.append(Edit(0, Fraction(len(flac.samples), flac.rate)))
        lanes.append(flac.packets(sound))
    elif audio is not None and sound is not None:
        rate = audio.codec_context.sample_rate
        samples, edit = _sound_times(recording, stretch, rate)
        edits.append(edit)
        lanes.append(_ready(stretch.audio, samples, sound, Fraction(1, rate)))  # type: ignore[arg-type]
    for lane in lanes:  # the muxer orders them by time
        for packet in lane:
            out.mux_one(packet)
    return edits


def add_track(out: OutputContainer, source: VideoStream | AudioStream) -> VideoStream | AudioStream:
    """A track like one of a recording, as MP4 has it. Raises FFmpegError or ValueError if MP4 can't hold it."""
    # opaque: some codecs (AV1) have a decoder of another name than any encoder.
    stream = out.add_stream_from_template(source, opaque=True)
    if isinstance(stream, AudioStream) and stream.codec_context.layout.name.endswith(" channels"):
        # Matroska stores only the number of channels, but MP4 needs the layout, so the usual one is used.
        usual = _LAYOUTS.get(stream.codec_context.channels)
        if usual:
            stream.codec_context.layout = usual
    if isinstance(source, VideoStream) and isinstance(stream, VideoStream):
        if source.codec_context.name == "hevc":
            stream.codec_context.codec_tag = "hvc1"  # players of Apple's accept no other
        if source.sample_aspect_ratio:
            stream.codec_context.sample_aspect_ratio = source.sample_aspect_ratio
    label(stream, source)
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


def _picture_times(
    recording: OpenRecording, stretch: Stretch, timescale: int
) -> tuple[list[tuple[int, int, int]], Edit]:
    """(pts, dts, duration) of each picture packet, 0 at the first frame shown."""
    video = recording.video
    assert video is not None  # noqa: S101 - remux has seen to it
    clock = clock_of(video)
    scale = int(clock * timescale)
    zero = stretch.shown[0]
    points = [((packet.pts or 0) - zero) * scale for packet in stretch.video]
    stored = [packet.dts for packet in stretch.video]
    decode = [(dts - zero) * scale for dts in stored if dts is not None]
    rising = all(before < after for before, after in itertools.pairwise(decode))
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


def _sound_times(recording: OpenRecording, stretch: Stretch, rate: int) -> tuple[list[tuple[int, int, int]], Edit]:
    """(pts, dts, duration) in samples of each sound packet, 0 at the first frame shown."""
    audio = recording.audio
    assert audio is not None  # noqa: S101 - the caller asked
    per_tick = clock_of(audio) * rate
    ticks = [packet.pts or 0 for packet in stretch.audio]
    lengths = _sample_counts(audio, stretch.audio, ticks, per_tick)
    zero = (stretch.start + recording.origin) * rate
    points, _ = sample_places(ticks, lengths, per_tick, zero)
    if block := _pcm_block(audio):
        points, lengths = _trim(stretch, points, block, round(stretch.end * rate) - round(stretch.start * rate))
    last = lengths[-1] or round((stretch.audio[-1].duration or 1) * per_tick)
    whole = audio.codec_context.name == "vorbis" and len(points) > 1
    if whole:
        points[0] = points[1] - 1  # of the first packet a decoder makes nothing: only the next one completes it
    steps = [max(1, after - before) for before, after in itertools.pairwise(points)] + [last]
    times = [(pts, pts, step) for pts, step in zip(points, steps, strict=True)]
    length = stretch.end - stretch.start
    # libavformat begins Vorbis with a whole packet only: the part of one before it, 21 ms at most, is left out.
    begin = min((point for point in points if point >= 0), default=0) if whole else max(0, points[0])
    delay = Fraction(begin, rate)
    heard = min(length, Fraction(points[-1] + steps[-1], rate)) - delay
    return times, Edit(media_time=begin - points[0], duration=heard, delay=delay)


def _pcm_block(audio: AudioStream) -> int:
    """Bytes of one sample of all channels, where sound is stored as such; else 0."""
    name, context = audio.codec_context.name, audio.codec_context
    if not name.startswith("pcm_"):
        return 0
    return context.channels * context.format.bytes


def _trim(stretch: Stretch, points: list[int], block: int, samples: int) -> tuple[list[int], list[int]]:
    """Cut samples stored as such to the clip's own: readers don't let edit lists hide parts of such packets."""
    packets: list[Packet[AudioStream]] = []
    places, counts = [], []
    for packet, point in zip(stretch.audio, points, strict=True):
        count = packet.size // block
        low, high = max(0, -point), min(count, samples - point)
        if low < high:
            if (low, high) != (0, count):
                packet = Packet(bytes(packet)[low * block : high * block])  # type: ignore[assignment]
            packets.append(packet)
            places.append(point + low)
            counts.append(high - low)
    if not packets:
        raise ValueError("the clip has no sound samples")
    stretch.audio = packets
    return places, counts


def _sample_counts(
    audio: AudioStream, packets: list[Packet[AudioStream]], ticks: list[int], per_tick: Fraction
) -> list[int]:
    """How many samples per channel each packet holds."""
    if block := _pcm_block(audio):
        return [packet.size // block for packet in packets]
    return [frame_samples(audio, ticks, per_tick)] * len(ticks)


def frame_samples(audio: AudioStream, ticks: Sequence[int], per_tick: Fraction) -> int:
    """Samples per channel in each packet, by the codec, else the average; 0 if that can't be told."""
    context = audio.codec_context
    fixed = context.frame_size or _FRAME_SAMPLES.get(context.name, 0)
    if not fixed and len(ticks) > 1:
        fixed = round((ticks[-1] - ticks[0]) * per_tick / (len(ticks) - 1))
    return fixed

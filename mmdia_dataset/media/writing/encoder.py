"""Encodes one clip: takes pictures and samples, and gives an MP4 file that hides nothing.

The same pictures and samples give the same bytes with the same versions of the libraries: encoders run in one thread,
on whose number their output depends, and neither dates nor versions are stored in the container. More threads would
make x264's files larger and cost up to half as much CPU again, the more the smaller the picture; whoever has more
cores cuts several recordings, or parts of one, at a time.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mmdia_dataset.errors import UnsupportedCodec
from mmdia_dataset.media.containers.mp4boxes import Edit, finish
from mmdia_dataset.media.reading.clock import exact
from mmdia_dataset.media.reading.recording import OpenRecording
from mmdia_dataset.media.writing.track_labels import label

__all__ = ["CODECS", "ClipEncoder", "Codec", "aac_rate"]

_FINE = 10_000  # ticks per second below which libavformat's muxer would choose a finer clock by itself
_AAC_BLOCK = 32 * 1024  # samples given at a time
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_AAC_BITS = 96_000  # a second and channel
_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """An encoder: the crf and preset it has by default, the name of its preset, and further options."""

    crf: int
    preset: str
    preset_option: str = "preset"
    options: tuple[tuple[str, str], ...] = ()
    tag: str | None = None


CODECS: dict[str, Codec] = {
    # Captions that come with a picture would be put into the stream: a53cc. Without cpu-independent, what x264 makes of
    # small pictures differs from run to run.
    "libx264": Codec(
        crf=20, preset="veryfast", options=(("threads", "1"), ("a53cc", "0"), ("x264-params", "cpu-independent=1"))
    ),
    "libx265": Codec(
        crf=23, preset="fast", options=(("x265-params", "pools=none:frame-threads=1:log-level=error"),), tag="hvc1"
    ),
    "libsvtav1": Codec(crf=30, preset="10", options=(("svtav1-params", "lp=1"),)),
    "libvpx-vp9": Codec(
        crf=31, preset="5", preset_option="cpu-used", options=(("threads", "1"), ("b", "0"), ("deadline", "good"))
    ),
}
"""Encoders by libavcodec's name."""


class ClipEncoder:
    """Encodes pictures and sound into an MP4 file.

    Args:
        times: when each picture should be shown, in rising ticks from 0.
        clock: seconds per tick.
        end: when the last picture is over, in seconds.
        codec: a name in `CODECS`.
        crf: quality, by the codec's own measure; smaller is better.
        preset: the codec's own word for how much it tries.
        samples: (samples, channels) float32 from time 0 on, of a rate that AAC has; None without sound.
        rate: samples per second.
        source: the recording, whose language and title the tracks keep.
    """

    def __init__(
        self,
        times: Sequence[int],
        clock: Fraction,
        end: Fraction,
        *,
        codec: str,
        crf: int,
        preset: str,
        samples: NDArray[np.float32] | None,
        rate: int,
        source: OpenRecording,
    ) -> None:
        timescale = clock.denominator
        while timescale < _FINE:
            timescale *= 2
        self._timescale, self._scale, self._tick = timescale, int(clock * timescale), Fraction(1, timescale)
        per_tick = clock * rate
        self._per_tick = per_tick.numerator, per_tick.denominator  # samples
        self.times, self.end, self.clock = times, end, clock
        self._codec, self._quality, self._source = codec, (crf, preset), source
        self._samples, self._rate = samples, rate
        self._buffer = io.BytesIO()
        options = {"movie_timescale": str(timescale), "video_track_timescale": str(timescale), "fflags": "+bitexact"}
        options["avoid_negative_ts"] = "disabled"
        self._out = av.open(self._buffer, "w", format="mp4", container_options=options, buffer_size=_BUFFER)
        self._video: VideoStream | None = None
        self._audio: AudioStream | None = None
        self._starts: dict[int, int] = {}  # by track: the first packet's place on its clock
        self.size: tuple[int, int] | None = None  # of the pictures, once there is one
        self.given = 0
        self._heard = 0

    def add(self, frame: VideoFrame) -> None:
        """The next picture, upright and in 4:2:0. The frame is left as it was."""
        video = self._video or self._open(frame)
        pts, clock = frame.pts, frame.time_base
        time = self.times[self.given]
        frame.pts, frame.time_base = time * self._scale, self._tick
        frame.pict_type = PictureType.NONE  # else the encoder would make it what it was
        self._mux(video.encode(frame), 0)
        frame.pts = pts
        if clock is not None:
            frame.time_base = clock
        self.given += 1
        self._sound_until(time * self._per_tick[0] // self._per_tick[1])

    def finish(self) -> tuple[bytes, memoryview]:
        """The file, in two parts to be written one after the other. All pictures must have been given."""
        video = self._video
        if video is None or self.given != len(self.times):
            raise ValueError(f"{self.given} of {len(self.times)} pictures were given")
        self._mux(video.encode(None), 0)
        edits = [Edit(-self._starts[0], self.end)]
        if self._audio is not None and self._samples is not None:
            self._sound_until(len(self._samples))
            self._mux(self._audio.encode(None), 1)
            heard = min(self.end, Fraction(len(self._samples), self._rate))
            edits.append(Edit(-self._starts[1], heard))
        self._out.close()
        return finish(memoryview(self._buffer.getvalue()), edits, self._timescale)

    def _open(self, frame: VideoFrame) -> VideoStream:
        """Set up the tracks by the first picture."""
        codec, (crf, preset) = CODECS[self._codec], self._quality
        steps = [after - before for before, after in pairwise(self.times)] or [1]
        pace = Fraction(1) / (sorted(steps)[len(steps) // 2] * self.clock)
        try:
            video = self._out.add_stream(self._codec, rate=pace.limit_denominator(1001))
            assert isinstance(video, VideoStream)  # noqa: S101 - by the codec
            context = video.codec_context
            context.width, context.height, context.pix_fmt = frame.width, frame.height, frame.format.name
            context.time_base = Fraction(1, self._timescale)
            context.sample_aspect_ratio = Fraction(1)
            context.color_range, context.colorspace = frame.color_range, frame.colorspace
            context.color_primaries, context.color_trc = frame.color_primaries, frame.color_trc
            context.options = {"crf": str(crf), codec.preset_option: preset, **dict(codec.options)}
            if codec.tag:
                context.codec_tag = codec.tag
            context.open()
            if self._samples is not None:
                self._audio = self._open_audio(self._samples.shape[1])
        except (av.error.FFmpegError, ValueError) as error:
            raise UnsupportedCodec(
                f"{self._codec} does not accept preset {preset!r} and crf {crf} ({error})",
                where=self._source.path,
                hint="see the codec's documentation for its presets",
            ) from error
        self._video, self.size = video, (frame.width, frame.height)
        return video

    def _open_audio(self, channels: int) -> AudioStream:
        source = self._source.audio
        layouts = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
        audio = self._out.add_stream("aac", rate=self._rate, layout=layouts[channels])
        assert isinstance(audio, AudioStream)  # noqa: S101 - by the codec
        audio.bit_rate = min(_AAC_BITS * channels, 6 * self._rate * channels)
        audio.codec_context.options = {"flags": "+bitexact", "aac_coder": "fast"}  # half the time of the usual search
        if source is not None:
            label(audio, source)
        return audio

    def _sound_until(self, until: int) -> None:
        """Encode the sound at least up to a sample, beside the picture."""
        if self._audio is None or self._samples is None:
            return
        until = min(until, len(self._samples))
        while self._heard < until:
            block = np.ascontiguousarray(self._samples[self._heard : self._heard + _AAC_BLOCK].T)
            frame = AudioFrame.from_ndarray(block, "fltp", self._audio.codec_context.layout)
            frame.sample_rate, frame.pts, frame.time_base = self._rate, self._heard, Fraction(1, self._rate)
            self._mux(self._audio.encode(frame), 1)
            self._heard += block.shape[1]

    def _mux(self, packets: Sequence[Packet[VideoStream]] | Sequence[Packet[AudioStream]], track: int) -> None:
        for packet in packets:
            if track not in self._starts:
                ticks = packet.dts if track == 0 else packet.pts
                clock = Fraction(1, self._timescale if track == 0 else self._rate)
                self._starts[track] = int((ticks or 0) * (exact(packet.time_base) or clock) / clock)
            self._out.mux_one(packet)


def aac_rate(rate: int) -> int:
    """The rate at which to encode sound: its own if AAC supports it, else the next lower one."""
    return next((supported for supported in _AAC_RATES if supported <= rate), _AAC_RATES[-1])

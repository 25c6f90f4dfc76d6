"""Sound that MP4 can't hold, kept without loss as FLAC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from numpy.typing import NDArray

from mmdia_dataset.errors import UnsupportedCodec
from mmdia_dataset.media.writing.track_labels import label

__all__ = ["FLAC_CHANNELS", "FlacSound"]

FLAC_CHANNELS = 8
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_BLOCK = 4096
_FULL_SCALE = 1 << 23  # 24 bits, as many as a float has


@dataclass(frozen=True, slots=True)
class FlacSound:
    """The samples of a clip, to be stored as FLAC with 24 bits; sound with at most 24 bits stays unchanged.

    Attributes:
        samples: (samples, channels) float32, full scale 1; louder samples are clipped.
        rate: samples per second.
    """

    samples: NDArray[np.float32]
    rate: int

    def add_track(self, out: OutputContainer, source: AudioStream) -> AudioStream:
        """A FLAC track with the language and name of the recording's. Raises FFmpegError or ValueError."""
        channels = self.samples.shape[1]
        track = out.add_stream("flac", rate=self.rate, layout=_LAYOUTS[channels], format="s32")
        assert isinstance(track, AudioStream)  # noqa: S101 - by the codec
        track.codec_context.options = {"flags": "+bitexact", "bits_per_raw_sample": "24"}
        label(track, source)
        return track

    def packets(self, track: AudioStream) -> Iterator[Packet[AudioStream]]:
        """Its packets, from time 0 on. Raises UnsupportedCodec if FLAC has no such rate."""
        whole = np.rint(np.clip(self.samples, -1, 1 - 1 / _FULL_SCALE).astype(np.float64) * _FULL_SCALE)
        values = np.ascontiguousarray(whole.astype(np.int32) << 8)
        try:
            for start in range(0, len(values), _BLOCK):
                block = values[start : start + _BLOCK].reshape(1, -1)
                frame = AudioFrame.from_ndarray(block, "s32", track.codec_context.layout)
                frame.sample_rate, frame.pts, frame.time_base = self.rate, start, Fraction(1, self.rate)
                yield from track.encode(frame)
            yield from track.encode(None)
        except av.error.FFmpegError as error:
            raise UnsupportedCodec(f"FLAC can't hold sound at {self.rate} Hz ({error.strerror})") from error

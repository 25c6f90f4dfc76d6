"""A track's clock, and the usual distance of its timestamps."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Protocol

from av.audio.stream import AudioStream
from av.stream import Stream
from av.video.stream import VideoStream

__all__ = ["clock_of", "exact", "frame_ticks", "packet_samples", "usual_step", "within"]

_PACKET_SAMPLES = {"aac": (1024, 2048), "ac3": (1536,), "mp2": (1152,), "mp3": (1152, 576)}  # at whole or half the rate


class _Ratio(Protocol):
    """What PyAV calls a ratio: a Fraction, from 19 on an AVRational, whose products are rounded to 32 bits."""

    @property
    def numerator(self) -> int: ...
    @property
    def denominator(self) -> int: ...
    def __bool__(self) -> bool: ...


def exact(ratio: _Ratio | None) -> Fraction | None:
    """A ratio of PyAV as an exact fraction; None if it is not set."""
    return Fraction(ratio.numerator, ratio.denominator) if ratio else None


def clock_of(stream: Stream) -> Fraction:
    """Seconds per tick of a track."""
    return exact(stream.time_base) or Fraction(1, 1_000_000)


def usual_step(times: Sequence[int]) -> int:
    """The median distance of neighbours, 0 if there are none."""
    steps = sorted(after - before for before, after in pairwise(times) if after > before)
    return steps[len(steps) // 2] if steps else 0


def frame_ticks(video: VideoStream) -> int:
    """Ticks of a frame by the rate that the container claims, or a 25th of a second if it claims none."""
    rate = exact(video.average_rate or video.guessed_rate)
    return max(1, round(1 / (rate * clock_of(video)))) if rate else max(1, round(Fraction(1, 25) / clock_of(video)))


def packet_samples(audio: AudioStream) -> int:
    """Samples per channel in each packet, if the codec uses the same number in all packets; else 0."""
    context = audio.codec_context
    name = context.name.removesuffix("float")
    return context.frame_size if context.frame_size in _PACKET_SAMPLES.get(name, ()) and context.sample_rate else 0


def within(time: int | None, first: int, after: int) -> bool:
    """Whether a timestamp lies in [first, after)."""
    return time is not None and first <= time < after

"""Sound of a span as samples, placed by their timestamps."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import av
import av.error
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec.context import CodecContext, Flags2
from numpy.typing import NDArray

from mmdia_dataset.errors import MediaDamaged, NoAudio
from mmdia_dataset.media.packets import Recording, Stretch
from mmdia_dataset.media.places import sample_places

__all__ = ["LEAD", "TAIL", "channel_weights", "samples_of"]

LEAD = Fraction(3, 10)
"""Seconds decoded before a span and thrown away: enough for AAC's overlap, Opus's 80 ms and MP3's bit reservoir."""
TAIL = Fraction(1, 10)
"""Seconds decoded after a span: packets are kept whole, and a resampler looks ahead."""

_NOISY = ("aac", "ac3", "eac3", "opus", "vorbis", "mp2", "mp2float", "mp3", "mp3float", "dca")
_CONTEXT = Fraction(1, 10)  # what the resampler sees on either side of the span
_JITTER = Fraction(1, 100)
# ITU-R BS.775: centre and mono whole, fronts and surrounds 3 dB down, the low-frequency channel left out.
_WEIGHTS = {"FC": 1.0, "LFE": 0.0, "LFE2": 0.0}
_WEIGHT = 0.7071067811865476


def samples_of(
    recording: Recording, stretch: Stretch, *, rate: int | None, mono: bool
) -> tuple[NDArray[np.int16], int]:
    """The sound of a stretch: an array of (samples, channels), 16 bits, and its rate.

    Sample n of the recording is the one at n / rate seconds of recording time; the array holds those from
    round(start * rate) to round(end * rate). 16-bit sources pass unchanged; others are brought to 16 bits by
    libswresample, clipped and without dither. Up to 100 ms missing at the ends of the recording are silence.

    Args:
        recording: where the stretch is from.
        stretch: with at least `LEAD` and `TAIL` around it.
        rate: samples per second, made by libswresample; None keeps the recording's.
        mono: mix to one channel by ITU-R BS.775, scaled so that nothing can clip; else channels are kept.

    Raises:
        NoAudio: the recording has no sound.
        MediaDamaged: a packet can't be decoded, or the samples do not follow each other.
    """
    if recording.audio is None:
        raise NoAudio("the recording has no sound track", where=recording.path, hint="cut it with mode 'copy'")
    frames = _decoded(recording, stretch)
    source = frames[0].sample_rate
    starts, follow = _places(recording, stretch, frames)
    target = rate or source
    first, last = round(stretch.start * target), round(stretch.end * target)
    mix = mono and len(frames[0].layout.channels) > 1
    if target == source and not mix:
        return _laid_out(frames, starts, follow, "s16", first, last).astype(np.int16, copy=False), target
    # The resampler's first output sample lies on its first input sample: start it where both clocks tick.
    ratio = Fraction(source, target)
    block = floor((stretch.start - _CONTEXT) * source / ratio.numerator)
    low, high = block * ratio.numerator, ceil((stretch.end + _CONTEXT) * source)
    values = _laid_out(frames, starts, follow, "flt", low, high).astype(np.float32, copy=False)
    if mix:
        values = _mixed(values, frames[0])
    if target != source:
        values = _resampled(values, source, target)
    begin = first - block * ratio.denominator
    values = values[begin : begin + last - first]
    if missing := last - first - len(values):
        values = np.pad(values, ((0, missing), (0, 0)))
    return np.clip(np.rint(values * np.float32(32768)), -32768, 32767).astype(np.int16), target


def _decoded(recording: Recording, stretch: Stretch) -> list[AudioFrame]:
    audio = recording.audio
    assert audio is not None  # noqa: S101 - the caller has seen to it
    context = _decoder(audio)
    frames: list[AudioFrame] = []
    heard = recording.ticks(audio, stretch.start)
    for packet in [*stretch.audio, None]:
        try:
            frames += context.decode(packet)
        except av.error.FFmpegError as error:
            # Before the span, a decoder may stumble over data that leans on what came earlier still.
            if packet is not None and packet.pts is not None and packet.pts + (packet.duration or 0) > heard:
                at = float(recording.seconds(audio, packet.pts))
                raise MediaDamaged(f"the sound can't be decoded at {at:.3f} s", where=recording.path) from error
    if not frames:
        raise MediaDamaged(f"no sound can be decoded at {float(stretch.start):.3f} s", where=recording.path)
    if len({(frame.sample_rate, frame.layout.name, frame.format.name) for frame in frames}) > 1:
        raise MediaDamaged(f"the sound changes its form near {float(stretch.start):.3f} s", where=recording.path)
    return frames


def _decoder(audio: AudioStream) -> AudioCodecContext:
    """A decoder whose output depends on nothing it decoded before.

    AAC and AC-3 fill in noise from a generator that runs on from clip to clip; a decoder of its own starts it anew.
    Others that could be built without the container's knowledge (block sizes and the like) are few and keep no state.
    """
    own = audio.codec_context
    if own.name not in _NOISY:
        own.flush_buffers()
        return own
    context = CodecContext.create(own.name, "r")
    assert isinstance(context, AudioCodecContext)  # noqa: S101 - by its name
    context.extradata = own.extradata
    context.sample_rate = own.sample_rate
    context.layout = own.layout.name
    # Samples are placed by timestamps; what lies before the beginning falls away by itself.
    context.flags2 |= Flags2.skip_manual
    return context


def _places(recording: Recording, stretch: Stretch, frames: list[AudioFrame]) -> tuple[list[int], bool]:
    """The recording's sample index of each frame's first sample, and whether the frames follow each other."""
    audio, rate = recording.audio, frames[0].sample_rate
    per_tick = ((audio.time_base if audio else None) or Fraction(1, rate)) * rate
    lengths = [frame.samples for frame in frames]
    ticks: list[int] = []
    for frame in frames:
        if frame.pts is not None:
            ticks.append(frame.pts)
        else:
            ticks.append(ticks[-1] + round(lengths[len(ticks) - 1] / per_tick) if ticks else 0)
    places, follow = sample_places(ticks, lengths, per_tick, recording.origin * rate)
    if not follow:
        for place, length, following in zip(places, lengths, places[1:], strict=False):
            if abs(place + length - following) > _JITTER * rate and Fraction(place, rate) < stretch.end:
                at = float(Fraction(following, rate))
                raise MediaDamaged(f"the sound has a hole or jumps at {at:.3f} s", where=recording.path)
    return places, follow


def _laid_out(
    frames: list[AudioFrame], starts: list[int], follow: bool, form: str, low: int, high: int
) -> NDArray[np.int16] | NDArray[np.float32]:
    """The samples [low, high) of all frames as (samples, channels), silence where there are none."""
    runs = [(starts[0], frames)] if follow else [(start, [frame]) for start, frame in zip(starts, frames, strict=True)]
    converter = AudioResampler(format=form)
    values: NDArray[np.int16] | NDArray[np.float32] | None = None
    for start, run in runs:
        joined = AudioFifo()
        for frame in run:
            frame.pts = None  # the run is known to be one
            joined.write(frame)
        whole = joined.read(0, partial=True)
        if whole is None:
            continue
        (packed,) = converter.resample(whole)
        piece = packed.to_ndarray().reshape(packed.samples, -1)
        if values is None:
            values = np.zeros((high - low, piece.shape[1]), piece.dtype)
        skip, stop = max(0, low - start), min(len(piece), high - start)
        if skip < stop:
            values[start + skip - low : start + stop - low] = piece[skip:stop]
    assert values is not None  # noqa: S101 - there is at least one frame
    return values


def channel_weights(frame: AudioFrame) -> list[float]:
    """What each channel counts in a mix to one, by ITU-R BS.775; together 1, so that nothing can clip."""
    weights = [_WEIGHTS.get(channel.name, _WEIGHT) for channel in frame.layout.channels]
    if not any(weights):
        weights = [1.0] * len(weights)
    return [weight / sum(weights) for weight in weights]


def _mixed(values: NDArray[np.float32], frame: AudioFrame) -> NDArray[np.float32]:
    """All channels as one; summed one by one, since a matrix product's rounding depends on the machine."""
    mix = np.zeros((len(values), 1), np.float32)
    for n, weight in enumerate(channel_weights(frame)):
        mix[:, 0] += values[:, n] * np.float32(weight)
    return mix


def _resampled(values: NDArray[np.float32], source: int, target: int) -> NDArray[np.float32]:
    layout = {1: "mono", 2: "stereo"}.get(values.shape[1], f"{values.shape[1]} channels")
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(values.reshape(1, -1)), "flt", layout)
    frame.sample_rate, frame.time_base, frame.pts = source, Fraction(1, source), 0
    resampler = AudioResampler(format="flt", layout=layout, rate=target)
    given = [*resampler.resample(frame), *resampler.resample(None)]
    pieces = [piece.to_ndarray().reshape(piece.samples, -1) for piece in given]
    joined: NDArray[np.float32] = np.concatenate(pieces).astype(np.float32, copy=False)
    return joined

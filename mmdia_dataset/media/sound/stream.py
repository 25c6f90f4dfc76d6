"""A soundtrack, or an excerpt of it, as one stream of samples at a low rate, for alignment.

libswresample would take longer than the decoder. Only speech's lower octaves are needed, so a short filter is enough.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from fractions import Fraction

import av.error
import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard, Stream
from numpy.typing import NDArray

from mmdia_dataset.errors import MediaDamaged, NoAudio
from mmdia_dataset.media.probe import best_audio, best_video, open_media, origin_of
from mmdia_dataset.media.reading.clock import clock_of, exact
from mmdia_dataset.media.sound.samples import channel_weights

__all__ = ["SOUND_RATE", "sound_of"]

SOUND_RATE = 8000
"""Samples per second of `sound_of`."""

_BLOCK_S = 10
_PASS_HZ = 3200.0
_JITTER_S = 0.02  # timestamps of Matroska are whole milliseconds, of some old files rounded to a frame
_LARGEST_GAP_S = 4 * 3600
_LOBES = 6
_PLANES = 8  # PyAV counts planes up to a null pointer, and with eight or more there is none
_LEAD_S = 0.5  # decoded before the wanted part: decoders lean on what came before
_TAIL_S = 0.01  # and after it: the filters look ahead
# Some formats are sought by decoding time, or by guessing, and land too late.
_STEPS_BACK = (0, 1, 3, 9, 27, 81)


def sound_of(
    path: str | os.PathLike[str],
    language: str | None = None,
    track: int | None = None,
    *,
    start_s: float = 0.0,
    duration_s: float | None = None,
) -> Iterator[NDArray[np.float32]]:
    """The sound of a recording as mono blocks, 8,000 samples a second, -1 to 1, content up to 3.2 kHz.

    Joined, the blocks run from recording time `start_s` without a break: sample n is at start_s + n / 8000 s. Sound
    that is missing or can't be decoded becomes silence. Memory does not grow with the recording.

    Args:
        path: the recording.
        language: the language of the track to hear, as `best_audio` chooses.
        track: the number of the track among the sound tracks instead.
        start_s: recording time of the first sample [s]. What comes earlier is skipped, not decoded. Where the
            recording has no sound from there on, there are no blocks.
        duration_s: the longest duration [s]; None for everything.

    Raises:
        MediaUnreadable: it can't be opened.
        NoAudio: it has no sound, or no such track.
        MediaDamaged: timestamps jump by hours, the sound format changes midway, or nothing can be decoded.
        ValueError: a time is negative or not a number.
    """
    end_s = math.inf if duration_s is None else start_s + duration_s
    if not 0 <= start_s <= end_s or math.isinf(start_s):
        raise ValueError(f"start_s={start_s!r} and duration_s={duration_s!r} must be 0 or more, and start_s finite")
    with open_media(path) as container:
        audio = best_audio(container, language, track)
        if audio is None:
            raise NoAudio(
                "the recording has no sound track", where=path, hint="it can't be aligned by sound, only by subtitles"
            )
        remaining = math.inf if duration_s is None else round(duration_s * SOUND_RATE)
        for block in _blocks(path, container, audio, start_s, end_s):
            if remaining <= len(block):
                yield block[: int(remaining)]
                return
            yield block
            remaining -= len(block)


def _blocks(
    path: str | os.PathLike[str], container: InputContainer, audio: AudioStream, start_s: float, end_s: float
) -> Iterator[NDArray[np.float32]]:
    """The sound from one recording time on, to another or a little later [s]."""
    zero = origin_of(container) + Fraction(start_s)
    if start_s > _LEAD_S:
        _seek(container, audio, float(zero) - _LEAD_S, float(zero) + end_s - start_s)
    for stream in container.streams:
        if stream.index != audio.index:
            stream.discard = Discard.all
    line: _Line | None = None
    for frame in _frames(container, audio):
        if line is None:
            clock = exact(frame.time_base) or clock_of(audio)
            line = _Line(path, frame, clock, zero)
        if start_s and line.precedes(frame):
            continue
        yield from line.add(frame)
        if line.end > (end_s - start_s + _TAIL_S) * line.rate:
            break
    if line is None and not start_s:
        raise MediaDamaged("no sound can be decoded", where=path)
    if line is not None and line.end:
        yield from line.finish()


def _frames(container: InputContainer, audio: AudioStream) -> Iterator[AudioFrame]:
    """All frames of a track that can be read and decoded; the timestamps of later ones tell how much is missing."""
    packets = container.demux(audio)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            return  # a file on a broken disk, or cut off: it ends here
        if packet is None:
            return
        with contextlib.suppress(av.error.FFmpegError):
            yield from packet.decode()


def _seek(container: InputContainer, audio: AudioStream, since: float, until: float) -> None:
    """Go to a timestamp [s] or before it, by growing steps; a file that can't be sought in is read from its start."""
    # Matroska lists where pictures begin, not sounds; MP4 leads all tracks to where the guide's picture begins.
    guide = best_video(container) or audio
    with contextlib.suppress(av.error.FFmpegError):
        for back in _STEPS_BACK:
            ticks = int(max(0.0, since - back) / clock_of(guide))
            container.seek(ticks, stream=guide)
            next_sound = _next_sound(container, audio, guide, until)
            container.seek(ticks, stream=guide)
            if next_sound <= since or not ticks:
                return


def _next_sound(container: InputContainer, audio: AudioStream, guide: Stream, until: float) -> float:
    """The timestamp [s] of the next sound, infinite where there is none before the guide passes `until`."""
    for packet in container.demux(*{audio.index: audio, guide.index: guide}.values()):
        clock = exact(packet.time_base)
        if packet.pts is None or clock is None:
            continue
        time = float(packet.pts * clock)
        if packet.stream.index == audio.index:
            return time
        if time > until:
            break
    return math.inf


class _Line:
    """Frames laid one after another by their timestamps, and brought to the low rate in blocks."""

    def __init__(self, path: str | os.PathLike[str], first: AudioFrame, time_base: Fraction, origin: Fraction) -> None:
        self.path = path
        self.rate = first.sample_rate
        self.jitter = round(_JITTER_S * self.rate)
        self.weights = [weight * _full_scale(first) for weight in channel_weights(first)]
        per_tick = time_base * self.rate
        self.tick = (per_tick.numerator, per_tick.denominator, round(origin * self.rate))
        self.fifo = AudioFifo()
        self.packer = AudioResampler(format=first.format.packed)
        self.end = 0  # the place of the next sample, at the recording's rate
        self.started = False
        self.lower = _Lowered(self.rate)

    def precedes(self, frame: AudioFrame) -> bool:
        """Whether a frame is over before the beginning."""
        if self.end or frame.pts is None:
            return False
        numerator, denominator, origin = self.tick
        return frame.pts * numerator // denominator - origin + frame.samples <= 0

    def add(self, frame: AudioFrame) -> Iterator[NDArray[np.float32]]:
        if frame.pts is not None:
            numerator, denominator, origin = self.tick
            missing = frame.pts * numerator // denominator - origin - self.end
            if not -self.jitter <= missing <= self.jitter or not self.started:
                yield from self._jump(missing)
                if missing < 0:  # heard already, or before the beginning
                    self.started = self.started or -missing < frame.samples
                    yield from self._lay(self._mono(frame)[-missing:])
                    return
        self.started = True
        frame.pts = None  # it is known to follow
        try:
            self.fifo.write(frame)
        except ValueError as error:
            seconds = self.end / self.rate
            raise MediaDamaged(f"the sound format changes at {seconds:.3f} s", where=self.path) from error
        self.end += frame.samples
        if self.fifo.samples >= _BLOCK_S * self.rate:
            yield from self._flush()

    def finish(self) -> Iterator[NDArray[np.float32]]:
        yield from self._flush()
        yield self.lower.apply(np.zeros(0, np.float32), last=True)

    def _jump(self, missing: int) -> Iterator[NDArray[np.float32]]:
        """Silence for what is missing."""
        if abs(missing) > _LARGEST_GAP_S * self.rate:
            seconds = self.end / self.rate
            raise MediaDamaged(f"the sound's timestamps jump by hours at {seconds:.3f} s", where=self.path)
        while missing > 0:
            silence = min(missing, _BLOCK_S * self.rate)
            yield from self._lay(np.zeros(silence, np.float32))
            missing -= silence

    def _lay(self, samples: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        yield from self._flush()
        self.end += len(samples)
        yield self.lower.apply(samples)

    def _flush(self) -> Iterator[NDArray[np.float32]]:
        if self.fifo.samples:
            whole = self.fifo.read(0, partial=True)
            assert whole is not None  # noqa: S101 - it holds samples
            yield self.lower.apply(self._mono(whole))

    def _mono(self, frame: AudioFrame) -> NDArray[np.float32]:
        if frame.format.is_planar and len(self.weights) >= _PLANES:
            (frame,) = self.packer.resample(frame)
        values = frame.to_ndarray()
        if not frame.format.is_planar:
            values = values.reshape(-1, len(self.weights)).T
        if values.dtype == np.uint8:
            values = values.astype(np.float32) - 128
        mono = np.zeros(values.shape[1], np.float32)
        for channel, weight in zip(values, self.weights, strict=True):
            if weight:
                mono += channel * np.float32(weight)
        return mono


def _full_scale(frame: AudioFrame) -> float:
    kind = frame.format.name.removesuffix("p")
    return {"u8": 1 / 128, "s16": 1 / 32768, "s32": 1 / 2147483648, "s64": 1 / 9223372036854775808}.get(kind, 1.0)


class _Lowered:
    """Low-pass and lower rate, block by block: a windowed sinc on every D-th sample, then one between samples.

    The first step is a matrix product over rows of D samples; the second is left out where D divides exactly.
    """

    def __init__(self, rate: int) -> None:
        self.step = max(1, rate // SOUND_RATE)
        self.middle = rate / self.step  # between 8 and 16 kHz; less, where the recording's own rate is
        half = 8 * self.step
        places = np.arange(-half, half)
        cut = 2 * min(4000.0, self.middle - _PASS_HZ if self.middle < 2 * 4000 else 4000.0) / rate
        taps = np.sinc(cut * places) * cut * np.hanning(2 * half + 1)[:-1]
        self.half = half
        self.rows = (taps / taps.sum()).astype(np.float32).reshape(-1, self.step)
        self.ratio = self.middle / SOUND_RATE
        self.before = np.zeros(half, np.float32)  # samples not yet used, first silence
        self.tail = np.zeros(_LOBES, np.float32)  # at the middle rate, first silence
        self.made = 0  # samples given
        self.passed = -_LOBES  # the middle rate's sample at tail[0]

    def apply(self, block: NDArray[np.float32], last: bool = False) -> NDArray[np.float32]:
        joined = np.concatenate([self.before, block, np.zeros(self.half if last else 0, np.float32)])
        count = max(0, (len(joined) - 2 * self.half) // self.step + 1)
        self.before = joined[count * self.step :]
        table = self.rows @ joined[: len(joined) // self.step * self.step].reshape(-1, self.step).T
        lowered: NDArray[np.float32] = table[0, :count].copy()
        for row in range(1, len(table)):
            lowered += table[row, row : row + count]
        if self.ratio == 1:
            return lowered
        return self._between(lowered, last)

    def _between(self, lowered: NDArray[np.float32], last: bool) -> NDArray[np.float32]:
        """Samples at 8 kHz from those of the middle rate, by a sinc of twelve lobes."""
        joined = np.concatenate([self.tail, lowered, np.zeros(_LOBES if last else 0, np.float32)])
        until = self.passed + len(joined) - _LOBES  # places below this have all their neighbours
        count = max(0, int(np.ceil(until / self.ratio)) - self.made)
        places = (self.made + np.arange(count)) * self.ratio
        floor = np.floor(places).astype(np.int64)
        part = places - floor
        result = np.zeros(count)
        for lobe in range(1 - _LOBES, _LOBES + 1):
            distance = part - lobe
            weight = np.sinc(distance) * np.cos(np.clip(distance / _LOBES, -1, 1) * np.pi / 2) ** 2
            result += joined[np.clip(floor - self.passed + lobe, 0, len(joined) - 1)] * weight
        self.made += count
        keep = max(0, int(self.made * self.ratio) - self.passed - _LOBES)
        self.tail = joined[keep:]
        self.passed += keep
        return result.astype(np.float32)

"""A few seconds of a recording's sound, decoded from their start as far as needed."""

from __future__ import annotations

from dataclasses import dataclass

import av.error
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import CodecContext, Flags2
from numpy.typing import NDArray

from mmdia_dataset.media.containers.packet_rows import Ints
from mmdia_dataset.media.sound.tape import Tape

__all__ = ["Block", "FormChanged", "Row", "Samples", "Section", "SoundForm", "remembers"]

Samples = NDArray[np.int16] | NDArray[np.float32]

_NOISY = ("aac", "ac3", "eac3", "opus", "vorbis", "mp2", "mp2float", "mp3", "mp3float", "dca")
_STATELESS = ("pcm_", "flac", "alac", "wavpack", "tta")


@dataclass(frozen=True, slots=True)
class SoundForm:
    """What samples are like: rate [Hz], the names of the channels' layout and of the samples' format."""

    rate: int
    layout: str
    samples: str

    @classmethod
    def of(cls, frame: AudioFrame) -> SoundForm:
        """That of a frame's."""
        return cls(frame.sample_rate, frame.layout.name, frame.format.name)


class FormChanged(Exception):
    """From a timestamp on, sound is of another form."""

    def __init__(self, tick: int) -> None:
        super().__init__(tick)
        self.tick = tick


@dataclass(frozen=True, slots=True)
class Row:
    """Frames as they were decoded one after the other, as one: timestamp and number of samples of each."""

    frame: AudioFrame
    ticks: list[int]
    lengths: list[int]


@dataclass(frozen=True, slots=True)
class Block:
    """Frames in a row: start and end timestamps and number of samples of each, and the samples themselves."""

    ticks: Ints
    ends: Ints
    lengths: Ints
    values: Samples

    def part(self, low: int, high: int) -> Block:
        """Those that are not over by `low` and begin before `high`."""
        chosen = np.flatnonzero((self.ends > low) & (self.ticks < high))
        if not len(chosen):
            return Block(self.ticks[:0], self.ends[:0], self.lengths[:0], self.values[:0])
        first, stop = int(chosen[0]), int(chosen[-1]) + 1
        before, piece = int(self.lengths[:first].sum()), slice(first, stop)
        lengths = self.lengths[piece]
        values = self.values[before : before + int(lengths.sum())]
        return Block(self.ticks[piece], self.ends[piece], lengths, values)


class Section:
    """The sound that begins between two timestamps. If several share one tape, only the one started last can continue.

    Attributes:
        blocks: what is decoded so far.
        form: the sound format; None before the first frame.
        broken: timestamps of packets that can't be decoded.
        zeroed: timestamps of packets that were overwritten, also of those decoded ahead of it.
        complete: whether it is decoded to its end.
        ended: whether the recording's sound ends in it.

    Args:
        tape: where its packets come from.
        audio: the track.
        low: the first timestamp.
        high: the one after the last.
        lead: how many ticks are decoded ahead of it, and thrown away.
    """

    def __init__(self, tape: Tape, audio: AudioStream, low: int, high: int, lead: int) -> None:
        self.blocks: list[Block] = []
        self.form: SoundForm | None = None
        self.broken: list[int] = []
        self.zeroed: list[int] = []
        self.complete = self.ended = False
        self._low, self._high = low, high
        self._context = _decoder(audio)
        self._packets = tape.since(low - lead)

    def more(self, until: int) -> Row | None:
        """Decode on until a timestamp is passed; None if nothing more came.

        Raises:
            FormChanged: frames don't go together.
            MediaDamaged, Unsure: as `Tape` says.
        """
        if self.complete or (self.blocks and self.blocks[-1].ticks[-1] > until):
            return None
        fifo, ticks, lengths = AudioFifo(), [], []
        low, high, decode, beyond = self._low, self._high, self._context.decode, 0
        # Once per packet, a hundred thousand times in a film: nothing in here that could be done elsewhere.
        for packet, zeroed in self._packets:
            pts = packet.pts or 0
            beyond = beyond + 1 if pts >= high else 0
            if beyond > 1:  # one alone may be a wrong timestamp
                break
            if zeroed:
                self.zeroed.append(pts)
            try:
                frames = decode(packet)
            except av.error.FFmpegError:
                # Ahead of the section, a decoder may stumble over data that leans on what came earlier still.
                if pts >= low:
                    self.broken.append(pts)
                continue
            for frame in frames:
                tick = frame.pts
                if tick is None:
                    tick = pts
                if low <= tick < high:
                    _append(fifo, frame, tick)
                    ticks.append(tick)
                    lengths.append(frame.samples)
            if ticks and ticks[-1] > until:
                return self._row(fifo, ticks, lengths)
        else:
            self.ended = True
        self.complete = True
        for frame in self._rest():
            if frame.pts is not None and low <= frame.pts < high:
                ticks.append(frame.pts)
                lengths.append(frame.samples)
                _append(fifo, frame, frame.pts)
        return self._row(fifo, ticks, lengths)

    def _rest(self) -> list[AudioFrame]:
        try:
            return self._context.decode(None)
        except av.error.FFmpegError:
            return []

    def _row(self, fifo: AudioFifo, ticks: list[int], lengths: list[int]) -> Row | None:
        frame = fifo.read(0, partial=True) if ticks else None
        if frame is None:
            return None
        form = SoundForm.of(frame)
        if self.form not in (form, None):
            raise FormChanged(ticks[0])
        self.form = form
        return Row(frame, ticks, lengths)


def _append(fifo: AudioFifo, frame: AudioFrame, tick: int) -> None:
    frame.pts = None  # a place in the row, not in time
    try:
        fifo.write(frame)
    except ValueError as error:
        raise FormChanged(tick) from error


def remembers(audio: AudioStream) -> bool:
    """Whether decoding uses the track's own decoder, which keeps a state that a seek in the recording would disturb."""
    return audio.codec_context.name not in _NOISY and not audio.codec_context.name.startswith(_STATELESS)


def _decoder(audio: AudioStream) -> AudioCodecContext:
    """A decoder whose output depends on nothing it decoded before.

    AAC and AC-3 decoders add noise from a generator that never resets; a new decoder starts it again.
    Others could not be built without the container's knowledge (block sizes and the like).
    """
    original = audio.codec_context
    if original.name not in _NOISY:
        original.flush_buffers()
        return original
    context = CodecContext.create(original.name, "r")
    assert isinstance(context, AudioCodecContext)  # noqa: S101 - by its name
    context.extradata = original.extradata
    context.sample_rate = original.sample_rate
    context.layout = original.layout.name
    # Samples are placed by timestamps; what lies before the beginning falls away by itself.
    context.flags2 |= Flags2.skip_manual
    return context

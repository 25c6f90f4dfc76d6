"""Sound of spans as samples, placed by their timestamps, decoded once for all spans.

Some decoders add noise from a generator that never resets, so the sound of a span would depend on where decoding
began. Decoding therefore restarts every four seconds of the recording, and a few tenths of a second early. The same
span always gives the same samples, and the sound that two spans share is decoded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from mmdia_dataset.errors import MediaDamaged, NoAudio
from mmdia_dataset.media.containers.packet_rows import Ints, Unsure
from mmdia_dataset.media.reading.by_index import Lookup
from mmdia_dataset.media.reading.clock import clock_of
from mmdia_dataset.media.reading.recording import OpenRecording
from mmdia_dataset.media.reading.stretches import Stretch
from mmdia_dataset.media.sound.placing import sample_places
from mmdia_dataset.media.sound.sections import Block, FormChanged, Samples, Section, SoundForm, remembers
from mmdia_dataset.media.sound.tape import IndexTape, PacketTape, Tape

__all__ = ["LEAD", "TAIL", "Samples", "Sound", "channel_weights"]

LEAD = Fraction(3, 10)
"""Seconds decoded before a span and thrown away: enough for AAC's overlap, Opus's 80 ms and MP3's bit reservoir."""
TAIL = Fraction(1, 10)
"""Seconds decoded after a span: packets are kept whole, and a resampler looks ahead."""

_SECTION = 4  # seconds after which decoding restarts
_LONGEST = 12  # seconds that a packet may last: FLAC's 65,535 samples at 8 kHz are eight
_KEPT = 60  # sections kept after a stretch, where others may overlap it
_CONTEXT = Fraction(1, 10)  # what the resampler sees on either side of the span
_JITTER = Fraction(1, 100)
_ROUNDING = Fraction(2, 1000)
_UNFRAMED, _UNFRAMED_JITTER = ("pcm_dvd",), Fraction(4, 1000)  # its frames last 1.7 ms
_RAGGED = Fraction(1, 10) + _JITTER  # what may be missing at the ends of a recording
_PLANES = 8  # PyAV counts planes up to a null pointer, and with eight or more there is none
# ITU-R BS.775: centre and mono whole, fronts and surrounds 3 dB down, the low-frequency channel left out.
_WEIGHTS = {"FC": 1.0, "LFE": 0.0, "LFE2": 0.0}
_WEIGHT = 0.7071067811865476


class Sound:
    """A recording's sound as samples.

    Sample n of the recording is the one at n / rate seconds of recording time; a stretch has those from
    round(start * rate) to round(end * rate). In 16 bits, 16-bit sources stay unchanged; libswresample converts others
    to 16 bits, with clipping and without dither. As floats, full scale is 1, and nothing is clipped. Up to 100 ms that
    are missing at the ends of the recording become silence.

    Args:
        recording: to read from; nothing else may decode it meanwhile.
        rate: samples per second, made by libswresample; None keeps the recording's.
        mono: mix to one channel by ITU-R BS.775, scaled so that nothing can clip; else channels are kept.
        floats: 32-bit floats instead of 16-bit integers.
        lookup: the recording's own index, for faster reading; the samples are the same.

    Raises:
        NoAudio: the recording has no sound.
    """

    def __init__(
        self,
        recording: OpenRecording,
        *,
        rate: int | None,
        mono: bool,
        floats: bool = False,
        lookup: Lookup | None = None,
    ) -> None:
        if recording.audio is None:
            raise NoAudio("the recording has no sound track", where=recording.path, hint="choose mode 'copy'")
        self.recording = recording
        self.audio = recording.audio
        self._rate, self._mono, self._floats = rate, mono, floats
        self._tapes: list[Tape] = [] if lookup is None else [IndexTape(lookup)]
        self._tapes.append(PacketTape(recording, recording.audio))
        self._sections: dict[int, Section] = {}
        self._last: Section | None = None  # the one started last: all share one tape, so only this one can continue
        self._packer: tuple[SoundForm, AudioResampler] | None = None
        self._zeroed = set[int]()  # timestamps of packets that were overwritten
        self._clock = clock_of(recording.audio)
        # A decoder that remembers is that of the recording opened once more: a seek in it makes a decoder forget.
        self._heard = (recording.another().audio if remembers(self.audio) else None) or self.audio

    def of(self, stretch: Stretch) -> tuple[Samples, int]:
        """The samples of a stretch, (samples, channels), int16 or float32; and their rate.

        Args:
            stretch: from the same recording. Earlier sound is forgotten, so rising order is fastest.

        Raises:
            MediaDamaged: a packet can't be decoded, or the samples do not follow each other.
        """
        sections = self._around(stretch)
        form = next((section.form for section in sections if section.form), None)
        if form is None:
            raise self._damaged("no sound can be decoded", stretch.start)
        if any(section.form not in (form, None) for section in sections):
            raise self._damaged("the sound format changes", stretch.start)
        source = form.rate
        low, high = self._edge(stretch.start - _CONTEXT), self._edge(stretch.end + TAIL)
        blocks = [block.part(low, high) for section in sections for block in section.blocks]
        blocks = [block for block in blocks if len(block.ticks)]
        if not blocks:
            raise self._damaged("no sound can be decoded", stretch.start)
        starts = self._places(stretch, blocks, source, sections[-1].ended)
        target = self._rate or source
        first, last = round(stretch.start * target), round(stretch.end * target)
        if target == source:
            return self._ready(_laid_out(blocks, starts, first, last)), target
        # The resampler's first output sample lies on its first input sample: start it where both clocks tick.
        ratio = Fraction(source, target)
        block = floor((stretch.start - _CONTEXT) * source / ratio.numerator)
        low, high = block * ratio.numerator, ceil((stretch.end + _CONTEXT) * source)
        floats = _laid_out(blocks, starts, low, high).astype(np.float32, copy=False)
        values = _resampled(floats, source, target)
        begin = first - block * ratio.denominator
        values = values[begin : begin + last - first]
        if missing := last - first - len(values):
            values = np.pad(values, ((0, missing), (0, 0)))
        return self._ready(values), target

    def _ready(self, values: Samples) -> Samples:
        if not self._floats and values.dtype != np.int16:
            return _whole(values.astype(np.float32, copy=False).T)
        return values

    def _around(self, stretch: Stretch) -> list[Section]:
        """All sections of a stretch, decoded as far as it needs."""
        low, high = self._edge(stretch.start - _CONTEXT), self._edge(stretch.end + TAIL)
        length = _SECTION / self._clock
        first, last = floor(low / length), floor(high / length)
        for number in [number for number in self._sections if not first <= number <= last + _KEPT]:
            del self._sections[number]
        for number in range(first, last + 1):
            self._fill(number, high)
        begin = self._edge(stretch.start - _CONTEXT / 2)
        for _ in range(_LONGEST // _SECTION):
            heard = next((section for n in range(first, last + 1) if (section := self._sections[n]).blocks), None)
            if first <= 0 or (heard is not None and heard.blocks[0].ticks[0] <= begin):
                break
            first -= 1  # FLAC has frames of seconds: one that begins before the section may reach into the stretch
            self._fill(first, high)
        for tick in sorted(self._zeroed):
            moment = self.recording.seconds(self.audio, tick)
            if stretch.start - LEAD <= moment < stretch.end + TAIL:
                raise self._damaged("the sound's data is broken", moment)
        broken = [tick for number in range(first, last + 1) for tick in self._sections[number].broken]
        for tick in broken:
            moment = self.recording.seconds(self.audio, tick)
            if stretch.start - _JITTER <= moment < stretch.end:
                raise self._damaged("the sound can't be decoded", moment)
        return [self._sections[number] for number in range(first, last + 1)]

    def _fill(self, number: int, until: int) -> None:
        """Decode a section as far as a timestamp, from the quickest tape that has it."""
        for tape in self._tapes:
            section = self._sections.get(number)
            if section is None or (not section.complete and section is not self._last):
                length = _SECTION / self._clock
                low, high = ceil(number * length), ceil((number + 1) * length)
                section = Section(tape, self._heard, low, high, ceil(LEAD / self._clock))
                self._sections[number] = self._last = section
            try:
                self._extend(section, until)
            except Unsure:
                del self._sections[number]
            except MediaDamaged:
                del self._sections[number]  # what it holds is not all that it should
                raise
            else:
                return

    def _edge(self, seconds: Fraction) -> int:
        return floor(self.recording.ticks(self.audio, seconds))

    def _extend(self, section: Section, until: int) -> None:
        """Decode on in a section until a timestamp is passed."""
        try:
            row = section.more(until)
        except FormChanged as error:
            moment = self.recording.seconds(self.audio, error.tick)
            raise self._damaged("the sound format changes", moment) from error
        self._zeroed.update(section.zeroed)
        if row is None:
            return
        per_sample = 1 / self._clock / row.frame.sample_rate
        lengths, times = np.array(row.lengths, np.int64), np.array(row.ticks, np.int64)
        ends = times - (-lengths * per_sample.numerator // per_sample.denominator)
        section.blocks.append(Block(times, ends, lengths, self._converted(row.frame)))

    def _converted(self, frame: AudioFrame) -> Samples:
        """Its samples in the form wanted, or as floats where more is to be done."""
        channels = len(frame.layout.channels)
        mix = self._mono and channels > 1
        floats = self._floats or mix or self._rate not in (None, frame.sample_rate)
        if floats and frame.format.name == "fltp" and channels < _PLANES:  # what nearly all decoders give
            planes: NDArray[np.float32] = frame.to_ndarray().astype(np.float32, copy=False)
            return _mixed(planes.T, frame) if mix else np.ascontiguousarray(planes.T)
        form = SoundForm.of(frame)
        if self._packer is None or self._packer[0] != form:  # setting one up takes longer than what it does
            self._packer = form, AudioResampler(format="flt" if floats else "s16")
        converted = self._packer[1].resample(frame)
        if sum(piece.samples for piece in converted) < frame.samples:
            converted, self._packer = [*converted, *self._packer[1].resample(None)], None
        arrays = [piece.to_ndarray().reshape(piece.samples, -1) for piece in converted]
        values = np.concatenate(arrays) if len(arrays) > 1 else arrays[0]
        if floats:
            values = values.astype(np.float32, copy=False)
            return _mixed(values, frame) if mix else values
        return values.astype(np.int16, copy=False)

    def _places(self, stretch: Stretch, blocks: Sequence[Block], rate: int, ended: bool) -> Ints:
        """The recording's sample index of each frame's first sample."""
        ticks, lengths = (np.concatenate([getattr(block, name) for block in blocks]) for name in ("ticks", "lengths"))
        places, follow = sample_places(ticks, lengths, self._clock * rate, self.recording.origin * rate)
        if not follow and self.audio.codec_context.name in _UNFRAMED:
            # Each packet's timestamp is that of a frame that begins somewhere in it; the samples go on without a break.
            before = np.cumsum(lengths) - lengths
            errors = np.array(places, np.int64) - before
            if int(errors.max() - errors.min()) > _UNFRAMED_JITTER * rate:
                raise self._damaged("the sound's timestamps do not match its samples", stretch.start)
            places = (before + int(np.median(errors))).tolist()
        elif not follow:
            for place, length, following in zip(places, lengths.tolist(), places[1:], strict=False):
                low, high = sorted((place + length, following))
                inside = Fraction(low, rate) < stretch.end and Fraction(high, rate) > stretch.start
                if high - low > _JITTER * rate and inside:
                    raise self._damaged("the sound has a gap or a jump", Fraction(following, rate))
        begin, over = Fraction(places[0], rate), Fraction(places[-1] + int(lengths[-1]), rate)
        first = self.recording.seconds(self.audio, self.audio.start_time or 0)
        if begin - stretch.start > (_RAGGED if begin - first <= _RAGGED else _ROUNDING):
            raise self._damaged("the sound can't be decoded", stretch.start)
        if stretch.end - over > (_RAGGED if ended else _ROUNDING):
            raise self._damaged("the sound can't be decoded", over)
        return np.array(places, np.int64)

    def _damaged(self, what: str, moment: Fraction) -> MediaDamaged:
        return MediaDamaged(f"{what} at {float(moment):.3f} s", where=self.recording.path)


def _whole(planes: NDArray[np.float32]) -> NDArray[np.int16]:
    """Floats (channels, samples) as 16-bit integers (samples, channels), rounded and clipped."""
    values = np.empty(planes.shape[::-1], np.int16)
    for channel, plane in enumerate(planes):
        scaled = plane * np.float32(32768)
        np.clip(np.rint(scaled, out=scaled), -32768, 32767, out=scaled)
        values[:, channel] = scaled
    return values


def _laid_out(blocks: Sequence[Block], starts: Ints, low: int, high: int) -> Samples:
    """The samples [low, high) of all frames as (samples, channels), silence where there are none."""
    values: Samples = np.empty((high - low, blocks[0].values.shape[1]), blocks[0].values.dtype)
    number = filled = 0
    for block in blocks:
        places, offsets = starts[number : number + len(block.lengths)], np.cumsum(block.lengths) - block.lengths
        number += len(block.lengths)
        breaks = np.flatnonzero(np.diff(places - offsets, prepend=places[0] - 1))  # frames in a row are one piece
        for begin, end in zip(breaks.tolist(), [*breaks[1:].tolist(), len(places)], strict=True):
            start, offset = int(places[begin]) - low, int(offsets[begin])
            stop = min(start + int(offsets[end - 1] + block.lengths[end - 1]) - offset, high - low)
            first = max(0, start)
            if first < stop:
                values[filled:first] = 0
                values[first:stop] = block.values[offset + first - start : offset + stop - start]
                filled = max(filled, stop)
    values[filled:] = 0
    return values


def channel_weights(frame: AudioFrame) -> list[float]:
    """The weight of each channel in a mono mix, by ITU-R BS.775; the sum is 1, so that nothing can clip."""
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
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    pieces = [piece.to_ndarray().reshape(piece.samples, -1) for piece in frames]
    joined: NDArray[np.float32] = np.concatenate(pieces).astype(np.float32, copy=False)
    return joined

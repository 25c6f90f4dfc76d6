"""Finding the packets of a span in a recording.

All times inside are integer ticks of a track's own clock; fractions of a second appear only at the edges.
"""

from __future__ import annotations

import os
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import ceil

import av.error
from av.packet import Packet
from av.stream import Stream

from mmdia_dataset.errors import MediaDamaged
from mmdia_dataset.media.containers.packet_rows import STRANGE, Unsure
from mmdia_dataset.media.reading.clock import clock_of, frame_ticks, packet_samples, usual_step
from mmdia_dataset.media.reading.collecting import REORDER, Collector
from mmdia_dataset.media.reading.rewinds import repeated_stretches
from mmdia_dataset.media.reading.stretches import PacketBatch, Stretch, frames_of, sound_packets
from mmdia_dataset.media.reading.tracks import Tracks
from mmdia_dataset.media.reading.witnesses import Beat, SeekPointWitness, drift_of, mp4_contradiction

__all__ = ["OpenRecording"]

# A later start means reading backwards in growing steps: seeks in TS and PS land after the keyframe.
_STEPS_BACK = (0, 1, 3, 9, 27, 81)
# Once one track is this far past the end, the other one has a gap, and we stop waiting for it.
_PATIENCE = Fraction(10)
# Seconds of the recording from which its frame rate is judged.
_SAMPLE = Fraction(8)
# The fraction by which sound may run faster or slower than its samples: twice the rounding error in the sample.
_DRIFT = Fraction(2, 1000)
# Seconds around a span in which a wrong time could affect it.
_NEAR = Fraction(1)
_COPY_AGAIN = "copy it again from the source"


class OpenRecording(Tracks):
    """A recording, open for reading spans in any order; use it in a `with` block.

    Raises:
        MediaUnreadable: it can't be opened.
    """

    def stretch(
        self, start: Fraction, end: Fraction, *, lead: Fraction, tail: Fraction = Fraction(0), pictures: bool = True
    ) -> Stretch:
        """The packets of [start, end).

        Args:
            start: recording seconds.
            end: recording seconds.
            lead: seconds of sound before the first frame, so that the decoder can settle.
            tail: seconds of sound after the end.
            pictures: keep the picture's packets; without, only their timestamps are read.

        Raises:
            EmptySpan: no frame begins in the span.
            SpanOutside: the span does not lie inside the recording.
            MediaDamaged: data is missing or broken, as far as this is visible without decoding.
            UnsupportedCodec: the picture has no usable timestamps.
        """
        self.must_be_dated(start, end)
        batch = PacketBatch()
        for back in _STEPS_BACK:
            since = start - lead - self.margin - back
            batch = self._read(since, start, end, tail, pictures)
            if since <= 0 or self._reaches_back(batch, start, lead):
                break
        else:
            batch = self._read(Fraction(0), start, end, tail, pictures)
        result = Stretch(start=start, end=end)
        if self.video is not None:
            result = frames_of(self, batch, (start, end), pictures, self.longest_pause, self.beat)
        if self.audio is not None:
            result.audio = sound_packets(self, batch, result, lead, tail)
        return result

    def must_be_dated(self, start: Fraction, end: Fraction) -> None:
        """Check the timestamps of [start, end) against all other times that the file stores.

        Raises:
            MediaDamaged: they disagree, or a moment may occur twice.
        """
        for low, high in self.repeated_stretches:
            if low < end and start < high:
                raise MediaDamaged(
                    f"timestamps restart inside this file, so {float(start):.3f} s is ambiguous",
                    where=self.path,
                    hint="convert the film to Matroska with one continuous clock, then use that file",
                )
        wrong = self._contradiction
        if not wrong and self._seek_points is not None:
            try:
                moment = self._seek_points.contradiction(start + self.origin - _NEAR, end + self.origin + _NEAR)
            except OSError as error:
                raise MediaDamaged(f"reading fails ({error.strerror})", where=self.path) from error
            if moment is not None:
                wrong = f"its index and its stream give different times near {float(moment - self.origin):.3f} s"
        if wrong:
            raise MediaDamaged(f"the file is damaged: {wrong}", where=self.path, hint=_COPY_AGAIN)

    @cached_property
    def _seek_points(self) -> SeekPointWitness | None:
        if not self.container.format.name.startswith("matroska"):
            return None
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            self._reopened.callback(os.close, file)
            return SeekPointWitness(file)
        except (OSError, Unsure, *STRANGE):
            return None

    @cached_property
    def _contradiction(self) -> str:
        """What is wrong with the times of the whole recording; usually empty."""
        video, audio = self.video, self.audio
        if self.container.format.name.startswith("mov") and (wrong := mp4_contradiction(self.path)):
            return wrong
        if self._seek_points is not None and video is not None and video.start_time is not None:
            begin, first = video.start_time * clock_of(video), self._seek_points.first
            if begin > first + _SAMPLE / 100 and first >= 0:
                return f"its picture begins at {float(begin):.3f} s, but its index at {float(first):.3f} s"
        samples = 0 if audio is None else packet_samples(audio)
        if audio is not None and samples:
            times = [packet.pts for packet in self._sample.audio if packet.pts is not None]
            drift = drift_of(times, samples / clock_of(audio) / audio.codec_context.sample_rate)
            if drift is not None and abs(drift) > _DRIFT:
                return f"its sound lasts {float(1 + drift):.1%} of what its samples add up to"
        return ""

    def some_packets(self, moment: Fraction, count: int) -> dict[int, list[Packet[Stream]]]:
        """The first packets of each track from the keyframe before a moment on, by the track's index.

        Raises:
            FFmpegError: they can't be read.
        """
        tracks = [track for track in (self.video, self.audio) if track is not None]
        packets_by_track: dict[int, list[Packet[Stream]]] = {track.index: [] for track in tracks}
        self.seek_to(tracks[0], moment)
        for number, packet in enumerate(self.container.demux(*tracks)):
            if packet.size and len(packets_by_track[packet.stream_index]) < count:
                packets_by_track[packet.stream_index].append(packet)
            if number > 100 * count or all(len(packets) >= count for packets in packets_by_track.values()):
                break
        return packets_by_track

    def _read(self, since: Fraction, start: Fraction, end: Fraction, tail: Fraction, pictures: bool) -> PacketBatch:
        """One pass from the keyframe before `since` until both tracks are through."""
        tracks = [track for track in (self.video, self.audio) if track is not None]
        collector = self._collector(start, end, tail, pictures)
        take = collector.take
        try:
            self.seek_to(tracks[0], since)
            collector.batch.ended = all(take(packet) for packet in self.demux(*tracks))
        except av.error.FFmpegError as error:
            raise MediaDamaged(
                f"reading fails near {float(start):.3f} s ({error.strerror})", where=self.path
            ) from error
        return collector.batch

    def _collector(self, start: Fraction, end: Fraction, tail: Fraction, pictures: bool) -> Collector:
        video, audio = self.video, self.audio
        collector = Collector(
            picture=None if video is None else video.index,
            keep_video=pictures,
            has_dts=self.has_dts,
            picture_done=video is None,
            sound_done=audio is None,
        )
        if video is not None:
            collector.first, collector.last = ceil(self.ticks(video, start)), ceil(self.ticks(video, end))
            collector.give_up = ceil(self.ticks(video, end + _PATIENCE))
        if audio is not None:
            collector.sound_last = ceil(self.ticks(audio, end + tail))
            collector.sound_give_up = ceil(self.ticks(audio, end + _PATIENCE))
        if video is not None and audio is not None:
            collector.sound_until = lambda pts: ceil(self.ticks(audio, self.seconds(video, pts) + tail))
        return collector

    def _reaches_back(self, batch: PacketBatch, start: Fraction, lead: Fraction) -> bool:
        """Whether a pass began early enough for the decoders of both tracks."""
        if self.audio is not None:
            first = next((packet.pts for packet in batch.audio if packet.pts is not None), None)
            if first is None or self.seconds(self.audio, first) > max(start - lead, Fraction(0)):
                return False
        if self.video is None or batch.key is not None:
            return True
        # A keyframe that is itself the first frame inside serves too.
        edge = ceil(self.ticks(self.video, start))
        inside = [time for time in batch.times if time >= edge]
        return (
            bool(inside)
            and bool(batch.times)
            and any(packet.is_keyframe and packet.pts == min(inside) for packet in batch.video)
        )

    @cached_property
    def repeated_stretches(self) -> tuple[tuple[float, float], ...]:
        """Stretches of recording time, in seconds, that occur several times; read from the file once."""
        return repeated_stretches(self.path) if self.joinable else ()

    @cached_property
    def longest_pause(self) -> Fraction:
        """The longest distance of two frames that is not yet a gap, in ticks of the picture's clock.

        A sample from inside the recording shows whether its frame rate is steady. If so, this is 2.5 frames, since soft
        telecine alternates between 2 and 3 fields; else a second or ten frames, whichever is more. It is the same for
        all spans of a recording, so that a refusal does not depend on which other spans are cut.
        """
        video, times = self.video, sorted(self._sample.times)
        assert video is not None  # noqa: S101 - the caller asked
        step = usual_step(times) or frame_ticks(video)
        steps = [after - before for before, after in pairwise(times)]
        uneven = sum(abs(distance - step) * 2 > step + 2 for distance in steps)
        if uneven * 20 <= len(steps):
            return step * Fraction(5, 2) + 1
        return max(1 / clock_of(video), Fraction(10 * step))

    @cached_property
    def beat(self) -> Beat | None:
        """The steady distance of frames in ticks of the picture's clock, by the same sample; None if it varies."""
        # The last ones read are not all there are: some that are shown before them come later.
        times = sorted(self._sample.times)[:-REORDER]
        return None if self.video is None else Beat.of(times, clock_of(self.video))

    @cached_property
    def _sample(self) -> PacketBatch:
        """Some seconds from inside the recording: the times of its frames, and the sound's packets."""
        since = (self.claimed_end or Fraction(0)) / 4
        try:
            return self._read(since, since, since + _SAMPLE, Fraction(0), False)
        except MediaDamaged:  # damage in the sample does not mean damage in the span
            return PacketBatch()

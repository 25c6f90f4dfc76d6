"""A recording that is open: its picture and sound track, their clocks, and seeking in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from types import TracebackType
from typing import Self

import av.error
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Discard, Stream
from av.video.stream import VideoStream

from mmdia_dataset.errors import UnsupportedCodec, shown
from mmdia_dataset.media.probe import best_audio, best_video, open_media, origin_of
from mmdia_dataset.media.reading.clock import clock_of

__all__ = ["Tracks"]

# TS looks for decoding times, which come earlier than the first frame; by less than this.
_AHEAD = Fraction(10)


class Tracks:
    """The two tracks of a recording that matter; use it in a `with` block.

    Raises:
        MediaUnreadable: it can't be opened.
        UnsupportedCodec: there is no decoder for it.
    """

    def __init__(self, path: str | os.PathLike[str], language: str | None = None, track: int | None = None) -> None:
        self.path = path
        self._wanted, self._reopened = (language, track), ExitStack()
        self.container = open_media(path)
        self.video: VideoStream | None = best_video(self.container)
        self.audio: AudioStream | None = best_audio(self.container, language, track)
        for chosen in (self.video, self.audio):
            if chosen is not None and chosen.codec_context is None:
                self.container.close()
                kind = "picture" if chosen is self.video else "sound"
                raise UnsupportedCodec(f"libavcodec doesn't know the codec of the {kind}", where=path)
        if self.audio is not None and not (self.audio.codec_context.channels and self.audio.codec_context.sample_rate):
            self.container.close()
            raise UnsupportedCodec("the sound has no channels, or no sample rate", where=path)
        self.origin = origin_of(self.container)
        used_indexes = {stream.index for stream in (self.video, self.audio) if stream is not None}
        for stream in self.container.streams:
            if stream.index not in used_indexes:
                stream.discard = Discard.all
        name = self.container.format.name
        # Only here does the file itself say when a frame is decoded; elsewhere libavformat guesses.
        self.has_dts = name.startswith(("mov", "mpeg"))
        self._blocks = name == "mpeg"
        self.joinable = name.startswith("mpeg")  # files of these can be joined by putting one after the other
        self.margin = Fraction(1 if self.joinable else 0)
        duration = self.container.duration
        self.claimed_end = Fraction(duration, 1_000_000) if duration and duration > 0 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reopened.close()
        self.container.close()

    def another(self) -> Tracks:
        """Open the same recording once more, to read from another place; it closes together with this one.

        Raises:
            MediaUnreadable: it can't be opened any more.
        """
        return self._reopened.enter_context(Tracks(self.path, *self._wanted))

    def ticks(self, stream: VideoStream | AudioStream, seconds: Fraction) -> Fraction:
        """A moment of recording time on a track's clock; whole only by chance."""
        return (seconds + self.origin) / clock_of(stream)

    def seconds(self, stream: VideoStream | AudioStream, ticks: int | Fraction) -> Fraction:
        """A timestamp of a track, or a moment on its clock, as recording time."""
        return ticks * clock_of(stream) - self.origin

    def seek_to(self, track: VideoStream | AudioStream, since: Fraction) -> None:
        """Go to the keyframe before a moment, or to the beginning."""
        if since <= 0:
            tracks = [stream for stream in (self.video, self.audio) if stream is not None]
            since = min(Fraction(0), *(self.seconds(stream, stream.start_time or 0) for stream in tracks)) - _AHEAD
        self.seek(track, int(self.ticks(track, since)))

    def seek(self, track: VideoStream | AudioStream, ticks: int) -> None:
        """Go to the last keyframe not after a timestamp of a track, or to the track's start if there is none.

        Raises:
            FFmpegError: the file can't be read.
        """
        try:
            self.container.seek(ticks, stream=track)
        except av.error.FFmpegError:  # no keyframe lies before it
            self.container.seek(track.start_time or 0, stream=track, backward=False)

    def demux(self, *tracks: VideoStream | AudioStream) -> Iterator[Packet[Stream]]:
        """The packets of some tracks from here on, in the order of the file.

        Raises:
            FFmpegError: the file can't be read.
        """
        packets = self.container.demux(*tracks)
        return _mended(packets, self.audio) if self.audio in tracks and self._blocks else packets

    def __repr__(self) -> str:
        return f"{type(self).__name__}({shown(self.path)!r})"


def _mended(packets: Iterator[Packet[Stream]], audio: AudioStream | None) -> Iterator[Packet[Stream]]:
    """Packets of a program stream whose sound has each its own timestamp.

    A program stream dates the first sound packet that begins in each of its blocks. Where a packet's head is cut in two
    by the border of two blocks, libavformat gives it the date of the next packet, which then appears twice.
    """
    index = -1 if audio is None else audio.index
    pending: list[Packet[Stream]] = []  # a packet of sound, and what came after it
    for packet in packets:
        if packet.stream_index == index and packet.size and packet.pts is not None:
            if pending and pending[0].pts == packet.pts and pending[0].duration:
                pending[0].pts = pending[0].dts = packet.pts - pending[0].duration
            yield from pending
            pending = [packet]
        elif pending:
            pending.append(packet)
        else:
            yield packet
    yield from pending

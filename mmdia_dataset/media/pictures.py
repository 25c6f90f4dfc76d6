"""Decoded pictures of a recording: exactly those at the given timestamps, or an error.

A `Pictures` reads its recording forwards and decodes each picture once. Between two requested pictures, it
decodes only what the later one needs: it reads the packets, restarts decoding at the last keyframe among them, skips
pictures that no other picture needs, and seeks over long distances.

It notices broken and overwritten packets, data that the decoder rejects, and pictures that do not come out. Then all
pictures up to the next keyframe count as damaged, since they are made from broken data.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil
from types import TracebackType
from typing import TYPE_CHECKING, Self

import av.error
from av.packet import Packet
from av.stream import Discard
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mmdia_dataset.errors import MediaDamaged, NoVideo
from mmdia_dataset.media.reading.clock import clock_of
from mmdia_dataset.media.reading.damage import zero_test
from mmdia_dataset.media.reading.recording import OpenRecording

__all__ = ["Pictures", "silent", "steady"]

if TYPE_CHECKING:  # generic in the stubs only
    VideoPacket = Packet[VideoStream]

# A later start means reading backwards in growing steps: seeks in TS and PS land after the keyframe.
_STEPS_BACK = (0, 1, 3, 9, 27, 81)
# H.264 and HEVC let at most 16 frames overtake another one.
_REORDER = 17
# Seconds that are read through rather than sought over, and from which on a keyframe between is looked for.
_FAR, _NEAR = Fraction(20), Fraction(1)
# Packets held back while a keyframe is looked for; in longer groups, decoding begins meanwhile.
_MOST_HELD = 600
# Decoders that can leave out pictures no other is made from, one by one.
_THINNED = ("h264", "hevc", "mpeg2video", "mpeg4")


def silent(path: str | os.PathLike[str]) -> OpenRecording:
    """Open a recording without its sound. Raises MediaUnreadable."""
    recording = OpenRecording(path)
    if recording.audio is not None:
        recording.audio.discard = Discard.all
        recording.audio = None
    return recording


class Pictures:
    """The picture track of a recording, open for decoding; use it in a `with` block.

    Rising order is fast; any other order works.

    Args:
        path: the recording.

    Raises:
        MediaUnreadable: it can't be opened.
        NoVideo: it has no picture.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.recording = silent(path)
        if self.recording.video is None:
            self.recording.container.close()
            raise NoVideo("the recording has no picture track", where=path, hint="choose mode 'audio'")
        self.video = self.recording.video
        context = self.video.codec_context
        # One thread: errors are reported for the right packet, and threads cost no coordination.
        context.thread_count = 1
        context.options = {"err_detect": "explode"}
        self._thins = context.name in _THINNED
        self._zeroed = zero_test(self.video)
        self._packets: Iterator[VideoPacket] = iter(())
        self._held: deque[VideoPacket] = deque()
        self._ready: deque[tuple[VideoFrame, bool]] = deque()
        self._given: tuple[VideoFrame, bool] | None = None
        self._keys: list[VideoPacket] = []  # keyframes before and after what `near` was asked for
        self._top: int | None = None  # the latest timestamp read since the last seek
        self._edge = 0  # pictures before this one are not wanted
        self._over = True  # nothing more comes out of the decoder without a seek
        self._broken = False  # what is decoded now leans on something broken
        self._whole_from: int | None = None  # the keyframe that ends this
        self._start: int | None = None  # the picture where decoding began
        self._first_group = True  # whether it still goes on in the group that begins there

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.recording.container.close()

    def take(self, pts: int) -> VideoFrame:
        """The picture with a timestamp, in ticks of the track.

        Raises:
            MediaDamaged: it can't be decoded, or depends on broken data.
        """
        if self._keys:
            self._keys, self._top = [], None
        if self._given is None or self._given[0].pts != pts:
            self._go_to(pts)
            self._given = self._next()
            if self._given[1] and self._first_group and self._start is not None:
                # An open group may use pictures of the group before; decoded from there, nothing is wrong.
                self._seek(self._start - 1)
                self._given = self._next()
        frame, broken = self._given
        if frame.pts != pts or broken:
            if frame.pts != pts:
                self._ready.appendleft(self._given)
                self._given = None
            seconds = float(self.recording.seconds(self.video, pts))
            raise MediaDamaged(f"the picture can't be decoded at {seconds:.3f} s", where=self.recording.path)
        return frame

    def near(self, pts: int | Fraction) -> VideoFrame:
        """The keyframe nearest to a moment on the track's clock; only this one is decoded.

        If two are equally near, the earlier one.

        Raises:
            MediaDamaged: it can't be decoded.
        """
        if not self._keys or pts < (self._keys[0].pts or 0) or pts - (self._top or 0) > self._ticks(_FAR):
            self._seek(pts)
            self._keys = [packet for packet in self._held if packet.is_keyframe and packet.pts is not None]
            self._held.clear()
        while not self._keys or ((self._keys[-1].pts or 0) <= pts and (self._top or 0) <= self._as_far(pts)):
            packet = self._read()
            if packet is None:
                break
            if packet.is_keyframe and packet.pts is not None:
                self._keys.append(packet)
        while len(self._keys) > 1 and (self._keys[1].pts or 0) <= pts:
            del self._keys[0]
        nearest = min(self._keys, key=lambda packet: abs(Fraction(packet.pts or 0) - pts), default=None)
        if nearest is None or self._given is None or self._given[0].pts != nearest.pts:
            self._restart()
            for packet in (nearest, None) if nearest else ():
                self._feed(packet)
            self._given = self._ready.popleft() if self._ready else None
        if nearest is None or self._given is None or self._given[1]:
            seconds = float(self.recording.seconds(self.video, pts))
            raise MediaDamaged(f"no keyframe can be decoded near {seconds:.3f} s", where=self.recording.path)
        return self._given[0]

    def _as_far(self, pts: int | Fraction) -> int | Fraction:
        """As far after a timestamp as the last keyframe lies before it."""
        return 2 * pts - max(
            (packet.pts or 0) for packet in self._keys if (packet.pts or 0) <= pts or packet is self._keys[0]
        )

    def _go_to(self, pts: int) -> None:
        """See to it that the next picture given is the first one not before `pts`."""
        back, self._edge = pts < self._edge, pts
        if self._top is None or back or (self._over and not self._ready) or pts - self._top > self._ticks(_FAR):
            self._seek(pts)
        elif pts - self._top > self._ticks(_NEAR):
            self._skip_to(pts)

    def _next(self) -> tuple[VideoFrame, bool]:
        while True:
            while self._ready:
                frame, broken = self._ready.popleft()
                if (frame.pts or 0) >= self._edge:
                    return frame, broken
            if self._over:
                seconds = float(self.recording.seconds(self.video, self._edge))
                raise MediaDamaged(f"the picture can't be decoded at {seconds:.3f} s", where=self.recording.path)
            self._feed(self._held.popleft() if self._held else self._read())

    def _feed(self, packet: VideoPacket | None) -> None:
        """Decode a packet, or with None what the decoder still holds back."""
        context = self.video.codec_context
        if packet is not None and packet.pts is not None:
            if self._start is None:
                self._start = packet.pts
            elif packet.is_keyframe:
                self._first_group = False
            if self._thins:
                context.skip_frame = "NONREF" if packet.pts < self._edge and not self._keys else "DEFAULT"
            if packet.is_corrupt or self._zeroed(bytes(packet)):
                self._break()
            elif packet.is_keyframe and self._broken and self._whole_from is None:
                self._whole_from = packet.pts
        try:
            frames = context.decode(packet)
        except av.error.FFmpegError:
            frames = []
            # What leads over from the group before the one where decoding began is made of it, and not wanted.
            if packet is None or packet.pts is None or self._start is None or packet.pts > self._start:
                self._break()
        for frame in frames:
            if self._whole_from is not None and frame.pts is not None and frame.pts >= self._whole_from:
                self._broken, self._whole_from = False, None
            if frame.is_corrupt:
                self._break()
            self._ready.append((frame, self._broken))
        self._over = packet is None

    def _break(self) -> None:
        self._broken, self._whole_from = True, None

    def _read(self) -> VideoPacket | None:
        try:
            for packet in self._packets:
                if packet.size:
                    if packet.pts is not None:
                        self._top = packet.pts if self._top is None else max(self._top, packet.pts)
                    return packet
        except av.error.FFmpegError as error:
            self._over = True
            raise MediaDamaged(f"reading fails ({error.strerror})", where=self.recording.path) from error
        return None

    def _seek(self, pts: int | Fraction) -> None:
        """Restart at the last keyframe not after `pts`."""
        recording = self.recording
        moment = recording.seconds(self.video, pts)
        for back in (*_STEPS_BACK, None):
            since = Fraction(-1) if back is None else moment - recording.margin - back
            if since <= 0:
                # Well before the beginning: TS looks for decoding times, which come earlier than the first frame.
                since = recording.seconds(self.video, self.video.start_time or 0) - 10
            self._restart()
            self._held.clear()
            self._top = None
            try:
                recording.seek(self.video, int(recording.ticks(self.video, since)))
            except av.error.FFmpegError as error:
                raise MediaDamaged(f"reading fails ({error.strerror})", where=recording.path) from error
            self._packets = recording.container.demux(self.video)
            if self._skip_to(pts) or since < 0:
                return

    def _skip_to(self, pts: int | Fraction) -> bool:
        """Read on until no keyframe up to `pts` can follow, and decode from the last one, if there was any."""
        has_keyframe, beyond = False, 0
        waiting, self._held = self._held, deque()
        while beyond < _REORDER:
            packet = waiting.popleft() if waiting else self._read()
            if packet is None:
                break
            if packet.is_keyframe and packet.pts is not None:
                if packet.pts > pts:
                    beyond = _REORDER
                else:
                    has_keyframe = True
                    self._restart()
                    self._held.clear()
            self._held.append(packet)
            beyond += packet.pts is not None and packet.pts > pts
            if len(self._held) > _MOST_HELD:
                self._feed(self._held.popleft())
                self._ready = deque(picture for picture in self._ready if (picture[0].pts or 0) >= self._edge)
        self._held.extend(waiting)
        return has_keyframe

    def _restart(self) -> None:
        self.video.codec_context.flush_buffers()
        self._ready.clear()
        self._given = None
        self._first_group = True
        self._over = self._broken = False
        self._whole_from = self._start = None

    def _ticks(self, seconds: Fraction) -> int:
        return ceil(seconds / clock_of(self.video))


def steady(shown: Sequence[int], clock: Fraction, length: Fraction, rate: Fraction) -> list[int]:
    """For each picture at a steady rate, the one shown at that moment: the last that began at or before it.

    Args:
        shown: timestamps of the pictures of a stretch.
        clock: seconds per tick.
        length: of the stretch, in seconds.
        rate: pictures per second.
    """
    step = 1 / (rate * clock)
    return [shown[bisect_right(shown, shown[0] + n * step) - 1] for n in range(ceil(length * rate))]

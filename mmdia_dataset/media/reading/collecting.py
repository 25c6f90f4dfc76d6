"""Taking in the packets of a span, one by one, until no more is needed of either track."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from av.packet import Packet
from av.stream import Stream

from mmdia_dataset.media.reading.stretches import PacketBatch

__all__ = ["REORDER", "Collector"]

# H.264 and HEVC let at most 16 frames overtake another one; after more frames beyond a moment, none before it follows.
REORDER = 17


@dataclass(slots=True, kw_only=True)
class Collector:
    """Takes packets in, and knows when there are enough. It sees each packet once, so all times are ticks of a track.

    Attributes:
        picture: the index of the picture track; None without a picture.
        first: where the span begins in the picture.
        last: where it ends there.
        give_up: from here on in the picture, the sound is not waited for.
        sound_last: up to here sound is needed.
        sound_give_up: from here on in the sound, the picture is not waited for.
        sound_until: up to where sound is needed, by the time of the frame after the last; None without one of the two.
        keep_video: keep the picture's packets; without, only their timestamps.
        has_dts: whether decoding times are the file's own.
        picture_done: whether no more of the picture is needed; so from the start where there is none.
        sound_done: the same of the sound.
        batch: what was taken in.
    """

    picture: int | None
    first: int = 0
    last: int = 0
    give_up: int = 0
    sound_last: int = 0
    sound_give_up: int = 0
    sound_until: Callable[[int], int] | None = None
    keep_video: bool
    has_dts: bool
    picture_done: bool
    sound_done: bool
    batch: PacketBatch = field(default_factory=PacketBatch)
    _after: int | None = None  # the first frame at or after the end, as far as seen
    _beyond: int = 0

    def take(self, packet: Packet[Stream]) -> bool:
        """Take the next packet in. Gives whether more are needed."""
        if not packet.size:
            return True
        pts = packet.pts
        if packet.stream_index != self.picture:
            self.batch.audio.append(packet)  # type: ignore[arg-type]
            if pts is not None:
                self.sound_done = pts >= self.sound_last
                if pts >= self.sound_give_up and not self.picture_done:
                    return False
        elif pts is None:
            self.batch.undated = True
        elif not self.picture_done:
            self._take_picture(packet, pts)
        elif pts >= self.give_up:
            return False
        return not (self.picture_done and self.sound_done)

    def _take_picture(self, packet: Packet[Stream], pts: int) -> None:
        batch = self.batch
        if packet.is_keyframe:
            batch.keys.add(pts)
            if pts <= self.first:
                batch.key = pts
                batch.video.clear()
                batch.times.clear()  # in PS, those before the first keyframe are libavformat's guesses
        if self.keep_video:
            batch.video.append(packet)  # type: ignore[arg-type]
        if packet.is_discard:
            return
        batch.times.append(pts)
        if pts >= self.last:
            self._go_beyond(pts, packet.dts)

    def _go_beyond(self, pts: int, dts: int | None) -> None:
        """A frame at or after the end: those that it overtook may still follow."""
        self._beyond += 1
        if self._after is None or pts < self._after:
            self._after = pts
            if self.sound_until is not None:
                self.sound_last, self.sound_done = self.sound_until(pts), False
        self.picture_done = self._beyond >= REORDER or (self.has_dts and dts is not None and dts >= self._after)

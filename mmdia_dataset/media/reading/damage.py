"""Telling overwritten data from whole, without decoding it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from av.audio.stream import AudioStream
from av.video.stream import VideoStream

__all__ = ["ZeroTest", "zero_test"]

# Runs of zero bytes that no whole packet contains, see zero_test.
_ZEROS, _ZEROS_STUFFED, _ZEROS_AHEAD = 8, 192, 16
_SILENT_CODECS = ("pcm_", "flac", "alac", "truehd", "mlp", "wavpack")


@dataclass(frozen=True, slots=True)
class ZeroTest:
    """Whether a packet's data was overwritten with zeros.

    Attributes:
        zeros: the run of zeros that counts as damage; empty if zeros are allowed.
        ahead: whether only the start of a packet counts.
    """

    zeros: bytes
    ahead: bool = False

    def __call__(self, packet: bytes) -> bool:
        """Of one packet."""
        return bool(self.zeros) and (packet.startswith(self.zeros) if self.ahead else self.zeros in packet)

    def in_any(self, packets: bytes, sizes: list[int]) -> bool:
        """Of several packets in a row, of these sizes: whether one of them was."""
        if not self.zeros or self.zeros not in packets:
            return False
        ends = list(accumulate(sizes))
        places = zip([0, *ends[:-1]], ends, strict=True)
        if self.ahead:  # most packets that have zeros begin with something else
            suspects = [(begin, end) for begin, end in places if not packets[begin]]
            return any(packets.startswith(self.zeros, begin, end) for begin, end in suspects)
        return any(packets.find(self.zeros, begin, end) >= 0 for begin, end in places)


def zero_test(stream: VideoStream | AudioStream) -> ZeroTest:
    """The test for a track, by what its codec can never contain.

    H.264 and HEVC forbid three zero bytes in a row inside a unit; with lengths before the units, eight can't occur at
    all, with start codes only as stuffing. For other codecs, a packet that begins with 16 zero bytes counts
    as broken. Codecs that store silence as zeros are not tested.
    """
    context = stream.codec_context
    if context.name in ("h264", "hevc"):
        with_lengths = bool(context.extradata) and context.extradata is not None and context.extradata[0] == 1
        return ZeroTest(bytes(_ZEROS if with_lengths else _ZEROS_STUFFED))
    if context.name.startswith(_SILENT_CODECS):
        return ZeroTest(b"")
    return ZeroTest(bytes(_ZEROS_AHEAD), ahead=True)

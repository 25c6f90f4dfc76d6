"""Telling overwritten data from whole, without decoding it."""

from __future__ import annotations

from collections.abc import Callable

from av.audio.stream import AudioStream
from av.video.stream import VideoStream

__all__ = ["zero_test"]

# Runs of zero bytes that no whole packet contains, see _zero_test.
_ZEROS, _ZEROS_STUFFED, _ZEROS_AHEAD = 8, 192, 16
_SILENT_CODECS = ("pcm_", "flac", "alac", "truehd", "mlp", "wavpack")


def zero_test(stream: VideoStream | AudioStream) -> Callable[[bytes], bool]:
    """A test whether a packet's data was overwritten with zeros, judged by what its codec can never contain.

    H.264 and HEVC forbid three zero bytes in a row inside a unit; with lengths before the units, eight can't occur at
    all, with start codes only as stuffing. For other codecs a packet that begins with 16 zero bytes is taken for
    broken; codecs in which silence is zeros are left alone.
    """
    context = stream.codec_context
    if context.name in ("h264", "hevc"):
        with_lengths = bool(context.extradata) and context.extradata is not None and context.extradata[0] == 1
        zeros = bytes(_ZEROS if with_lengths else _ZEROS_STUFFED)
        return lambda data: zeros in data
    if context.name.startswith(_SILENT_CODECS):
        return lambda data: False
    ahead = bytes(_ZEROS_AHEAD)
    return lambda data: data.startswith(ahead)

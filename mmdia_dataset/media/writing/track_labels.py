"""A track's language and name, from a recording to a clip."""

from __future__ import annotations

from av.audio.stream import AudioStream
from av.video.stream import VideoStream

__all__ = ["label"]


def label(track: VideoStream | AudioStream, source: VideoStream | AudioStream) -> None:
    """Give an MP4's track the language and the name of a recording's; `handler_name` is where MP4 has a name."""
    if source.language:
        track.metadata["language"] = source.language
    if name := source.metadata.get("title") or source.metadata.get("handler_name"):
        track.metadata["handler_name"] = name

"""A track's language and name, from a recording to a clip."""

from __future__ import annotations

from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from mmdia_dataset.media.probe import tag

__all__ = ["label"]


def label(track: VideoStream | AudioStream, source: VideoStream | AudioStream) -> None:
    """Give an MP4's track the language and the name of a recording's; MP4 stores the name as `handler_name`."""
    if language := tag(source, "language"):
        track.metadata["language"] = language
    if name := tag(source, "title") or tag(source, "handler_name"):
        track.metadata["handler_name"] = name

"""Rows of clips, and of dialogues decoded in place."""

from __future__ import annotations

import builtins

from pydantic import Field

from mmdia_dataset.schema.base import AudioKind, Index, Many, Milliseconds, Model, Rate
from mmdia_dataset.schema.dialogue import Dialogue
from mmdia_dataset.timing import MAX_MS

__all__ = ["Clip", "Keyframe", "LocatedDialogue", "Media", "SourceSpan"]


class Media(Model):
    """A media file in a row: by path, or embedded."""

    bytes: builtins.bytes | None = Field(default=None, description="The file itself.", examples=[None])
    path: str | None = Field(default=None, description="Where the file is.", examples=["clips/tt0114388/a.mp4"])


class Keyframe(Model):
    """A picture of a dialogue, in a row."""

    image: Media = Field(description="The picture, JPEG or PNG.", examples=[{"path": "clips/tt0114388/a/000.jpg"}])
    time_ms: Milliseconds = Field(description="Movie time at which it begins [ms].", examples=[51384])
    turn: Index | None = Field(
        default=None, description="The turn it belongs to, as an index into `turns`.", examples=[0]
    )


class SourceSpan(Model):
    """Where a dialogue lies in a recording: recording_ms = (movie_ms + offset_ms) / rate."""

    recording: str = Field(description="The file, by its full path.", examples=["/films/Sense and Sensibility.mkv"])
    start_ms: Milliseconds = Field(description="Start in movie time [ms].", examples=[50260])
    end_ms: Milliseconds = Field(description="End in movie time [ms].", examples=[68120])
    rate: Rate = Field(default="1/1", description="Speed of the recording against the movie.", examples=["1/1"])
    offset_ms: float = Field(
        default=0.0, ge=-MAX_MS, le=MAX_MS, description="Shift in movie time [ms].", examples=[15015.0]
    )
    track: Index | None = Field(
        default=None, description="Number of the sound track; null for the default.", examples=[None]
    )


class LocatedDialogue(Dialogue):
    """A row of the `clips` configuration in mode `access`: a dialogue, and where it is."""

    source: SourceSpan = Field(
        description="Where to decode it from.",
        examples=[{"recording": "/films/a.mkv", "start_ms": 50260, "end_ms": 68120}],
    )
    error_ms: float | None = Field(
        default=None, ge=0, description="Bound of the timing error [ms]; null where not measured.", examples=[5]
    )


class Clip(Dialogue):
    """A row of the `clips` configuration: a dialogue with its media."""

    video: Media | None = Field(default=None, description="The clip with picture, MP4.", examples=[None])
    audio: Media | None = Field(default=None, description="The dialogue's sound, a file such as WAV.", examples=[None])
    audio_kind: AudioKind | None = Field(
        default=None, description="Which sound it is; null without sound.", examples=["film"]
    )
    keyframes: Many[Keyframe] = Field(default=(), description="Its key frames, in the order asked for.", examples=[[]])
    frames: Index | None = Field(default=None, description="Video frames in the clip.", examples=[429])
    samples: Index | None = Field(default=None, description="Audio samples per channel.", examples=[858858])
    error_ms: float | None = Field(
        default=None, ge=0, description="Bound of the timing error [ms]; null where not measured.", examples=[5]
    )

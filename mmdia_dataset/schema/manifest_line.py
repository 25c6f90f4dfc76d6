"""The lines of a built directory's manifest: clips made and refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from mmdia_dataset.schema.base import Id, Index, Many, Milliseconds, Mode, Model, Rate, RelativeFile, Sha256, Split
from mmdia_dataset.schema.edition import Evidence, Reason, RecordingInfo
from mmdia_dataset.schema.versioned import Versioned
from mmdia_dataset.timing import MAX_MS, Span

__all__ = ["MadeLine", "ManifestLine", "Picture", "Place", "RefusedLine"]


class Place(Model):
    """Where a clip was cut from its recording."""

    start_s: float = Field(ge=0, description="First frame's time [s of recording time].", examples=[50.258542])
    end_s: float = Field(ge=0, description="Time of the frame after the last [s].", examples=[68.151417])


class _Line(Versioned):
    """What both kinds of manifest lines say."""

    id: Id = Field(description="The dialogue.", examples=["tt0114388_clip_64"])
    movie: Id = Field(description="Its movie.", examples=["tt0114388"])
    splits: Many[Split] = Field(description="The splits it is in.", examples=[["test", "hard"]])
    mode: Mode = Field(description="The mode asked for.", examples=["copy"])
    span: Span = Field(
        description="The dialogue's span of movie time [ms].", examples=[{"start_ms": 50260, "end_ms": 68120}]
    )


class Picture(Model):
    """A picture of a dialogue, in the manifest; pictures of several turns may share a file."""

    file: RelativeFile = Field(
        description="The picture.", examples=["clips/tt0114388/tt0114388_clip_64.keyframes/000.jpg"]
    )
    sha256: Sha256 = Field(description="Hash of the file.", examples=["0" * 64])
    size: Index = Field(description="Size of the file [bytes].", examples=[65536])
    asked_ms: int = Field(ge=-MAX_MS, le=MAX_MS, description="Movie time asked for [ms].", examples=[51405])
    time_ms: Milliseconds = Field(description="Movie time at which the picture begins [ms].", examples=[51384])
    at_s: float = Field(ge=0, description="The same in the recording [s of recording time].", examples=[51.384667])
    turn: Index | None = Field(description="The turn it belongs to, as an index into `turns`.", examples=[0])


class MadeLine(_Line):
    """A line of the manifest for a clip that was made."""

    status: Literal["made"] = Field(description="The clip was made.", examples=["made"])
    settings: dict[str, JsonValue] = Field(
        description="All settings that were used; their mode is another one if the clip could not be made as asked.",
        examples=[{"mode": "copy"}],
    )
    file: RelativeFile = Field(
        description="The clip; for key frames, the folder of their files.",
        examples=["clips/tt0114388/tt0114388_clip_64.mp4"],
    )
    sha256: Sha256 = Field(
        description="Hash of the file; for key frames, hash over a line `<hash> <name>` for each file.",
        examples=["0" * 64],
    )
    size: Index = Field(description="Size of the file, or of all pictures [bytes].", examples=[1048576])
    recording: RecordingInfo = Field(
        description="The file it was cut from.", examples=[{"name": "film.mkv", "fingerprint": "sha256:" + "0" * 64}]
    )
    rate: Rate = Field(description="Speed of that recording against the movie there.", examples=["25025/24000"])
    offset_ms: float = Field(
        ge=-MAX_MS, le=MAX_MS, description="Shift in movie time there [ms], exact to a microsecond.", examples=[15015.0]
    )
    at: Place = Field(description="Its place in that recording.", examples=[{"start_s": 50.258542, "end_s": 68.151417}])
    frames: Index | None = Field(description="Video frames; null without video.", examples=[429])
    samples: Index | None = Field(description="Audio samples per channel; null without audio.", examples=[858858])
    evidence: Evidence = Field(description="Why the place is believed.", examples=[{"tier": "identity"}])
    pictures: Many[Picture] = Field(default=(), description="The key frames, in the order asked for.", examples=[[]])
    fallback: Reason | None = Field(
        default=None, description="Why it could not be made as asked, and what was made instead.", examples=[None]
    )

    def stored(self) -> dict[str, tuple[int, str]]:
        """Size and hash of each file of the clip."""
        if self.mode == "keyframes":
            return {picture.file: (picture.size, picture.sha256) for picture in self.pictures}
        return {self.file: (self.size, self.sha256)}


class RefusedLine(_Line):
    """A line of the manifest for a clip that was refused."""

    status: Literal["refused"] = Field(description="No clip was made.", examples=["refused"])
    reasons: Annotated[Many[Reason], Field(min_length=1)] = Field(
        description="Why, strongest first.", examples=[[{"rule": "no-recording", "detail": "no file names tt0114388"}]]
    )
    recording: RecordingInfo | None = Field(
        default=None, description="The file tried, if there was one.", examples=[None]
    )


ManifestLine = Annotated[MadeLine | RefusedLine, Field(discriminator="status")]

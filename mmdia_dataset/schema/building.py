"""What is known of recordings, and what was built from them: passports, editions, the manifest, clips."""

from __future__ import annotations

import builtins
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from mmdia_dataset.schema.base import (
    FileFingerprint,
    Id,
    Index,
    Many,
    Milliseconds,
    Mode,
    Model,
    Rate,
    Ratio,
    RelativeFile,
    Sha256,
    Split,
)
from mmdia_dataset.schema.dialogue import Dialogue
from mmdia_dataset.timing import MAX_MS, Piece, Span, TimeMap, rate_from_text


class Fingerprint(Model):
    """A timing fingerprint: when energy rises and falls in a few bands. It can't be turned back into sound."""

    version: Index = Field(description="Version of the fingerprint's format.", examples=[1])
    data: str = Field(
        pattern=r"^[A-Za-z0-9+/]*={0,2}(?![\s\S])", description="The fingerprint, base64.", examples=["AAECAw=="]
    )


class Passport(Model):
    """What identifies a movie's reference edition, without holding any of its content."""

    movie: Id = Field(description="The movie.", examples=["tt0114388"])
    duration_ms: Milliseconds = Field(description="Length of the reference edition [ms].", examples=[8160000])
    frame_rate: Ratio | None = Field(
        default=None, description="Frames per second, exact; null where it has no picture.", examples=["24000/1001"]
    )
    language: str | None = Field(default=None, description="Language of its sound, BCP 47.", examples=["en"])
    fingerprint: Fingerprint | None = Field(default=None, description="Timing fingerprint.", examples=[None])


class RecordingInfo(Model):
    """One media file a user owns, named without its folder."""

    name: str = Field(description="File name.", examples=["Sense and Sensibility (1995).mkv"])
    fingerprint: FileFingerprint = Field(description="Identity of the file's bytes.", examples=["sha256:" + "0" * 64])
    duration_ms: Milliseconds | None = Field(default=None, description="Length [ms], where known.", examples=[8145000])


class EditionPiece(Model):
    """A stretch of movie time played without a cut: recording_ms = (movie_ms + offset_ms) / rate."""

    from_ms: Milliseconds = Field(description="Start in movie time [ms].", examples=[0])
    to_ms: Milliseconds = Field(description="End in movie time [ms].", examples=[8160000])
    rate: Rate = Field(description="Speed of the recording against the movie, exact.", examples=["25025/24000"])
    offset_ms: float = Field(
        ge=-MAX_MS, le=MAX_MS, description="Shift in movie time [ms], exact to a microsecond.", examples=[15015.0]
    )


class Evidence(Model):
    """Why a time map is believed, and how exact it is."""

    tier: Literal["given", "identity", "fingerprint", "subtitles", "speech"] = Field(
        description="What it rests on: `given` by the user, `identity` assumed of a copy found by its id, or measured.",
        examples=["fingerprint"],
    )
    error_ms: float | None = Field(
        default=None, ge=0, description="Bound of the timing error [ms]; null where nothing was measured.", examples=[5]
    )
    confidence: float | None = Field(
        default=None, ge=0, le=1, description="0 to 1; null where nothing was measured.", examples=[0.99]
    )


class Reason(Model):
    """Why something was refused."""

    rule: str = Field(pattern=r"^[a-z]+(-[a-z]+)*(?![\s\S])", description="Kind.", examples=["outside-recording"])
    detail: str = Field(description="One sentence for a person.", examples=["the recording ends at 01:31:02,120"])


class RefusedDialogue(Model):
    """A dialogue that an edition does not have, and why."""

    id: Id = Field(description="The dialogue.", examples=["tt0114388_clip_3"])
    reasons: Many[Reason] = Field(description="Why, strongest first.", examples=[[]])


class PlacedDialogue(Model):
    """A dialogue that an edition has, and how well its place is known."""

    id: Id = Field(description="The dialogue.", examples=["tt0114388_clip_64"])
    span: Span = Field(
        description="Its span of movie time, as it was looked for [ms].",
        examples=[{"start_ms": 50260, "end_ms": 68120}],
    )
    evidence: Evidence = Field(description="Why the place is believed.", examples=[{"tier": "fingerprint"}])


class Edition(Model):
    """How one edition's time runs against a movie's: offsets only, so that it can be shared."""

    movie: Id = Field(description="The movie.", examples=["tt0114388"])
    recording: RecordingInfo = Field(
        description="The file it was found on.", examples=[{"name": "film.mkv", "fingerprint": "sha256:" + "0" * 64}]
    )
    pieces: Many[EditionPiece] = Field(description="The time map, in order of movie time.", examples=[[]])
    evidence: Evidence = Field(description="Why it is believed.", examples=[{"tier": "identity"}])
    placed: Many[PlacedDialogue] = Field(default=(), description="Dialogues it was measured to have.", examples=[[]])
    refused: Many[RefusedDialogue] = Field(default=(), description="Dialogues it lacks.", examples=[[]])
    track: Index | None = Field(
        default=None, description="Number of the sound track it was heard on; null for the default.", examples=[None]
    )
    basis: Sha256 | None = Field(
        default=None, description="Hash of all it was measured from beside the recording.", examples=["0" * 64]
    )

    def time_map(self) -> TimeMap:
        """The pieces as an exact map.

        Raises:
            ValueError: pieces overlap or are empty.
        """
        return TimeMap.from_pieces(
            [
                Piece(p.from_ms, p.to_ms, rate_from_text(p.rate), Fraction(round(p.offset_ms * 1000), 1000))
                for p in self.pieces
            ]
        )


class Place(Model):
    """Where a clip was cut from its recording."""

    start_s: float = Field(ge=0, description="First frame's time [s of recording time].", examples=[50.258542])
    end_s: float = Field(ge=0, description="Time of the frame after the last [s].", examples=[68.151417])


class _Line(Model):
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
        description="All settings it was really made by; their mode is another where it fell back to that.",
        examples=[{"mode": "copy"}],
    )
    file: RelativeFile = Field(
        description="The clip; of key frames, the folder of their files.",
        examples=["clips/tt0114388/tt0114388_clip_64.mp4"],
    )
    sha256: Sha256 = Field(
        description="Hash of the file; of key frames, of a line of hash, space and name for each file.",
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
    at: Place = Field(description="Where in that recording.", examples=[{"start_s": 50.258542, "end_s": 68.151417}])
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
    recording: RecordingInfo | None = Field(default=None, description="The file tried, if any.", examples=[None])


ManifestLine = Annotated[MadeLine | RefusedLine, Field(discriminator="status")]


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
    audio: Media | None = Field(default=None, description="The clip's sound, WAV or FLAC.", examples=[None])
    keyframes: Many[Keyframe] = Field(default=(), description="Its key frames, in the order asked for.", examples=[[]])
    frames: Index | None = Field(default=None, description="Video frames in the clip.", examples=[429])
    samples: Index | None = Field(default=None, description="Audio samples per channel.", examples=[858858])
    error_ms: float | None = Field(
        default=None, ge=0, description="Bound of the timing error [ms]; null where not measured.", examples=[5]
    )

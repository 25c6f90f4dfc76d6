"""Editions: one recording of a movie described, how its time runs, and what is known of each dialogue in it."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from pydantic import Field

from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema.base import (
    FileFingerprint,
    Id,
    Index,
    Many,
    Milliseconds,
    Model,
    Rate,
    Sha256,
)
from mmdia_dataset.schema.versioned import Versioned
from mmdia_dataset.timing import MAX_MS, Piece, Span, TimeMap, rate_from_text


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

    tier: Literal["given", "identity", "fingerprint", "audio", "subtitles", "speech"] = Field(
        description="What it rests on: `given` by the user, `identity` if the file was taken for the annotated "
        "edition, or the kind of measurement.",
        examples=["fingerprint"],
    )
    error_ms: float | None = Field(
        default=None, ge=0, description="Upper bound of the timing error [ms]; null if not measured.", examples=[5]
    )
    confidence: float | None = Field(
        default=None, ge=0, le=1, description="0 to 1; null if nothing was measured.", examples=[0.99]
    )


class Reason(Model):
    """Why something was refused."""

    # Not strict: from Python too, it may come by its name. Names of earlier versions are read as what they are now.
    rule: Refusal = Field(strict=False, description="Which kind of reason.", examples=["outside-recording"])
    detail: str = Field(description="One sentence for a person.", examples=["the recording ends at 01:31:02,120"])


class RefusedDialogue(Model):
    """A dialogue that could not be placed in an edition, and why."""

    id: Id = Field(description="The dialogue.", examples=["tt0114388_clip_3"])
    reasons: Many[Reason] = Field(description="Why, strongest first.", examples=[[]])


class PlacedDialogue(Model):
    """A dialogue that an edition has, and how well its place is known."""

    id: Id = Field(description="The dialogue.", examples=["tt0114388_clip_64"])
    span: Span = Field(
        description="Its span of movie time when it was looked for; of a dialogue without one, that which was found "
        "[ms].",
        examples=[{"start_ms": 50260, "end_ms": 68120}],
    )
    evidence: Evidence = Field(description="Why the place is believed.", examples=[{"tier": "fingerprint"}])


class WrongSound(Model):
    """A sound of the release that is not the dialogue's, or can't be used."""

    id: Id = Field(description="The dialogue.", examples=["tt0114388_clip_9"])
    detail: str = Field(description="What is wrong with it.", examples=["is that of tt0114388_clip_12"])


class Edition(Versioned):
    """How one edition's time runs against a movie's: offsets only, so that it can be shared."""

    movie: Id = Field(description="The movie.", examples=["tt0114388"])
    recording: RecordingInfo = Field(
        description="The file that was measured.", examples=[{"name": "film.mkv", "fingerprint": "sha256:" + "0" * 64}]
    )
    pieces: Many[EditionPiece] = Field(description="The time map, in order of movie time.", examples=[[]])
    evidence: Evidence = Field(description="Why it is believed.", examples=[{"tier": "identity"}])
    placed: Many[PlacedDialogue] = Field(default=(), description="Dialogues that were found in it.", examples=[[]])
    refused: Many[RefusedDialogue] = Field(default=(), description="Dialogues not placed, and why.", examples=[[]])
    wrong_sounds: Many[WrongSound] = Field(
        default=(), description="Sounds of the release that do not fit their dialogues.", examples=[[]]
    )
    track: Index | None = Field(
        default=None, description="Number of the sound track that was used; null for the default.", examples=[None]
    )
    basis: Sha256 | None = Field(
        default=None, description="Hash of what else the measurement used: words, times, passport.", examples=["0" * 64]
    )

    @property
    def measured(self) -> bool:
        """Whether dialogues were looked for. A time map that was only given neither places nor refuses any."""
        return bool(self.placed or self.refused)

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

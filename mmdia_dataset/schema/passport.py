"""Passports: what identifies a movie's reference edition."""

from __future__ import annotations

from pydantic import Field

from mmdia_dataset.schema.base import Id, Index, Milliseconds, Model, Ratio
from mmdia_dataset.schema.versioned import Versioned

__all__ = ["Fingerprint", "Passport"]


class Fingerprint(Model):
    """A timing fingerprint: when energy rises and falls in a few bands. It can't be turned back into sound."""

    version: Index = Field(description="Version of the fingerprint's format.", examples=[1])
    data: str = Field(
        pattern=r"^[A-Za-z0-9+/]*={0,2}(?![\s\S])", description="The fingerprint, base64.", examples=["AAECAw=="]
    )


class Passport(Versioned):
    """What identifies a movie's reference edition, without holding any of its content."""

    movie: Id = Field(description="The movie.", examples=["tt0114388"])
    duration_ms: Milliseconds = Field(
        description="Length of the reference edition [ms]; of one known by its dialogues alone, their end.",
        examples=[8160000],
    )
    frame_rate: Ratio | None = Field(
        default=None, description="Frames per second, exact; null where it has no picture.", examples=["24000/1001"]
    )
    language: str | None = Field(default=None, description="Language of its sound, BCP 47.", examples=["en"])
    fingerprint: Fingerprint | None = Field(default=None, description="Timing fingerprint.", examples=[None])

"""A movie's passport, made from the copy that was annotated."""

from __future__ import annotations

from dataclasses import dataclass

from mmdia_dataset.alignment.fingerprint import TimingFingerprint
from mmdia_dataset.alignment.soundtrack import hear
from mmdia_dataset.errors import MediaError, shown
from mmdia_dataset.library import Located, Strength
from mmdia_dataset.media import audio_order, probe
from mmdia_dataset.schema import Passport

__all__ = ["MadePassport", "PassportTask", "make_passport"]


@dataclass(frozen=True, slots=True)
class PassportTask:
    """A movie, the recordings that may be the annotated copy, and the language of the track to hear."""

    movie: str
    candidates: tuple[Located, ...]
    language: str | None


@dataclass(frozen=True, slots=True)
class MadePassport:
    """A passport, and how many bytes its fingerprint has."""

    passport: Passport
    bytes: int


def make_passport(task: PassportTask) -> MadePassport | str:
    """The passport of a movie, or in a sentence why there is none."""
    best = task.candidates[0]
    equal = [one for one in task.candidates if one.strength == best.strength]
    if len(equal) > 1 or best.strength is Strength.TITLE:
        names = ", ".join(shown(one.path.name, 60) for one in equal[:3])
        return f"names do not tell which recording was annotated ({names}); say so in media.toml"
    try:
        info = probe(best.path)
        soundtrack = hear(best.path, task.language)
        if not soundtrack.levels.any():
            return f"{shown(best.path)}: its sound track is silent"
        order = audio_order(best.path, task.language)
    except MediaError as error:
        return str(error)
    fingerprint = TimingFingerprint.of(soundtrack)
    rate = info.video.frame_rate if info.video else None
    passport = Passport(
        movie=task.movie,
        duration_ms=round((info.duration_s or soundtrack.duration_s) * 1000),
        frame_rate=None if rate is None else f"{rate.numerator}/{rate.denominator}",
        language=info.audio[order[0]].language,
        fingerprint=fingerprint.to_schema(),
    )
    return MadePassport(passport, len(fingerprint.to_bytes()))

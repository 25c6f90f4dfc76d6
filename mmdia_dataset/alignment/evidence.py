"""What every kind of evidence says in the end: a time map, and of each dialogue where it is or why it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema import Dialogue, Reason
from mmdia_dataset.timing import Span, TimeMap

__all__ = ["PULLED_RATES", "RATES", "Alignment", "NotPlaced", "Placed", "Tier", "Verdict", "known_rate"]

Tier = Literal["fingerprint", "audio", "subtitles", "speech"]

_FILM, _NTSC, _PAL = Fraction(24), Fraction(24000, 1001), Fraction(25)
RATES: tuple[Fraction, ...] = (
    Fraction(1),
    _PAL / _NTSC,
    _NTSC / _PAL,
    _PAL / _FILM,
    _FILM / _PAL,
    _FILM / _NTSC,
    _NTSC / _FILM,
)
"""Speeds editions have against each other, most frequent first: 23.976, 24 and 25 frames per second."""


PULLED_RATES: tuple[Fraction, ...] = tuple(
    rate * pull for rate in RATES for pull in (Fraction(1), Fraction(1001, 1000), Fraction(1000, 1001))
)
"""The same, and a thousandth faster and slower: NTSC against whole frames."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A dialogue that the recording has.

    Attributes:
        start_s: recording time of the first moment of its span [s].
        error_ms: bound of the error of `start_s` [ms].
        confidence: 0 to 1.
    """

    start_s: float
    error_ms: float
    confidence: float


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """A dialogue that the recording lacks, or of which too little is known."""

    reason: Reason


Verdict = Placed | NotPlaced


# A dialogue's own place and its piece's are one if they differ by less [s]. Chosen, not measured.
_SAME_PLACE_S = 0.002
_TWO_PLACES = Reason(
    rule=Refusal.EVIDENCE_DISAGREES, detail="its measured position disagrees with the dialogues around it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """What one kind of evidence says of one recording and one movie.

    Attributes:
        tier: the kind.
        time_map: where each moment of the movie lies in the recording; without pieces where nothing was found.
        verdicts: by dialogue id, one for each dialogue asked for.
        error_ms: bound of the timing error of the whole [ms]; None where nothing was found.
        confidence: 0 to 1, that this recording is an edition of the movie and the map is right.
        reason: why nothing was found, where that is so.
        notes: what else a user should know.
        spans: the movie times found of dialogues that had none, by dialogue id.
        wrong_sounds: what is wrong with the sound that the release has of a dialogue, by dialogue id.
    """

    tier: Tier
    time_map: TimeMap
    verdicts: Mapping[str, Verdict]
    error_ms: float | None = None
    confidence: float = 0.0
    reason: Reason | None = None
    notes: tuple[str, ...] = field(default=())
    spans: Mapping[str, Span] = field(default_factory=dict)
    wrong_sounds: Mapping[str, str] = field(default_factory=dict)

    def mapped(self, dialogues: Sequence[Dialogue]) -> Alignment:
        """The same, without what its time map puts elsewhere than its verdicts do: clips are cut by the map."""
        verdicts = dict(self.verdicts)
        for dialogue in dialogues:
            verdict = verdicts.get(dialogue.id)
            if isinstance(verdict, Placed):
                place = self.time_map.place(self.spans.get(dialogue.id, dialogue.span))
                if place is None or abs(float(place[0]) - verdict.start_s) > _SAME_PLACE_S:
                    verdicts[dialogue.id] = NotPlaced(_TWO_PLACES)
        return replace(self, verdicts=verdicts)

    @classmethod
    def nothing(cls, tier: Tier, ids: tuple[str, ...], reason: Reason) -> Alignment:
        """No dialogue can be placed, all for one reason."""
        return cls(tier=tier, time_map=TimeMap(()), verdicts={id_: NotPlaced(reason) for id_ in ids}, reason=reason)


def known_rate(rate: float, tolerance: float) -> Fraction:
    """The speed an edition really has, from one that was measured.

    Args:
        rate: the measured speed, movie seconds per recording second.
        tolerance: how far off it may be, as a part of itself.

    Returns:
        The nearest of `PULLED_RATES` within the tolerance; else the fraction with the least denominator that lies
        within a tenth of it.
    """
    nearest = min(PULLED_RATES, key=lambda usual: abs(float(usual) / rate - 1))
    if abs(float(nearest) / rate - 1) <= tolerance:
        return nearest
    exact, limit = Fraction(rate), 1
    while abs(float(exact.limit_denominator(limit)) / rate - 1) > tolerance / 10:
        limit *= 2
    return exact.limit_denominator(limit)

"""Time: integer milliseconds, half-open spans, and the map from a movie's time to a recording's.

There are two clocks. *Movie time* is the time in annotations. *Recording time* is the presentation time in one media
file, minus the file's origin. A `TimeMap` converts the first to the second. Everything here is exact: integers and
fractions, never floats that are compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar

__all__ = [
    "MAX_MS",
    "Piece",
    "Span",
    "TimeMap",
    "format_timestamp",
    "ms_from_seconds",
    "ms_from_timestamp",
    "rate_from_text",
    "rate_text",
]

MAX_MS = 1_000 * 3_600_000
"""No movie lasts 1,000 hours; a larger time is a fault of the file, and is refused before any calculation."""

_MS = {"ge": 0, "le": MAX_MS, "strict": True}

# A week's worth of digits is plenty; fixed widths keep a hostile string from becoming a huge integer.
_TIMESTAMP = re.compile(r"\s*(\d{1,3}):(\d{1,2}):(\d{1,2})(?:[,.](\d{1,9}))?\s*", re.ASCII)


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """A half-open stretch of time [start_ms, end_ms) in whole milliseconds.

    A span may be empty or even end before it starts: annotations contain such spans, and validation reports them.
    """

    # The schema reads this: unknown keys are errors, and 1.0 does not count as a whole number of milliseconds.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    start_ms: int = field(metadata={"description": "First millisecond of the span.", "examples": [50260], **_MS})
    end_ms: int = field(metadata={"description": "First millisecond after the span.", "examples": [52550], **_MS})

    @property
    def duration_ms(self) -> int:
        """Length in milliseconds; negative if the span ends before it starts."""
        return self.end_ms - self.start_ms


def ms_from_seconds(seconds: float) -> int:
    """Seconds as the nearest whole millisecond; halves go up, as a person would round."""
    if not 0 <= seconds <= MAX_MS / 1000:
        raise ValueError(f"{seconds!r} s is not a time inside a movie")
    return int(Fraction(seconds) * 1000 + Fraction(1, 2))


def ms_from_timestamp(text: str) -> int:
    """``HH:MM:SS,mmm`` or ``HH:MM:SS.mmm`` as milliseconds; more than three decimals are rounded.

    Raises:
        ValueError: the text has another form, or minutes or seconds of 60 and more.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not HH:MM:SS,mmm")
    hours, minutes, seconds, decimals = match.groups()
    if int(minutes) > 59 or int(seconds) > 59:
        raise ValueError(f"{text!r} has minutes or seconds above 59")
    whole = (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * 1000
    part = int(Fraction(int(decimals), 10 ** len(decimals)) * 1000 + Fraction(1, 2)) if decimals else 0
    return whole + part


def format_timestamp(ms: int) -> str:
    """Milliseconds as ``HH:MM:SS,mmm``, the form of subtitles and of the release."""
    if ms < 0:
        raise ValueError(f"{ms} ms is negative")
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"


@lru_cache(1024)
def rate_from_text(text: str) -> Fraction:
    """A speed such as ``25025/24000``, ``1.0427`` or ``1`` as an exact fraction.

    Raises:
        ValueError: not a number, or not between 0.5 and 2, the range of all known editions.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"{text!r} is not a rate such as 25025/24000 or 1.0427") from error
    if not Fraction(1, 2) <= rate <= 2:
        raise ValueError(f"a rate of {text} is outside 0.5 to 2")
    return rate


def rate_text(rate: Fraction) -> str:
    """The exact text of a rate: ``25025/24000`` in lowest terms, ``1/1`` for an unchanged speed."""
    return f"{rate.numerator}/{rate.denominator}"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of movie time that a recording plays without a cut, at one speed.

    Inside it, ``recording_ms = (movie_ms + offset_ms) / rate``.
    """

    from_ms: int
    to_ms: int
    rate: Fraction = Fraction(1)
    offset_ms: Fraction = Fraction(0)

    def recording_s(self, movie_ms: int) -> Fraction:
        """Recording time in seconds of a moment given in movie milliseconds."""
        return (movie_ms + self.offset_ms) / self.rate / 1000


@dataclass(frozen=True, slots=True)
class TimeMap:
    """Maps each moment of a movie to one recording: pieces in order of movie time, with gaps allowed between them."""

    pieces: tuple[Piece, ...]

    def __post_init__(self) -> None:
        for piece in self.pieces:
            if piece.to_ms <= piece.from_ms:
                raise ValueError(f"a piece ends at {piece.to_ms} ms, not after its start at {piece.from_ms} ms")
        for before, after in zip(self.pieces, self.pieces[1:], strict=False):
            if after.from_ms < before.to_ms:
                raise ValueError(f"the piece from {after.from_ms} ms starts inside the one before it")

    @classmethod
    def linear(cls, offset_ms: Fraction | int = 0, rate: Fraction = Fraction(1)) -> TimeMap:
        """One piece for the whole movie: a recording without cuts, shifted and at one speed."""
        return cls((Piece(0, MAX_MS, rate, Fraction(offset_ms)),))

    def piece_of(self, span: Span) -> Piece | None:
        """The piece that holds the whole span, or None if the span touches a gap or a splice."""
        for piece in self.pieces:
            if piece.from_ms <= span.start_ms and span.end_ms <= piece.to_ms:
                return piece
        return None

    def place(self, span: Span) -> tuple[Fraction, Fraction] | None:
        """Start and end of a span in seconds of recording time, or None if no single piece contains it."""
        piece = self.piece_of(span)
        return None if piece is None else (piece.recording_s(span.start_ms), piece.recording_s(span.end_ms))

    @classmethod
    def from_pieces(cls, pieces: Sequence[Piece]) -> TimeMap:
        """A map from pieces in any order."""
        return cls(tuple(sorted(pieces, key=lambda piece: piece.from_ms)))

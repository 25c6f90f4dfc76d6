"""Time within a clip: from movie time by the recording's speed, counted from the clip's first frame or sample."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from mmdia_dataset.schema import Dialogue, MadeLine, Span
from mmdia_dataset.timing import rate_from_text

__all__ = ["ClipTime"]

_UNCHANGED = Fraction(1)


@dataclass(frozen=True, slots=True)
class ClipTime:
    """``clip_us = (movie_us + offset_us) / rate - start_us``, as the nearest millisecond inside [0, length_ms]."""

    rate: Fraction
    offset_us: int
    start_us: int
    length_ms: int

    @classmethod
    def of(cls, dialogue: Dialogue, line: MadeLine | None) -> ClipTime:
        """From the clip's line of the manifest; without one, as if the clip began where the dialogue does.

        Times of a dialogue that nobody has placed in the movie count from its clip already.
        """
        if line is None:
            start = dialogue.span.start_ms if dialogue.timeline == "movie" else 0
            return cls(_UNCHANGED, 0, start * 1000, max(0, dialogue.span.end_ms - start))
        return cls.of_plain(cls.plain(line))

    @classmethod
    def of_plain(cls, plain: tuple[str, int, int, int]) -> ClipTime:
        """From what `plain` gives."""
        return cls(rate_from_text(plain[0]), *plain[1:])

    @staticmethod
    def plain(line: MadeLine) -> tuple[str, int, int, int]:
        """A line's time in plain values, for who keeps many: the garbage collector passes over these."""
        start, end = (round(moment * 1_000_000) for moment in (line.at.start_s, line.at.end_s))
        return line.rate, round(line.offset_ms * 1000), start, _rounded(end - start, 1000)

    def span(self, span: Span) -> Span:
        """A span of the movie within the clip [ms]; what lies outside the clip is cut off."""
        start, end = (self.place(ms) for ms in (span.start_ms, span.end_ms))
        return Span(start, max(start, end))

    def place(self, movie_ms: int) -> int:
        """A moment of the movie within the clip [ms]."""
        speed, unit = self.rate.numerator, self.rate.denominator
        placed = _rounded((movie_ms * 1000 + self.offset_us) * unit - self.start_us * speed, 1000 * speed)
        return min(max(0, placed), self.length_ms)


def _rounded(numerator: int, denominator: int) -> int:
    """The fraction as the nearest integer, halves to the even one, as `round` has it, without making a `Fraction`."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))

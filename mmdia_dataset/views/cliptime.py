"""Time within a clip: from movie time by the recording's speed, counted from the clip's first frame or sample."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from mmdia_dataset.schema import Dialogue, MadeLine, Span
from mmdia_dataset.timing import rate_from_text

__all__ = ["ClipTime"]


@dataclass(frozen=True, slots=True)
class ClipTime:
    """``clip_ms = (movie_ms + offset_ms) / rate - start_ms``, kept inside [0, length_ms]."""

    rate: Fraction
    offset_ms: Fraction
    start_ms: Fraction
    length_ms: int

    @classmethod
    def of(cls, dialogue: Dialogue, line: MadeLine | None) -> ClipTime:
        """From the clip's line of the manifest; without one, as if the clip began where the dialogue does."""
        if line is None:
            return cls(Fraction(1), Fraction(0), Fraction(dialogue.span.start_ms), max(0, dialogue.span.duration_ms))
        start, end = (Fraction(round(at * 1_000_000), 1000) for at in (line.at.start_s, line.at.end_s))
        offset = Fraction(round(line.offset_ms * 1000), 1000)
        return cls(rate_from_text(line.rate), offset, start, round(end - start))

    def span(self, span: Span) -> Span:
        """A span of the movie within the clip [ms]; what lies outside the clip is cut off."""
        start, end = (self.place(ms) for ms in (span.start_ms, span.end_ms))
        return Span(start, max(start, end))

    def place(self, movie_ms: int) -> int:
        """A moment of the movie within the clip [ms]."""
        return min(max(0, round((movie_ms + self.offset_ms) / self.rate - self.start_ms)), self.length_ms)

"""Finds spans in a recording: by the recording's own index if that is clearly right, else with libavformat."""

from __future__ import annotations

from fractions import Fraction
from types import TracebackType
from typing import Self

from mmdia_dataset.media.containers.packet_rows import Unsure
from mmdia_dataset.media.reading.by_index import Lookup
from mmdia_dataset.media.reading.recording import OpenRecording
from mmdia_dataset.media.reading.stretches import Stretch

__all__ = ["SpanFinder"]


class SpanFinder:
    """Finds the frames and the sound of spans, without their packets; use it in a `with` block, inside the recording's.

    Attributes:
        recording: read if its index is not usable.
        lookup: its index; None if it is not usable.
    """

    def __init__(self, recording: OpenRecording) -> None:
        self.recording = recording
        self.lookup: Lookup | None
        try:
            self.lookup = Lookup(recording)
        except Unsure:
            self.lookup = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.lookup is not None:
            self.lookup.close()

    def stretch(self, start: Fraction, end: Fraction, *, lead: Fraction, tail: Fraction = Fraction(0)) -> Stretch:
        """What the recording has of [start, end), whole and without gaps; raises as `OpenRecording.stretch` does."""
        if self.lookup is not None:
            try:
                span = self.lookup.find(start, end, lead, tail)
            except Unsure:
                pass  # libavformat knows more, or the words for what is wrong
            else:
                return Stretch(start=span.start, end=span.end, shown=(span.shown + self.lookup.shifts[0]).tolist())
        return self.recording.stretch(start, end, lead=lead, tail=tail, pictures=False)

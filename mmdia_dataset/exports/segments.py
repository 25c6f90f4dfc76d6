"""RTTM and STM: who speaks when, and what; the dialogue is the recording, its speakers are `S1`, `S2`, …

Both formats separate fields by spaces: an id with characters other than letters, digits and ``._-`` is written like the
file name of its clip. A line is a turn, with the times of its subtitle; non-verbal sounds are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmdia_dataset.exports.source import SplitSource
from mmdia_dataset.files import file_name

__all__ = ["rttm", "stm"]


def rttm(source: SplitSource) -> Iterator[tuple[str, str]]:
    """Lines of Rich Transcription Time Marked (NIST RT-09), seconds to three decimals."""
    name = f"mm-dia_{source.split}.rttm"
    for clip in source.clips():
        for segment in source.segments(clip):
            start, length = segment.start_ms / 1000, (segment.end_ms - segment.start_ms) / 1000
            yield name, f"SPEAKER {file_name(clip.id)} 1 {start:.3f} {length:.3f} <NA> <NA> {segment.tag} <NA> <NA>"


def stm(source: SplitSource) -> Iterator[tuple[str, str]]:
    """Lines of segment time marked transcripts, as meeteval reads them."""
    name = f"mm-dia_{source.split}.stm"
    for clip in source.clips():
        for segment in source.segments(clip):
            words = " ".join(segment.turn.text.split())
            start, end = segment.start_ms / 1000, segment.end_ms / 1000
            yield name, f"{file_name(clip.id)} 1 {segment.tag} {start:.3f} {end:.3f} {words}"

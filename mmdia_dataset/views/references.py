"""How a speaker sounds elsewhere: reference voices, from other dialogues of the same movie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mmdia_dataset.schema import Clip, Dialogue, Media, Reference, Span
from mmdia_dataset.views.cliptime import ClipTime
from mmdia_dataset.views.draws import choose
from mmdia_dataset.views.turns import MergedTurn, merged_turns

__all__ = ["LONGEST_MS", "SHORTEST_MS", "Voices"]

SHORTEST_MS = 1000
"""Less than this says little about a voice, and is not used."""
GOOD_MS = 2000
LONGEST_MS = 12_000
"""Between `GOOD_MS` and this is what models are given; a stretch of it is taken where there is one."""


_NOWHERE = -1

_Stretch = tuple[str, int, int, str, int, int, str]
"""A dialogue, its start and end in the movie [ms] or `_NOWHERE`, a file, start and end in it [ms], words.

A plain tuple of plain values, since there are hundreds of thousands: the garbage collector passes over these.
"""


@dataclass(slots=True)
class Voices:
    """Stretches in which one named speaker alone is heard, by movie and name."""

    _known: dict[tuple[str, str], list[_Stretch]] = field(default_factory=dict)

    def add(self, clip: Clip, time: ClipTime) -> None:
        """Take in a dialogue that has sound. Speakers without a name are left out: any 'Man' may be another."""
        if clip.audio is None or clip.audio.path is None:
            return
        for name, merged in _alone(clip):
            span = time.span(merged.span)
            if span.duration_ms >= SHORTEST_MS:
                first, last = _place(clip)
                self._known.setdefault((clip.movie, name), []).append(
                    (clip.id, first, last, clip.audio.path, span.start_ms, span.end_ms, merged.text("drop"))
                )

    def reference(self, target: Dialogue, name: str, seed: int = 0) -> Reference | None:
        """A stretch of that speaker that does not overlap the target; None if there is no such stretch.

        Where nobody knows when in the movie one of the two is, they may not share a turn's words. Seed and id choose
        one of two to twelve seconds; without one, the longest of at least one second is taken.
        """
        first, last = _place(target)
        words = [turn.text for turn in target.turns if turn.text]
        outside = [
            stretch
            for stretch in self._known.get((target.movie, name), ())
            if stretch[0] != target.id and not _shared(stretch, first, last, words)
        ]
        if not outside:
            return None
        good = [stretch for stretch in outside if GOOD_MS <= stretch[5] - stretch[4] <= LONGEST_MS]
        if good:
            stretch = choose(good, seed, f"reference\0{name}", target.id)
        else:
            stretch = max(outside, key=lambda stretch: (stretch[5] - stretch[4], stretch[0]))
        dialogue, _, _, file, start, end, text = stretch
        return Reference(dialogue=dialogue, audio=Media(path=file), span=Span(start, end), text=text)


def _alone(clip: Clip) -> Iterator[tuple[str, MergedTurn]]:
    """Merged turns with words of speakers with a name, during which no other has a turn; with the name."""
    merged = list(merged_turns(clip.turns))
    for run in merged:
        if run.speaker is None or run.speaker >= len(clip.speakers):
            continue
        speaker = clip.speakers[run.speaker]
        if not speaker.named or not run.text("drop"):
            continue
        if not any(other_run is not run and _overlap(other_run.span, run.span) for other_run in merged):
            yield speaker.name, run


def _shared(stretch: _Stretch, first: int, last: int, words: list[str]) -> bool:
    """Whether a stretch's dialogue overlaps one at this place with these words, or may do so."""
    if _NOWHERE in (first, stretch[1]):
        return any(text in stretch[6] for text in words)
    return stretch[1] < last and first < stretch[2]


def _place(dialogue: Dialogue) -> tuple[int, int]:
    """When it is in the movie [ms]."""
    timed = dialogue.timeline == "movie"
    return (dialogue.span.start_ms, dialogue.span.end_ms) if timed else (_NOWHERE, _NOWHERE)


def _overlap(first: Span, second: Span) -> bool:
    return first.start_ms < second.end_ms and second.start_ms < first.end_ms

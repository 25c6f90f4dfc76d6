"""What is said: turns merged by speaker, and the transcript with its speakers by number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from mmdia_dataset.release.transcript import TextPart, render_words
from mmdia_dataset.schema import Dialogue, Span, Turn

__all__ = [
    "SOUNDS",
    "MergedTurn",
    "Sounds",
    "merged_turns",
    "speaking_order",
    "tag_of",
    "tagged",
    "transcript",
    "turn_text",
]

Sounds: TypeAlias = Literal["keep", "drop"]
SOUNDS: tuple[Sounds, ...] = get_args(Sounds)
"""What becomes of non-verbal sounds: kept as ``<laughs>`` where they occur, or left out."""


@dataclass(frozen=True, slots=True)
class MergedTurn:
    """A run of one speaker's turns, at least one.

    ``span`` is of the dialogue's own timeline, from the earliest start to the latest end.
    """

    speaker: int | None
    turns: tuple[Turn, ...]
    span: Span

    @classmethod
    def of(cls, turns: list[Turn]) -> MergedTurn:
        """The turns as one."""
        first = turns[0]
        if len(turns) == 1:
            return cls(first.speaker, (first,), first.span)
        spans = [turn.span for turn in turns]
        span = Span(min(turn_span.start_ms for turn_span in spans), max(turn_span.end_ms for turn_span in spans))
        return cls(first.speaker, tuple(turns), span)

    @property
    def cues(self) -> tuple[int, ...]:
        """The subtitles it was merged from, each once."""
        return tuple(dict.fromkeys(turn.cue for turn in self.turns))

    def text(self, sounds: Sounds = "keep") -> str:
        """The words of all its turns."""
        return " ".join(text for text in (turn_text(turn, sounds) for turn in self.turns) if text)


def turn_text(turn: Turn, sounds: Sounds = "keep") -> str:
    """A turn's words, with its sounds as ``<…>`` in their places, or without sounds."""
    if sounds == "drop" or not turn.nonverbal:
        return turn.text
    return render_words(
        TextPart(turn.speaker, turn.text, [(sound.sound, sound.offset, sound.speaker) for sound in turn.nonverbal])
    )


def merged_turns(turns: Iterable[Turn]) -> Iterator[MergedTurn]:
    """Neighbouring turns of one speaker as one. Turns of unknown speakers stay apart: two people may speak."""
    run: list[Turn] = []
    for turn in turns:
        if run and (turn.speaker is None or turn.speaker != run[-1].speaker):
            yield MergedTurn.of(run)
            run = []
        run.append(turn)
    if run:
        yield MergedTurn.of(run)


def speaking_order(dialogue: Dialogue) -> tuple[int, ...]:
    """Indices of those speakers who have a turn, in order of their first."""
    spoken = (turn.speaker for turn in dialogue.turns)
    count = len(dialogue.speakers)
    return tuple(dict.fromkeys(speaker for speaker in spoken if speaker is not None and speaker < count))


def tag_of(place: int | None) -> str:
    """What the transcript calls the speaker at a place in the order of speaking; None is an unknown speaker."""
    return "S?" if place is None else f"S{place + 1}"


def transcript(dialogue: Dialogue, sounds: Sounds = "keep") -> str:
    """``[S1] Hello? <phone rings> [S2] Anna?``: merged turns, speakers numbered in order of their first words.

    Turns without words (and, if kept, without sounds) are left out; `[S?]` is an unknown speaker.
    """
    places = {speaker: place for place, speaker in enumerate(speaking_order(dialogue))}
    merged = merged_turns(dialogue.turns)
    return tagged((None if run.speaker is None else places.get(run.speaker), run.text(sounds)) for run in merged)


def tagged(runs: Iterable[tuple[int | None, str]]) -> str:
    """A transcript of who says what, speakers by their places in the order of speaking; empty texts are left out."""
    return " ".join(f"[{tag_of(place)}] {text}" for place, text in runs if text)

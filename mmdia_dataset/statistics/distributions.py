"""How what dialogues hold is spread: counts by value, small however many dialogues are counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from mmdia_dataset.schema import Dialogue

__all__ = ["Distributions"]

SOUNDS = 20_000
"""Different non-verbal sounds that are counted by name. Sounds are free text; a release that never repeats one would
otherwise be held in memory."""

_SOUND_CHARACTERS = 60


@dataclass(slots=True, kw_only=True)
class Distributions:
    """Counts by value.

    Attributes:
        turns: dialogues by their number of turns.
        seconds: dialogues by the length of their span [s, rounded down].
        speakers: dialogues by their number of speakers.
        words: turns by their number of words.
        turn_ms: turns by the length of their cue [ms, rounded down to whole quarters of a second].
        sounds: non-verbal sounds by name, in small letters, cut after 60 characters.
        other_sounds: sounds that came after the 20,000th different one.
        scores: dialogues by intensity and volatility, each rounded to a whole number, halves up.
        labels: dialogues by the closed labels of relationship and interaction mode; None where there is none.
        turn_visibility: turns by whether their speaker is seen.
        speaker_visibility: speakers of dialogues by whether they are seen.
    """

    turns: Counter[int] = field(default_factory=Counter)
    seconds: Counter[int] = field(default_factory=Counter)
    speakers: Counter[int] = field(default_factory=Counter)
    words: Counter[int] = field(default_factory=Counter)
    turn_ms: Counter[int] = field(default_factory=Counter)
    sounds: Counter[str] = field(default_factory=Counter)
    other_sounds: int = 0
    scores: Counter[tuple[int, int]] = field(default_factory=Counter)
    labels: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)
    turn_visibility: Counter[str] = field(default_factory=Counter)
    speaker_visibility: Counter[str] = field(default_factory=Counter)

    def add(self, dialogue: Dialogue) -> None:
        """Count one dialogue. A span that ends before it starts counts as empty."""
        self.turns[len(dialogue.turns)] += 1
        self.seconds[max(0, dialogue.span.duration_ms) // 1000] += 1
        self.speakers[len(dialogue.speakers)] += 1
        for speaker in dialogue.speakers:
            self.speaker_visibility[speaker.visible] += 1
        for turn in dialogue.turns:
            self.words[len(turn.text.split())] += 1
            self.turn_ms[max(0, turn.span.duration_ms) // 250 * 250] += 1
            self.turn_visibility[turn.visibility] += 1
            for sound in turn.nonverbal:
                self._sound(sound.sound)
        if dialogue.intensity is not None and dialogue.volatility is not None:
            self.scores[int(dialogue.intensity + 0.5), int(dialogue.volatility + 0.5)] += 1
        triplet = dialogue.triplet
        relationship = None if triplet is None else triplet.relationship.label
        interaction = None if triplet is None else triplet.interaction.label
        self.labels[relationship, interaction] += 1

    def _sound(self, text: str) -> None:
        name = " ".join(text.casefold().split())[:_SOUND_CHARACTERS]
        if name in self.sounds or len(self.sounds) < SOUNDS:
            self.sounds[name] += 1
        else:
            self.other_sounds += 1

    def relationships(self) -> Counter[str | None]:
        """Dialogues by relationship."""
        return self._margin(0)

    def interactions(self) -> Counter[str | None]:
        """Dialogues by interaction mode."""
        return self._margin(1)

    def _margin(self, place: int) -> Counter[str | None]:
        totals: Counter[str | None] = Counter()
        for pair, count in self.labels.items():
            totals[pair[place]] += count
        return totals

    def as_json(self) -> dict[str, Any]:
        """All counts as JSON: tables in order of their values, sounds with the most frequent first."""
        plain: dict[str, Any] = {}
        for name in ("turns", "seconds", "speakers", "words", "turn_ms"):
            plain[name] = [{"value": value, "count": count} for value, count in sorted(getattr(self, name).items())]
        for name in ("turn_visibility", "speaker_visibility"):
            plain[name] = dict(sorted(getattr(self, name).items()))
        plain["sounds"] = dict(sorted(self.sounds.items(), key=lambda item: (-item[1], item[0])))
        plain["other_sounds"] = self.other_sounds
        plain["scores"] = [{"intensity": i, "volatility": v, "count": n} for (i, v), n in sorted(self.scores.items())]
        plain["labels"] = [
            {"relationship": r, "interaction": i, "count": n}
            for (r, i), n in sorted(self.labels.items(), key=lambda item: (-item[1], str(item[0])))
        ]
        return plain

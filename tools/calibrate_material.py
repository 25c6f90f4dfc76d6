"""What `calibrate_alignment.py` measures on, films and their editions, and where it collects both sides of a row."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import TimingFingerprint
from mmdia_dataset.alignment.soundtrack import Soundtrack, listen
from mmdia_dataset.media import Cue, SubtitleTrack
from tests.support import editions
from tests.support.editions_on_disk import words_of

__all__ = ["Material", "Recorded", "Sides"]

Samples = NDArray[np.float32]
NOISE = 0.02
"""Standard deviation of the noise of the noisy edition; speech reaches 0.2."""
OTHERWISE = 0.25
"""Share of words that subtitles put otherwise."""


class Sides:
    """Values of each row on the right side and on the wrong one."""

    def __init__(self) -> None:
        self.right: dict[str, list[float]] = {}
        self.wrong: dict[str, list[float]] = {}

    def add(self, row: str, *, right: Iterable[float] = (), wrong: Iterable[float] = ()) -> None:
        """Add values to a row."""
        self.right.setdefault(row, []).extend(float(value) for value in right)
        self.wrong.setdefault(row, []).extend(float(value) for value in wrong)


@dataclass(frozen=True)
class Recorded:
    """A recording of a film: an edition and what is heard of it."""

    edition: editions.Edition
    soundtrack: Soundtrack

    @property
    def rate(self) -> float:
        """Movie seconds per recording second."""
        return float(self.edition.rate)

    @property
    def offset_s(self) -> float:
        """Recording time * rate - movie time, of its first piece [s]."""
        return self.edition.pieces[0][2]


class Material:
    """One film as its own editions, as a dub, and another film as its opposite.

    Args:
        seed: of the film; the other film has the next thousand's.
        minutes: length of both.
    """

    def __init__(self, seed: int, minutes: float) -> None:
        self.film = editions.make_film(seed, minutes)
        self.other_film = editions.make_film(seed + 1000, minutes)
        words = [words_of(dialogue, self.film.seed) for dialogue in self.film.dialogues]
        self.dialogues = tuple(
            dialogue.model_copy(
                update={
                    "turns": tuple(
                        turn.model_copy(update={"text": text}) for turn, text in zip(dialogue.turns, texts, strict=True)
                    )
                }
            )
            for dialogue, texts in zip(self.film.dialogues, words, strict=True)
        )

    @cached_property
    def reference(self) -> TimingFingerprint:
        """The film's fingerprint."""
        return TimingFingerprint.of(heard(self.film.samples()))

    @cached_property
    def copies(self) -> tuple[Recorded, ...]:
        """The film after a logo, at PAL's speed, and under noise."""
        return tuple(
            recorded(edition)
            for edition in (
                editions.edition(self.film, logo_s=7.3),
                editions.edition(self.film, logo_s=7.3, rate=editions.PAL),
                editions.edition(self.film, logo_s=7.3, noise=NOISE),
            )
        )

    @cached_property
    def dub(self) -> Recorded:
        """The film spoken in another language."""
        return recorded(editions.edition(self.film, dub=True))

    @cached_property
    def other(self) -> Soundtrack:
        """What is heard of the other film."""
        return heard(self.other_film.samples())

    def half_replaced(self) -> tuple[Recorded, tuple[int, ...]]:
        """The film with the second half of every third dialogue of another film's sound; the dialogues' numbers."""
        samples, foreign = self.film.samples().copy(), self.other_film.samples()
        numbers = tuple(range(1, len(self.film.lines), 3))
        for number in numbers:
            lines = self.film.lines[number]
            low, high = (
                int(moment_s * editions.RATE)
                for moment_s in ((lines[0].start_s + lines[-1].end_s) / 2, lines[-1].end_s)
            )
            samples[low:high] = foreign[low:high]
        whole = ((0.0, self.film.duration_s, 0.0),)
        return recorded(editions.Edition(samples, Fraction(1), whole)), numbers

    def inserted(self, number: int, seconds: float) -> Recorded:
        """The film with a little of the other one put into the middle of a dialogue."""
        lines = self.film.lines[number]
        middle = (lines[0].start_s + lines[-1].end_s) / 2
        foreign = self.other_film.samples()[: int(seconds * editions.RATE)]
        return recorded(editions.edition(self.film, inserted={middle: foreign}))

    def track(self, *, without: Sequence[int] = (), shuffled: bool = False, recording: Recorded) -> SubtitleTrack:
        """The film's lines as subtitles that fit a recording, some words put otherwise.

        Args:
            without: numbers of dialogues whose lines are left out.
            shuffled: whether all words are shuffled: another film with the same words.
            recording: what they fit.
        """
        rows = [
            (line.start_s, line.end_s, turn.text.split())
            for dialogue, lines in zip(self.dialogues, self.film.lines, strict=True)
            if dialogue.number not in without
            for line, turn in zip(lines, dialogue.turns, strict=True)
        ]
        words = [word for _, _, spoken in rows for word in spoken]
        drawn = random.Random(self.film.seed)  # noqa: S311 - words, not secrets
        if shuffled:
            drawn.shuffle(words)
        words = [drawn.choice(words) if drawn.random() < OTHERWISE else word for word in words]
        cues = []
        for start, end, spoken in rows:
            taken, words = words[: len(spoken)], words[len(spoken) :]
            times = [round(1000 * (time_s + recording.offset_s) / recording.rate) for time_s in (start, end)]
            cues.append(Cue(times[0], times[1], " ".join(taken)))
        return SubtitleTrack("calibration", None, tuple(cues))


def heard(samples: Samples) -> Soundtrack:
    """What alignment hears of sound."""
    return listen(editions.blocks(samples))


def recorded(edition: editions.Edition) -> Recorded:
    """An edition with what is heard of it."""
    return Recorded(edition, edition.soundtrack())

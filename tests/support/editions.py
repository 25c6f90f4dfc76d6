"""Films for the ear, and editions of them: speech of several voices over a bed of music and noise, all from a seed.

A film is mono float32 sound at 8 kHz with the dialogues somebody annotated: cues come in a little before the words and
stay a little longer. An edition is the same film at another speed, with a logo first, scenes removed or put in, or
spoken again in another language. Ten minutes take about a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from mmdia_dataset.alignment.soundtrack import Soundtrack, listen
from mmdia_dataset.schema import Dialogue, Speaker, Turn
from mmdia_dataset.timing import Span

RATE = 8000
PAL = Fraction(25025, 24000)
WORDS = [
    "the",
    "a",
    "we",
    "you",
    "road",
    "letter",
    "winter",
    "never",
    "always",
    "house",
    "open",
    "quiet",
    "who",
    "left",
]


@dataclass(frozen=True)
class Line:
    """What one person says without a break, in movie time."""

    start_s: float
    end_s: float
    voice: int


@dataclass(frozen=True, eq=False)
class Film:
    """A film's sound, its dialogues, and what is truly said when, dialogue by dialogue."""

    seed: int
    bed: np.ndarray
    dialogues: tuple[Dialogue, ...]
    lines: tuple[tuple[Line, ...], ...]

    @property
    def duration_s(self) -> float:
        return len(self.bed) / RATE

    def samples(self, *, dub: bool = False) -> np.ndarray:
        """The sound; in a dub, lines begin as they did and are longer or shorter."""
        return _mixed(self, dub)


@dataclass(frozen=True, eq=False)
class Edition:
    """A recording of a film and the truth about it: pieces are (from, to, shift), all in movie seconds."""

    samples: np.ndarray
    rate: Fraction
    pieces: tuple[tuple[float, float, float], ...]

    def place_s(self, span: Span) -> float | None:
        """Where a span begins in the recording [s]; None if it isn't there as a whole."""
        for start, end, shift in self.pieces:
            if start * 1000 <= span.start_ms and span.end_ms <= end * 1000:
                return (span.start_ms / 1000 + shift) / float(self.rate)
        return None

    def soundtrack(self) -> Soundtrack:
        return listen(blocks(self.samples))


def blocks(samples: np.ndarray, seconds: int = 10) -> Iterator[np.ndarray]:
    """Sound as `sound_of` gives it."""
    for start in range(0, len(samples), seconds * RATE):
        yield samples[start : start + seconds * RATE]


@lru_cache(maxsize=4)
def make_film(seed: int, minutes: float = 10) -> Film:
    """A film of so many minutes."""
    random = np.random.default_rng([seed, 1])
    length = int(minutes * 60 * RATE)
    lines: list[tuple[Line, ...]] = []
    now = 12.0
    while now < minutes * 60 - 45:
        cast = random.choice(8, size=2, replace=False)
        spoken = []
        for _ in range(random.integers(4, 9)):
            end = now + random.uniform(0.8, 3.6)
            spoken.append(Line(now, end, int(random.choice(cast))))
            now = end + random.choice([0.12, 0.3, 0.6, 1.1, 1.9])
        lines.append(tuple(spoken))
        now += random.choice([3.0, 5.0, 8.0, 14.0])
    dialogues = tuple(_annotated(number, spoken, random) for number, spoken in enumerate(lines))
    return Film(seed, _bed(length, random), dialogues, tuple(lines))


def edition(
    film: Film,
    *,
    rate: Fraction = Fraction(1),
    logo_s: float = 0.0,
    removed: tuple[int, ...] = (),
    inserted: dict[float, np.ndarray] | None = None,
    dub: bool = False,
    noise: float = 0.0,
) -> Edition:
    """An edition of a film.

    Args:
        film: the film.
        rate: its speed.
        logo_s: how long something else comes first, in movie seconds.
        removed: numbers of dialogues cut out, each with a second before and after it.
        inserted: foreign sound by the movie time [s] it is put in at.
        dub: whether it is spoken in another language.
        noise: standard deviation of noise over all of it.
    """
    samples = film.samples(dub=dub)
    random = np.random.default_rng([film.seed, 2])
    gaps = [(film.lines[number][0].start_s - 1, film.lines[number][-1].end_s + 1) for number in removed]
    edits = sorted([(start, end, None) for start, end in gaps] + [(at, at, x) for at, x in (inserted or {}).items()])
    parts = [_bed(int(logo_s * RATE), random)]
    pieces, now, at = [], logo_s, 0.0
    for start, end, foreign in [*edits, (film.duration_s, film.duration_s, None)]:
        parts.append(samples[int(at * RATE) : int(start * RATE)])
        pieces.append((at, start, now - at))
        now += start - at
        at = end
        if foreign is not None:
            parts.append(foreign)
            now += len(foreign) / RATE
    whole = np.concatenate(parts)
    if rate != 1:
        places = np.arange(int(len(whole) / rate)) * float(rate)
        whole = np.interp(places, np.arange(len(whole)), whole)
    whole = whole + noise * random.standard_normal(len(whole))
    return Edition(np.clip(whole, -1, 1).astype(np.float32), rate, tuple(pieces))


def _annotated(number: int, spoken: list[Line], random: np.random.Generator) -> Dialogue:
    starts = [max(0, round(1000 * (line.start_s - random.normal(0.05, 0.04)))) for line in spoken]
    ends = [round(1000 * (line.end_s + random.uniform(0.05, 0.5))) for line in spoken]
    ends = [min(end, start) for end, start in zip(ends, [*starts[1:], 10**9], strict=True)]
    voices = sorted({line.voice for line in spoken})
    turns = [
        Turn(
            speaker=voices.index(line.voice),
            span=Span(start, end),
            text=" ".join(random.choice(WORDS, size=max(2, round(3 * (line.end_s - line.start_s))))).capitalize() + ".",
            cue=cue + 1,
        )
        for cue, (line, start, end) in enumerate(zip(spoken, starts, ends, strict=True))
    ]
    return Dialogue(
        id=f"tt9900002_clip_{number}",
        movie="tt9900002",
        batch=None,
        number=number,
        timeline="movie",
        span=Span(starts[0], ends[-1]),
        speakers=tuple(Speaker(id=at, name=f"V{voice}", named=True) for at, voice in enumerate(voices)),
        turns=tuple(turns),
    )


@lru_cache(maxsize=4)
def _mixed(film: Film, dub: bool) -> np.ndarray:
    samples = film.bed.copy()
    random = np.random.default_rng([film.seed, 4 if dub else 3])
    for spoken in film.lines:
        for line, after in zip(spoken, [*spoken[1:], None], strict=True):
            length = line.end_s - line.start_s
            if dub:
                room = after.start_s - line.start_s - 0.1 if after else length + 2
                length = min(max(0.5, length * random.uniform(0.45, 1.6)), room)
            start = int(line.start_s * RATE)
            said = _said(length, line.voice, random)[: len(samples) - start]
            samples[start : start + len(said)] += said
    return samples


def _said(length_s: float, voice: int, random: np.random.Generator) -> np.ndarray:
    """Somebody speaks: four to six syllables a second, each a consonant's noise and a vowel's harmonics."""
    count = int(length_s * RATE)
    out = np.zeros(count)
    pitch, loud = 95 + 20 * voice, 10 ** (random.uniform(-6, 3) / 20)
    at = 0
    while at < count - 400:
        size = int(RATE / random.uniform(4, 6.5))
        noise = int(size * random.uniform(0.1, 0.3))
        times = np.arange(size - noise) / RATE
        vowel = np.zeros(len(times))
        formants = random.uniform(300, 800), random.uniform(900, 2200), random.uniform(2300, 3000)
        bend = pitch * random.uniform(0.85, 1.15) * (1 + 0.1 * np.sin(2 * np.pi * 3 * times + random.uniform(0, 6)))
        phase = 2 * np.pi * np.cumsum(bend) / RATE
        for harmonic in range(1, int(3200 / pitch)):
            level = sum(np.exp(-(((harmonic * pitch - formant) / 150) ** 2)) for formant in formants)
            if level > 0.02:
                vowel += level * np.sin(harmonic * phase)
        syllable = np.concatenate([0.15 * random.standard_normal(noise), vowel * np.hanning(len(times)) ** 0.5])
        stop = min(count, at + size)
        out[at:stop] += syllable[: stop - at] * random.uniform(0.6, 1)
        at += size
    return (0.12 * loud * out).astype(np.float32)


def _bed(count: int, random: np.random.Generator) -> np.ndarray:
    """Soft noise, and music that comes and goes."""
    out = 0.003 * random.standard_normal(count)
    at = 0
    while at < count:
        seconds = random.uniform(8, 30)
        stop = min(count, at + int(seconds * RATE))
        if random.random() < 0.6:
            level = 10 ** (random.uniform(-45, -26) / 20)
            root = random.uniform(110, 220)
            for start in range(at, stop, int(random.uniform(0.3, 0.6) * RATE)):
                times = np.arange(min(int(1.2 * RATE), stop - start)) / RATE
                note = root * 2 ** (random.choice([0, 2, 3, 5, 7, 8, 10, 12]) / 12)
                tone = sum(np.sin(2 * np.pi * k * note * times) / k for k in (1, 2, 3, 4))
                out[start : start + len(times)] += level * tone * np.exp(-times * 2.5)
        at = stop
    return out.astype(np.float32)

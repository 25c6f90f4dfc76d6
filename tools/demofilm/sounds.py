"""Everything heard in the demo film: voices in their places, knocks, foghorn, sea, fire and a music box."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .timeline import END_MS, TITLE_MS, Act, Timeline
from .voice import RATE, sing

__all__ = ["FILM_RATE", "soundtrack"]

Floats = npt.NDArray[np.float64]

FILM_RATE = 2 * RATE
_PAN = {"Ada": -0.35, "Tom": 0.2, "Stranger": 0.5, "Mara": -0.3}
_TUNE = ((0, 659), (0.3, 784), (0.6, 988), (1.05, 880), (1.35, 784), (1.65, 659))


def soundtrack(film: Timeline, seed: int) -> npt.NDArray[np.float32]:
    """The film's sound as (2, samples) float32 at `FILM_RATE`, as long as the film to the millisecond."""
    total = film.duration_ms * RATE // 1000
    left_right = np.stack([_sea(film, total, np.random.default_rng([seed, 1 + side])) for side in (0, 1)])
    _title_music(left_right, film)
    for number, act in enumerate(film.acts):
        begin, length = act.span.start_ms * RATE // 1000, act.span.duration_ms * RATE // 1000
        speaker = act.turn.speaker
        voice = sing(act.plan, speaker, act.turn.mood, length, np.random.default_rng([seed, 100 + number]))
        if act.turn.mood == "pleading":  # spoken behind a closed door
            voice = _muffled(voice) * 0.85
        pan = _side(film, act)
        _mix(left_right, voice, begin, pan)
        if act.effect is not None:
            _mix(left_right, _knocks(np.random.default_rng([seed, 50])), act.effect_ms * RATE // 1000, 0.5)
    return _doubled(left_right).astype(np.float32)


def _side(film: Timeline, act: Act) -> float:
    """From where a voice comes: on the gallery Ada stands to the right."""
    shot = next(s for s in film.shots if s.span.start_ms <= act.span.start_ms < s.span.end_ms)
    return 0.35 if act.turn.speaker == "Ada" and shot.name.startswith("gallery") else _PAN[act.turn.speaker]


def _mix(left_right: Floats, sound: Floats, begin: int, pan: float) -> None:
    """Add a sound at a sample, between left (-1) and right (1) at equal power."""
    angle = (pan + 1) * np.pi / 4
    stop = min(begin + len(sound), left_right.shape[1])
    left_right[:, begin:stop] += np.array([[np.cos(angle)], [np.sin(angle)]]) * np.sqrt(2) * sound[: stop - begin]


def _doubled(sound: Floats) -> Floats:
    """The sound at twice the rate, in blocks that overlap, so that no transform is longer than needed."""
    block, margin = 1 << 16, 1 << 10
    padded = np.pad(sound, ((0, 0), (margin, block)))
    pieces = []
    for start in range(0, sound.shape[1], block - 2 * margin):
        piece = padded[:, start : start + block]
        if piece.shape[1] < block:
            piece = np.pad(piece, ((0, 0), (0, block - piece.shape[1])))
        wide = np.fft.irfft(np.fft.rfft(piece), 2 * block) * 2
        pieces.append(wide[:, 2 * margin : -2 * margin])
    return np.concatenate(pieces, axis=1)[:, : 2 * sound.shape[1]]


def _shaped_noise(total: int, random: np.random.Generator, centre: float, octaves: float) -> Floats:
    """Noise of power 1 around a frequency, made in one period of about 5.5 s and repeated: nobody hears the loop."""
    size = 1 << 17
    hertz = np.fft.rfftfreq(size, 1 / RATE) + 1e-3
    shape = np.exp(-((np.log2(hertz / centre) / octaves) ** 2)) / np.sqrt(hertz)
    period = np.fft.irfft(np.fft.rfft(random.standard_normal(size)) * shape)
    period /= period.std()
    looped: Floats = np.resize(period, total)
    return looped


def _sea(film: Timeline, total: int, random: np.random.Generator) -> Floats:
    """Wind and waves: near outside, faint inside with a fire that crackles; far below the voices."""
    time = np.arange(total) / RATE
    outside = np.zeros(len(time))
    for shot in film.shots:
        if not shot.name.startswith("room"):
            outside[shot.span.start_ms * RATE // 1000 : shot.span.end_ms * RATE // 1000] = 1.0
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * time / 4.3 + random.uniform(0, 2)) ** 3
    sound = _shaped_noise(total, random, 480.0, 1.6) * swell * np.where(outside > 0, 0.0042, 0.0016)
    clicks = np.zeros(total)
    places = np.flatnonzero(random.random(total // 240) < 0.05) * 240
    clicks[places] = random.exponential(0.005, len(places)) * (outside[places] == 0)
    snap = random.standard_normal(90) * np.exp(-np.arange(90) / 16.0)
    sound += np.convolve(clicks, snap)[:total]
    rise = np.clip(np.minimum(time / 0.6, (time[-1] - time) / 1.2), 0, 1)
    faded: Floats = sound * rise
    return faded


def _title_music(left_right: Floats, film: Timeline) -> None:
    """A foghorn and a music box over the title, and the box's last notes at the end."""
    time = np.arange(TITLE_MS * RATE // 1000) / RATE
    horn = sum(np.sin(2 * np.pi * 87.3 * k * time) / k**1.3 for k in range(1, 7))
    horn *= np.clip(time / 0.25, 0, 1) * np.clip((1.7 - time) / 0.5, 0, 1) * 0.045
    _mix(left_right, horn, 0, -0.1)
    ending = (film.duration_ms - END_MS + 150) * RATE // 1000
    for begin, notes, shift in ((int(0.45 * RATE), _TUNE, 1.0), (ending, _TUNE[:3], 1.0)):
        for start_s, hertz in notes:
            clock = np.arange(int(min(1.0, 2.6 - 0.45 - start_s) * RATE)) / RATE
            bell = np.sin(2 * np.pi * hertz * shift * clock) + 0.3 * np.sin(2 * np.pi * hertz * 3.01 * clock)
            fade = np.exp(-clock * 4.2) * np.clip((clock[-1] - clock) / 0.05, 0, 1) * np.clip(clock / 0.002, 0, 1)
            _mix(left_right, bell * fade * 0.035, begin + int(start_s * RATE), 0.25)


def _knocks(random: np.random.Generator) -> Floats:
    """Three knocks on a wooden door: the board's own tones, struck."""
    sound = np.zeros(int(0.95 * RATE))
    clock = np.arange(int(0.22 * RATE)) / RATE
    board = ((142.0, 1.0, 26.0), (231.0, 0.7, 34.0), (418.0, 0.45, 60.0), (905.0, 0.3, 95.0))
    for start_s, force in ((0.03, 1.0), (0.28, 0.85), (0.53, 1.1)):
        knock = sum(level * np.sin(2 * np.pi * hz * clock) * np.exp(-clock * damping) for hz, level, damping in board)
        knock += random.standard_normal(len(clock)) * np.exp(-clock * 320.0) * 0.7
        begin = int(start_s * RATE)
        sound[begin : begin + len(clock)] += knock * force * 0.2
    return sound


def _muffled(voice: Floats) -> Floats:
    """A voice through wood: the treble is gone, some of the low end too; its ends stay silent."""
    spectrum = np.fft.rfft(voice, 1 << int(len(voice) - 1).bit_length())
    hertz = np.arange(len(spectrum)) * RATE / 2 / (len(spectrum) - 1)
    heard: Floats = np.fft.irfft(spectrum / (1 + (hertz / 1300.0) ** 2))[: len(voice)]
    return heard

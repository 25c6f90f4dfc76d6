"""Speech from words: a small formant synthesizer.

Words become sounds with lengths, a pitch curve and tracks of formants (`plan`). The sound is then made in the
frequency domain (`sing`): every pulse of the vocal folds is one glottal flow, coloured by the resonances the vocal
tract has at that moment, and all pulses are added up; noise of breath, hisses and bursts is shaped the same way in
short overlapping windows. That gives a full voice without a loop over samples.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .phonemes import PHONES, Phone, pronounce
from .script import MOODS, Mood

__all__ = ["RATE", "STEP_S", "VOICES", "Plan", "Voice", "plan", "sing"]

Floats = npt.NDArray[np.float64]

RATE = 24_000
STEP_S = 0.0025
_HOP = int(RATE * STEP_S)
_FFT = 1024
_TAIL_S = 0.03

# Sounds that are no words, as sounds of the table: a laugh is short breathy syllables, a sigh is a long breath.
_NONVERBAL = {"laughs": ("HH", "AA1") * 4, "sighs": ("HH", "_sigh")}
_SIGH = Phone(480, ((560, 1250, 2450), (450, 1150, 2400)), (0.5, 0.5, 0.2, 0.2), voice=0.04, breath=0.5)
_REST = Phone(60, None, (0.0, 0.62, 0.0, 0.0))
_CLOSE = 0.85  # a word's last syllable before a pause is longer by about this share


@dataclass(frozen=True)
class Voice:
    """A person's voice: pitch in Hz, length of the vocal tract (1 is a man's, less is shorter), breathiness, timbre."""

    pitch: float
    tract: float
    breath: float = 0.1
    bright_hz: float = 2600.0


VOICES: dict[str, Voice] = {
    "Ada": Voice(178.0, 0.9, 0.12, 2300.0),
    "Tom": Voice(104.0, 1.0, 0.08, 2600.0),
    "Stranger": Voice(214.0, 0.855, 0.16, 2800.0),
    "Mara": Voice(214.0, 0.855, 0.16, 2800.0),
}


@dataclass(frozen=True, kw_only=True)
class Sound:
    """One stretch of a plan: a sound, whether it is a plosive's closed part, when, and how strongly it is accented."""

    name: str
    phone: Phone
    closed: bool
    start_s: float
    end_s: float
    accent: float
    neighbour: int = 0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A turn before it is heard: its sounds and, every `STEP_S`, what voice and mouth do."""

    sounds: tuple[Sound, ...]
    pitch: Floats
    formants: Floats
    voice: Floats
    breath: Floats
    hiss: Floats
    band: Floats
    nasal: Floats
    mouth: Floats

    @property
    def duration_s(self) -> float:
        """How long it takes to say, with the tail of the last sound."""
        return self.sounds[-1].end_s + _TAIL_S


def plan(words: str, speaker: str, mood_name: str) -> Plan:
    """Decide how a line is said: sounds, their timing, pitch, formants and lips."""
    mood, voice = MOODS[mood_name], VOICES[speaker]
    sounds = _sounds(words, mood)
    steps = int(np.ceil((sounds[-1].end_s + _TAIL_S) / STEP_S)) + 1
    time: Floats = np.arange(steps, dtype=np.float64) * STEP_S
    level = {key: np.zeros(steps) for key in ("voice", "breath", "hiss", "nasal")}
    band = np.tile([4000.0, 2000.0], (steps, 1))
    mouth = np.tile(np.array(_REST.mouth), (steps, 1))
    targets = _targets(sounds)
    formants = np.tile(targets[0][0], (steps, 1))
    for sound, (start, end) in zip(sounds, targets, strict=True):
        here = slice(round(sound.start_s / STEP_S), max(round(sound.end_s / STEP_S), round(sound.start_s / STEP_S) + 1))
        glide = np.clip((np.linspace(0, 1, len(time[here])) - 0.25) / 0.55, 0, 1)[:, None]
        formants[here] = start * (1 - glide) + end * glide
        phone = sound.phone
        mouth[here] = phone.mouth
        level["nasal"][here] = phone.nasal
        if sound.closed:
            level["voice"][here] = phone.voice * 0.6
            continue
        level["voice"][here] = phone.voice * (1.0 + 0.12 * sound.accent)
        level["breath"][here], level["hiss"][here] = phone.breath, phone.hiss
        if phone is _SIGH:
            level["breath"][here] *= np.sin(np.pi * np.linspace(0.12, 1, len(time[here])) ** 0.7)
        if phone.hiss:
            band[here] = phone.band
        if phone.closure_ms and phone.breath:  # a burst first, then the breath that follows it
            burst = slice(here.start, here.start + 6)
            level["breath"][burst] = 0.1
            level["hiss"][here.start + 6 : here.stop] = 0.04
    formants[slice(round(sounds[-1].end_s / STEP_S), None)] = formants[round(sounds[-1].end_s / STEP_S) - 1]
    smooth = {key: _smooth(track, ms) for (key, track), ms in zip(level.items(), (22, 20, 9, 12), strict=True)}
    smooth["breath"] = smooth["breath"] + smooth["voice"] * (voice.breath + mood.breath) * 0.3
    pitch = _pitch(sounds, time, words, mood, voice)
    fade = np.clip((sounds[-1].end_s - time) / 0.05, 0.0, 1.0) ** 0.7 * np.clip(time / 0.012, 0, 1)
    return Plan(
        sounds=tuple(sounds), pitch=pitch,
        formants=np.exp(_smooth(np.log(formants), 62)) / voice.tract,
        voice=smooth["voice"] * fade, breath=smooth["breath"] * fade, hiss=smooth["hiss"] * fade,
        band=band, nasal=smooth["nasal"], mouth=_smooth(mouth, 80),
    )  # fmt: skip


def _sounds(words: str, mood: Mood) -> list[Sound]:
    """The line's sounds in time order; silence where commas and full stops stand."""
    tokens = re.findall(r"<[^>]*>|\*?[A-Za-z']+|[,.!?]", words)
    sounds: list[Sound] = []
    now = 0.012
    for number, piece in enumerate(tokens):
        after = tokens[number + 1] if number + 1 < len(tokens) else "."
        if piece in ",.!?":
            if number + 1 < len(tokens):
                length = (0.1 if piece == "," else 0.2) / mood.pace
                sounds.append(Sound(name="_", phone=_REST, closed=False, start_s=now, end_s=now + length, accent=0.0))
                now += length
            continue
        if piece.startswith("<"):
            names = _NONVERBAL.get(piece[1:-1], ())
            if not names:
                continue
        else:
            names = pronounce(piece.lstrip("*"))
        for place, name in enumerate(names):
            stress = name.endswith("1")
            phone = _SIGH if name == "_sigh" else PHONES[name.rstrip("01")]
            ms = phone.ms * (1.12 if stress else 0.86 if phone.vowel else 0.92)
            if piece.startswith("*"):
                ms *= 1.16 if stress else 1.05
            if after in ",.!?" and place >= max(i for i, n in enumerate(names) if _carries(n)):
                ms *= 1.0 + (_CLOSE if phone.vowel else 0.3) * (0.6 if after == "," else 1.0) * 0.6
            accent = (1.0 if piece.startswith("*") else 0.35) if stress else 0.0
            length = ms / 1000 / mood.pace
            closure = length * phone.closure_ms / phone.ms
            if closure:
                sounds.append(Sound(name=name, phone=phone, closed=True, start_s=now, end_s=now + closure, accent=0.0))
            sounds.append(
                Sound(name=name, phone=phone, closed=False, start_s=now + closure, end_s=now + length, accent=accent)
            )
            now += length
        if piece.startswith("<"):
            sounds.append(Sound(name="_", phone=_REST, closed=False, start_s=now, end_s=now + 0.14, accent=0.0))
            now += 0.14
    return sounds


def _carries(name: str) -> bool:
    return name == "_sigh" or PHONES[name.rstrip("01")].vowel


def _targets(sounds: list[Sound]) -> list[tuple[Floats, Floats]]:
    """Where the formants of each sound begin and end; what a sound leaves open it takes from its neighbour."""
    neutral = np.array([500.0, 1450.0, 2450.0])
    ends: list[tuple[Floats, Floats] | None] = []
    for sound in sounds:
        shape = sound.phone.formants
        ends.append(None if shape is None else (np.array(shape[0]), np.array(shape[-1])))
    targets: list[tuple[Floats, Floats]] = []
    for i, sound in enumerate(sounds):
        following = next((ends[j] for j in range(i + 1, min(i + 4, len(sounds))) if sounds[j].phone.vowel), None)
        before = next((ends[j] for j in range(i - 1, max(i - 4, -1), -1) if sounds[j].phone.vowel), None)
        near = following[0] if following is not None else before[1] if before is not None else neutral
        mine = ends[i]
        if mine is None:
            edge = targets[-1][1] if sound.name == "_" and targets else near
            targets.append((edge, near))
        elif not mine[0][1]:  # k and g: second and third formant pinched together near the vowel's
            second = float(np.clip(near[1] * 1.1, 1150, 2350))
            velar = np.array([mine[0][0], second, second + 480])
            targets.append((velar, velar))
        else:
            targets.append(mine)
    return targets


def _pitch(sounds: list[Sound], time: Floats, words: str, mood: Mood, voice: Voice) -> Floats:
    """The pitch in Hz: falling slowly, with a rise on each accented syllable and the sentence's close at the end."""
    end = sounds[-1].end_s
    semitones = mood.pitch + mood.melody * (1.2 - 2.8 * time / end)
    for sound in sounds:
        if sound.accent:
            middle = sound.start_s + 0.45 * (sound.end_s - sound.start_s)
            width = 0.075 + 0.3 * (sound.end_s - sound.start_s)
            semitones += 3.4 * mood.melody * sound.accent * np.exp(-(((time - middle) / width) ** 2))
    phrases = [0.0, *(s.end_s for s in sounds if s.name == "_" and s.end_s - s.start_s > 0.15), end]
    marks = re.findall(r"[.!?]", re.sub(r"<[^>]*>", "", words))
    for (start, stop), mark in zip(pairwise(phrases), marks[-(len(phrases) - 1) :], strict=False):
        closing = np.clip((time - (stop - min(0.34, stop - start))) / 0.34, 0, 1) * (time <= stop + 0.2)
        semitones += closing**1.4 * (6.5 if mark == "?" else -3.6 if mark == "." else -2.4) * (0.5 + 0.5 * mood.melody)
    semitones += mood.tremor * np.sin(2 * np.pi * 5.6 * time) + 0.12 * np.sin(2 * np.pi * 2.3 * time + 1.0)
    return voice.pitch * 2 ** (_smooth(semitones, 50) / 12)


def _smooth(track: Floats, ms: float) -> Floats:
    """A moving average with a bell of the given length, along the first axis; the ends are held."""
    half = max(1, round(ms / 1000 / STEP_S / 2))
    bell = np.hanning(2 * half + 3)[1:-1]
    bell /= bell.sum()
    padded = np.concatenate([np.repeat(track[:1], half, 0), track, np.repeat(track[-1:], half, 0)])
    if track.ndim == 1:
        return np.convolve(padded, bell, "valid")
    return np.stack([np.convolve(column, bell, "valid") for column in padded.T], axis=1)


def sing(planned: Plan, speaker: str, mood_name: str, samples: int, random: np.random.Generator) -> Floats:
    """The planned line as exactly `samples` samples at `RATE`; its loudness follows the mood's force, 0 dB being 0.1.

    Nothing is heard outside: both ends are faded to zero.
    """
    voice, mood = VOICES[speaker], MOODS[mood_name]
    total = max(samples, int(planned.duration_s * RATE)) + 2 * _FFT
    out = np.zeros(total)
    _add_pulses(out, planned, voice, mood, random)
    _add_noise(out, planned, voice, random)
    out = out[:samples]
    loud = np.sqrt(np.mean(np.square(out[np.abs(out) > 1e-3 * np.abs(out).max()])))
    out *= 0.1 * 10 ** (mood.force / 20) / loud
    out = np.tanh(out * 1.6) / 1.6  # rounds off the rare peak instead of clipping it
    edge = int(0.012 * RATE)
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / edge)
    out[:edge] *= ramp
    out[-edge:] *= ramp[::-1]
    return out


def _tract(formants: Floats, nasal: Floats, voice: Voice) -> npt.NDArray[np.complex128]:
    """The vocal tract's response at the FFT's frequencies, one row per moment; 1 at 0 Hz (Klatt 1980's cascade)."""
    z = np.exp(-2j * np.pi * np.arange(_FFT // 2 + 1) / _FFT)
    fixed = np.ones_like(z)
    for number in range(4, 12):
        fixed *= _resonator(np.array([[(number - 0.5) * 1000.0 / voice.tract]]), 130.0 + 55.0 * (number - 3), z)[0]
    response = np.repeat(fixed[None], len(formants), 0)
    stuffed = nasal[:, None] > 100
    for column, width in enumerate((70.0, 90.0, 140.0)):
        response *= _resonator(formants[:, column, None], np.where(stuffed, width * 2.0, width), z)
    rows = np.flatnonzero(stuffed[:, 0])
    if len(rows):  # the closed mouth is a side branch: it takes out its own resonance
        zero = nasal[rows, None] / voice.tract
        response[rows] *= _resonator(np.full_like(zero, 300.0), 110.0, z) / _resonator(zero, 160.0, z) * 0.9
    return response


def _resonator(hz: Floats, width: Floats | float, z: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
    radius = np.exp(-np.pi * np.asarray(width) / RATE)
    b, c = 2 * radius * np.cos(2 * np.pi * np.minimum(hz, 11_500.0) / RATE), -(radius**2)
    result: npt.NDArray[np.complex128] = (1 - b - c) / (1 - b * z - c * (z * z))
    return result


def _add_pulses(out: Floats, planned: Plan, voice: Voice, mood: Mood, random: np.random.Generator) -> None:
    """Add one glottal pulse per period (Rosenberg's flow as in KLGLOTT88), coloured by the tract at that moment."""
    time = np.arange(len(planned.pitch)) * STEP_S
    jitter = 1 + 0.012 * random.standard_normal(len(time)) * np.sqrt(np.clip(planned.voice, 0, 1))
    phase = np.concatenate([[0.0], np.cumsum(planned.pitch * jitter * STEP_S)])[: len(time)]
    pulses = np.interp(np.arange(1, int(phase[-1])), phase, time)
    strength = np.interp(pulses, time, planned.voice)
    pulses, strength = pulses[strength > 0.004], strength[strength > 0.004]
    if not len(pulses):
        return
    step = np.minimum((pulses / STEP_S).astype(int), len(time) - 1)
    period = 1 / planned.pitch[step]
    opened = np.clip(0.56 + 0.5 * (voice.breath + mood.breath - 0.2) - 0.012 * mood.force, 0.42, 0.8)
    opening = (period * opened)[:, None]
    first = np.floor(pulses * RATE)
    clock = (np.arange(_FFT // 2) - (pulses * RATE - first)[:, None]) / RATE
    share = np.clip(clock / opening, 0, 1)
    flow = share**2 * (1 - share) * (period * RATE)[:, None] ** 0.5
    hertz = np.arange(_FFT // 2 + 1) * RATE / _FFT
    corner = voice.bright_hz * 2 ** (mood.force / 6 - 1.2 * mood.breath)
    radiated = 1j * hertz / 1000 / (1 + 1j * hertz / corner)
    radiated *= np.clip((hertz / 60) ** 2, 0, 1)  # nothing below the voice
    spectrum = np.fft.rfft(flow, _FFT) * _tract(planned.formants[step], planned.nasal[step], voice) * radiated
    shimmer = 1 + 0.035 * random.standard_normal(len(pulses))
    waves = np.fft.irfft(spectrum, _FFT) * (strength * shimmer)[:, None]
    for start, wave in zip(first.astype(int), waves, strict=True):
        out[start : start + _FFT] += wave


def _add_noise(out: Floats, planned: Plan, voice: Voice, random: np.random.Generator) -> None:
    """Add breath through the tract and hiss through its own band, in windows of two steps."""
    loud = np.flatnonzero((planned.breath > 0.003) | (planned.hiss > 0.003))
    if not len(loud):
        return
    noise = random.standard_normal(((len(planned.breath) + 2) * _HOP, 2)).T
    pieces = loud[:, None] * _HOP + np.arange(2 * _HOP)
    window = np.hanning(2 * _HOP + 1)[:-1]
    breath, hiss = (np.fft.rfft(channel[pieces] * window, _FFT) for channel in noise)
    hertz = np.arange(_FFT // 2 + 1) * RATE / _FFT
    centre, width = (planned.band[loud, i, None] / (voice.tract**0.5 if i == 0 else 1.0) for i in (0, 1))
    colour = 1 / (1 + ((hertz - centre) / (0.5 * width)) ** 2) + 0.02
    colour *= np.clip(hertz / 600, 0, 1)
    # The tract changes slowly: every fourth step is enough for noise.
    slow, which = np.unique(loud // 4 * 4, return_inverse=True)
    tract = _tract(planned.formants[slow], planned.nasal[slow], voice) * np.clip(hertz / 900, 0, 1) ** 0.7
    spectrum = breath * tract[which] * (0.055 * planned.breath[loud, None]) + hiss * colour * (
        0.5 * planned.hiss[loud, None]
    )
    waves = np.fft.irfft(spectrum, _FFT)
    for start, wave in zip(loud * _HOP, waves, strict=True):
        out[start : start + _FFT] += wave

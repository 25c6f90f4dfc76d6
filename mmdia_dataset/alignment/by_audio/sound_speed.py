"""The speed at which a recording plays a movie, by the sounds of its dialogues alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mmdia_dataset.alignment.by_audio import audio_limits as limits
from mmdia_dataset.alignment.by_audio.dialogue_sounds import DialogueSound
from mmdia_dataset.alignment.by_audio.sound_search import SoundSearch
from mmdia_dataset.alignment.evidence import known_rate
from mmdia_dataset.alignment.soundtrack import FRAME_RATE, Soundtrack

__all__ = ["FoundSound", "SoundSpeed", "drift_of", "find_sound_speed", "found_sound"]

_USUAL = (1.0, 25 / 23.976, 23.976 / 25)
_REACH = 8  # frames around a hit
_PARTS = 3
_LEAST_PART_S = 3.0


@dataclass(frozen=True, slots=True)
class SoundSpeed:
    """How a recording plays the movie.

    Attributes:
        rate: movie seconds per recording second.
        pitch: how much higher it sounds.
    """

    rate: float
    pitch: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSound:
    """A place of a dialogue's sound in the recording.

    Attributes:
        start_s: recording time of its first frame [s].
        strength: agreement in standard deviations over all places.
        score: agreement, -1 to 1.
        spread_s: standard error of the place [s].
    """

    start_s: float
    strength: float
    score: float
    spread_s: float


def find_sound_speed(sounds: Sequence[DialogueSound], soundtrack: Soundtrack, share: float = 0.0) -> SoundSpeed | None:
    """The speed at which most sounds are heard, None if hardly any is at any speed.

    Args:
        sounds: of a movie's dialogues.
        soundtrack: the recording's.
        share: of the sounds that are tried, so many must be heard.
    """
    if not sounds:
        return None
    probes = [_loudest(sound) for sound in _spread(sounds)]
    longest_s = max(probe.length_s for probe in probes) / limits.SLOWEST
    for speeds in (_speeds((1.0,)), _speeds(_USUAL[1:]), _speeds(_others())):
        tried: list[tuple[float, int, SoundSpeed]] = []
        search: SoundSearch | None = None
        pitch = 0.0
        for speed in speeds:
            if search is None or pitch != speed.pitch:
                search, pitch = SoundSearch(soundtrack, speed.pitch, longest_s), speed.pitch
            strengths = [search.hits(probe, speed.rate)[0].strength for probe in probes]
            sure = [strength for strength in strengths if strength >= limits.FOUND]
            tried.append((sum(sure), len(sure), speed))
        total, count, best = max(tried, key=lambda each: each[0], default=(0.0, 0, None))
        if count >= share * len(probes) and (count >= 2 or total >= limits.FOUND * limits.CLEAR):
            return best
    return None


def found_sound(search: SoundSearch, sound: DialogueSound, rate: float, start_s: float, strength: float) -> FoundSound:
    """A hit, measured."""
    peak = search.peak(sound, rate, start_s, _REACH)
    return FoundSound(start_s=peak.start_s, strength=strength, score=peak.score, spread_s=peak.spread_s)


def drift_of(search: SoundSearch, found: Iterable[tuple[DialogueSound, FoundSound]], rate: float) -> float:
    """The exact speed, by how far the parts of each sound lie from where the present speed puts them.

    Args:
        search: the recording.
        found: sounds and where they are.
        rate: the present speed.
    """
    times: list[float] = []
    shifts: list[float] = []
    weights: list[float] = []
    for sound, place in found:
        measured = list(_parts(search, sound, rate, place.start_s))
        if len(measured) < 2:
            continue
        middle = float(np.average([part[0] for part in measured], weights=[part[2] for part in measured]))
        level = float(np.average([part[1] for part in measured], weights=[part[2] for part in measured]))
        for time_s, shift_s, weight in measured:
            times.append(time_s - middle)
            shifts.append(shift_s - level)
            weights.append(weight)
    if len(times) < 4:
        return float(known_rate(rate, 0.0006))
    x, y, w = np.array(times), np.array(shifts), np.array(weights)
    good = np.ones(len(x), bool)
    slope = 0.0
    for _ in range(3):
        slope = float((w * x * y)[good].sum() / max((w * x * x)[good].sum(), 1e-9))
        beside = np.abs(y - slope * x)
        good = beside <= max(0.003, 3 * 1.4826 * float(np.median(beside)))
    error = float(np.sqrt((w * (y - slope * x) ** 2)[good].sum() / w[good].sum() / (x * x)[good].sum()))
    return float(known_rate(1 / (1 / rate + slope), max(4 * error, 2e-5)))


def _parts(
    search: SoundSearch, sound: DialogueSound, rate: float, start_s: float
) -> Iterator[tuple[float, float, float]]:
    """Time in the movie of the middle of each part [s], how far it is shifted [s], and what it weighs."""
    used = np.flatnonzero(sound.heard)
    for part in np.array_split(used, _PARTS):
        if len(part) < _LEAST_PART_S * FRAME_RATE / 2:
            continue
        peak = search.peak(sound.part(int(part[0]), int(part[-1]) + 1), rate, start_s, _REACH)
        if peak.score > 0.15 and abs(peak.start_s - start_s) < (_REACH - 0.5) / FRAME_RATE:
            yield float(part.mean()) / FRAME_RATE, peak.start_s - start_s, 1 / max(peak.spread_s, 1e-4) ** 2


def _spread(sounds: Sequence[DialogueSound]) -> list[DialogueSound]:
    """Of each stretch of the movie's dialogues the one with most to hear."""
    shares = np.array_split(np.arange(len(sounds)), min(len(sounds), limits.PROBES))
    return [
        max((sounds[n] for n in share), key=lambda sound: float(sound.heard.sum())) for share in shares if len(share)
    ]


def _loudest(sound: DialogueSound) -> DialogueSound:
    """The stretch of a sound with most to hear, short enough for a speed that is not exact."""
    length = round(limits.PROBE_S * FRAME_RATE)
    if len(sound.heard) <= length:
        return sound
    sums = np.concatenate([[0.0], np.cumsum(sound.heard)])
    first = int(np.argmax(sums[length:] - sums[:-length]))
    return DialogueSound(
        id=sound.id,
        kind=sound.kind,
        changes=sound.changes[first : first + length],
        heard=sound.heard[first : first + length],
    )


def _others() -> Iterator[float]:
    count = round((limits.FASTEST - limits.SLOWEST) / limits.SPEED_STEP) + 1
    return (limits.SLOWEST + n * limits.SPEED_STEP for n in range(count))


def _speeds(rates: Iterable[float]) -> list[SoundSpeed]:
    """Each rate with the pitch moved by as much, then all with the pitch kept."""
    rates = list(rates)
    moved = [SoundSpeed(rate, rate) for rate in rates]
    return moved + [SoundSpeed(rate, 1.0) for rate in rates if rate != 1]

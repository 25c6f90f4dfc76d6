"""Finding a dialogue's sound in a recording: a matched filter over how energy changes between bands.

Where the sound is, each of some hundred independent numbers agrees a little, also through loud music or a coarse
codec; where it is not, they cancel out. Agreement is therefore counted in standard deviations over all places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_audio import audio_limits as limits
from mmdia_dataset.alignment.by_audio.dialogue_sounds import DialogueSound
from mmdia_dataset.alignment.by_fingerprint.changes import CHANGES, changes_of
from mmdia_dataset.alignment.by_fingerprint.correlation import fast_length
from mmdia_dataset.alignment.soundtrack import FRAME_RATE, Soundtrack

__all__ = ["SoundHit", "SoundPeak", "SoundSearch"]

_STEP = 4  # frames: 40 ms, half the width of a match
_RATE = FRAME_RATE // _STEP
_APART = _RATE  # another place lies at least a second away
_LEAST_ENERGY = 0.1  # of the recording's mean: a match of whispers counts for little


@dataclass(frozen=True, slots=True)
class SoundHit:
    """A place where a sound may be.

    Attributes:
        start_s: recording time of its first frame [s], to 20 ms.
        strength: agreement in standard deviations over all places.
    """

    start_s: float
    strength: float


@dataclass(frozen=True, slots=True)
class SoundPeak:
    """The best place near one.

    Attributes:
        start_s: recording time of the sound's first frame [s].
        score: agreement, -1 to 1.
        spread_s: standard error of the place [s].
    """

    start_s: float
    score: float
    spread_s: float


class SoundSearch:
    """A recording, prepared to be searched for sounds at one pitch.

    Args:
        soundtrack: the recording's.
        pitch: how much higher it sounds than the release's sounds.
        longest_s: of the sounds [s of recording time].
    """

    def __init__(self, soundtrack: Soundtrack, pitch: float, longest_s: float) -> None:
        self.changes = changes_of(soundtrack, pitch)
        self._count = max(1, len(self.changes) // _STEP)
        whole = np.pad(self.changes, ((0, max(0, _STEP - len(self.changes))), (0, 0)))[: self._count * _STEP]
        coarse = whole.reshape(self._count, _STEP, CHANGES).mean(axis=1)
        energy = (coarse * coarse).sum(axis=1)
        self._usual = float(energy.mean()) + 1e-6
        self._size = fast_length(self._count + round(longest_s * _RATE) + 2)
        self._transforms = [np.fft.rfft(band, self._size).astype(np.complex64) for band in coarse.T]
        self._energy = np.fft.rfft(energy, self._size).astype(np.complex64)

    def hits(self, sound: DialogueSound, rate: float) -> tuple[SoundHit, ...]:
        """The places that fit best, at least a second apart, the best one first.

        Args:
            sound: it.
            rate: movie seconds per recording second.
        """
        changes, heard = _played(sound, rate)
        count = -(-len(heard) // _STEP)
        padding = count * _STEP - len(heard)
        coarse = np.pad(changes, ((0, padding), (0, 0))).reshape(count, _STEP, CHANGES).mean(axis=1)
        weight = np.pad(heard, (0, padding)).reshape(count, _STEP).mean(axis=1)
        total = np.zeros(self._size // 2 + 1, np.complex64)
        for transform, band in zip(self._transforms, coarse.T, strict=True):
            total += transform * np.conj(np.fft.rfft(band, self._size))
        agree = np.fft.irfft(total, self._size)
        energy = np.fft.irfft(self._energy * np.conj(np.fft.rfft(weight, self._size)), self._size)
        scores = agree / np.sqrt(np.maximum(energy, _LEAST_ENERGY * self._usual * float(weight.sum())))
        inside = np.concatenate([scores[: self._count], scores[self._size - count :]])
        inside = inside / (1.4826 * float(np.median(np.abs(inside - np.median(inside)))) + 1e-9)
        hits: list[SoundHit] = []
        for _ in range(limits.HITS):
            best = int(np.argmax(inside))
            start = best if best < self._count else best - self._count - count
            hits.append(SoundHit((start * _STEP) / FRAME_RATE, float(inside[best])))
            inside[max(0, best - _APART) : best + _APART + 1] = -np.inf
        return tuple(hits)

    def peak(self, sound: DialogueSound, rate: float, start_s: float, reach: int) -> SoundPeak:
        """The best place within `reach` frames of one, by a parabola through its neighbours."""
        changes, heard = _played(sound, rate)
        used = np.flatnonzero(heard)
        shifts = np.arange(-reach - 1, reach + 2)
        place = start_s * FRAME_RATE
        floor = int(np.floor(place))
        part = np.float32(place - floor)
        index = floor + used[:, None] + np.append(shifts, reach + 2)
        inside = (index >= 0) & (index < len(self.changes))
        around = self.changes[np.clip(index, 0, max(0, len(self.changes) - 1))] * inside[:, :, None]
        values = around[:, :-1] * (1 - part) + around[:, 1:] * part
        wanted = changes[used][:, None]
        agree = (values * wanted).sum(axis=(0, 2), dtype=np.float64)
        energy = (values * values).sum(axis=(0, 2), dtype=np.float64)
        floor_energy = _LEAST_ENERGY * self._usual * len(used)
        scores = agree / np.sqrt(np.maximum(energy, floor_energy) * float((wanted * wanted).sum()) + 1e-9)
        best = int(np.argmax(scores[1:-1])) + 1
        before, here, after = scores[best - 1 : best + 2]
        bend = before - 2 * here + after
        vertex = float(np.clip(0.5 * (before - after) / bend, -1, 1)) if bend < 0 else 0.0
        # Changes are smoothed over 23 frames, so that about one frame in ten is new.
        noise = np.sqrt(max(0.02, 1 - here * here) / (CHANGES * max(1.0, len(used) / 10)))
        spread = float(noise / max(-bend, 1e-3)) / 2
        shift = float(shifts[best]) + vertex
        return SoundPeak(start_s + shift / FRAME_RATE, float(here), spread / FRAME_RATE)

    def products(self, sound: DialogueSound, rate: float, start_s: float) -> tuple[NDArray[np.float32], ...]:
        """Of each frame of a sound at a place: agreement, both energies, and whether it is to be heard.

        Outside the recording, energies of the recording are its usual ones and agree with nothing.
        """
        changes, heard = _played(sound, rate)
        places = np.rint(start_s * FRAME_RATE + np.arange(len(changes))).astype(np.int64)
        inside = (places >= 0) & (places < len(self.changes))
        values = self.changes[np.clip(places, 0, max(0, len(self.changes) - 1))] * inside[:, None]
        energy = (values * values).sum(axis=1) * heard + _LEAST_ENERGY * self._usual * heard
        return (values * changes).sum(axis=1), (changes * changes).sum(axis=1), energy, heard


def _played(sound: DialogueSound, rate: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A sound's changes and weights as a recording of some speed plays them."""
    if abs(rate - 1) < 1e-9:
        return sound.changes, sound.heard
    places = np.arange(max(1, int(len(sound.heard) / rate))) * rate
    floor = np.minimum(places.astype(np.int64), len(sound.heard) - 1)
    following = np.minimum(floor + 1, len(sound.heard) - 1)
    part = (places - floor).astype(np.float32)
    changes = sound.changes[floor] * (1 - part)[:, None] + sound.changes[following] * part[:, None]
    return changes, sound.heard[floor]

"""The sounds of a movie's dialogues with all their places in one recording, at its exact speed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mmdia_dataset.alignment.by_audio import audio_limits as limits
from mmdia_dataset.alignment.by_audio.dialogue_sounds import DialogueSound
from mmdia_dataset.alignment.by_audio.sound_search import SoundSearch
from mmdia_dataset.alignment.by_audio.sound_speed import FoundSound, drift_of, find_sound_speed, found_sound
from mmdia_dataset.alignment.soundtrack import Soundtrack

__all__ = ["FoundSounds", "at_rate", "find_sounds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSounds:
    """All sounds with their places in one recording, at its exact speed."""

    search: SoundSearch
    rate: float
    sounds: dict[str, DialogueSound]
    places: dict[str, tuple[FoundSound, ...]]

    def clear(self, id_: str) -> FoundSound | None:
        """Where a sound surely is, by itself."""
        first, *others = self.places.get(id_, ()) or (None,)
        if first is None or first.strength < limits.FOUND:
            return None
        return first if not others or first.strength >= limits.CLEAR * others[0].strength else None


def find_sounds(heard: Mapping[str, DialogueSound], soundtrack: Soundtrack) -> FoundSounds | None:
    """Every sound's places, None if too few are heard at any speed."""
    sounds = list(heard.values())
    speed = find_sound_speed(sounds, soundtrack)
    if speed is None:
        return None
    search = SoundSearch(soundtrack, speed.pitch, max(sound.length_s for sound in sounds) / speed.rate)
    places = {
        sound.id: tuple(
            found_sound(search, sound, speed.rate, hit.start_s, hit.strength)
            for hit in search.hits(sound, speed.rate)
            if hit.strength >= limits.NEAR
        )
        for sound in sounds
    }
    found = FoundSounds(search=search, rate=speed.rate, sounds=dict(heard), places=places)
    clear = [(sound, place) for sound in sounds if (place := found.clear(sound.id)) is not None]
    return at_rate(found, drift_of(search, clear, speed.rate)) if clear else None


def at_rate(found: FoundSounds, rate: float) -> FoundSounds:
    """The same at a speed that differs little: the middles of sounds stay where they are."""
    places: dict[str, tuple[FoundSound, ...]] = {}
    for id_, before in found.places.items():
        sound = found.sounds[id_]
        half_s = sound.length_s / 2
        moved_s = half_s / found.rate - half_s / rate
        places[id_] = tuple(
            found_sound(found.search, sound, rate, place.start_s + moved_s, place.strength) for place in before
        )
    return replace(found, rate=rate, places=places)

"""What is heard of the sounds that a release brings: how energy changes between bands, and where there is something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_audio import audio_limits as limits
from mmdia_dataset.alignment.by_fingerprint.changes import changes_of, loudness_of
from mmdia_dataset.alignment.cues import cued
from mmdia_dataset.alignment.soundtrack import FRAME_RATE, Soundtrack, listen
from mmdia_dataset.errors import MediaError
from mmdia_dataset.media import sound_of
from mmdia_dataset.schema import AudioKind, Dialogue

__all__ = ["DialogueSound", "SoundFiles", "hear_pauses", "hear_sounds"]

SoundFiles: TypeAlias = Mapping[AudioKind, str]
"""The paths of the files that a release has of one dialogue."""

_BY_VOICE: tuple[AudioKind, ...] = ("voice", "voice_44k", "film", "mix")
"""Which of a dialogue's sounds is looked for: voices first, since music is the same in a dub."""

_WITH_MUSIC: tuple[AudioKind, ...] = ("background", "mix", "film")
"""Which of them tells a dub from another film: music and effects are the same in it."""

_VOICES: tuple[AudioKind, ...] = ("voice", "voice_44k")


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueSound:
    """The sound of one dialogue as it is looked for, a hundred frames a second.

    Attributes:
        id: the dialogue's.
        kind: what sound it is.
        changes: (frames, 8), as `changes_of` has them; 0 where nothing is to be heard [dB].
        heard: (frames,), 1 where something is to be heard, else 0.
    """

    id: str
    kind: AudioKind
    changes: NDArray[np.float32]
    heard: NDArray[np.float32]

    @property
    def has_music(self) -> bool:
        """Whether more than voices is to be heard, so that a dub may seem to have it."""
        return self.kind not in _VOICES

    @property
    def length_s(self) -> float:
        """How long the sound is [s]."""
        return len(self.heard) / FRAME_RATE

    def part(self, first: int, after: int) -> DialogueSound:
        """The same, with nothing to be heard outside some frames."""
        inside = np.zeros(len(self.heard), np.float32)
        inside[first:after] = 1
        return DialogueSound(
            id=self.id, kind=self.kind, changes=self.changes * inside[:, None], heard=self.heard * inside
        )


def hear_sounds(
    dialogues: Sequence[Dialogue], files: Mapping[str, SoundFiles]
) -> tuple[dict[str, DialogueSound], dict[str, str]]:
    """Listen to the sounds of a movie's dialogues.

    Args:
        dialogues: of one movie.
        files: those that the release has of each, by the dialogue's id.

    Returns:
        What is heard, by id; and what is wrong with the other sounds, by id.
    """
    heard: dict[str, DialogueSound] = {}
    wrong: dict[str, str] = {}
    for dialogue in dialogues:
        kind = _first(files.get(dialogue.id, {}), _BY_VOICE)
        if kind is None:
            continue
        try:
            soundtrack = _heard(files[dialogue.id][kind], dialogue)
        except MediaError as error:
            wrong[dialogue.id] = f"can't be read: {error}"
            continue
        if not soundtrack.levels.any():
            wrong[dialogue.id] = "is silent"
            continue
        loud = _voiced(dialogue, kind, loudness_of(soundtrack))
        if loud.sum() < limits.LEAST_HEARD_S * FRAME_RATE:
            wrong[dialogue.id] = "holds too little voice"
            continue
        heard[dialogue.id] = _sound_of(dialogue.id, kind, soundtrack, loud)
    return heard, wrong


def hear_pauses(dialogues: Iterable[Dialogue], files: Mapping[str, SoundFiles]) -> Iterator[DialogueSound]:
    """What is heard of a movie's music and effects: the film's own sound between the lines of some dialogues.

    Args:
        dialogues: of one movie.
        files: those that the release has of each, by the dialogue's id.
    """
    for dialogue in dialogues:
        kind = _first(files.get(dialogue.id, {}), _WITH_MUSIC)
        if kind is None:
            continue
        try:
            soundtrack = _heard(files[dialogue.id][kind], dialogue)
        except MediaError:
            continue
        loudness = loudness_of(soundtrack)
        audible = loudness > loudness.max() - limits.PAUSE_RANGE_DB
        if kind != "background":
            audible &= ~_cues(dialogue, len(loudness))
        if audible.sum() >= limits.LEAST_HEARD_S * FRAME_RATE:
            yield _sound_of(dialogue.id, kind, soundtrack, audible)


def _heard(file: str, dialogue: Dialogue) -> Soundtrack:
    """What is heard of a file, as far as it can be the dialogue's. Raises MediaError."""
    return listen(sound_of(file, duration_s=dialogue.span.duration_ms / 1000 + limits.LONGER_S))


def _first(files: SoundFiles, kinds: Sequence[AudioKind]) -> AudioKind | None:
    return next((kind for kind in kinds if kind in files), None)


def _voiced(dialogue: Dialogue, kind: AudioKind, loudness: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where a sound's voices are heard: of a mix, the part of its cues that is louder than what lies between them."""
    loud = loudness > loudness.max() - limits.VOICE_RANGE_DB
    if kind in _VOICES:
        return np.asarray(loud)
    cues = _cues(dialogue, len(loudness))
    loud &= cues
    if (~cues).sum() < limits.LEAST_HEARD_S * FRAME_RATE:
        return np.asarray(loud)
    music = float(np.percentile(loudness[~cues], 75)) + limits.OVER_MUSIC_DB
    return np.asarray(loud & (loudness > music))


def _cues(dialogue: Dialogue, frames: int) -> NDArray[np.bool_]:
    return cued(np.arange(frames) / FRAME_RATE + dialogue.span.start_ms / 1000, [dialogue])


def _sound_of(id_: str, kind: AudioKind, soundtrack: Soundtrack, heard: NDArray[np.bool_]) -> DialogueSound:
    weights = heard.astype(np.float32)
    return DialogueSound(id=id_, kind=kind, changes=changes_of(soundtrack) * weights[:, None], heard=weights)

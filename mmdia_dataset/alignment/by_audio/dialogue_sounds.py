"""What is heard of the sounds that a release brings: how energy changes between bands, and where there is something."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_audio import audio_limits as limits
from mmdia_dataset.alignment.by_fingerprint.changes import changes_of, loudness_of
from mmdia_dataset.alignment.cues import cued
from mmdia_dataset.alignment.soundtrack import FRAME_RATE, Soundtrack, listen
from mmdia_dataset.errors import MediaError
from mmdia_dataset.media import sound_of
from mmdia_dataset.release import first_kind
from mmdia_dataset.schema import AudioKind, Dialogue

__all__ = ["DialogueSound", "MovieSounds", "SoundFiles", "doubted"]

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


class MovieSounds:
    """The sounds that a release has of a movie's dialogues; each file is heard once, when it is first asked for.

    Args:
        dialogues: of the movie.
        files: those of each, by the dialogue's id.
    """

    def __init__(self, dialogues: Sequence[Dialogue], files: Mapping[str, SoundFiles]) -> None:
        self.dialogues = dialogues
        self._files = files
        self._pauses: dict[str, DialogueSound | None] = {}

    @property
    def heard(self) -> Mapping[str, DialogueSound]:
        """The sounds that can be looked for, by id."""
        return self._lines[0]

    @property
    def wrong(self) -> Mapping[str, str]:
        """What is wrong with the others, by id."""
        return self._lines[1]

    def pauses(self, dialogues: Sequence[Dialogue]) -> list[DialogueSound]:
        """Music and effects: the film's own sound between the lines of some of the dialogues, where there is any."""
        for dialogue in dialogues:
            if dialogue.id not in self._pauses:
                self._pauses[dialogue.id] = self._pause(dialogue)
        return [pause for dialogue in dialogues if (pause := self._pauses[dialogue.id]) is not None]

    @cached_property
    def _lines(self) -> tuple[dict[str, DialogueSound], dict[str, str]]:
        heard: dict[str, DialogueSound] = {}
        wrong: dict[str, str] = {}
        for dialogue in self.dialogues:
            line = self._line(dialogue)
            if isinstance(line, DialogueSound):
                heard[dialogue.id] = line
            elif line is not None:
                wrong[dialogue.id] = line
        return heard, wrong

    def _line(self, dialogue: Dialogue) -> DialogueSound | str | None:
        """What is heard of a dialogue's voices, or what is wrong with its sound; None if it has none."""
        try:
            listened = self._listened(dialogue, _BY_VOICE)
        except MediaError as error:
            return f"can't be read: {error}"
        if listened is None:
            return None
        kind, soundtrack = listened
        if not soundtrack.levels.any():
            return "is silent"
        loud = _voiced(dialogue, kind, loudness_of(soundtrack))
        if loud.sum() < limits.LEAST_HEARD_S * FRAME_RATE:
            return "holds too little voice"
        return _sound_of(dialogue.id, kind, soundtrack, loud)

    def _pause(self, dialogue: Dialogue) -> DialogueSound | None:
        try:
            listened = self._listened(dialogue, _WITH_MUSIC)
        except MediaError:
            return None
        if listened is None:
            return None
        kind, soundtrack = listened
        loudness = loudness_of(soundtrack)
        audible = loudness > loudness.max() - limits.PAUSE_RANGE_DB
        if kind != "background":
            audible &= ~_cues(dialogue, len(loudness))
        if audible.sum() < limits.LEAST_HEARD_S * FRAME_RATE:
            return None
        return _sound_of(dialogue.id, kind, soundtrack, audible)

    def _listened(self, dialogue: Dialogue, kinds: Sequence[AudioKind]) -> tuple[AudioKind, Soundtrack] | None:
        """The first of some kinds, heard as far as it can be the dialogue's. Raises MediaError."""
        files = self._files.get(dialogue.id, {})
        kind = first_kind(files, kinds)
        if kind is None:
            return None
        longest_s = dialogue.span.duration_ms / 1000 + limits.LONGER_S
        return kind, listen(sound_of(files[kind], duration_s=longest_s))


def doubted(dialogues: Iterable[Dialogue], sounds: Mapping[str, DialogueSound]) -> frozenset[str]:
    """Those of some dialogues with sounds that are longer or shorter than they should be, beside what is usual."""
    longer = {
        dialogue.id: sounds[dialogue.id].length_s - dialogue.span.duration_ms / 1000
        for dialogue in dialogues
        if dialogue.id in sounds
    }
    usual = float(np.median(list(longer.values()))) if longer else 0.0
    return frozenset(id_ for id_, by_s in longer.items() if abs(by_s - usual) > limits.LENGTH_S)


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

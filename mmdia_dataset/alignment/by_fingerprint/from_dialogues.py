"""A movie's timing fingerprint from the sounds of its dialogues, without any recording of it: one with gaps.

Each sound is heard by itself and laid at its dialogue's time in the movie. A frame is known if all sound that has a
part in it is the dialogue's. What is quiet is not known: codecs spoil it, and where the sound is a separated voice, the
film covers it with other sound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_fingerprint import fingerprint_limits as limits
from mmdia_dataset.alignment.by_fingerprint.changes import AROUND_S, changes_of, loudness_of
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import (
    FRAMES_PER_SECOND,
    MOST_FRAMES,
    FingerprintPart,
    TimingFingerprint,
)
from mmdia_dataset.alignment.soundtrack import FRAME_RATE, listen
from mmdia_dataset.errors import MediaError
from mmdia_dataset.media import SOUND_RATE, sound_of
from mmdia_dataset.timing import Span

__all__ = ["LaidSound", "fingerprint_of_dialogues"]

_FRAME_MS = 1000 // FRAMES_PER_SECOND
# A release's sound ends about 0.1 s after its dialogue; so much more or less is no other length [s]. Not measured.
_SHORTER_S, _LONGER_S = 0.3, 0.6
# Sound so much below a dialogue's loud parts is not known [dB]. Of 20, 25, 30 and 35, tried on a film's mix and voices
# through a coarse codec, 25 alone had no dialogue refused that was there. Not measured on other films.
_QUIET_DB = 25.0


@dataclass(frozen=True, slots=True)
class LaidSound:
    """A file with the sound of a dialogue.

    Attributes:
        dialogue: its id.
        span: of the dialogue, in the movie; the sound begins with it.
        path: the file.
    """

    dialogue: str
    span: Span
    path: Path


def fingerprint_of_dialogues(sounds: Sequence[LaidSound], duration_ms: int) -> tuple[TimingFingerprint, dict[str, str]]:
    """The fingerprint of a movie, and by dialogue why a sound was left out.

    Where dialogues overlap, the one that begins first is heard.

    Args:
        sounds: of the movie's dialogues.
        duration_ms: length of the movie, as far as it is known: no dialogue ends later.
    """
    left_out: dict[str, str] = {}
    frames = min(-(-duration_ms // _FRAME_MS), MOST_FRAMES)

    def parts() -> Iterator[FingerprintPart]:
        for sound in sorted(sounds, key=lambda sound: (sound.span, sound.dialogue)):
            part = _part(sound)
            if isinstance(part, str):
                left_out[sound.dialogue] = part
            else:
                yield part

    return TimingFingerprint.of_parts(parts(), frames), left_out


def _part(sound: LaidSound) -> FingerprintPart | str:
    """What is heard of a dialogue, or why it is not used."""
    length_s = sound.span.duration_ms / 1000
    if sound.span.end_ms > MOST_FRAMES * _FRAME_MS:
        return "by its times, it lies beyond 48 hours"
    first, early_ms = divmod(sound.span.start_ms, _FRAME_MS)
    samples = 0

    def blocks() -> Iterator[NDArray[np.float32]]:
        nonlocal samples
        # Silence before it, so that the frames of the sound lie where those of the movie do.
        yield np.zeros(early_ms * SOUND_RATE // 1000, np.float32)
        for block in sound_of(sound.path, duration_s=length_s + 2 * _LONGER_S):
            samples += len(block)
            yield block

    try:
        soundtrack = listen(blocks())
    except MediaError as error:
        return error.what
    heard_s = samples / SOUND_RATE
    if not length_s - _SHORTER_S <= heard_s <= length_s + _LONGER_S:
        heard = f"{heard_s:.1f} s" if heard_s < length_s else f"more than {length_s + _LONGER_S:.1f} s"
        return f"it has {heard} of sound, but the dialogue has {length_s:.1f} s"
    step = FRAME_RATE // FRAMES_PER_SECOND
    changes = changes_of(soundtrack)[::step]
    times = np.arange(len(changes)) / FRAMES_PER_SECOND
    start_s = early_ms / 1000
    known = (times >= start_s + AROUND_S) & (times < start_s + heard_s - AROUND_S)
    known &= (np.abs(changes) >= limits.SILENT_DB).any(axis=1)
    if not known.any():
        return "it is silent, or too short to be heard"
    loudness = loudness_of(soundtrack)[::step]
    known &= loudness > np.quantile(loudness[known], 0.9) - _QUIET_DB
    return FingerprintPart(first, changes, known)

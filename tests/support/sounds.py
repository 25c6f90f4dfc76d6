"""Sounds and videos of a release, tiny ones, where the authors' decoder or somebody else would put them."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

ENDINGS = {"voice": "", "voice_44k": "_44k", "mix": "_orig", "background": "_no_vocals"}


def write_wav(file: Path, milliseconds: int, rate: int = 24000) -> Path:
    """Silence, mono, 16 bits."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(bytes(2 * round(milliseconds * rate / 1000)))
    return file


def sound_file(release: Path, movie: str, number: int, kind: str = "voice", *, flat: bool = False) -> Path:
    """Where the sound of a dialogue of the batch `movie` goes: in a folder of its own, or flat."""
    folder = release / "audio" / "movie" / movie
    return (folder if flat else folder / f"clip_{number:03}") / f"clip_{number:03}{ENDINGS[kind]}.wav"


def add_sounds(release: Path, spans: dict[str, list[tuple[int, int]]], *kinds: str, flat: bool = False) -> None:
    """Give every dialogue of these movies silence of these kinds, as long as its span and a tenth of a second."""
    for movie, mine in spans.items():
        for number, (start, end) in enumerate(mine):
            for kind in kinds or ("voice",):
                write_wav(sound_file(release, movie, number, kind, flat=flat), end - start + 100)


def add_video(release: Path, movie: str, number: int, film: Path) -> Path:
    """Give a dialogue a video of the release."""
    file = release / "video" / "movie" / movie / f"clip_{number:03}.mp4"
    file.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(film, file))

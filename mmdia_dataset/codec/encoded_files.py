"""Which encoded sounds of a release have still to be decoded, and where the decoded ones go.

`audio_encoded/<batch>/<movie>/<clip>/<name>.dac` becomes `audio/<batch>/<movie>/<clip>/<name>.flac`.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from mmdia_dataset.release import ENCODED, ReleaseAudio
from mmdia_dataset.schema import AudioKind

__all__ = ["EncodedFile", "EncodedFiles", "encoded_files"]

_SOUNDS = (".flac", ".wav", ".opus", ".ogg", ".mp3", ".m4a")
_MARK = "_encoded"


@dataclass(frozen=True, slots=True)
class EncodedFile:
    """A file to decode.

    Attributes:
        path: the `.dac` file.
        target: the decoded one.
        bytes: size of the `.dac` file.
    """

    path: Path
    target: Path
    bytes: int


@dataclass(slots=True)
class EncodedFiles:
    """The encoded sounds of a release.

    Attributes:
        wanted: those to decode, by path.
        kept: how many have been decoded before.
        failed: those that can't be, and why.
    """

    wanted: list[EncodedFile] = field(default_factory=list)
    kept: int = 0
    failed: dict[Path, str] = field(default_factory=dict)


def encoded_files(root: Path, out: Path, kinds: Collection[AudioKind], suffix: str) -> EncodedFiles:
    """List the encoded sounds of a release, in less than a minute for the whole of MM-DIA.

    A sound of any format in a target's place is left as it is: ours are whole or absent.

    Args:
        root: the release's folder.
        out: the folder in which `audio` is made, the release itself or another.
        kinds: of sound, all that are wanted.
        suffix: of the files to make, with its dot.
    """
    audio = ReleaseAudio.of(root)
    files = EncodedFiles()
    links = [link for link in audio.outside if link.suffix.lower() == ENCODED or link.is_dir()]
    files.failed.update(dict.fromkeys(links, "the link leads out of the release; put what it leads to in its place"))
    files.failed.update(dict.fromkeys(audio.nameless, "its name or folder does not say which movie's clip it is"))
    places: dict[Path, Path] = {}  # by the folder of encoded sounds
    folders: dict[Path, set[str] | None] = {}
    for sound in sorted(audio.encoded(), key=lambda sound: sound.path):
        if sound.kind not in kinds:
            continue
        path = sound.path
        if path.parent not in places:
            top, folder = _decoded(path.parent.relative_to(root))
            places[path.parent] = out / folder
            folders.setdefault(out / folder, _sounds_in(out / folder, out / top))
        folder = places[path.parent]
        there = folders[folder]
        if there is None:
            files.failed[path] = f"a link leads out of {folder}; remove it, or choose another --out"
        elif path.stem in there:
            files.kept += 1
        else:
            there.add(path.stem)
            files.wanted.append(EncodedFile(path, folder / f"{path.stem}{suffix}", _size(path)))
    return files


def _decoded(folder: Path) -> tuple[Path, Path]:
    """Where the sounds of a folder go: the topmost folder of sounds, `_encoded` left out of its name, and theirs."""
    parts = list(folder.parts)
    top = next(number for number, name in enumerate(parts) if name.lower().startswith("audio"))
    parts[top] = parts[top].replace(_MARK, "")
    return Path(*parts[: top + 1]), Path(*parts)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # what is wrong is said by whoever reads it


def _sounds_in(folder: Path, top: Path) -> set[str] | None:
    """The stems of the sounds in a folder, None if a link leads out of what lies below `top`, which may be a link."""
    base = os.path.realpath(top)
    if not f"{os.path.realpath(folder)}{os.sep}".startswith(f"{base}{os.sep}"):
        return None
    try:
        with os.scandir(folder) as entries:
            return {
                Path(entry.name).stem
                for entry in entries
                if entry.name.lower().endswith(_SOUNDS) and entry.is_file() and entry.stat().st_size
            }
    except (FileNotFoundError, NotADirectoryError):
        return set()  # whoever writes there says what is wrong

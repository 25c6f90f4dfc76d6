"""The sound that a release brings of its dialogues: which file is which dialogue's, by the names of files alone.

Released or decoded sound lies below folders whose names begin with `audio`, videos below such as begin with `video`:

    audio/<batch>/<movie>/clip_007/clip_007.wav     the voices, 24 kHz; with _44k the same at 44.1 kHz, with _orig the
                                                    film's mix, with _no_vocals what separation took away
    audio/<batch>/<movie>/clip_007.wav              without a folder of its own
    audio/<batch>/dia_7.wav                         of a batch that is one movie
    audio/<batch>/<dialogue's id>.wav               by id
    video/<batch>/<movie>/clip_007.mp4              the film's picture and sound

Numbers have as many zeros before them as somebody liked. <movie> is the movie's id, or an episode's own file name.
Encoded sound (`.dac`, below such as `audio_encoded`) has the same names; `mmdia decode` makes sound of it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmdia_dataset.files import state_of
from mmdia_dataset.schema import AUDIO_KINDS, AudioKind, Dialogue

__all__ = ["ENCODED", "HEARD_BEST", "LISTENED_TO", "ReleaseAudio", "ReleasedSound", "first_kind", "media_folders"]

ENCODED = ".dac"
"""How files of the neural codec are named."""

LISTENED_TO: tuple[AudioKind, ...] = ("voice", "voice_44k", "mix", "film")
"""Kinds that hold a dialogue's voices, as rows prefer them."""

HEARD_BEST: tuple[AudioKind, ...] = ("mix", "film", "voice_44k", "voice")
"""The same, by how well they are found in a film."""

_SOUNDS = (".wav", ".flac", ".opus", ".ogg", ".mp3", ".m4a")  # of two files of one kind, the first in this order
_VIDEOS = (".mp4", ".mkv", ".webm", ".mov")
_KINDS: dict[str, AudioKind] = {"": "voice", "_44k": "voice_44k", "_orig": "mix", "_no_vocals": "background"}
_NAME = re.compile(r"(?:(?P<movie>.+)_)?(?:clip|dia)_(?P<number>\d{1,9})(?P<kind>_44k|_orig|_no_vocals)?", re.DOTALL)
_FOLDER = re.compile(r"(?:(?P<movie>.+)_)?(?:clip|dia)_(?P<number>\d{1,9})", re.DOTALL)
_ROOTS = ("audio", "video")
_UNSAYABLE = re.compile(r"[\\\x00-\x1f\x7f\ud800-\udfff]")  # no row can name such a file


@dataclass(frozen=True, slots=True)
class ReleasedSound:
    """A file with the sound of a dialogue.

    Attributes:
        kind: what sound it is.
        path: the file.
    """

    kind: AudioKind
    path: Path


@dataclass(slots=True)
class _Files:
    """What lies under one number of one folder."""

    batch: str | None
    names: dict[AudioKind, str] = field(default_factory=dict)
    encoded: list[tuple[AudioKind, str]] = field(default_factory=list)
    taken: bool = False


class ReleaseAudio:
    """The sounds of a release, found by names. Made by `of`; no file is opened.

    Attributes:
        root: the release's folder.
        outside: links that lead out of the release; they are not followed.
        nameless: files of encoded sound whose names say no number or no movie; they are no dialogue's.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.outside: list[Path] = []
        self.nameless: list[Path] = []
        self._clips: dict[tuple[str, int], list[_Files]] = {}
        self._files = 0

    @classmethod
    def of(cls, root: Path) -> ReleaseAudio:
        """List the sounds of a release, in seconds for the whole of MM-DIA.

        Args:
            root: the release's folder. A folder `audio` or `video` may be a link to another disk.
        """
        audio = cls(root)
        for top in media_folders(root):
            audio._take(top)
        return audio

    def __bool__(self) -> bool:
        """Whether any sound is there, encoded ones aside."""
        return self._files > 0

    def __len__(self) -> int:
        """How many files are known."""
        return self._files

    def names_of(self, dialogue: Dialogue) -> Mapping[AudioKind, str]:
        """The paths of a dialogue's files by kind, as the index has them: no copies, so that all fit in memory."""
        return self.names_at(dialogue.movie, dialogue.batch, dialogue.number)

    def names_at(self, movie: str, batch: str | None, number: int) -> Mapping[AudioKind, str]:
        """The same, for who has no model of the dialogue."""
        found = self._found(movie, batch, number)
        if found is None:
            return {}
        found.taken = True
        return found.names

    def files_of(self, dialogue: Dialogue) -> Mapping[AudioKind, Path]:
        """The files of a dialogue by kind; empty where the release has none."""
        return {kind: Path(name) for kind, name in self.names_of(dialogue).items()}

    def inside(self, name: str) -> str:
        """A file's path from the release on."""
        return name.removeprefix(os.path.join(os.fspath(self.root), ""))  # noqa: PTH118

    def fingerprint(self, kinds: Sequence[AudioKind] = AUDIO_KINDS) -> str:
        """A hash that changes when a file of these kinds is added, removed or replaced, from names, sizes and times."""
        digest = hashlib.sha256()
        names = (name for files in self._distinct() for kind, name in files.names.items() if kind in kinds)
        for name in sorted(names):
            if (state := state_of(name)) is not None:
                digest.update(f"{self.inside(name)}\0{state}\n".encode(errors="replace"))
        return digest.hexdigest()[:32]

    def sound_of(self, dialogue: Dialogue, kinds: tuple[AudioKind, ...] = LISTENED_TO) -> ReleasedSound | None:
        """The file to use of a dialogue, None if it has none.

        Args:
            dialogue: whose.
            kinds: those that will do, the preferred one first.
        """
        files = self.files_of(dialogue)
        kind = first_kind(files, kinds)
        return None if kind is None else ReleasedSound(kind, files[kind])

    def is_encoded_only(self, dialogue: Dialogue) -> bool:
        """Whether a dialogue's sound is there, but was not decoded yet."""
        found = self._found(dialogue.movie, dialogue.batch, dialogue.number)
        return found is not None and bool(found.encoded) and not found.names

    @property
    def undecoded(self) -> int:
        """How many clips have encoded sound and no other."""
        return sum(bool(files.encoded) and not files.names for files in self._distinct())

    def encoded(self) -> Iterator[ReleasedSound]:
        """Every file of encoded sound, whosever it is."""
        for files in self._distinct():
            for kind, name in files.encoded:
                yield ReleasedSound(kind, Path(name))

    def unclaimed(self) -> Iterator[Path]:
        """One file of each clip that no dialogue asked for, since `of`."""
        for files in self._distinct():
            if not files.taken and files.names:
                yield Path(next(iter(files.names.values())))

    def _distinct(self) -> Iterator[_Files]:
        known: set[int] = set()
        for clips in self._clips.values():
            for files in clips:
                if id(files) not in known:
                    known.add(id(files))
                    yield files

    def _found(self, movie: str, batch: str | None, number: int) -> _Files | None:
        clips = self._clips.get((movie, number)) or (self._clips.get((f"{batch}/", number)) if batch else None) or []
        same_batch = [files for files in clips if files.batch == batch]
        chosen = same_batch or clips
        return chosen[0] if len(chosen) == 1 else None  # of two, nobody knows which

    def _take(self, top: Path) -> None:
        """Index the files below a folder of sounds or videos."""
        video = top.name.lower().startswith("video")
        base = os.path.realpath(top)
        inside = (base, os.path.realpath(self.root))
        by_place: dict[tuple[str, str, int], _Files] = {}
        pending: list[tuple[str, tuple[str, ...]]] = [(os.fspath(top), ())]
        while pending:
            folder, parts = pending.pop()
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                if entry.name.startswith(".") or _UNSAYABLE.search(entry.name):
                    continue
                if entry.is_symlink() and not self._stays(entry.path, inside):
                    self.outside.append(Path(entry.path))
                elif entry.is_dir():
                    if not entry.is_symlink() and len(parts) < 8:
                        pending.append((entry.path, (*parts, entry.name)))
                elif entry.is_file():
                    self._add(entry.path, entry.name, parts, video, by_place)

    def _add(
        self, path: str, name: str, parts: tuple[str, ...], video: bool, by_place: dict[tuple[str, str, int], _Files]
    ) -> None:
        stem, suffix = os.path.splitext(name)  # noqa: PTH122 - 200,000 of them
        suffix = suffix.lower()
        encoded = suffix == ENCODED and not video
        if suffix not in (_VIDEOS if video else _SOUNDS) and not encoded:
            return
        match = _NAME.fullmatch(stem)
        if match is None:
            if encoded:
                self.nameless.append(Path(path))
            return
        number = int(match["number"])
        if parts and (own := _FOLDER.fullmatch(parts[-1])) is not None and int(own["number"]) == number:
            parts = parts[:-1]
            named = match["movie"] or own["movie"]
        else:
            named = match["movie"]
        batch, folder = _home(parts, named is not None)
        if encoded and folder is None and named is None:
            self.nameless.append(Path(path))
            return
        place = ("/".join(parts), named or "", number)
        files = by_place.get(place)
        if files is None:
            files = self._joined(batch, folder, named, number)
            by_place[place] = files
        kind: AudioKind = "film" if video else _KINDS[match["kind"] or ""]
        if encoded:
            files.encoded.append((kind, path))
            return
        known = files.names.get(kind)
        order = _VIDEOS if video else _SOUNDS
        if known is None or order.index(suffix) < order.index(os.path.splitext(known)[1].lower()):  # noqa: PTH122
            files.names[kind] = path
        self._files += known is None

    def _joined(self, batch: str | None, folder: str | None, named: str | None, number: int) -> _Files:
        """The files of a clip, of sound and of video together."""
        keys = _keys(batch, folder, named)
        for key in keys:
            for files in self._clips.get((key, number), ()):
                if files.batch == batch:
                    return files
        files = _Files(batch)
        for key in keys:
            self._clips.setdefault((key, number), []).append(files)
        return files

    def _stays(self, path: str, inside: tuple[str, ...]) -> bool:
        """Whether a link leads to something below the folders given, or to the Hub cache's file of a snapshot."""
        real = os.path.realpath(path)
        snapshot = os.path.dirname(inside[-1])  # noqa: PTH120
        blobs = os.path.join(os.path.dirname(snapshot), "blobs")  # noqa: PTH118, PTH120
        if os.path.basename(snapshot) == "snapshots" and os.path.dirname(real) == blobs:  # noqa: PTH119, PTH120
            return True
        return any(real.startswith(f"{base}{os.sep}") for base in inside)


def first_kind(files: Container[AudioKind], kinds: Iterable[AudioKind]) -> AudioKind | None:
    """The first of some kinds of sound that a dialogue has a file of."""
    return next((kind for kind in kinds if kind in files), None)


def _home(parts: tuple[str, ...], named: bool) -> tuple[str | None, str | None]:
    """Batch and movie's folder of a file, from the folders it is in; of a file named by id, there may be no more."""
    if not parts:
        return None, None
    if len(parts) == 1:
        return (parts[0], None) if named else (parts[0], parts[0])
    return parts[-2], parts[-1]


def _keys(batch: str | None, folder: str | None, named: str | None) -> set[str]:
    """The ids that the movie of a file may have; a batch that is one movie stands as `<batch>/`."""
    keys = {name.replace(" ", "_") for name in (folder, named) if name}
    keys |= {f"{batch}_{name}".replace(" ", "_") for name in (folder, named) if name and batch}
    if batch is not None and folder == batch:
        keys.add(f"{batch}/")
    return keys


def media_folders(root: Path) -> Iterator[Path]:
    """The folders of sounds and videos of a release, wherever they lie in it."""
    for folder, folders, _ in os.walk(root):
        parent = Path(folder)
        for name in sorted(folders):
            if name.lower().startswith(_ROOTS) and not _UNSAYABLE.search(name):
                yield parent / name
        folders[:] = sorted(
            name
            for name in folders
            if not (name == "clips" or name.lower().startswith((".", *_ROOTS)) or _UNSAYABLE.search(name))
        )

"""The recordings below a folder, told apart from trailers, samples and other extras."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["FilmPart", "MediaFile", "Shelf", "is_video", "piece_of", "read_shelf"]

# fmt: off
_VIDEO_SUFFIXES = frozenset((
    ".avi", ".divx", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg",
    ".mts", ".mxf", ".ogm", ".ogv", ".rmvb", ".ts", ".vob", ".webm", ".wmv",
))
_AUDIO_SUFFIXES = frozenset((
    ".aac", ".ac3", ".dts", ".eac3", ".flac", ".m4a", ".mka", ".mp3", ".oga", ".ogg", ".opus", ".wav", ".wma",
))
# Where network drives and desktops keep what was deleted.
_BINS = frozenset(("#recycle", "$recycle.bin", "@recycle", "lost+found"))
# Folders of extras, as media servers name them. The second lot are common words, and mean it only beside a film.
_EXTRAS = frozenset((
    "backdrops", "behind the scenes", "bonus", "deleted scenes", "extra", "extras", "featurette", "featurettes",
    "interviews", "making of", "sample", "samples", "theme-music", "trailer", "trailers",
))
_EXTRAS_BESIDE_A_FILM = frozenset(("clips", "other", "others", "scenes", "shorts"))
# fmt: on
# Extras beside a film: "Film-trailer.mkv", "Film.sample.mkv", "sample-film.avi". A mere blank before the word is not
# enough where films are called that: "The Interview".
_EXTRA_FILE = re.compile(
    r"(?:^|[-._ ])(?:sample|trailer|teaser)s?[ ._-]?#?\d{0,2}$"
    r"|(?:^|[-._])(?:featurette|behindthescenes|deleted(?:scene)?|interview|making-?of|commentary)s?$"
    r"|[^ ]-(?:scene|short|other|extra|clip)s?$"
    r"|^sample[-._ ]|^theme$",
    re.IGNORECASE,
)
_CD = re.compile(r"(?<![a-z0-9])(?:(?:cd|dis[ck])[ ._-]?[1-9a-d]|dvd[ ._-]?[1-4])(?![a-z0-9])", re.IGNORECASE)
_PART = re.compile(r"[ ._\-\[(]+(?:part|pt)[ ._-]?(\d{1,2}|[a-d])[\])]?$", re.IGNORECASE)
_DISC_TITLE = re.compile(r"vts_\d\d_\d|video_ts", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A media file of the user's.

    Attributes:
        path: where it is.
        folders: names of the folders it is in, from the one searched (not included) down.
        file: device and inode: the same for two names of one file.
    """

    path: Path
    folders: tuple[str, ...]
    file: tuple[int, int]

    @property
    def stem(self) -> str:
        """Its name without suffix."""
        return self.path.stem


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What lies below a folder.

    Attributes:
        recordings: by path.
        extras: trailers, samples and the like.
        nfos: names of the .nfo files in each folder.
        counts: the number of recordings in each folder.
        unreadable: folders that could not be listed.
    """

    recordings: list[MediaFile] = field(default_factory=list)
    extras: list[Path] = field(default_factory=list)
    nfos: dict[Path, list[str]] = field(default_factory=dict)
    counts: Counter[Path] = field(default_factory=Counter)
    unreadable: list[Path] = field(default_factory=list)


def is_video(path: Path) -> bool:
    """Whether a file has a picture, by its suffix."""
    return path.suffix.lower() in _VIDEO_SUFFIXES


def read_shelf(folder: Path, is_title: Callable[[str], bool]) -> Shelf:
    """Everything below a folder, at any depth.

    Linked folders are followed, each folder is read once. Hidden files and folders are left alone.

    Args:
        folder: the folder.
        is_title: whether a name is a sought movie's or series' title; such a name is not taken for an extra's.
    """
    shelf = Shelf()
    read_folders: set[tuple[int, int]] = set()
    waiting: list[tuple[Path, tuple[str, ...], bool]] = [(folder, (), False)]
    while waiting:
        current, folders, extra = waiting.pop()
        try:
            status = current.stat()
            if (status.st_dev, status.st_ino) in read_folders:
                continue
            read_folders.add((status.st_dev, status.st_ino))
            below, files = _listed(current)
        except OSError:
            shelf.unreadable.append(current)
            continue
        nfos = [name for name, _ in files if name.lower().endswith(".nfo")]
        if nfos:
            shelf.nfos[current] = sorted(nfos)
        for name, file in files:
            path = current / name
            if path.suffix.lower() not in _VIDEO_SUFFIXES | _AUDIO_SUFFIXES:
                continue
            if extra or (_EXTRA_FILE.search(path.stem) and not is_title(path.stem)):
                shelf.extras.append(path)
            else:
                shelf.recordings.append(MediaFile(path, folders, file))
                shelf.counts[current] += 1
        for name in below:
            inside = extra or (
                _is_extras(name, beside=bool(shelf.counts[current]), top=not folders) and not is_title(name)
            )
            waiting.append((current / name, (*folders, name), inside))
    shelf.recordings.sort(key=lambda recording: recording.path)
    shelf.extras.sort()
    shelf.unreadable.sort()
    return shelf


def _listed(folder: Path) -> tuple[list[str], list[tuple[str, tuple[int, int]]]]:
    """Names of a folder's folders; names, device and inode of its regular files. Raises OSError."""
    below: list[str] = []
    files: list[tuple[str, tuple[int, int]]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower() in _BINS:
                continue
            try:
                status = entry.stat()
            except OSError:  # a link that leads nowhere, or in a circle
                continue
            if stat.S_ISDIR(status.st_mode):
                below.append(entry.name)
            elif stat.S_ISREG(status.st_mode):
                files.append((entry.name, (status.st_dev, status.st_ino)))
    return sorted(below), files


def _is_extras(name: str, *, beside: bool, top: bool) -> bool:
    """Whether a folder holds extras. One directly in the library may be a collection that someone named so."""
    plain = " ".join(name.lower().replace("_", " ").split())
    return (plain in _EXTRAS and (beside or not top)) or (plain in _EXTRAS_BESIDE_A_FILM and beside)


@dataclass(frozen=True, slots=True)
class FilmPart:
    """What a name says of being one file of several.

    Attributes:
        rest: the name without it; empty if nothing is left.
        certain: `cd1` says it by itself; `part 1` may be the title's own, and counts only with another part beside it.
    """

    rest: str
    certain: bool


def piece_of(recording: MediaFile) -> FilmPart | None:
    """Which of several files that hold one movie this is; None for a file that is whole by its name."""
    stem = recording.stem
    inside = {name.lower() for name in recording.folders}
    if inside & {"bdmv", "video_ts"} or _DISC_TITLE.fullmatch(stem):
        return FilmPart("", certain=True)
    if match := _CD.search(stem):
        return FilmPart(stem[: match.start()].rstrip(" ._-[("), certain=True)
    if recording.folders and _CD.fullmatch(recording.folders[-1]):
        return FilmPart(stem, certain=True)
    if match := _PART.search(stem):
        return FilmPart(stem[: match.start()], certain=False)
    return None

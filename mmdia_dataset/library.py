"""Which recording is which movie.

Two ways: an IMDb id anywhere in a file's or folder's name (or the movie's own id as the file's stem), and an explicit
mapping, `media.toml`, which wins:

    tt0114388 = "films/sense.mkv"

    ["tv_01_mad_men_S05E01-E02"]
    path = "series/mm 501.mkv"
    offset_ms = 15015          # recording_ms = (movie_ms + offset_ms) / rate
    rate = "25025/24000"

A movie with no recording, or with several that claim it, is reported with the reason; nothing is guessed.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from mmdia_dataset.errors import MediaMapError, UsageError, shown
from mmdia_dataset.schema import Evidence, Reason
from mmdia_dataset.timing import MAX_MS, TimeMap, rate_from_text

__all__ = ["MEDIA_MAP", "Library", "Located", "Missing", "locate"]

MEDIA_MAP = "media.toml"
# fmt: off
VIDEO_SUFFIXES = frozenset((
    ".avi", ".divx", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg",
    ".mts", ".mxf", ".ogm", ".ogv", ".rmvb", ".ts", ".vob", ".webm", ".wmv",
))
AUDIO_SUFFIXES = frozenset((
    ".aac", ".ac3", ".dts", ".eac3", ".flac", ".m4a", ".mka", ".mp3", ".oga", ".ogg", ".opus", ".wav", ".wma",
))
# fmt: on

# Not inside a longer word or number: "att0114388" and "tt01143889999999" name no film.
_IMDB_ID = re.compile(r"(?<![A-Za-z0-9])tt(?:\d{7,10})(?!\d)", re.IGNORECASE | re.ASCII)
# Extras beside a film, as media servers name them.
_EXTRA = re.compile(r"(?:^|[-._ ])(?:sample|trailer|featurette|behindthescenes|deleted|interview)s?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Located:
    """A movie and the recording taken for it."""

    movie: str
    path: Path
    time_map: TimeMap
    evidence: Evidence
    how: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A movie without a usable recording, and why."""

    movie: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Library:
    """Every movie asked for, either located or missing, and the recordings that belong to none of them."""

    located: dict[str, Located]
    missing: dict[str, Missing]
    unused: tuple[Path, ...]


def locate(movies: Iterable[str], media: Path) -> Library:
    """Find the recordings of movies in a folder.

    Args:
        movies: movie ids.
        media: a folder of recordings, searched to any depth, with an optional `media.toml`; or such a file itself,
            then only what it lists is used.

    Raises:
        UsageError: `media` does not exist.
        MediaMapError: `media.toml` is not TOML, or says something that can't be.
    """
    if not media.exists():
        raise UsageError("there is no such folder", where=media, hint="give --media the folder your films are in")
    if media.is_file():
        if media.suffix.lower() != ".toml":
            raise UsageError(
                "this is a file, not a folder of films", where=media, hint="give its folder, or a media.toml"
            )
        given, recordings = _media_map(media), []
    else:
        listed = media / MEDIA_MAP
        given = _media_map(listed) if listed.is_file() else {}
        recordings = sorted(_recordings(media))
    claims = _claims(recordings, media)
    located: dict[str, Located] = {}
    missing: dict[str, Missing] = {}
    for movie in movies:
        found = given.get(movie) or _by_name(movie, claims)
        if isinstance(found, Located):
            located[movie] = found
        else:
            missing[movie] = Missing(movie, found)
    taken = {found.path for found in located.values()}
    return Library(located, missing, tuple(path for path in recordings if path not in taken))


def _recordings(folder: Path) -> Iterator[Path]:
    """Media files below a folder; linked folders are followed once, hidden ones are not."""
    seen: set[tuple[int, int]] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        status = os.stat(root)  # noqa: PTH116 - root may hold undecodable bytes, which os.walk keeps as they are
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122
            if not name.startswith(".") and (suffix in VIDEO_SUFFIXES or suffix in AUDIO_SUFFIXES):
                yield Path(root, name)


def _claims(recordings: list[Path], media: Path) -> dict[str, list[Path]]:
    """Which recordings name which id. The name nearest to the file counts; two ids in one name claim both."""
    claims: dict[str, list[Path]] = {}
    for path in recordings:
        if _EXTRA.search(path.stem):
            continue
        inside = path.relative_to(media)
        ids: set[str] = set()
        for name in (path.stem, *reversed(inside.parent.parts)):
            ids = {found.lower() for found in _IMDB_ID.findall(name)}
            if ids:
                break
        for id_ in ids | {path.stem, path.stem.replace(" ", "_")}:
            claims.setdefault(id_, []).append(path)
    return claims


def _by_name(movie: str, claims: dict[str, list[Path]]) -> Located | Reason:
    found = claims.get(movie, [])
    # The picture is worth more than a sound track lying beside it.
    found = [path for path in found if path.suffix.lower() in VIDEO_SUFFIXES] or found
    if not found:
        return Reason(rule="no-recording", detail=f"no file or folder name holds {movie}")
    if len(found) > 1:
        names = ", ".join(shown(path.name, 60) for path in found[:3])
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        detail = f"{len(found)} files name {movie} ({names}{more}); say which in {MEDIA_MAP}"
        return Reason(rule="several-recordings", detail=detail)
    return Located(movie, found[0], TimeMap.linear(), Evidence(tier="identity"), "id in its name")


def _media_map(file: Path) -> dict[str, Located | Reason]:
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise MediaMapError(f"not TOML: {error}", where=file, hint='lines look like tt0114388 = "film.mkv"') from None
    except UnicodeDecodeError as error:
        raise MediaMapError(f"not UTF-8 at byte {error.start}", where=file, hint="save it as UTF-8") from None
    except OSError as error:
        raise MediaMapError(f"can't be read: {error.strerror}", where=file) from None
    return {movie: _entry(movie, entry, file) for movie, entry in entries.items()}


def _entry(movie: str, entry: Any, file: Path) -> Located | Reason:
    def wrong(what: str, hint: str) -> MediaMapError:
        return MediaMapError(what, where=file, at=movie, hint=hint)

    fields = {"path": entry} if isinstance(entry, str) else entry
    if not isinstance(fields, dict) or not isinstance(fields.get("path"), str):
        raise wrong("no path is given", f'write "{movie}" = "film.mkv", or a table with path = "film.mkv"')
    unknown = sorted(set(fields) - {"path", "offset_ms", "rate"})
    if unknown:
        raise wrong(f"unknown key {shown(unknown[0])!r}", "known are path, offset_ms and rate")
    offset, rate = fields.get("offset_ms", 0), fields.get("rate", "1")
    if isinstance(offset, bool) or not isinstance(offset, int | float) or not -MAX_MS <= offset <= MAX_MS:
        raise wrong(f"offset_ms is {offset!r}, not a number of milliseconds", "such as offset_ms = 15015")
    if isinstance(rate, bool) or not isinstance(rate, int | float | str):
        raise wrong(f"rate is {rate!r}, not a speed", 'write rate = "25025/24000" or rate = 1.0427')
    try:
        speed = rate_from_text(str(rate))
    except ValueError as error:
        raise wrong(str(error), 'write rate = "25025/24000" or rate = 1.0427') from None
    path = file.parent / fields["path"]
    if not path.is_file():
        return Reason(rule="no-recording", detail=f"{MEDIA_MAP} names {shown(fields['path'])}, which is no file")
    time_map = TimeMap.linear(Fraction(round(offset * 1000), 1000), speed)
    tier = Evidence(tier="given" if {"offset_ms", "rate"} & set(fields) else "identity")
    return Located(movie, path, time_map, tier, f"listed in {MEDIA_MAP}")

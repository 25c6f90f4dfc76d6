"""The ids of movies and dialogues, from the path of a file, its name and its content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mmdia_dataset.release.rules import EntryError
from mmdia_dataset.release.values import first_key
from mmdia_dataset.schema import Movie

__all__ = [
    "Home",
    "batch_of",
    "checked_id",
    "home_of_dialogue",
    "home_of_entry",
    "home_of_file",
    "is_safe",
    "movie_of",
    "series_of",
]

_IMDB = re.compile(r"tt[0-9]{7,10}")
_SAFE = re.compile(r"(?!\.)[^/\\\x00-\x1f\x7f\ud800-\udfff]{1,180}")
_SERIES = re.compile(r"tv(?:_\d+)?_(.+)", re.IGNORECASE)
_EPISODES = re.compile(r"(?<![^\W_])s(\d{1,2})\W?((?:-?e\d{1,3})+)(?![^\W_])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Home:
    """Where dialogues belong: the movie's id and its batch."""

    movie: str
    batch: str | None

    def dialogue_id(self, number: int) -> str:
        """The id of a dialogue of that movie."""
        return f"{self.movie}_clip_{number}"


def is_safe(name: str) -> bool:
    """Whether a name can be a file name: not a path, not hidden, no control characters, Unicode."""
    return _SAFE.fullmatch(name) is not None


def checked_id(text: str) -> str:
    """The text, if it can be an id. Raises EntryError: it could lead out of a folder, or break a line."""
    if not is_safe(text):
        raise EntryError("unsafe-id", f"{text!r} can't be an id, because ids become file names")
    return text


def batch_of(path: Path, name: str) -> str | None:
    """The batch of a file: the folder below ``json/``, else the folder it is in below the release."""
    folders = PurePosixPath(name).parts[:-1]
    if "json" in folders:
        position = folders.index("json")
        return folders[position + 1] if position + 1 < len(folders) else None
    above = path.absolute().parents[len(folders)]  # the release's root
    if above.name == "json":
        return folders[0] if folders else None
    if above.parent.name == "json":
        return above.name
    return folders[-1] if folders else None


def home_of_file(path: Path, name: str, top: Any) -> Home:
    """The movie of a file: the IMDb id in its content or its name, else ``<batch>_<stem>``.

    Raises:
        EntryError: an id that could lead out of a folder.
    """
    batch = batch_of(path, name)
    if batch is not None:
        checked_id(batch)
    stated = first_key(top, "movie", "movie_id", "imdb_id") if type(top) is dict else None
    if type(stated) is str:
        if _IMDB.fullmatch(stated):
            return Home(stated, batch)
        if stated and re.search(r"[/\\\x00-\x1f\x7f]|^\.", stated):
            raise EntryError("unsafe-id", f"{stated!r} can't be a movie id, because ids become file names", ".movie")
    stem = PurePosixPath(name).stem
    if _IMDB.fullmatch(stem):
        return Home(stem, batch)
    return Home(checked_id((f"{batch}_{stem}" if batch else stem).replace(" ", "_")), batch)


def home_of_entry(entry: dict[str, Any], home: Home) -> Home:
    """The movie of one entry: its own if it names one, as in merged files, else its file's. Raises EntryError."""
    stated = entry.get("movie_id")
    if type(stated) is not str or not stated or stated == home.movie:
        return home
    stated = checked_id(stated.replace(" ", "_"))
    if _IMDB.fullmatch(stated) or not home.movie.endswith(stated):
        return Home(stated, home.batch)
    return home


def home_of_dialogue(dialogue_id: Any, path: Any) -> tuple[Home, str]:
    """Movie, batch and number of a dialogue, from its id and the path of its audio. Raises EntryError."""
    if type(dialogue_id) is not str:
        raise EntryError("no-clip-id", "dialog_id is missing", ".dialog_id")
    movie, _, number = checked_id(dialogue_id.replace(" ", "_")).rpartition("_clip_")
    if not movie:
        raise EntryError("no-clip-id", f"{dialogue_id!r} is not <movie>_clip_<number>", ".dialog_id")
    batch = None
    folders = path.split("/") if type(path) is str else []
    if movie in folders and folders.index(movie) > 0:
        batch = folders[folders.index(movie) - 1]
    elif not _IMDB.fullmatch(movie):
        batch = next((folder for folder in folders if folder and movie.startswith(f"{folder}_")), None)
    return Home(movie, batch or None), number


def series_of(movie: str, batch: str | None) -> frozenset[str]:
    """All names of the series that an episode belongs to, in lower case; empty for a film.

    A batch may hold several series, and one series may be in several batches. So two names count: the batch's, and the
    part of the episode's own name before season and number.
    """
    home = Home(movie, batch)
    details = movie_of(home, None)
    if details.imdb is not None or not (details.series or details.episodes):
        return frozenset()
    stem = movie.removeprefix(f"{batch}_") if batch else movie
    episode = _EPISODES.search(stem)
    title = " ".join(re.findall(r"[^\W_]+", stem[: episode.start()] if episode else stem)).casefold()
    return frozenset(name for name in ((details.series or "").casefold(), title) if name)


def movie_of(home: Home, file: str | None, top: Any = None) -> Movie:
    """A movie as its ids, its names and its file describe it."""
    top = top if type(top) is dict else {}
    title, year = top.get("title"), top.get("year")
    stem = home.movie.removeprefix(f"{home.batch}_") if home.batch else home.movie
    series = _SERIES.fullmatch(home.batch) if home.batch else None
    episode = _EPISODES.search(stem)
    return Movie(
        id=home.movie,
        batch=home.batch,
        imdb=home.movie if _IMDB.fullmatch(home.movie) else None,
        title=title if type(title) is str and is_safe(title.replace("/", "")) else None,
        year=year if type(year) is int and 1870 <= year <= 2200 else None,
        series=series.group(1).replace("_", " ") if series else None,
        season=int(episode.group(1)) if episode else None,
        episodes=tuple(int(n) for n in re.findall(r"\d+", episode.group(2))) if episode else (),
        file=file if file and not re.search(r"[\\\x00-\x1f\x7f\ud800-\udfff]", file) else None,
    )

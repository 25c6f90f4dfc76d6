"""The movies sought, as names may speak of them: by id, by title and year, by series, season and episodes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mmdia_dataset.library.episodes import numbers_in
from mmdia_dataset.library.names import ARTICLES, guess, title_key, title_words
from mmdia_dataset.schema import Movie

__all__ = ["Sought", "SoughtMovies", "series_keys"]

_BATCH = re.compile(r"^tv(?:_?\d+)?_", re.IGNORECASE)
_IMDB = re.compile(r"tt(\d{1,10})", re.ASCII)
# What libraries add to a series' title: "The Office (US)", "Mad Men (2007)", "Mad Men 2007".
_ADDED = re.compile(r"[ ._-]*(?:\((?:\d{4}|US|UK|GB|AU|CA|NZ)\)|(?<=[ ._-])(?:19|20)\d\d)[ ._-]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """One movie sought.

    Attributes:
        id: its id.
        imdb: the number of its IMDb id.
        title: its title, of a film.
        year: its year.
        series: keys of its series' title, of an episode.
        season: its season.
        episodes: its episode, or those of a double one.
        name: what to call it: "Sense and Sensibility (1995)", "mad men S05E01-E02"; empty where only an id is known.
    """

    id: str
    imdb: int | None
    title: str | None
    year: int | None
    series: frozenset[str]
    season: int | None
    episodes: frozenset[int]
    name: str


class SoughtMovies:
    """All movies sought, and which of them go by an id, a title, or a series and season."""

    def __init__(self, movies: Iterable[Movie | str]) -> None:
        self.all: dict[str, Sought] = {}
        for described in movies:
            sought = _sought(Movie(id=described) if isinstance(described, str) else described)
            self.all[sought.id] = _merged(self.all[sought.id], sought) if sought.id in self.all else sought
        self.by_id: dict[str, Sought] = {}
        self.by_imdb: dict[int, list[Sought]] = {}
        self.by_season: dict[tuple[str, int], list[Sought]] = {}
        self.by_title: dict[str, list[Sought]] = {}
        self.by_bare_title: dict[str, list[Sought]] = {}
        for movie in self.all.values():
            self.by_id[movie.id.casefold()] = movie
            if movie.imdb is not None:
                self.by_imdb.setdefault(movie.imdb, []).append(movie)
            if movie.season is not None:
                for series in movie.series:
                    self.by_season.setdefault((series, movie.season), []).append(movie)
            elif movie.title is not None:
                self._add_title(movie, movie.title)

    def _add_title(self, movie: Sought, title: str) -> None:
        words = title_words(title)
        if len(words) > 1 and words[-1] in ARTICLES and re.search(r",\s*\w+\s*$", title):
            words = [words[-1], *words[:-1]]
        if not words:
            return
        bare = words[1:] if len(words) > 1 and words[0] in ARTICLES else words
        forms = {title_key(" ".join(words))}
        if bare != words:
            forms.add(title_key(" ".join((*bare, words[0]))))
        for key in forms:
            self.by_title.setdefault(key, []).append(movie)
        self.by_bare_title.setdefault(title_key(" ".join(bare)), []).append(movie)

    def is_title(self, name: str) -> bool:
        """Whether a name is the title of a movie or series sought."""
        key = title_key(name)
        return key in self.by_title or any(key == series for series, _ in self.by_season)


def series_keys(text: str) -> frozenset[str]:
    """A series' title as it stands, and without the year or country that libraries add."""
    keys = {title_key(text), title_key(_ADDED.sub("", text))}
    return frozenset(key for key in keys if key)


def _sought(movie: Movie) -> Sought:
    imdb = _IMDB.fullmatch(movie.imdb or movie.id)
    # The file's own stem: `This.Is.Us.S03E16` of `tv_06_this_is_us_This.Is.Us.S03E16`.
    stem = movie.id.removeprefix(f"{movie.batch}_") if movie.batch else movie.id
    numbers = None if imdb else numbers_in(stem)
    season, episodes = movie.season, frozenset(movie.episodes)
    if season is None and not episodes and numbers is not None:
        season, episodes = numbers.season, numbers.episodes
    titles = [movie.series or "", _BATCH.sub("", numbers.before) if numbers else ""]
    series = frozenset(title_key(title) for title in titles if title_key(title))
    title, year = movie.title, movie.year
    if title is None and movie.batch is not None and not series and season is None and imdb is None:
        title, year = _title_of(stem, year)
    if series and season is not None and episodes:
        called = movie.series or titles[1].strip(" ._-")
        name = f"{called} S{season:02}{'-'.join(f'E{number:02}' for number in sorted(episodes))}"
    else:
        season, episodes = None, frozenset()
        title = None if series else title
        name = "" if title is None else f"{title} ({year})" if year else title
    return Sought(
        id=movie.id,
        imdb=int(imdb.group(1)) if imdb else None,
        title=title,
        year=year,
        series=series,
        season=season,
        episodes=episodes,
        name=name,
    )


def _title_of(stem: str, year: int | None) -> tuple[str | None, int | None]:
    """Title and year of a film that is named after its file: ``Quiet.Harbour.1995``."""
    guessed = guess(stem.replace("_", " "))
    if guessed is None or len(guessed.titles) != 1:
        return None, year
    return guessed.titles[0], year or guessed.year


def _merged(first: Sought, second: Sought) -> Sought:
    """What two entries of a release, of two batches, tell of one movie."""
    return Sought(
        id=first.id,
        imdb=first.imdb if first.imdb is not None else second.imdb,
        title=first.title or second.title,
        year=first.year or second.year,
        series=first.series | second.series,
        season=second.season if first.season is None else first.season,
        episodes=first.episodes or second.episodes,
        name=first.name or second.name,
    )

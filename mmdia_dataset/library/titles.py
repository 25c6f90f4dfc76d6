"""Films by title and year: what a name, a folder's name and an .nfo file together say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from mmdia_dataset.library.candidates import Strength
from mmdia_dataset.library.names import ARTICLES, guess, is_year, prefixes, title_key, title_words, without_label
from mmdia_dataset.library.nfo import Nfo
from mmdia_dataset.library.sought import Sought, SoughtMovies

__all__ = ["Match", "TitleReader", "TitleReading", "best"]

_BRACKETED_YEAR = re.compile(r"[(\[{](\d{4})[)\]}]", re.ASCII)
# A word that continues a title: it is of another film, or of a series.
_SEQUEL = re.compile(r"[ivx]+|\d{1,3}|[se]\d+|vol(?:ume)?|part|pt|chapter|ep(?:isode)?|season|series|and|versus")
# fmt: off
# Words that tell what is about a film from the film.
_ABOUT = frozenset((
    "behind", "bloopers", "bonus", "chapter", "clip", "commentary", "deleted", "documentary", "ep", "episode", "extras",
    "featurette", "featurettes", "gag", "interview", "interviews", "making", "ost", "part", "pt", "recap", "review",
    "sample", "season", "soundtrack", "teaser", "trailer", "trailers", "trilogy", "vol", "volume", "vs",
))
# fmt: on


@dataclass(frozen=True, slots=True)
class Match:
    """A film whose title was read.

    Attributes:
        movie: the film.
        strength: with its year, or without.
        years_off: by how much the year read differs from the film's; 0 where one is not known.
    """

    movie: Sought
    strength: Strength
    years_off: int

    @property
    def rank(self) -> tuple[int, int]:
        """The larger, the better."""
        return self.strength, -self.years_off


@dataclass(frozen=True, slots=True)
class TitleReading:
    """What one name says of the films sought.

    Attributes:
        matches: by id, the films it names.
        others: ids of films whose title it begins with, but which it does not name: a sequel, a remake.
        years: the years it holds.
    """

    matches: dict[str, Match] = field(default_factory=dict)
    others: frozenset[str] = frozenset()
    years: frozenset[int] = frozenset()


class TitleReader:
    """Reads names; each name once."""

    def __init__(self, movies: SoughtMovies) -> None:
        self._movies = movies
        self._longest = max((len(key) for key in (*movies.by_title, *movies.by_bare_title)), default=0)
        self.read = cache(self._read)

    def _read(self, name: str) -> TitleReading:
        """What a file's or folder's name says.

        guessit takes 5 to 20 ms a name, so it is asked only where it matters: where a name begins with a title sought,
        and what follows is not simply that film's year.
        """
        if not self._longest:
            return TitleReading()
        plain = without_label(name)
        words = title_words(plain)
        matches: dict[str, Match] = {}
        others: set[str] = set()
        years = frozenset(int(word) for word in words if is_year(word))
        for movie, exact, count in self._beginning(words):
            match = self._match(movie, exact, plain, words[count:])
            if match is None:
                others.add(movie.id)
            elif movie.id not in matches or matches[movie.id].rank < match.rank:
                matches[movie.id] = match
        return TitleReading(matches, frozenset(others - set(matches)), years)

    def of_nfo(self, nfo: Nfo) -> TitleReading:
        """What the title and year in an .nfo file say."""
        matches: dict[str, Match] = {}
        for title in nfo.titles:
            for movie, exact in self._titled(title_key(title)):
                match = _dated(movie, nfo.year, exact)
                if match is not None:
                    matches.setdefault(movie.id, match)
        return TitleReading(matches, years=frozenset() if nfo.year is None else frozenset((nfo.year,)))

    def _beginning(self, words: list[str]) -> Iterator[tuple[Sought, bool, int]]:
        """Films whose title the words begin with, whether to the letter, and how many words that takes."""
        for count, key in enumerate(prefixes(words), 1):
            if len(key) > self._longest:
                break
            for movie, exact in self._titled(key):
                yield movie, exact, count
        if words and words[0] in ARTICLES:
            for count, key in enumerate(prefixes(words[1:]), 2):
                if len(key) > self._longest:
                    break
                for movie in self._movies.by_bare_title.get(key, ()):
                    yield movie, False, count

    def _titled(self, key: str) -> Iterator[tuple[Sought, bool]]:
        """Films of a title: to the letter, then those that differ by an article."""
        exact = self._movies.by_title.get(key, ())
        yield from ((movie, True) for movie in exact)
        yield from ((movie, False) for movie in self._movies.by_bare_title.get(key, ()) if movie not in exact)

    def _match(self, movie: Sought, exact: bool, name: str, rest: list[str]) -> Match | None:
        """Whether a name that begins with a film's title names that film; `rest` are the words after the title."""
        if not rest:
            return _dated(movie, None, exact)
        if rest[1:2] == ["and"] or _SEQUEL.fullmatch(rest[0]) or not _ABOUT.isdisjoint(rest):
            return None
        years = {int(word) for word in rest if is_year(word)}
        if len(years) > 1 or (years and movie.year is not None and abs(min(years) - movie.year) > 1):
            return None
        if is_year(rest[0]) and (movie.year is not None or _BRACKETED_YEAR.search(name)):
            return _dated(movie, int(rest[0]), exact)
        guessed = guess(name)
        if guessed is None or not any(
            movie.id == named.id for t in guessed.titles for named, _ in self._titled(title_key(t))
        ):
            return None
        return _dated(movie, guessed.year, exact)


def _dated(movie: Sought, year: int | None, exact: bool) -> Match | None:
    """A film whose title was read with a year, or none; None if the years differ by more than one.

    Festival and cinema dates differ by a year. A title that differs by an article counts only with the very year.
    """
    if year is None or movie.year is None:
        return Match(movie, Strength.TITLE, 0) if exact else None
    off = abs(year - movie.year)
    return Match(movie, Strength.TITLE_YEAR, off) if off <= (1 if exact else 0) else None


def best(matches: dict[str, Match]) -> list[Match]:
    """The best matches: one, or several that are equally good."""
    top = max((match.rank for match in matches.values()), default=None)
    return [match for match in matches.values() if match.rank == top]

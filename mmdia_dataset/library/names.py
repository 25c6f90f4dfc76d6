"""What one name says: IMDb ids, and title and year, in a form in which titles can be compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

__all__ = [
    "ARTICLES",
    "NameGuess",
    "guess",
    "imdb_ids",
    "is_year",
    "prefixes",
    "title_key",
    "title_words",
    "without_label",
]

ARTICLES = frozenset(("the", "a", "an"))

# Names on disk have at most 255 bytes; guessit's work grows with the square of the length.
_MAX_LENGTH = 160
# Not inside a longer word or number: "att0114388" and "tt01143889999999" name no film. In the tags of media servers
# (`{imdb-tt0114388}`, `[imdbid=114388]`) the letters may be missing, elsewhere a short number says too little.
_IMDB_ID = re.compile(r"(?<![A-Za-z0-9])tt(\d{5,10})(?!\d)", re.IGNORECASE | re.ASCII)
_IMDB_TAG = re.compile(r"(?<![A-Za-z])imdb(?:id)?[-_=: ]{1,2}(?:tt)?(\d{1,10})(?!\d)", re.IGNORECASE | re.ASCII)
# Before a title: "[Group] ", "03 - ", "03. ".
_LABEL = re.compile(r"^(?:\[[^\]]{0,60}\][ ._]*|\d{1,3} ?[-.)] +)+")
_AKA = re.compile(r"\ba\.?k\.?a\b\.?", re.IGNORECASE)
_MARKS = re.compile("[\u0300-\u036f]")
_WORD = re.compile(r"[^\W_]+")
# Letters that no decomposition makes plain; apostrophes join what they stand in.
_LETTERS = str.maketrans(
    {
        "&": " and ", "+": " and ", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th",
        "'": "", "’": "", "‘": "", "ʼ": "", "`": "", "´": "",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NameGuess:
    """What guessit reads in a name.

    Attributes:
        titles: the title; more than one where the name says "also known as".
        year: the year, if there is one.
    """

    titles: tuple[str, ...]
    year: int | None


def imdb_ids(name: str) -> frozenset[int]:
    """The numbers of all IMDb ids in a name; zeros in front do not count."""
    numbers = (*_IMDB_ID.findall(name), *_IMDB_TAG.findall(name))
    return frozenset(int(number) for number in numbers)


def title_words(text: str) -> list[str]:
    """The words of a title or a name: small letters without accents or punctuation, ``&`` as ``and``."""
    plain = unicodedata.normalize("NFKD", text[:_MAX_LENGTH].casefold().translate(_LETTERS))
    return _WORD.findall(_MARKS.sub("", plain))


def prefixes(words: Sequence[str]) -> Iterator[str]:
    """The key of the first word, of the first two, and so on.

    Blanks count only beside digits: "Spider-Man" and "Spiderman" are one title, "Film 2 1" and "Film 21" are two.
    """
    key = ""
    for word in words:
        key += f" {word}" if key and (key[-1].isdigit() or word[0].isdigit()) else word
        yield key


def title_key(text: str) -> str:
    """A title in the form in which titles are compared; empty if it has no letter and no digit."""
    return next(reversed(list(prefixes(title_words(text)))), "")


def is_year(word: str) -> bool:
    """Whether a word may be the year of a film; 1080 and 2160 are heights of pictures."""
    return len(word) == 4 and word.isdecimal() and 1880 <= int(word) <= 2100


def without_label(name: str) -> str:
    """A name without the group or the number in front of its title."""
    return _LABEL.sub("", name[:_MAX_LENGTH], count=1)


@lru_cache(maxsize=4096)
def guess(name: str) -> NameGuess | None:
    """Title and year of a film as guessit reads them in a name; None if it finds no title, or several years."""
    from guessit import guessit  # takes half a second, and most libraries' names need no guessing
    from guessit.api import GuessitException

    # Parts are kept in the title, where "Part 2" may belong. A suffix keeps the last word from being taken for one.
    options = {"type": "movie", "no_user_config": True, "excludes": ["part", "film", "bonus"]}
    plain = name[:_MAX_LENGTH].encode("utf-8", "replace").decode("utf-8")
    try:
        guessed = guessit(f"{plain}.mkv", options)
    except GuessitException:
        return None
    title, rest, year = guessed.get("title"), guessed.get("alternative_title", ""), guessed.get("year")
    rest = " ".join(rest) if isinstance(rest, list) else rest
    if not isinstance(title, str) or not isinstance(rest, str) or not isinstance(year, int | None):
        return None
    return NameGuess(tuple(part.strip() for part in _AKA.split(f"{title} {rest}") if title_key(part)), year)

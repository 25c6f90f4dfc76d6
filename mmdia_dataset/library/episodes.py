"""Season and episodes in names.

guessit knows more forms, but takes 5 to 20 ms a name, and a library has thousands of episodes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Numbers", "numbers_in", "numbers_in_season", "season_in"]

_MAX_RANGE = 20

# S05E01, s05.e01, S05E01E02, S05E01-E02, S05E01-02, S05E01-S05E02
_SXXEXX = re.compile(
    r"(?<![a-z0-9])s(\d{1,4})[ ._-]{0,3}(?=e)"
    r"((?:ep?[ ._]?\d{1,4})(?:[ ._]?-?[ ._]?(?:s\1[ ._]?)?ep?[ ._]?\d{1,4}|-\d{1,3})*)(?:v\d)?(?![a-z0-9])",
    re.IGNORECASE,
)
# 5x01, 5x01-02, 5x01-5x02, 5x01x02
_NXNN = re.compile(
    r"(?<![a-z0-9])(\d{1,2})x(\d{2,3}(?:-\d{2,3}|x\d{2,3}|[ ._]?-[ ._]?\1x\d{2,3})*)(?![a-z0-9])", re.IGNORECASE
)
_SEASON = r"(?:season|series|staffel|saison|temporada)"
_IN_WORDS = re.compile(
    rf"(?<![a-z0-9]){_SEASON}[ ._]*(\d{{1,4}})[ ._,-]*"
    r"((?:episodes?|ep)[ ._]*\d{1,4}(?:[ ._]*(?:-|&|and|\+)[ ._]*(?:episode|ep)?[ ._]*\d{1,4})?)(?![a-z0-9])",
    re.IGNORECASE,
)
_SEASON_FOLDER = re.compile(rf"(?<![a-z0-9])(?:{_SEASON}[ ._-]*|s)(\d{{1,4}})(?![a-z0-9])", re.IGNORECASE)
# In a season's folder: "E05 Title", "Episode 5", "Mad Men ep 05"; then "05 - Title", "Mad Men - 05 - Title", "501".
_IN_SEASON = (
    re.compile(r"^(|.+?[ ._-])(?:episode|ep|e)[ ._-]*(\d{1,3}(?:-(?:ep?)?\d{1,3})?)(?![a-z0-9])", re.IGNORECASE),
    re.compile(r"^(|.+? - )(\d{1,3}(?:-\d{1,3})?)(?= - |\. |$)", re.IGNORECASE),
    re.compile(r"^(.+?[ ._])(\d{3})(?=[ ._-]|$)", re.IGNORECASE),
)
_STEP = re.compile(r"(-|&|and|\+)?[ ._]*(?:s\d+[ ._]*|\d+x(?=\d))?(?:episodes?|ep?)?[ ._]*(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Which episodes a name speaks of.

    Attributes:
        season: 0 for specials.
        episodes: one, or those of a double episode.
        before: what stands before the numbers: the series' title, or nothing.
    """

    season: int
    episodes: frozenset[int]
    before: str


def numbers_in(name: str) -> Numbers | None:
    """Season and episodes that a name says by itself: ``Mad Men S05E01-E02``, ``5x01``; None if it says none."""
    for form in (_SXXEXX, _NXNN, _IN_WORDS):
        if match := form.search(name):
            return Numbers(int(match.group(1)), _episodes(match.group(2)), name[: match.start()])
    return None


def season_in(folder: str) -> tuple[int, str] | None:
    """The season a folder is of, and what stands before it: ``Season 05``, ``Mad.Men.S05.1080p``, ``Specials``."""
    if folder.strip().lower() == "specials":
        return 0, ""
    match = _SEASON_FOLDER.search(folder)
    return None if match is None else (int(match.group(1)), folder[: match.start()])


def numbers_in_season(name: str, season: int) -> Numbers | None:
    """The episodes that a name in a season's folder says: ``05 - Title``, ``E05``, ``501``."""
    for form in _IN_SEASON:
        if not (match := form.match(name)):
            continue
        episodes = _episodes(match.group(2))
        if max(episodes) > 99 or form is _IN_SEASON[-1]:  # 501 is the first of season 5, and nothing in season 4
            if {number // 100 for number in episodes} != {season}:
                continue
            episodes = frozenset(number % 100 for number in episodes)
        return Numbers(season, episodes, match.group(1))
    return None


def _episodes(text: str) -> frozenset[int]:
    """``01-E03`` as {1, 2, 3}, ``01E02`` as {1, 2}."""
    numbers: list[int] = []
    for step in _STEP.finditer(text):
        number = int(step.group(2))
        first = numbers[-1] + 1 if numbers and step.group(1) == "-" else number
        numbers += range(first, number + 1) if first <= number < first + _MAX_RANGE else (number,)
    return frozenset(numbers)

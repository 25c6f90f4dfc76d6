"""What an .nfo file says: XML as media servers write it, or any text with an address of IMDb.

Such files come from strangers, and many are no proper XML: they are searched, not parsed, and only their beginning.
"""

from __future__ import annotations

import html
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Nfo", "read_nfo"]

_MAX_BYTES = 262_144
_TAGGED = re.compile(
    r"<uniqueid\b[^<>]{0,200}type\s{0,9}=\s{0,9}[\"']imdb[\"'][^<>]{0,200}>\s{0,99}tt(\d{1,10})\s{0,99}<"
    r"|<(?:imdb_?id|imdb|id)\b[^<>]{0,200}>\s{0,99}tt(\d{1,10})\s{0,99}<",
    re.IGNORECASE | re.ASCII,
)
_ADDRESS = re.compile(r"imdb\.[a-z]{2,3}/(?:[a-z]{2}/)?title/tt(\d{1,10})(?!\d)", re.IGNORECASE | re.ASCII)
_FIELD = re.compile(
    r"<(title|originaltitle|showtitle|year|season|episode)>\s{0,99}(?:<!\[CDATA\[)?([^<>\]]{1,300})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nfo:
    """What one .nfo file says.

    Attributes:
        kind: what it describes; `other` where it is not the XML of media servers.
        imdb: numbers of the IMDb ids in it.
        titles: title and original title.
        year: of first showing.
        series: title of the series, in an episode's.
        season: the season, if the file speaks of one only.
        episodes: all episodes it describes.
    """

    kind: Literal["movie", "episode", "series", "other"]
    imdb: frozenset[int] = frozenset()
    titles: tuple[str, ...] = ()
    year: int | None = None
    series: str | None = None
    season: int | None = None
    episodes: frozenset[int] = frozenset()


def read_nfo(path: Path) -> Nfo | None:
    """What a file says; None if it can't be read."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - a pipe would never end
            return None
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES)
    except OSError:
        return None
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = content.decode("utf-16" if wide else "utf-8", "replace")
    ids = {int(number) for pair in _TAGGED.findall(text) for number in pair if number}
    ids = ids or {int(number) for number in _ADDRESS.findall(text)}
    fields: dict[str, list[str]] = {}
    for name, value in _FIELD.findall(text):
        fields.setdefault(name.lower(), []).append(html.unescape(value).strip())
    seasons, episodes, years = (_numbers(fields.get(name, [])) for name in ("season", "episode", "year"))
    return Nfo(
        kind=_kind(text.lower()),
        imdb=frozenset(ids),
        titles=tuple(fields.get("title", [])[:1] + fields.get("originaltitle", [])[:1]),
        year=min(years) if len(years) == 1 else None,
        series=next(iter(fields.get("showtitle", [])), None),
        season=min(seasons) if len(seasons) == 1 else None,
        episodes=episodes,
    )


def _kind(text: str) -> Literal["movie", "episode", "series", "other"]:
    if "<episodedetails" in text:
        return "episode"
    if "<tvshow" in text:
        return "series"
    return "movie" if "<movie" in text else "other"


def _numbers(texts: list[str]) -> frozenset[int]:
    return frozenset(int(text) for text in texts if re.fullmatch(r"\d{1,4}", text, re.ASCII))

"""The explicit mapping from movies to recordings, `media.toml`, which wins over everything names say:

tt0114388 = "films/sense.mkv"

["tv_01_mad_men_S05E01-E02"]
path = "series/mm 501.mkv"
offset_ms = 15015          # recording_ms = (movie_ms + offset_ms) / rate
rate = "25025/24000"
"""

from __future__ import annotations

import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Any

from mmdia_dataset.errors import MediaMapError, shown
from mmdia_dataset.library.candidates import Claimant, Strength
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema import Evidence, Reason
from mmdia_dataset.timing import MAX_MS, TimeMap, rate_from_text

__all__ = ["MEDIA_MAP", "read_media_map"]

MEDIA_MAP = "media.toml"
_MAX_BYTES = 16_000_000


def read_media_map(file: Path) -> dict[str, Claimant | Reason]:
    """The recording of each movie listed, or why it can't be used.

    Raises:
        MediaMapError: the file is not TOML, or an entry has an impossible value.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise MediaMapError(f"larger than {_MAX_BYTES:,} bytes", where=file, hint="list only the films you own")
        entries = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MediaMapError(f"not UTF-8 at byte {error.start}", where=file, hint="save it as UTF-8") from None
    except ValueError as error:  # TOMLDecodeError, and numbers of too many digits
        what = shown(str(error).rstrip("."))
        raise MediaMapError(f"not TOML: {what}", where=file, hint='lines look like tt0114388 = "film.mkv"') from None
    except RecursionError:
        raise MediaMapError("nested too deeply", where=file, hint='lines look like tt0114388 = "film.mkv"') from None
    except OSError as error:
        raise MediaMapError(f"can't be read: {error.strerror}", where=file) from None
    return {movie: _entry(movie, entry, file) for movie, entry in entries.items()}


def _entry(movie: str, entry: Any, file: Path) -> Claimant | Reason:
    def wrong(what: str, hint: str) -> MediaMapError:
        return MediaMapError(what, where=file, at=shown(movie), hint=hint)

    fields = {"path": entry} if isinstance(entry, str) else entry
    if not isinstance(fields, dict) or not isinstance(fields.get("path"), str):
        raise wrong("the path is missing", f'write "{shown(movie)}" = "film.mkv", or a table with path = "film.mkv"')
    unknown = sorted(set(fields) - {"path", "offset_ms", "rate"})
    if unknown:
        raise wrong(f"unknown key {shown(unknown[0])!r}", "known keys are path, offset_ms and rate")
    offset, rate = fields.get("offset_ms", 0), fields.get("rate", "1")
    if isinstance(offset, bool) or not isinstance(offset, int | float) or not -MAX_MS <= offset <= MAX_MS:
        raise wrong(f"offset_ms is {offset!r}, not a number of milliseconds", "write for example offset_ms = 15015")
    if isinstance(rate, bool) or not isinstance(rate, int | float | str):
        raise wrong(f"rate is {rate!r}, not a speed", 'write rate = "25025/24000" or rate = 1.0427')
    try:
        speed = rate_from_text(str(rate))
    except ValueError as error:
        raise wrong(shown(str(error)), 'write rate = "25025/24000" or rate = 1.0427') from None
    path = file.parent / fields["path"]
    try:
        exists = path.is_file()
    except OSError:  # a name that is too long, a folder that may not be entered
        exists = False
    if not exists:
        return Reason(
            rule=Refusal.NO_RECORDING, detail=f"{MEDIA_MAP} names {shown(fields['path'])}, but there is no such file"
        )
    time_map = TimeMap.linear(Fraction(round(offset * 1000), 1000), speed)
    evidence = Evidence(tier="given" if {"offset_ms", "rate"} & set(fields) else "identity")
    return Claimant(
        movie=movie,
        path=path,
        time_map=time_map,
        evidence=evidence,
        strength=Strength.GIVEN,
        how=f"listed in {MEDIA_MAP}",
    )

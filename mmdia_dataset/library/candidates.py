"""The result of a search: for each movie the recordings that may be it, or the reason why none was found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

from mmdia_dataset.library.media_files import is_video
from mmdia_dataset.schema import Evidence, Reason
from mmdia_dataset.timing import TimeMap

__all__ = ["Claimant", "Library", "Missing", "Strength", "ordered"]


class Strength(IntEnum):
    """How much a claim is worth; the larger, the stronger."""

    TITLE = 1
    """Only its title; the name or the release has no year."""
    TITLE_YEAR = 2
    """Its title and its year, which may differ by one."""
    EPISODE = 3
    """Its series, season and episodes."""
    NFO = 4
    """Its IMDb id in an .nfo file."""
    ID = 5
    """Its id in a file's or folder's name."""
    CONTENT = 6
    """Its sound, compared with a passport."""
    GIVEN = 7
    """The user says so, in `media.toml`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """A recording that may be a movie.

    Attributes:
        movie: the movie's id.
        path: the recording.
        time_map: movie time to recording time, as known before measuring.
        evidence: what the time map is based on.
        strength: what the claim is worth.
        how: why it may be the movie, in words, such as "IMDb id in its name".
    """

    movie: str
    path: Path
    time_map: TimeMap
    evidence: Evidence
    strength: Strength
    how: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A movie without a usable recording, and why."""

    movie: str
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Every movie asked for, either located or missing, and the recordings that belong to none of them.

    Attributes:
        located: the candidates of each movie found, at least one, strongest first; equally strong ones in order of
            path. A movie that `media.toml` lists has only the recording listed.
        missing: the movies without a candidate.
        unused: recordings that are no movie's candidate; their sound may still identify them.
        extras: trailers, samples and other extras, which were left out.
        unreadable: folders that could not be listed.
    """

    located: dict[str, tuple[Claimant, ...]]
    missing: dict[str, Missing]
    unused: tuple[Path, ...] = ()
    extras: tuple[Path, ...] = ()
    unreadable: tuple[Path, ...] = ()

    def with_candidates(self, claimants: Iterable[Claimant]) -> Library:
        """This library with further candidates, such as recordings identified by their sound.

        A movie listed in `media.toml` keeps only the recording listed. If a recording is claimed twice for a movie,
        the stronger claim counts.

        Raises:
            KeyError: a movie that was not asked for.
        """
        located, missing = dict(self.located), dict(self.missing)
        for candidate in claimants:
            movie = candidate.movie
            if movie not in located and movie not in missing:
                raise KeyError(movie)
            located[movie] = ordered((*located.get(movie, ()), candidate))
            missing.pop(movie, None)
        claimed = {candidate.path for candidates in located.values() for candidate in candidates}
        unused = tuple(path for path in self.unused if path not in claimed)
        return replace(self, located=located, missing=missing, unused=unused)


def ordered(claims: Iterable[Claimant]) -> tuple[Claimant, ...]:
    """A movie's claims as its candidates: each recording once, the strongest claim first.

    A video is worth more than a sound file beside it: a sound file is kept only if its claim is stronger.
    """
    ranked = sorted(claims, key=lambda claim: (-claim.strength, not is_video(claim.path), claim.path))
    if ranked and ranked[0].strength is Strength.GIVEN:
        return (ranked[0],)
    by_path: dict[Path, Claimant] = {}
    pictured = False
    for claim in ranked:
        if is_video(claim.path):
            pictured = True
        elif pictured:
            continue
        by_path.setdefault(claim.path, claim)
    return tuple(by_path.values())

"""Recordings whose names say nothing or lie, recognised by what is heard of them: the movies' passports tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from mmdia_dataset.alignment.by_fingerprint.content import ContentIndex, excerpts_of
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import TimingFingerprint
from mmdia_dataset.alignment.soundtrack import Soundtrack
from mmdia_dataset.errors import BadFingerprint, MediaError, ReleaseError
from mmdia_dataset.library import Claimant, Strength
from mmdia_dataset.processes import in_processes
from mmdia_dataset.release import read_passport
from mmdia_dataset.schema import Evidence
from mmdia_dataset.timing import TimeMap

__all__ = ["recognised"]


def recognised(
    paths: Sequence[Path],
    movies: Iterable[str],
    release: Path,
    *,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[Claimant]:
    """Recordings that sound like one of the movies, as candidates: the whole of them is compared later.

    Args:
        paths: the recordings to listen to; excerpts of a few minutes in all are decoded of each.
        movies: those sought; only movies with a passport can be recognised.
        release: the release's folder.
        jobs: processes.
        progress: called as ``progress(done, total)``.
    """
    fingerprints = {movie: fingerprint for movie in movies if (fingerprint := _fingerprint(release, movie)) is not None}
    if not fingerprints or not paths:
        return []
    index = ContentIndex(fingerprints)
    claimants: list[Claimant] = []
    for done, (path, excerpts) in enumerate(in_processes(_heard, paths, jobs), 1):
        for guess in index.identify(excerpts or [])[:1]:
            how = f"it sounds like {guess.movie}"
            evidence = Evidence(tier="identity")
            claimants.append(
                Claimant(
                    movie=guess.movie,
                    path=path,
                    time_map=TimeMap.linear(),
                    evidence=evidence,
                    strength=Strength.CONTENT,
                    how=how,
                )
            )
        if progress:
            progress(done, len(paths))
    return sorted(claimants, key=lambda claimant: (claimant.movie, claimant.path))


def _heard(path: Path) -> list[Soundtrack]:
    try:
        return excerpts_of(path)
    except MediaError:
        return []  # it is said where it is asked for by name


def _fingerprint(release: Path, movie: str) -> TimingFingerprint | None:
    try:
        passport = read_passport(release, movie)
        return (
            None
            if passport is None or passport.fingerprint is None
            else TimingFingerprint.from_schema(passport.fingerprint)
        )
    except (ReleaseError, BadFingerprint):
        return None  # it is said where the movie is aligned

"""The search itself: every recording below a folder against every movie sought.

Evidence for a recording, strongest first:

1. `media.toml` lists it.
2. The id nearest to it: the movie's own id as its name, or an IMDb id in its name, in its own .nfo file, in its
   folder's name, in its folder's .nfo file, in the name of a folder further up. What says another film's id is no
   other film by its title.
3. Series, season and episodes.
4. Title and year, of its name and its folder's together. A name that speaks of two films speaks of neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mmdia_dataset.errors import UsageError, shown
from mmdia_dataset.library.candidates import Claimant, Library, Missing, ordered
from mmdia_dataset.library.claims import Claim, Doubt, Reader
from mmdia_dataset.library.mapping import MEDIA_MAP, read_media_map
from mmdia_dataset.library.media_files import FilmPart, MediaFile, Shelf, piece_of, read_shelf
from mmdia_dataset.library.sought import Sought, SoughtMovies
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema import Evidence, Movie, Reason
from mmdia_dataset.timing import TimeMap

__all__ = ["locate"]


def locate(movies: Iterable[Movie | str], media: Path) -> Library:
    """Find the recordings of movies in a folder.

    Args:
        movies: the movies, as a release describes them; or ids, where nothing else is known.
        media: a folder of recordings, searched to any depth, with an optional `media.toml`; or such a file itself,
            then only what it lists is used.

    Raises:
        UsageError: `media` does not exist.
        MediaMapError: `media.toml` is not TOML, or has an impossible value.
    """
    sought = SoughtMovies(movies)
    entries, shelf = _open(media, sought)
    claims, doubts = _all_claims(sought, shelf, entries)
    located: dict[str, tuple[Claimant, ...]] = {}
    missing: dict[str, Missing] = {}
    for movie in sought.all.values():
        listed_as = entries.get(movie.id)
        if isinstance(listed_as, Claimant):
            located[movie.id] = (listed_as,)
        elif listed_as is not None:
            missing[movie.id] = Missing(movie.id, listed_as)
        elif whole := _whole(claims.get(movie.id, [])):
            located[movie.id] = ordered(whole)
        else:
            reason = _why(movie, claims.get(movie.id, []), doubts.get(movie.id, []))
            missing[movie.id] = Missing(movie.id, reason)
    claimed = _files(candidate.path for candidates in located.values() for candidate in candidates)
    unused = tuple(recording.path for recording in shelf.recordings if recording.file not in claimed)
    return Library(
        located=located, missing=missing, unused=unused, extras=tuple(shelf.extras), unreadable=tuple(shelf.unreadable)
    )


def _open(media: Path, sought: SoughtMovies) -> tuple[dict[str, Claimant | Reason], Shelf]:
    """What `media.toml` lists, and what lies in the folder."""
    try:
        if media.is_dir():
            listed = media / MEDIA_MAP
            entries = read_media_map(listed) if listed.is_file() else {}
            return entries, read_shelf(media, sought.is_title)
        exists = media.exists()
    except OSError as error:  # a folder above may not be entered, or its name is too long
        raise UsageError(f"can't be opened: {error.strerror}", where=media, hint="check the path") from None
    if not exists:
        raise UsageError("there is no such folder", where=media, hint="give --media the folder with your films")
    if media.suffix.lower() != ".toml":
        raise UsageError(
            "this is a file, not a folder of films", where=media, hint="give the folder it is in, or a media.toml"
        )
    return read_media_map(media), Shelf()


def _all_claims(
    sought: SoughtMovies, shelf: Shelf, entries: dict[str, Claimant | Reason]
) -> tuple[dict[str, list[Claim]], dict[str, list[Doubt]]]:
    """By movie, the recordings that claim to be it, and those that do not quite."""
    reader = Reader(sought, shelf)
    mapped = _files(entry.path for entry in entries.values() if isinstance(entry, Claimant))
    claims: dict[str, list[Claim]] = {}
    doubts: dict[str, list[Doubt]] = {}
    for recording in shelf.recordings:
        if recording.file in mapped:  # the user said what it is
            continue
        for claim in reader.claims_of(recording):
            if isinstance(claim, Claim):
                claims.setdefault(claim.movie, []).append(claim)
            else:
                doubts.setdefault(claim.movie, []).append(claim)
    return claims, doubts


def _files(paths: Iterable[Path]) -> set[tuple[int, int]]:
    """Device and inode of files: two names of one file count as one."""
    files = set()
    for path in paths:
        try:
            status = path.stat()
        except OSError:  # gone meanwhile: said when it is opened
            continue
        files.add((status.st_dev, status.st_ino))
    return files


def _whole(claims: list[Claim]) -> list[Claimant]:
    """A movie's claims without pieces of it, and of two names of one file the stronger."""
    pieces = _pieces(claims)
    files: set[tuple[int, int]] = set()
    whole = []
    for claim in sorted(claims, key=lambda claim: (-claim.strength, claim.recording.path)):
        if claim.recording not in pieces and claim.recording.file not in files:
            files.add(claim.recording.file)
            whole.append(_located(claim))
    return whole


def _located(claim: Claim) -> Claimant:
    # Its timing is assumed to be the movie's until it is measured.
    evidence = Evidence(tier="identity")
    return Claimant(
        movie=claim.movie,
        path=claim.recording.path,
        time_map=TimeMap.linear(),
        evidence=evidence,
        strength=claim.strength,
        how=claim.how,
    )


def _pieces(claims: list[Claim]) -> set[MediaFile]:
    """The recordings that hold a part of their movie: by their name, or with another part of it beside them."""
    marked: dict[MediaFile, FilmPart] = {}
    for claim in claims:
        piece = piece_of(claim.recording)
        if piece is not None:
            marked[claim.recording] = piece
    pieces = {claim.recording for claim in claims if claim.piece}
    beside: dict[tuple[Path, str], list[MediaFile]] = {}
    for recording, piece in marked.items():
        if piece.certain:
            pieces.add(recording)
        else:
            beside.setdefault((recording.path.parent, piece.rest.casefold()), []).append(recording)
    for parts in beside.values():
        if len({recording.stem.casefold() for recording in parts}) > 1:
            pieces.update(parts)
    return pieces


def _why(movie: Sought, pieces: list[Claim], doubts: list[Doubt]) -> Reason:
    """Why a movie has no recording: claims that are all pieces of it, doubtful ones, or none at all."""
    if pieces:
        names = _names([claim.recording.path for claim in pieces])
        many = "is only one part of the movie" if len(pieces) == 1 else "are parts of the movie"
        detail = f"{names} {many}; join all parts into one file, and name it in {MEDIA_MAP}"
        return Reason(rule=Refusal.RECORDING_IN_PARTS, detail=detail)
    if doubts:
        names = _names([doubt.path for doubt in doubts if doubt.rule == doubts[0].rule])
        return Reason(rule=doubts[0].rule, detail=f"{names} {doubts[0].detail}")
    called = f" or {shown(movie.name, 100)}" if movie.name else ""
    return Reason(rule=Refusal.NO_RECORDING, detail=f"no file or folder name matches {movie.id}{called}")


def _names(paths: list[Path]) -> str:
    more = f" and {len(paths) - 2} more" if len(paths) > 2 else ""
    return ", ".join(shown(path.name, 80) for path in paths[:2]) + more

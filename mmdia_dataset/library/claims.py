"""What one recording claims to be: by id, by series and episode, by title and year."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mmdia_dataset.library.candidates import Strength
from mmdia_dataset.library.episodes import Numbers, numbers_in, numbers_in_season, season_in
from mmdia_dataset.library.mapping import MEDIA_MAP
from mmdia_dataset.library.media_files import MediaFile, Shelf, is_video, piece_of
from mmdia_dataset.library.names import imdb_ids, title_key, title_words
from mmdia_dataset.library.nfo import Nfo, read_nfo
from mmdia_dataset.library.sought import Sought, SoughtMovies, series_keys
from mmdia_dataset.library.titles import Match, TitleReader, TitleReading, best
from mmdia_dataset.refusals import Refusal

__all__ = ["Claim", "Doubt", "Reader"]

# Folders that only say how a disc or a set is laid out.
_LAYOUT = frozenset(("bdmv", "stream", "video_ts"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A recording that claims to be a movie.

    Attributes:
        movie: the movie's id.
        recording: the recording.
        strength: what the claim is worth.
        how: why, in words.
        piece: whether it was read as a part of the movie.
    """

    movie: str
    recording: MediaFile
    strength: Strength
    how: str
    piece: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """A recording that has to do with a movie, but can't be taken for it.

    Attributes:
        movie: the movie's id.
        path: the recording.
        rule: kind of reason.
        detail: a sentence without its subject, which is the recording's name.
    """

    movie: str
    path: Path
    rule: Refusal
    detail: str


@dataclass(frozen=True, slots=True)
class _Stated:
    """The IMDb ids nearest to a recording, and where they stand."""

    ids: frozenset[int]
    strength: Strength
    how: str
    own: bool


class Reader:
    """Reads recordings' names, their folders' names, and the .nfo files beside them."""

    def __init__(self, movies: SoughtMovies, shelf: Shelf) -> None:
        self._movies = movies
        self._shelf = shelf
        self._titles = TitleReader(movies)
        self._nfo = cache(read_nfo)
        self._folder_nfo = cache(self._read_folder_nfo)
        self._stems: dict[Path, set[str]] = {}
        for recording in shelf.recordings:
            self._stems.setdefault(recording.path.parent, set()).add(recording.stem.lower())

    def claims_of(self, recording: MediaFile) -> Iterator[Claim | Doubt]:
        """Everything a recording claims, each movie once."""
        named = self._named_by_id(recording)
        if named is not None:
            yield Claim(movie=named.id, recording=recording, strength=Strength.ID, how="its name is the movie's id")
            return
        stated = self._stated(recording)
        if stated is not None:
            movies = [movie for number in sorted(stated.ids) for movie in self._movies.by_imdb.get(number, ())]
            if len(stated.ids) > 1:
                detail = f"has several IMDb ids; say in {MEDIA_MAP} which movie it is"
                yield from (Doubt(movie.id, recording.path, Refusal.AMBIGUOUS_NAME, detail) for movie in movies)
            elif not stated.own and self._is_called_another(recording, stated.ids):
                detail = (
                    f"is in this movie's folder, but has another movie's title; say in {MEDIA_MAP} which movie it is"
                )
                yield from (Doubt(movie.id, recording.path, Refusal.AMBIGUOUS_NAME, detail) for movie in movies)
            else:
                yield from (
                    Claim(movie=movie.id, recording=recording, strength=stated.strength, how=stated.how)
                    for movie in movies
                )
            if movies:
                return
        episodes = list(self._episode_claims(recording, stated))
        yield from episodes or self._title_claims(recording, stated)

    def _named_by_id(self, recording: MediaFile) -> Sought | None:
        """The movie whose id is the recording's name, whole or without the batch, which is its folder's name."""
        stem = recording.stem.replace(" ", "_").casefold()
        names = [stem, *(f"{folder.casefold()}_{stem}" for folder in recording.folders[-1:])]
        return next((self._movies.by_id[name] for name in names if name in self._movies.by_id), None)

    def _is_called_another(self, recording: MediaFile, ids: frozenset[int]) -> bool:
        """Whether a recording bears the title and year of films, and of none of those ids."""
        matches = self._titles.read(recording.stem).matches.values()
        dated = [match.movie.imdb for match in matches if match.strength is Strength.TITLE_YEAR]
        return bool(dated) and ids.isdisjoint(dated)

    def _own_nfo(self, recording: MediaFile) -> Nfo | None:
        """The .nfo file that bears the recording's name."""
        for name in self._shelf.nfos.get(recording.path.parent, ()):
            if name[:-4].lower() == recording.stem.lower():
                return self._nfo(recording.path.with_name(name))
        return None

    def _read_folder_nfo(self, folder: Path) -> Nfo | None:
        """What the one .nfo file says that is about a folder's one film: `movie.nfo`, or one under its own name."""
        stems = self._stems.get(folder, set())
        names = [name for name in self._shelf.nfos.get(folder, ()) if name[:-4].lower() not in stems]
        names = [name for name in names if name.lower() == "movie.nfo"] or names
        if len(names) != 1 or len(stems) != 1:
            return None
        nfo = self._nfo(folder / names[0])
        return nfo if nfo is not None and nfo.kind != "series" else None

    def _stated(self, recording: MediaFile) -> _Stated | None:
        if ids := imdb_ids(recording.stem):
            return _Stated(ids, Strength.ID, "IMDb id in its name", own=True)
        nfo = self._own_nfo(recording)
        if nfo is not None and nfo.kind != "series" and nfo.imdb:
            return _Stated(nfo.imdb, Strength.NFO, "IMDb id in its .nfo file", own=True)
        for depth, folder in enumerate(reversed(recording.folders)):
            if ids := imdb_ids(folder):
                return _Stated(ids, Strength.ID, "IMDb id in its folder's name", own=False)
            if depth == 0:
                nfo = self._folder_nfo(recording.path.parent)
                if nfo is not None and nfo.imdb:
                    return _Stated(nfo.imdb, Strength.NFO, "IMDb id in its folder's .nfo file", own=True)
        return None

    # Episodes

    def _episode_claims(self, recording: MediaFile, stated: _Stated | None) -> Iterator[Claim | Doubt]:
        if not self._movies.by_season:
            return
        for numbers, series, where in self._episodes_of(recording):
            claims = list(self._of_season(recording, stated, numbers, series, where))
            if claims:
                yield from claims
                return

    def _episodes_of(self, recording: MediaFile) -> Iterator[tuple[Numbers, frozenset[str], str]]:
        """Season, episodes and series as the .nfo file, the name, and the folder's name say."""
        nfo = self._own_nfo(recording)
        above = self._series_above(recording)
        if nfo is not None and nfo.kind == "episode" and nfo.season is not None and nfo.episodes:
            series = series_keys(nfo.series) if nfo.series else above
            yield Numbers(nfo.season, nfo.episodes, ""), series, "series, season and episode in its .nfo file"
        numbers = numbers_in(recording.stem)
        if numbers is None and recording.folders:
            season = season_in(recording.folders[-1])
            numbers = None if season is None else numbers_in_season(recording.stem, season[0])
        parent = numbers_in(recording.folders[-1]) if recording.folders else None
        if numbers is not None:
            before = series_keys(numbers.before)
            yield numbers, before or above, "series, season and episode of its name"
            if before & {_initials(name) for name in recording.folders}:
                yield numbers, above, "season and episode of its name, series of its folder"
        alone = self._shelf.counts[recording.path.parent] == 1
        if parent is not None and alone and (numbers is None or _same(numbers, parent)):
            yield parent, series_keys(parent.before), "series, season and episode of its folder's name"

    def _series_above(self, recording: MediaFile) -> frozenset[str]:
        """The series whose folder a recording is in: by the folder's name, or by the tvshow.nfo in it."""
        folder = recording.path.parent
        keys: frozenset[str] = frozenset()
        for name in reversed(recording.folders):
            nfo = self._nfo(folder / "tvshow.nfo") if "tvshow.nfo" in self._shelf.nfos.get(folder, ()) else None
            keys |= frozenset(key for title in (nfo.titles if nfo else ()) for key in series_keys(title))
            season = season_in(name)
            keys |= series_keys(name if season is None else season[1])
            if keys:
                break
            folder = folder.parent
        return keys

    def _of_season(
        self, recording: MediaFile, stated: _Stated | None, numbers: Numbers, series: frozenset[str], where: str
    ) -> Iterator[Claim | Doubt]:
        movies = {movie.id: movie for key in series for movie in self._movies.by_season.get((key, numbers.season), ())}
        for movie in movies.values():
            if _is_another(movie, stated):
                continue
            if numbers.episodes == movie.episodes:
                yield Claim(movie=movie.id, recording=recording, strength=Strength.EPISODE, how=where)
            elif numbers.episodes & movie.episodes:
                holds = f"holds {_listed(numbers.episodes)} of season {numbers.season}"
                detail = (
                    f"{holds}, but the movie is {_listed(movie.episodes)}; name a file with exactly that in {MEDIA_MAP}"
                )
                yield Doubt(movie.id, recording.path, Refusal.OTHER_EPISODES, detail)

    # Films

    def _title_claims(self, recording: MediaFile, stated: _Stated | None) -> Iterator[Claim | Doubt]:
        in_season = bool(recording.folders) and season_in(recording.folders[-1]) is not None
        if in_season or numbers_in(recording.stem) is not None or not is_video(recording.path):
            return  # an episode of a series of that title, or music
        matches, how, piece = self._titled(recording)
        matches = {id_: match for id_, match in matches.items() if not _is_another(match.movie, stated)}
        closest = best(matches)
        if len(closest) == 1:
            what = "title and year" if closest[0].strength is Strength.TITLE_YEAR else "title alone"
            yield Claim(
                movie=closest[0].movie.id,
                recording=recording,
                strength=closest[0].strength,
                how=f"{what}, {how}",
                piece=piece,
            )
        elif closest:
            names = sorted(match.movie.id for match in closest)
            detail = f"could be any of {', '.join(names[:3])} by its title; say in {MEDIA_MAP} which movie it is"
            yield from (Doubt(match.movie.id, recording.path, Refusal.AMBIGUOUS_NAME, detail) for match in closest)

    def _titled(self, recording: MediaFile) -> tuple[dict[str, Match], str, bool]:
        """The films whose title its .nfo file, its name, or its folder's name says; where; and if as a part of it."""
        nfo = self._own_nfo(recording) or self._folder_nfo(recording.path.parent)
        if nfo is not None and nfo.kind == "movie" and (matches := self._titles.of_nfo(nfo).matches):
            return matches, "in its .nfo file", False
        name, split = self._titles.read(recording.stem), False
        piece = piece_of(recording)
        if piece is not None and not name.matches and title_key(piece.rest):
            name, split = self._titles.read(piece.rest), True
        folder = self._folder(recording)
        if name.matches:
            # The folder's year tells films of one title apart.
            better = {id_: folder.matches[id_] for id_ in name.matches if id_ in folder.matches}
            if better and max(m.rank for m in better.values()) > max(m.rank for m in name.matches.values()):
                return better, "of its folder's name", split
            fitting = {id_: m for id_, m in name.matches.items() if id_ not in folder.others or _dates_fit(m, folder)}
            return fitting, "of its name", split
        if self._shelf.counts[recording.path.parent] > 1 and (piece is None or title_key(piece.rest)):
            return {}, "", False
        # A folder called "Home" may hold anything: its title alone says nothing of a file of another name.
        of_folder = {
            id_: match
            for id_, match in folder.matches.items()
            if match.strength is Strength.TITLE_YEAR and id_ not in name.others and _dates_fit(match, name)
        }
        return of_folder, "of its folder's name", piece is not None and piece.certain

    def _folder(self, recording: MediaFile) -> TitleReading:
        """What the nearest folder says that bears a name of its own."""
        for name in reversed(recording.folders):
            if name.lower() not in _LAYOUT and not _is_disc(name):
                return self._titles.read(name)
        return TitleReading()


def _is_another(movie: Sought, stated: _Stated | None) -> bool:
    """Whether the ids at a recording say that it is another movie. A folder's may be the series', not the episode's."""
    if stated is None or movie.imdb is None or movie.imdb in stated.ids:
        return False
    return stated.own or movie.season is None


def _dates_fit(match: Match, name: TitleReading) -> bool:
    """Whether a name has the film's year, or no year at all."""
    year = match.movie.year
    return year is None or not name.years or any(abs(year - named_year) <= 1 for named_year in name.years)


def _same(first: Numbers, second: Numbers) -> bool:
    return (first.season, first.episodes) == (second.season, second.episodes)


def _initials(name: str) -> str:
    return "".join(word[0] for word in title_words(name))


def _is_disc(name: str) -> bool:
    return name.lower().rstrip(" 0123456789_-") in {"cd", "disc", "disk", "dvd"}


def _listed(numbers: frozenset[int]) -> str:
    return f"episode{'s' if len(numbers) > 1 else ''} {' and '.join(str(number) for number in sorted(numbers))}"

"""Which recording is which movie. The films and series are invented."""

import os
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmdia_dataset.errors import MediaMapError, UsageError
from mmdia_dataset.library import Claimant, Strength, locate
from mmdia_dataset.schema import Evidence, Movie
from mmdia_dataset.timing import Span, TimeMap

HARBOUR = Movie(id="tt0114388", imdb="tt0114388", title="Quiet Harbour", year=1995)
ORCHARD = Movie(id="tt7000102", imdb="tt7000102", title="The Glass Orchard", year=2003)
CAFE = Movie(id="tt7000103", imdb="tt7000103", title="Tom & Anna's Café: Älvdal", year=2011)
ROOK = Movie(id="tt7000104", imdb="tt7000104", title="Rook", year=1982)
ROOK_2 = Movie(id="tt7000105", imdb="tt7000105", title="Rook II", year=1988)
LANTERN = Movie(id="tt7000106", imdb="tt7000106", title="Lantern", year=1974)
LANTERN_AGAIN = Movie(id="tt7000107", imdb="tt7000107", title="Lantern", year=2006)
NUMBER = Movie(id="tt7000108", imdb="tt7000108", title="1887", year=2019)
TRAIN = Movie(id="tt7000109", imdb="tt7000109", title="Night Train 1984", year=2020)
PART_1 = Movie(id="tt7000110", imdb="tt7000110", title="The Ferrymen: Part 1", year=2014)
INTERVIEW = Movie(id="tt7000111", imdb="tt7000111", title="The Interview", year=2015)
SPIDER = Movie(id="tt7000112", imdb="tt7000112", title="Beetle-Man", year=2004)
FILMS = [HARBOUR, ORCHARD, CAFE, ROOK, ROOK_2, LANTERN, LANTERN_AGAIN, NUMBER, TRAIN, PART_1, INTERVIEW, SPIDER]

DOUBLE = Movie(id="tv_01_salt_road_S05E01-E02", batch="tv_01_salt_road", series="salt road", season=5, episodes=(1, 2))
SEVENTH = Movie(id="tv_01_salt_road_S02E07", batch="tv_01_salt_road", series="salt road", season=2, episodes=(7,))
THIS = Movie(
    id="tv_06_here_is_us_Here.Is.Us.S03E16", batch="tv_06_here_is_us", series="here is us", season=3, episodes=(16,)
)
SPECIAL = Movie(id="tv_01_salt_road_S00E01", batch="tv_01_salt_road", series="salt road", season=0, episodes=(1,))
EPISODES = [DOUBLE, SEVENTH, THIS, SPECIAL]


def make(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def found(library):
    """Of each movie found, the one recording and what the claim is worth."""
    return {movie: [(one.path, one.strength) for one in candidates] for movie, candidates in library.located.items()}


def only(library, movie):
    """A movie's one candidate."""
    (candidate,) = library.located[movie]
    return candidate


def missing(library, movie):
    """Why a movie is missing: kind and sentence."""
    reason = library.missing[movie].reason
    assert "\n" not in reason.detail
    return reason.rule, reason.detail


# By id


@pytest.mark.parametrize(
    "name",
    [
        "tt0114388.mp4",
        "Sense and Sensibility (1995) {imdb-tt0114388}.mkv",
        "Sense and Sensibility (1995) [imdbid-tt0114388] - 1080p.mkv",
        "Sense and Sensibility (1995) [imdb=tt0114388].mkv",
        "Sense and Sensibility (1995) {imdb-114388}.mkv",
        "Sense and Sensibility (1995) [imdbid=0114388].m4v",
        "Sense and Sensibility tt114388.mkv",
        "Sense_tt0114388_1080p.webm",
        "[tt0114388] x.avi",
        "Sense [imdbid-tt0114388]/film.mkv",
        "Sense [imdbid-tt0114388]/DVD/film.mkv",
        "a/TT0114388/b/disc.ts",
        'it\'s "quoted"\nünï/x.tt0114388.mkv',
        "Another Film (2003) {imdb-tt0114388}.mkv",
    ],
)
def test_an_imdb_id_anywhere_in_the_name(tmp_path, name):
    make(tmp_path, name, "other tt0000009.mkv", "notes tt0114388.txt", ".hidden tt0114388.mkv", "tt0114388-trailer.mp4")
    library = locate(["tt0114388"], tmp_path)
    located = only(library, "tt0114388")
    assert (located.path, located.strength, located.evidence.tier) == (tmp_path / name, Strength.ID, "identity")
    assert "id" in located.how
    assert library.unused == (tmp_path / "other tt0000009.mkv",)
    assert library.extras == (tmp_path / "tt0114388-trailer.mp4",)


@pytest.mark.parametrize(
    "name", ["att0114388.mkv", "tt01143889.mkv", "tt011438.mkv", "0114388.mkv", "imdb 01143889.mkv", "tt0114388.txt"]
)
def test_other_numbers_are_not_taken_for_the_id(tmp_path, name):
    make(tmp_path, name)
    assert missing(locate(["tt0114388"], tmp_path), "tt0114388") == (
        "no-recording",
        "no file or folder name matches tt0114388",
    )


def test_the_name_nearest_to_the_file_counts(tmp_path):
    make(tmp_path, "tt0000001/tt0000002.mkv")
    assert set(locate(["tt0000001", "tt0000002"], tmp_path).located) == {"tt0000002"}


def test_a_film_in_another_films_folder_is_neither(tmp_path):
    make(tmp_path, "Quiet Harbour {imdb-tt0114388}/Rook (1982).mkv")
    library = locate(FILMS, tmp_path)
    assert not library.located
    assert missing(library, HARBOUR.id)[1].startswith("Rook (1982).mkv is in this movie's folder")


def test_a_name_with_two_ids_is_neither(tmp_path):
    make(tmp_path, "double feature tt0000001 tt0000002.mkv")
    library = locate(["tt0000001", "tt0000002"], tmp_path)
    assert missing(library, "tt0000001")[0] == missing(library, "tt0000002")[0] == "ambiguous-name"


def test_an_episode_is_found_by_its_own_id(tmp_path):
    make(tmp_path, "tv_01_salt_road_S05E01-E02.mkv", "tv 02 S01E01.mp4", "tv_03_x/s05e07.mkv")
    library = locate(["tv_01_salt_road_S05E01-E02", "tv_02_S01E01", "tv_03_x_s05e07"], tmp_path)
    assert len(library.located) == 3
    assert {one.strength for candidates in library.located.values() for one in candidates} == {Strength.ID}


# By title and year


@pytest.mark.quick
@pytest.mark.parametrize(
    ("movie", "name"),
    [
        (HARBOUR, "Quiet Harbour (1995).mkv"),
        (HARBOUR, "Quiet Harbour (1995)/Quiet Harbour (1995).mkv"),
        (HARBOUR, "Quiet Harbour (1995)/Quiet Harbour.mkv"),
        (HARBOUR, "Quiet Harbour (1995)/title_t00.mkv"),
        (HARBOUR, "Quiet Harbour (1995)/qh-1080p.mkv"),
        (HARBOUR, "Quiet Harbour (1995) - Director's Cut.mkv"),
        (HARBOUR, "Quiet Harbour (1995) [1080p] [BluRay].mp4"),
        (HARBOUR, "Quiet Harbour [1995].avi"),
        (HARBOUR, "Quiet Harbour 1995.mkv"),
        (HARBOUR, "quiet.harbour.1995.extended.mkv"),
        (HARBOUR, "Quiet.Harbour.1995.1080p.BluRay.x264-GRP.mkv"),
        (HARBOUR, "Quiet.Harbour.1996.GERMAN.DL.720p.WEB-DL.h265.mkv"),
        (HARBOUR, "Quiet_Harbour_(1995)_DVDRip.avi"),
        (HARBOUR, "quiet harbour (1994).mkv"),
        (HARBOUR, "QUIET HARBOUR (1995) 4K HDR.mkv"),
        (HARBOUR, "[GRP] Quiet Harbour (1995) [ABCD1234].mkv"),
        (HARBOUR, "03 - Quiet Harbour (1995).mkv"),
        (HARBOUR, "03. Quiet Harbour (1995).mkv"),
        (HARBOUR, "The Quiet Harbour (1995).mkv"),
        (HARBOUR, "Quiet Harbour AKA Der stille Hafen (1995).mkv"),
        (HARBOUR, "Quiet Harbour (1995) 1920x1080.mkv"),
        (HARBOUR, "Drama/1990s/Quiet Harbour (1995)/Quiet Harbour (1995) Bluray-1080p.mkv"),
        (HARBOUR, "Quiet.Harbour.1995.1080p.BluRay.x264-GRP/grp-qh.mkv"),
        (ORCHARD, "The Glass Orchard (2003).mkv"),
        (ORCHARD, "Glass Orchard, The (2003).mkv"),
        (ORCHARD, "Glass.Orchard.The.2003.DVDRip.avi"),
        (ORCHARD, "The.Glass.Orchard.2003.REMASTERED.2160p.mkv"),
        (ORCHARD, "Glass Orchard (2003).mkv"),
        (CAFE, "Tom and Annas Cafe - Alvdal (2011).mkv"),
        (CAFE, "Tom & Anna's Café꞉ Älvdal (2011).mkv"),
        (CAFE, "Tom.&.Anna´s.Cafe.Alvdal.2011.mkv"),
        (CAFE, "TOM AND ANNA’S CAFÉ_ ÄLVDAL (2011).mkv"),
        (CAFE, "Tom & Anna's Cafe\u0301_ A\u0308lvdal (2011).mkv"),
        (ROOK, "Rook (1982).mkv"),
        (ROOK, "Rook.1982.720p.mkv"),
        (ROOK_2, "Rook II (1988).mkv"),
        (ROOK_2, "Rook.II.1988.mkv"),
        (LANTERN, "Lantern (1974).mkv"),
        (LANTERN, "Lantern (1974)/Lantern.mkv"),
        (LANTERN_AGAIN, "Lantern (2006).mkv"),
        (LANTERN_AGAIN, "Lantern.2006.COMPLETE.BLURAY.mkv"),
        (NUMBER, "1887 (2019).mkv"),
        (NUMBER, "1887.2019.1080p.mkv"),
        (TRAIN, "Night Train 1984 (2020).mkv"),
        (TRAIN, "Night.Train.1984.2020.1080p.WEB.mkv"),
        (PART_1, "The Ferrymen Part 1 (2014).mkv"),
        (PART_1, "The.Ferrymen.Part.1.2014.1080p.mkv"),
        (INTERVIEW, "The Interview (2015).mkv"),
        (SPIDER, "Beetleman (2004).mkv"),
        (SPIDER, "Beetle Man 2004.mkv"),
    ],
)
def test_title_and_year_in_names_as_people_write_them(tmp_path, movie, name):
    make(tmp_path, name)
    library = locate(FILMS, tmp_path)
    assert found(library) == {movie.id: [(tmp_path / name, Strength.TITLE_YEAR)]}
    assert only(library, movie.id).how.startswith("title and year, of its ")
    assert not library.unused


@pytest.mark.parametrize(
    ("movie", "name"),
    [
        (HARBOUR, "Quiet Harbour.mkv"),
        (HARBOUR, "quiet.harbour.1080p.x264-GRP.mkv"),
        (HARBOUR, "Quiet Harbour Collection/Quiet Harbour.mkv"),
        (HARBOUR, "Quiet Harbour Collection (1995-2001)/Quiet Harbour.mkv"),
        (ORCHARD, "Glass Orchard, The.mkv"),
        (ROOK, "Rook.mkv"),
        (ROOK_2, "Rook II.mkv"),
        (NUMBER, "1887.mkv"),
        (PART_1, "The Ferrymen - Part 1.mkv"),
        (INTERVIEW, "The Interview.mkv"),
    ],
)
def test_a_title_alone_is_a_weak_claim(tmp_path, movie, name):
    make(tmp_path, name)
    assert found(locate(FILMS, tmp_path)) == {movie.id: [(tmp_path / name, Strength.TITLE)]}


@pytest.mark.parametrize(
    "name",
    [
        "Quiet Harbour (2005).mkv",
        "Quiet Harbour 2.mkv",
        "Quiet Harbour 2 (1995).mkv",
        "Quiet.Harbour.II.1997.1080p.mkv",
        "Quiet Harbour (1995) vs Quiet Harbour (2005).mkv",
        "Not So Quiet Harbour (1995).mkv",
        "Quiet Harbours (1995).mkv",
        "Quiet Harbour Vol 2.mkv",
        "Quiet Harbour Season 1.mkv",
        "Quiet Harbour E01.mkv",
        "Quiet.Harbour.S01.Complete.mkv",
        "Quiet Harbour & Rook.mkv",
        "Quiet Harbour 1995 & Rook.mkv",
        "Quiet Harbour (1995) & Rook (1982).mkv",
        "Quiet Harbour (1995) Making Of.mkv",
        "Quiet.Harbour.1995.Trailer.1080p.mkv",
        "Quiet.Harbour.1995.OST.mkv",
        "Quiet Harbour 1995 Deleted Scenes.mkv",
        "Rook 1982-1988 Trilogy.mkv",
        "The Making of Quiet Harbour (1995).mkv",
        "Quiet Harbour Nights.mkv",
        "Quiet Harbour - The Series/Quiet Harbour S01E01.mkv",
        "Quiet Harbour S01E01.mkv",
        "Quiet Harbour (1995)/Quiet Harbour 2 (1998).mkv",
        "Quiet Harbour (1995)/Quiet Harbour 2.mkv",
        "Quiet Harbour (1995)/Another Film (1998).mkv",
        "Quiet Harbour (1986)/Quiet Harbour.mkv",
        "Quiet Harbour (1995) {imdb-tt9999999}.mkv",
        "Quiet Harbour (1995) {imdb-tt9999999}/Quiet Harbour (1995).mkv",
        "Harbour Quiet (1995).mkv",
        "Rook 2 (1988).mkv",
        "Rook III (1988).mkv",
        "Rookie (1982).mkv",
        "Lantern.mkv",
        "Lantern (1990).mkv",
        "Glass Orchard.mkv",
        "Glass Orchard (2004).mkv",
        "The Ferrymen Part 2 (2014).mkv",
        "The Ferrymen (2014).mkv",
        "Night Train (2020).mkv",
        "Interview (2001).mkv",
        "Quiet Harbour/holiday.mkv",
        "Quiet Harbour.mp3",
        "Quiet Harbour (1995)/Quiet Harbour (1995).flac",
        "Quiet Harbour S01/E01.mkv",
        "Quiet Harbour/Season 1/Quiet Harbour.mkv",
        "Quiet Harbour (1995)/IMG 2003.mov",
        "(((.mkv",
        "2019.mkv",
    ],
)
def test_names_of_other_films_mislead_nobody(tmp_path, name):
    make(tmp_path, name)
    library = locate(FILMS, tmp_path)
    assert found(library) == {}
    assert library.unused == (tmp_path / name,)


def test_films_of_one_title_are_told_apart_by_year_or_not_at_all(tmp_path):
    make(tmp_path, "Lantern.mkv", "a/Lantern (1974).mkv", "b/Lantern (2006).mkv", "c/Lantern (1990).mkv")
    library = locate([LANTERN, LANTERN_AGAIN], tmp_path)
    assert only(library, LANTERN.id).path == tmp_path / "a/Lantern (1974).mkv"
    assert only(library, LANTERN_AGAIN.id).path == tmp_path / "b/Lantern (2006).mkv"
    for folder in "abc":
        for path in (tmp_path / folder).iterdir():
            path.unlink()
    rule, detail = missing(locate([LANTERN, LANTERN_AGAIN], tmp_path), LANTERN.id)
    assert rule == "ambiguous-name"
    assert detail.startswith("Lantern.mkv could be any of tt7000106, tt7000107 by its title")


def test_the_nearer_year_counts_where_two_fit(tmp_path):
    make(tmp_path, "Lantern (2006).mkv")
    year_before = LANTERN.model_copy(update={"year": 2005})
    assert set(locate([LANTERN_AGAIN, year_before], tmp_path).located) == {LANTERN_AGAIN.id}


def test_films_of_one_title_without_year_are_both_refused(tmp_path):
    make(tmp_path, "Lantern (2006).mkv")
    twins = [movie.model_copy(update={"year": None}) for movie in (LANTERN, LANTERN_AGAIN)]
    assert not locate(twins, tmp_path).located
    assert set(locate(twins[:1], tmp_path).located) == {LANTERN.id}


def test_a_film_named_after_its_file_goes_by_that_title(tmp_path):
    make(tmp_path, "Quiet Harbour (1995).mkv")
    movie = Movie(id="movie_41_Quiet.Harbour.1995", batch="movie_41")
    assert only(locate([movie], tmp_path), movie.id).strength is Strength.TITLE_YEAR


# By series, season and episode


@pytest.mark.parametrize(
    ("movie", "name"),
    [
        (SEVENTH, "Salt Road S02E07.mkv"),
        (SEVENTH, "salt.road.s02e07.1080p.web.x264-grp.mkv"),
        (SEVENTH, "Salt Road - 2x07 - The Ferry.mkv"),
        (SEVENTH, "Salt Road/Season 02/Salt Road - S02E07 - The Ferry.mkv"),
        (SEVENTH, "Salt Road/Season 2/2x07.mkv"),
        (SEVENTH, "Salt Road/Season 2/07 - The Ferry.mkv"),
        (SEVENTH, "Salt Road/Season 2/07. The Ferry.mkv"),
        (SEVENTH, "Salt Road/Season 2/E07.mkv"),
        (SEVENTH, "Salt Road/Season 2/Episode 7.mkv"),
        (SEVENTH, "Salt Road/Season 2/Salt Road - 07 - The Ferry.mkv"),
        (SEVENTH, "Salt Road/Season 2/207.mkv"),
        (SEVENTH, "Salt Road/Season 2/Salt Road 207.mkv"),
        (SEVENTH, "Salt Road/Staffel 2/S02E07.mkv"),
        (SEVENTH, "Salt Road/S02/s02e07v2.mkv"),
        (SEVENTH, "Salt Road (2007)/Season 02/S02E07.mkv"),
        (SEVENTH, "Salt Road (2007) - S02E07.mkv"),
        (SEVENTH, "Salt.Road.2007.S02E07.mkv"),
        (SEVENTH, "Salt Road (US) S02E07.mkv"),
        (SEVENTH, "Salt Road Season 2 Episode 7.mkv"),
        (SEVENTH, "Salt Road, Season 2, Ep 7.mkv"),
        (SEVENTH, "Salt Road s2.e7.mkv"),
        (SEVENTH, "Salt.Road.S02.1080p.BluRay/Salt.Road.S02E07.1080p.BluRay.mkv"),
        (SEVENTH, "Salt.Road.S02E07.720p-GRP/grp-sr.s02e07.mkv"),
        (SEVENTH, "Salt.Road.S02E07.720p-GRP/a1b2c3d4.mkv"),
        (SEVENTH, "Salt Road/Season 02/SR S02E07.mkv"),
        (SEVENTH, "Salt Road [tvdbid-12345]/Season 02/Salt Road S02E07.mkv"),
        (SEVENTH, "Salt Road {imdb-tt9999999}/Season 02/Salt Road S02E07.mkv"),
        (SEVENTH, "Salt Road S02E07 1080p 10bit x265.mkv"),
        (SEVENTH, "Salt Road S02E07-720p.mkv"),
        (SEVENTH, "tv_01_salt_road/Salt Road S02E07.mkv"),
        (DOUBLE, "Salt Road S05E01E02.mkv"),
        (DOUBLE, "Salt Road S05E01-E02.mkv"),
        (DOUBLE, "Salt Road S05E01-02.mkv"),
        (DOUBLE, "Salt Road s05e01-s05e02.mkv"),
        (DOUBLE, "Salt Road S05E01.E02.mkv"),
        (DOUBLE, "Salt Road/Season 05/Salt Road - 5x01-02.mkv"),
        (DOUBLE, "Salt Road 5x01-5x02.mkv"),
        (DOUBLE, "Salt Road/Season 5/01-02 - The Start.mkv"),
        (DOUBLE, "Salt Road/Season 5/E01-E02.mkv"),
        (DOUBLE, "Salt Road Season 5 Episodes 1 & 2.mkv"),
        (THIS, "Here Is Us S03E16.mkv"),
        (THIS, "here.is.us.s03e16.hdtv.mkv"),
        (SPECIAL, "Salt Road/Specials/S00E01.mkv"),
        (SPECIAL, "Salt Road/Specials/01 - Behind it.mkv"),
    ],
)
def test_episodes_in_names_as_people_write_them(tmp_path, movie, name):
    make(tmp_path, name)
    library = locate([*EPISODES, HARBOUR], tmp_path)
    assert found(library) == {movie.id: [(tmp_path / name, Strength.EPISODE)]}
    assert "season and episode" in only(library, movie.id).how


@pytest.mark.parametrize(
    "name",
    [
        "Salt Road S02E08.mkv",
        "Salt Road S12E07.mkv",
        "Saltroads S02E07.mkv",
        "Pepper Road S02E07.mkv",
        "Salt Road/Season 02/Pepper Road S02E07.mkv",
        "S02E07.mkv",
        "Salt Road/07.mkv",
        "Salt Road 207.mkv",
        "Salt Road/Season 2/107.mkv",
        "Salt Road/Season 2/24 Hours.mkv",
        "Salt Road S02.mkv",
        "Salt Road S02E07a.mkv",
        "Salt Road 1280x720.mkv",
        "Salt Road (2007).mkv",
        "Salt Road.mkv",
        "Salt Road/Season 2/Salt Road S02E07-trailer.mkv",
        "Salt Road/Season 2/Extras/Salt Road S02E07.mkv",
    ],
)
def test_names_of_other_episodes_mislead_nobody(tmp_path, name):
    make(tmp_path, name)
    assert found(locate([SEVENTH, THIS], tmp_path)) == {}


@pytest.mark.parametrize(
    ("movie", "name", "said"),
    [
        (DOUBLE, "Salt Road S05E01.mkv", "holds episode 1 of season 5, but the movie is episodes 1 and 2"),
        (SEVENTH, "Salt Road S02E07E08.mkv", "holds episodes 7 and 8 of season 2, but the movie is episode 7"),
    ],
)
def test_half_an_episode_is_said_to_be_one(tmp_path, movie, name, said):
    make(tmp_path, name)
    rule, detail = missing(locate([movie], tmp_path), movie.id)
    assert rule == "other-episodes"
    assert f"{name} {said}" in detail


def test_an_episode_is_known_by_what_its_id_says(tmp_path):
    make(tmp_path, "Salt Road S05E01-E02.mkv", "Here Is Us/S03E16.mkv")
    bare = Movie(id=THIS.id, batch=THIS.batch)
    library = locate([DOUBLE.id, bare], tmp_path)
    assert set(library.located) == {DOUBLE.id, THIS.id}
    assert missing(locate([SEVENTH, "S02E07"], tmp_path), SEVENTH.id)[1].endswith(f"{SEVENTH.id} or salt road S02E07")


# By .nfo files


def nfo(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))


@pytest.mark.parametrize(
    "text",
    [
        "<movie><title>x</title><uniqueid type='imdb' default='true'>tt0114388</uniqueid></movie>",
        '<movie>\n <uniqueid type="tmdb">4</uniqueid>\n <uniqueid default="true" type="imdb"> tt0114388 </uniqueid>',
        "<movie><imdbid>tt0114388</imdbid></movie>",
        "<movie><imdb_id>tt0114388</imdb_id><actor><name>https://www.imdb.com/name/nm0000001/</name></actor></movie>",
        "<movie><id>tt0114388</id></movie>",
        "░▒▓ GRP presents ▓▒░\n imdb: http://www.imdb.com/title/tt0114388/\n",
        "https://m.imdb.com/de/title/tt0114388/?ref_=x",
        "<movie><title>Quiet Harbour</title><imdbid>tt0114388</imdbid> cut off",
    ],
)
@pytest.mark.parametrize("name", ["a/qh.nfo", "a/movie.nfo", "a/GRP.NFO"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_nfo_file_says_the_id(tmp_path, text, name, encoding):
    make(tmp_path, "a/qh.mkv", "b/other.mkv")
    nfo(tmp_path / name, text, encoding)
    candidate = only(locate([HARBOUR], tmp_path), HARBOUR.id)
    assert (candidate.path, candidate.strength) == (tmp_path / "a/qh.mkv", Strength.NFO)
    assert ".nfo file" in candidate.how


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<tvshow><uniqueid type='imdb'>tt0114388</uniqueid></tvshow>",
        "<movie><uniqueid type='tmdb'>tt0114388</uniqueid></movie>",
        "<movie><imdbid>0114388</imdbid></movie>",
        "see imdb.com/title/tt0114388 and imdb.com/title/tt0000002",
        "imdb.com/title/tt011438899999",
        "<!DOCTYPE m [<!ENTITY a 'tt0114388'>]><movie><imdbid>&a;</imdbid></movie>",
        "<uniqueid type='imdb'" + " " * 300_000 + ">tt0114388</uniqueid>",
        "<" * 200_000,
        "<title>" * 40_000,
    ],
)
def test_an_nfo_file_of_another_kind_says_nothing(tmp_path, text):
    make(tmp_path, "qh.mkv")
    nfo(tmp_path / "movie.nfo", text)
    assert HARBOUR.id in locate([HARBOUR], tmp_path).missing


def test_an_nfo_file_between_several_films_is_about_none(tmp_path):
    make(tmp_path, "one.mkv", "two.mkv")
    nfo(tmp_path / "movie.nfo", "<movie><imdbid>tt0114388</imdbid></movie>")
    assert not locate([HARBOUR], tmp_path).located


def test_an_nfo_file_outweighs_a_title_and_yields_to_an_id(tmp_path):
    make(tmp_path, "Rook (1982).mkv", "x tt7000102.mkv")
    nfo(tmp_path / "Rook (1982).nfo", "<movie><imdbid>tt0114388</imdbid></movie>")
    nfo(tmp_path / "x tt7000102.nfo", "<movie><imdbid>tt7000104</imdbid></movie>")
    assert found(locate(FILMS, tmp_path)) == {
        HARBOUR.id: [(tmp_path / "Rook (1982).mkv", Strength.NFO)],
        ORCHARD.id: [(tmp_path / "x tt7000102.mkv", Strength.ID)],
    }


def test_an_nfo_file_without_id_says_title_and_year(tmp_path):
    make(tmp_path, "a/dvd rip.mkv", "b/dvd rip.mkv")
    title = (
        "<title>Caf&#233; at Tom&apos;s</title><originaltitle>Tom &amp; Anna&apos;s Caf&#233;: Älvdal</originaltitle>"
    )
    nfo(tmp_path / "a/dvd rip.nfo", f"<movie>{title}<year>2011</year></movie>")
    nfo(tmp_path / "b/dvd rip.nfo", f"<movie>{title}<year>2001</year></movie>")
    library = locate([CAFE], tmp_path)
    assert found(library) == {CAFE.id: [(tmp_path / "a/dvd rip.mkv", Strength.TITLE_YEAR)]}
    assert only(library, CAFE.id).how == "title and year, in its .nfo file"


def test_nfo_files_of_series_and_episodes(tmp_path):
    make(tmp_path, "sr/Season 2/e07.mkv", "x/part one.mkv", "y/z.mkv")
    nfo(tmp_path / "sr/tvshow.nfo", "<tvshow><title>Salt Road</title><imdbid>tt9000000</imdbid></tvshow>")
    one = "<episodedetails><showtitle>Salt Road</showtitle><season>5</season><episode>{}</episode></episodedetails>"
    nfo(tmp_path / "x/part one.nfo", one.format(1) + one.format(2))
    assert found(locate(EPISODES, tmp_path)) == {
        SEVENTH.id: [(tmp_path / "sr/Season 2/e07.mkv", Strength.EPISODE)],
        DOUBLE.id: [(tmp_path / "x/part one.mkv", Strength.EPISODE)],
    }


def test_an_nfo_file_that_can_t_be_read_is_left_alone(tmp_path):
    make(tmp_path, "Quiet Harbour (1995).mkv")
    os.mkfifo(tmp_path / "Quiet Harbour (1995).nfo")
    (tmp_path / "movie.nfo").mkdir()
    assert set(locate([HARBOUR], tmp_path).located) == {HARBOUR.id}


# Several recordings of one movie


def test_all_recordings_of_a_movie_are_kept_strongest_first(tmp_path):
    make(
        tmp_path,
        "Quiet Harbour.mkv",
        "Quiet Harbour (1995).mkv",
        "b tt0114388.mp4",
        "a tt0114388.mkv",
        "e/qh.mkv",
        "Quiet Harbour (1995)/qh.mkv",
    )
    nfo(tmp_path / "e/qh.nfo", "<movie><imdbid>tt0114388</imdbid></movie>")
    library = locate([HARBOUR], tmp_path)
    assert [(one.path.relative_to(tmp_path).as_posix(), one.strength.name) for one in library.located[HARBOUR.id]] == [
        ("a tt0114388.mkv", "ID"),
        ("b tt0114388.mp4", "ID"),
        ("e/qh.mkv", "NFO"),
        ("Quiet Harbour (1995)/qh.mkv", "TITLE_YEAR"),
        ("Quiet Harbour (1995).mkv", "TITLE_YEAR"),
        ("Quiet Harbour.mkv", "TITLE"),
    ]
    assert not library.missing
    assert not library.unused


def test_a_film_is_preferred_to_a_sound_track(tmp_path):
    make(tmp_path, "tt0000001.mkv", "tt0000001.flac", "tt0000002.flac", "Rook (1982).mkv", "tt7000104.flac")
    library = locate(["tt0000001", "tt0000002", ROOK], tmp_path)
    assert only(library, "tt0000001").path.suffix == ".mkv"
    assert only(library, "tt0000002").path.suffix == ".flac"
    assert [one.path.suffix for one in library.located[ROOK.id]] == [".flac", ".mkv"]


def test_two_names_of_one_file_are_one_recording(tmp_path):
    make(tmp_path, "downloads/Quiet.Harbour.1995.mkv")
    (tmp_path / "films").mkdir()
    (tmp_path / "films/tt0114388.mkv").hardlink_to(tmp_path / "downloads/Quiet.Harbour.1995.mkv")
    (tmp_path / "link.tt0114388.mkv").symlink_to(tmp_path / "films/tt0114388.mkv")
    library = locate([HARBOUR], tmp_path)
    assert only(library, HARBOUR.id).path == tmp_path / "films/tt0114388.mkv"
    assert not library.unused


@pytest.mark.parametrize(
    "names",
    [
        ("Quiet Harbour (1995) cd1.avi", "Quiet Harbour (1995) cd2.avi"),
        ("Quiet.Harbour.1995.CD1.DVDRip.avi", "Quiet.Harbour.1995.CD2.DVDRip.avi"),
        ("Quiet Harbour (1995)/cd1.avi", "Quiet Harbour (1995)/cd2.avi"),
        ("Quiet Harbour (1995)/CD 1/film.avi", "Quiet Harbour (1995)/CD 2/film.avi"),
        ("Quiet Harbour (1995)/VIDEO_TS/VTS_01_1.VOB", "Quiet Harbour (1995)/VIDEO_TS/VTS_01_2.VOB"),
        ("tt0114388 disc 1.mkv", "tt0114388 disc 2.mkv"),
        ("tt0114388 - pt1.mkv", "tt0114388 - pt2.mkv"),
        ("Quiet Harbour [tt0114388]/film part 1.mkv", "Quiet Harbour [tt0114388]/film part 2.mkv"),
        ("Quiet Harbour part1.mkv", "Quiet Harbour part2.mkv"),
        ("tt0114388-dvd2.mkv",),
    ],
)
def test_a_movie_in_several_files_is_refused_with_a_sentence(tmp_path, names):
    make(tmp_path, *names)
    rule, detail = missing(locate([HARBOUR], tmp_path), HARBOUR.id)
    assert rule == "recording-in-parts"
    assert "join all parts into one file" in detail


def test_a_part_in_the_title_is_no_part_of_a_recording(tmp_path):
    names = ("The Ferrymen Part 1.mkv", "The Ferrymen Part 2.mkv", "Rook part 1 {imdb-tt0114388}.mkv")
    make(tmp_path, *names)
    part_2 = PART_1.model_copy(update={"id": "tt7000120", "imdb": "tt7000120", "title": "The Ferrymen: Part 2"})
    assert len(locate([PART_1, part_2, HARBOUR], tmp_path).located) == 3


# Extras, and what else lies in folders


@pytest.mark.parametrize(
    "name",
    [
        "Quiet Harbour (1995)/Extras/Rook (1982) tt7000104.mkv",
        "Quiet Harbour (1995)/Behind The Scenes/tt7000104.mkv",
        "Quiet Harbour (1995)/featurettes/deep/tt7000104.mkv",
        "Quiet Harbour (1995)/Trailers/tt7000104.mkv",
        "Quiet Harbour (1995)/Sample/tt7000104.mkv",
        "Quiet Harbour (1995)/other/tt7000104.mkv",
        "Quiet Harbour (1995)/tt7000104-featurette.mkv",
        "Quiet Harbour (1995)/tt7000104-scene.mkv",
        "Quiet Harbour (1995)/Rook (1982)-trailer.mkv",
        "Quiet Harbour (1995)/Rook (1982).sample.mkv",
        "Quiet Harbour (1995)/Rook Official Trailer #2.mkv",
        "Quiet Harbour (1995)/sample-rook.1982.tt7000104.mkv",
        "Quiet Harbour (1995)/theme.mp3",
        "Rook (1982) {imdb-tt7000104}/disc/extras/making.mkv",
        "$RECYCLE.BIN/tt7000104.mkv",
    ],
)
def test_extras_are_left_out(tmp_path, name):
    make(tmp_path, "Quiet Harbour (1995)/Quiet Harbour (1995).mkv", name)
    library = locate(FILMS, tmp_path)
    assert set(library.located) == {HARBOUR.id}
    assert not library.unused
    assert library.extras == (() if name.startswith("$") else (tmp_path / name,))


@pytest.mark.parametrize(
    "name",
    [
        "Other/Quiet Harbour (1995).mkv",
        "Shorts/Quiet Harbour (1995).mkv",
        "Trailers/Quiet Harbour (1995).mkv",
        "The Trailer.mkv",
        "TV/Extras/Season 1/Extras S01E01.mkv",
    ],
)
def test_what_is_merely_called_so_is_no_extra(tmp_path, name):
    make(tmp_path, name)
    trailer = Movie(id="tt7000130", imdb="tt7000130", title="The Trailer", year=2001)
    series = Movie(id="tv_09_extras_S01E01", batch="tv_09_extras", series="extras", season=1, episodes=(1,))
    assert len(locate([HARBOUR, trailer, series], tmp_path).located) == 1


def test_nothing_useful_in_a_folder(tmp_path):
    make(tmp_path, "a/b.txt", "IMG_0001.mov", "holiday/2019-07-01 beach.mp4", "music/01 song.mp3", "a.mkv.part")
    os.mkfifo(tmp_path / "tt0114388.mkv")
    (tmp_path / "tt0114388.mp4").symlink_to(tmp_path / "gone")
    (tmp_path / "tt0114388.avi").mkdir()
    library = locate([*FILMS, *EPISODES], tmp_path)
    assert not library.located
    assert {missing.reason.rule for missing in library.missing.values()} == {"no-recording"}
    assert len(library.unused) == 3
    assert missing(library, HARBOUR.id)[1].endswith("matches tt0114388 or Quiet Harbour (1995)")


def test_a_loop_of_links_ends(tmp_path):
    make(tmp_path, "a/tt0000001.mkv")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "itself").symlink_to(tmp_path / "a" / "itself")
    assert len(locate(["tt0000001"], tmp_path).located["tt0000001"]) == 1


def test_a_folder_that_can_t_be_listed_is_said_and_the_rest_goes_on(tmp_path, monkeypatch):
    make(tmp_path, "locked/tt0000001.mkv", "open/tt0000002.mkv")
    listing = os.scandir

    def scandir(folder):
        if str(folder).endswith("locked"):  # root may list everything
            raise PermissionError(13, "Permission denied")
        return listing(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    library = locate(["tt0000001", "tt0000002"], tmp_path)
    assert set(library.located) == {"tt0000002"}
    assert library.unreadable == (tmp_path / "locked",)


def test_folders_as_deep_as_they_go(tmp_path):
    made = [tmp_path]
    for _ in range(1200):
        made.append(made[-1] / "a")
        made[-1].mkdir()
    (made[-1] / "tt0000001.mkv").write_bytes(b"x")
    assert only(locate(["tt0000001"], tmp_path), "tt0000001").path.parent == made[-1]
    (made[-1] / "tt0000001.mkv").unlink()
    for folder in reversed(made[1:]):  # what clears up after tests does not go so deep
        folder.rmdir()


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=60)
HOSTILE = st.lists(
    st.sampled_from([
        "Quiet Harbour", "Salt Road", "S05E01", "-E02", "5x01", "(1995)", "2005", "tt0114388", "{imdb-", "}", "[", "((",
        "cd1", " part 2", "Season 5", "e", "1x", "-", ".", " ", "é", "\udcff", "x264", "The ", ", The", "aka", "\n",
    ]),
    min_size=1, max_size=30,
).map("".join)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(folder=NAMES | HOSTILE, name=NAMES | HOSTILE, beginning=st.sampled_from(["", "Quiet Harbour ", "Salt Road "]))
def test_no_name_is_too_strange(tmp_path_factory, folder, name, beginning):
    root = tmp_path_factory.mktemp("names")

    def short(text, limit):
        return os.fsdecode(os.fsencode(text)[:limit]).lstrip(".") or "x"

    place = root / short(folder, 255)
    place.mkdir()
    (place / f"{short(beginning + name, 251)}.mkv").write_bytes(b"x")
    (place / f"{short(name, 251)}.nfo").write_text(f"<movie><title>{name!a}</title></movie>", encoding="utf-8")
    library = locate([*FILMS, *EPISODES], root)
    assert len(library.located) + len(library.missing) == len(FILMS) + len(EPISODES)
    candidates = {one.path for found in library.located.values() for one in found}
    assert len(candidates) + len(library.unused) + len(library.extras) == 1
    for movie in library.missing:
        missing(library, movie)


def test_a_name_that_is_not_utf_8(tmp_path):
    name = os.fsdecode(b"Quiet Harbour (1995) \xff\xfe " + b"[x] " * 50 + b".mkv")
    make(tmp_path, name, os.fsdecode(b"\xff/Quiet Harbour x \xff.mkv"))
    assert only(locate([HARBOUR], tmp_path), HARBOUR.id).path == tmp_path / name


# The explicit mapping


def test_media_toml_says_path_offset_and_rate(tmp_path):
    make(tmp_path, "films/a.mkv", "films/b.mkv", "tt0000001.mkv")
    (tmp_path / "media.toml").write_text(
        'tt0000001 = "films/a.mkv"\n'
        '["tv.x_S01E01"]\npath = "films/b.mkv"\noffset_ms = 15015.5\nrate = "25025/24000"\n'
        '[tt0000003]\npath = "gone.mkv"\n',
        encoding="utf-8",
    )
    for media in (tmp_path, tmp_path / "media.toml"):
        library = locate(["tt0000001", "tv.x_S01E01", "tt0000003"], media)
        film = only(library, "tt0000001")
        assert (film.path, film.strength) == (tmp_path / "films/a.mkv", Strength.GIVEN)
        assert film.evidence.tier == "identity"
        episode = only(library, "tv.x_S01E01")
        assert episode.evidence.tier == "given"
        start, _ = episode.time_map.place(Span(1000, 2000))
        assert start == (1000 + Fraction("15015.5")) / Fraction(25025, 24000) / 1000
        assert "no such file" in missing(library, "tt0000003")[1]


def test_what_media_toml_lists_is_nothing_else(tmp_path):
    make(tmp_path, "Rook (1982).mkv", "tt0114388.mkv")
    (tmp_path / "media.toml").write_text('tt0114388 = "Rook (1982).mkv"\n')
    library = locate([HARBOUR, ROOK], tmp_path)
    assert found(library) == {HARBOUR.id: [(tmp_path / "Rook (1982).mkv", Strength.GIVEN)]}
    assert library.unused == (tmp_path / "tt0114388.mkv",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tt1 = ", "not TOML"),
        ("tt1 = 5", "path is missing"),
        ("[tt1]\noffset_ms = 5", "path is missing"),
        ('[tt1]\npath = "a"\noffset_ms = "5"', "not a number of milliseconds"),
        ('[tt1]\npath = "a"\noffset_ms = nan', "not a number of milliseconds"),
        ('[tt1]\npath = "a"\nrate = "quick"', "not a rate"),
        ('[tt1]\npath = "a"\nrate = 9', "outside 0.5 to 2"),
        ('[tt1]\npath = "a"\nspeed = 1', "unknown key"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (f"tt1 = {'9' * 5000}", "not TOML"),
        ("tt1 = " + "[" * 5000, "not TOML|nested too deeply"),
    ],
)
def test_a_wrong_media_toml_is_refused_in_one_sentence(tmp_path, text, said):
    (tmp_path / "media.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(MediaMapError, match=said) as caught:
        locate(["tt1"], tmp_path)
    assert "media.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["x" * 300, "a\\u0000b", ".", "../../../../..", "loop"])
def test_media_toml_may_name_what_can_t_be_a_file(tmp_path, path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "media.toml").write_text(f'tt1 = "{path}"')
    assert missing(locate(["tt1"], tmp_path), "tt1")[0] == "no-recording"


def test_no_such_folder(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        locate(["tt1"], tmp_path / "gone")
    with pytest.raises(UsageError, match="can't be opened"):
        locate(["tt1"], tmp_path / ("x" * 300))
    (tmp_path / "film.mkv").write_bytes(b"x")
    with pytest.raises(UsageError, match="not a folder of films"):
        locate(["tt1"], tmp_path / "film.mkv")


# Candidates from elsewhere


def test_candidates_known_by_content_are_merged(tmp_path):
    make(tmp_path, "a.mkv", "Rook (1982).mkv", "b.mkv", "c.mkv")
    (tmp_path / "media.toml").write_text('tt7000105 = "c.mkv"\n')
    library = locate([HARBOUR, ROOK, ROOK_2], tmp_path)

    def known(movie, name):
        evidence = Evidence(tier="fingerprint")
        return Claimant(
            movie=movie.id,
            path=tmp_path / name,
            time_map=TimeMap.linear(),
            evidence=evidence,
            strength=Strength.CONTENT,
            how="its sound",
        )

    more = library.with_candidates([known(HARBOUR, "a.mkv"), known(ROOK, "Rook (1982).mkv"), known(ROOK_2, "b.mkv")])
    assert found(more) == {
        HARBOUR.id: [(tmp_path / "a.mkv", Strength.CONTENT)],
        ROOK.id: [(tmp_path / "Rook (1982).mkv", Strength.CONTENT)],
        ROOK_2.id: [(tmp_path / "c.mkv", Strength.GIVEN)],
    }
    assert (set(library.missing), set(more.missing)) == ({HARBOUR.id}, set())
    assert more.unused == (tmp_path / "b.mkv",)
    with pytest.raises(KeyError):
        library.with_candidates([known(ORCHARD, "a.mkv")])

from fractions import Fraction

import pytest

from mmdia_dataset.errors import MediaMapError, UsageError
from mmdia_dataset.library import locate
from mmdia_dataset.timing import Span


def make(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


@pytest.mark.parametrize(
    "name",
    [
        "tt0114388.mp4",
        "Sense and Sensibility (1995) {imdb-tt0114388}.mkv",
        "[tt0114388] x.avi",
        "Sense [imdbid-tt0114388]/film.mkv",
        "a/TT0114388/b/disc.ts",
        'it\'s "quoted"\nünï/x.tt0114388.mkv',
    ],
)
def test_an_imdb_id_anywhere_in_the_name(tmp_path, name):
    make(tmp_path, name, "other tt0000009.mkv", "notes tt0114388.txt", ".hidden tt0114388.mkv", "tt0114388-trailer.mp4")
    library = locate(["tt0114388"], tmp_path)
    assert library.located["tt0114388"].path == tmp_path / name
    assert tmp_path / "other tt0000009.mkv" in library.unused


@pytest.mark.parametrize("name", ["att0114388.mkv", "tt01143889.mkv", "tt011438.mkv", "0114388.mkv"])
def test_other_numbers_are_not_taken_for_the_id(tmp_path, name):
    make(tmp_path, name)
    library = locate(["tt0114388"], tmp_path)
    assert library.missing["tt0114388"].reason.rule == "no-recording"


def test_the_name_nearest_to_the_file_counts(tmp_path):
    make(tmp_path, "tt0000001/tt0000002.mkv")
    library = locate(["tt0000001", "tt0000002"], tmp_path)
    assert set(library.located) == {"tt0000002"}


def test_an_episode_is_found_by_its_own_id(tmp_path):
    make(tmp_path, "tv_01_mad_men_S05E01-E02.mkv", "tv 02 S01E01.mp4")
    assert set(locate(["tv_01_mad_men_S05E01-E02", "tv_02_S01E01"], tmp_path).located) == {
        "tv_01_mad_men_S05E01-E02",
        "tv_02_S01E01",
    }


def test_two_files_of_one_movie_are_not_chosen_from(tmp_path):
    make(tmp_path, "a tt0000001.mkv", "b tt0000001.mp4")
    reason = locate(["tt0000001"], tmp_path).missing["tt0000001"].reason
    assert reason.rule == "several-recordings"
    assert "media.toml" in reason.detail


def test_a_film_is_preferred_to_a_sound_track(tmp_path):
    make(tmp_path, "tt0000001.mkv", "tt0000001.flac")
    assert locate(["tt0000001"], tmp_path).located["tt0000001"].path.suffix == ".mkv"


def test_a_loop_of_links_ends(tmp_path):
    make(tmp_path, "a/tt0000001.mkv")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert len(locate(["tt0000001"], tmp_path).located) == 1


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
        assert library.located["tt0000001"].path == tmp_path / "films/a.mkv"
        assert library.located["tt0000001"].evidence.tier == "identity"
        episode = library.located["tv.x_S01E01"]
        assert episode.evidence.tier == "given"
        start, _ = episode.time_map.place(Span(1000, 2000))
        assert start == (1000 + Fraction("15015.5")) / Fraction(25025, 24000) / 1000
        assert "no file" in library.missing["tt0000003"].reason.detail


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tt1 = ", "not TOML"),
        ("tt1 = 5", "no path"),
        ("[tt1]\noffset_ms = 5", "no path"),
        ('[tt1]\npath = "a"\noffset_ms = "5"', "not a number of milliseconds"),
        ('[tt1]\npath = "a"\noffset_ms = nan', "not a number of milliseconds"),
        ('[tt1]\npath = "a"\nrate = "quick"', "not a rate"),
        ('[tt1]\npath = "a"\nrate = 9', "outside 0.5 to 2"),
        ('[tt1]\npath = "a"\nspeed = 1', "unknown key"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
    ],
)
def test_a_wrong_media_toml_is_refused_in_one_sentence(tmp_path, text, said):
    (tmp_path / "media.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(MediaMapError, match=said) as caught:
        locate(["tt1"], tmp_path)
    assert "media.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_such_folder(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        locate(["tt1"], tmp_path / "gone")
    (tmp_path / "film.mkv").write_bytes(b"x")
    with pytest.raises(UsageError, match="not a folder of films"):
        locate(["tt1"], tmp_path / "film.mkv")

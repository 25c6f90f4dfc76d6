"""Subtitles beside and inside a recording, as strangers write them."""

import subprocess

import imageio_ffmpeg
import pytest

from mmdia_dataset.alignment.by_subtitles.sidecars import subtitle_tracks
from tests.support.films import Track, make_film

SRT = "1\n00:00:01,000 --> 00:00:02,500\n{first}\n\n2\n00:00:03,000 --> 00:00:03,900\nsecond line\n\n"
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy, a nikdo ho neslyšel. Řekni, že to není pravda!"
RUSSIAN = "Съешь ещё этих мягких французских булок, да выпей чаю. Никто не знает, куда он ушёл."
FRENCH = "Où est passé le garçon ? Il a déjà mangé, bien sûr, près de la fenêtre, à côté."
CHINESE = "我们明天早上在车站见面,你不要迟到。他说他从来没有见过那个人,真的很奇怪。"


@pytest.fixture
def film(tmp_path):
    """A name is enough where only files beside it are meant."""
    path = tmp_path / "films" / "Film (2004).mkv"
    path.parent.mkdir()
    path.write_bytes(b"no film")
    return path


def found(film, problems=None):
    said = [] if problems is None else problems
    return {track.name: track for track in subtitle_tracks(film, said.append)}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CZECH, "utf-8"),
        (CZECH, "utf-8-sig"),
        (CZECH, "utf-16"),
        (CZECH, "utf-16-le"),
        (CZECH, "utf-16-be"),
        (CZECH, "cp1250"),
        (RUSSIAN, "cp1251"),
        (FRENCH, "cp1252"),
        (CHINESE, "gb18030"),
    ],
)
def test_encodings(film, text, encoding):
    whole = "".join(SRT.format(first=text) for _ in range(6))
    film.with_suffix(".srt").write_bytes(whole.encode(encoding))
    (track,) = found(film).values()
    assert track.cues[0].text == text
    assert (track.cues[0].start_ms, track.cues[0].end_ms) == (1000, 2500)


FORMATS = {
    "srt": SRT.format(first="<i>first</i> line").replace("\n", "\r\n"),
    "vtt": "WEBVTT\n\n00:01.000 --> 00:02.500 align:start\nfirst line\n",
    "ass": "[Script Info]\n[V4+ Styles]\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Comment: 0,0:00:00.10,0:00:00.20,Default,,0,0,0,,not shown\n"
    "Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\i1}first{\\i0} line\n",
    "sub": "{1}{1}25.000\n{25}{63}first line\n",
    "smi": "<SAMI><BODY><SYNC Start=1000><P Class=ENCC>first line<SYNC Start=2500><P Class=ENCC>&nbsp;</BODY></SAMI>",
}


@pytest.mark.parametrize("suffix", FORMATS)
def test_formats(film, suffix):
    film.with_suffix(f".{suffix}").write_text(FORMATS[suffix], encoding="utf-8")
    (track,) = found(film).values()
    assert track.cues[0].text.strip() == "first line"
    assert track.cues[0].start_ms == 1000


def test_a_wrong_suffix_does_not_matter(film):
    film.with_suffix(".srt").write_text(FORMATS["ass"], encoding="utf-8")
    assert found(film)["Film (2004).srt"].cues[0].text == "first line"


def test_frames_are_counted_by_the_films_own_rate(tmp_path):
    make_film(tmp_path / "film.mkv", seconds=1, tracks=())
    (tmp_path / "film.sub").write_text("{24}{48}first line\n{72}{96}second\n", encoding="utf-8")
    assert found(tmp_path / "film.mkv")["film.sub"].cues[0].start_ms == 1001


def test_names(film):
    folder = film.parent
    (folder / "Subs" / film.stem).mkdir(parents=True)
    (folder / "Film (2004) 2.mkv").write_bytes(b"another")
    for name in (
        "Film (2004).srt",
        "Film (2004).en.forced.srt",
        "film (2004).pt-BR.SRT",
        "Film (2004) 2.srt",
        "Other.srt",
        ".Film (2004).srt",
        "Subs/Film (2004).de.srt",
        "Subs/Film (2004)/2_English.srt",
        "Subs/stray.srt",
        "Film (2004).nfo",
    ):
        (folder / name).write_text(SRT.format(first="words"), encoding="utf-8")
    tracks = found(film)
    assert {name: track.language for name, track in tracks.items()} == {
        "Film (2004).srt": None,
        "Film (2004).en.forced.srt": "en",
        "film (2004).pt-BR.SRT": "pt-br",
        "Film (2004).de.srt": "de",
        "2_English.srt": "en",
    }


def test_the_only_ones_beside_the_only_film(film):
    (film.parent / "some release.srt").write_text(SRT.format(first="words"), encoding="utf-8")
    (film.parent / "notes.txt").write_text("nothing", encoding="utf-8")
    assert list(found(film)) == ["some release.srt"]
    (film.parent / "b.mp4").write_bytes(b"another")
    assert not found(film)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no subtitles can be read"),
        (b"\x01\x02\x03\x04\x05\x06\x07\x00\x80" * 1000, "the encoding is unknown"),
        (bytes(range(1, 256)) * 50, "srt"),
        (b"\x00\x00\x01\xba" + b"\x44" * 3000, "pictures of text"),
        (b"words and no times\n" * 100, "no subtitles can be read"),
        (b"0" * (20 * 1024 * 1024 + 1), "larger than 20 MB"),
        (b'{"py/object": "os.system"}', "no subtitles can be read"),
    ],
)
def test_broken_files_are_left_out_with_a_sentence(film, data, said):
    film.with_suffix(".srt").write_bytes(data)
    (film.parent / "Film (2004).en.srt").write_text(SRT.format(first="words"), encoding="utf-8")
    problems = []
    assert list(found(film, problems)) == ["Film (2004).en.srt"]
    (sentence,) = [problem for problem in problems if "Film (2004).srt" in problem]
    assert said in sentence
    assert "\n" not in sentence


def test_links_out_of_the_folder_are_not_followed(film, tmp_path):
    secret = tmp_path / "secret.srt"
    secret.write_text(SRT.format(first="secret"), encoding="utf-8")
    film.with_suffix(".srt").symlink_to(secret)
    (film.parent / "inside.srt").write_text(SRT.format(first="words"), encoding="utf-8")
    (film.parent / "Film (2004).en.srt").symlink_to(film.parent / "inside.srt")
    film.with_suffix(".ass").symlink_to(film.parent / "gone.ass")
    (film.parent / "Subs").symlink_to(tmp_path)
    (tmp_path / "Film (2004).fr.srt").write_text(SRT.format(first="secret"), encoding="utf-8")
    problems = []
    assert list(found(film, problems)) == ["Film (2004).en.srt"]
    assert sum("link" in problem for problem in problems) == 3


@pytest.mark.parametrize(
    ("container", "codec"), [("mkv", "srt"), ("mkv", "ass"), ("mkv", "webvtt"), ("mp4", "mov_text"), ("webm", "webvtt")]
)
def test_tracks_inside(tmp_path, container, codec):
    sounds = [Track(codec="libopus")] if container == "webm" else [Track()]
    kind = "libvpx" if container == "webm" else "libx264"
    options = {"threads": "1", "deadline": "realtime"} if container == "webm" else None
    film = make_film(tmp_path / f"plain.{container}", seconds=4, codec=kind, options=options, tracks=sounds)
    (tmp_path / "words.txt").write_text(SRT.format(first="<i>first</i>, line"), encoding="utf-8")
    path = tmp_path / f"film.{container}"
    given = ["-i", film.path, "-f", "srt", "-i", tmp_path / "words.txt"]
    wanted = ["-map", "0", "-map", "1", "-c", "copy", "-c:s", codec, "-metadata:s:s:0", "language=eng", path]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *given, *wanted], check=True)
    (track,) = subtitle_tracks(path)
    assert track.language == "eng"
    times = [time for cue in track.cues for time in (cue.start_ms, cue.end_ms)]
    assert times == pytest.approx([1000, 2500, 3000, 3900], abs=12)
    assert "first" in track.cues[0].text
    assert ", line" in track.cues[0].text


def test_a_damaged_or_missing_film_still_has_its_files(film):
    film.with_suffix(".srt").write_text(SRT.format(first="words"), encoding="utf-8")
    problems = []
    assert list(found(film, problems)) == ["Film (2004).srt"]
    assert any("not a film" in problem for problem in problems)
    film.unlink()
    assert list(found(film)) == ["Film (2004).srt"]
    assert not found(film.parent / "gone" / "film.mkv")

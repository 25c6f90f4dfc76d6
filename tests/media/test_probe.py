"""What a media file is, and how its parts are placed and patched."""

from __future__ import annotations

import itertools
import struct
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmdia_dataset.errors import MediaUnreadable
from mmdia_dataset.media import fingerprint, probe, same_language, verify
from mmdia_dataset.media.containers.mp4boxes import Edit, boxes, finish
from mmdia_dataset.media.sound.placing import sample_places
from tests.support import films
from tests.support.films import FILM, Track, make_film

pytestmark = pytest.mark.quick

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    tracks = [
        Track(language="fra", title="VF"),
        Track("ac3", seed=2, language="eng", layout="5.1", default=True),
        Track("flac", seed=3, layout="mono"),
    ]
    return make_film(tmp_path_factory.mktemp("probe") / "film.mkv", seconds=2, tracks=tracks)


def test_probe_tells_the_tracks(film):
    info = probe(film.path)
    assert info.path == film.path
    assert info.size == film.path.stat().st_size
    assert info.format.startswith("matroska")
    assert info.origin == 0
    assert info.duration_s == pytest.approx(2, abs=0.1)
    assert info.video is not None
    assert (info.video.codec, info.video.width, info.video.height, info.video.frame_rate) == ("h264", 160, 90, FILM)
    told = [(one.codec, one.channels, one.sample_rate, one.language, one.title, one.default) for one in info.audio]
    assert told == [
        ("aac", 2, 48000, "fra", "VF", False),
        ("ac3", 6, 48000, "eng", None, True),
        ("flac", 1, 48000, None, None, False),
    ]


def test_probe_knows_cover_art_from_a_film(film, tmp_path):
    plain = make_film(tmp_path / "plain.mp4", seconds=1)
    covered = probe(films.add_cover(plain, tmp_path / "cover.mp4", FFMPEG).path)
    assert covered.video is not None
    assert (covered.video.codec, covered.video.width) == ("h264", 160)
    sound = make_film(tmp_path / "sound.m4a", seconds=1, codec=None, rate=Fraction(25))
    assert probe(sound.path).video is None
    assert probe(make_film(tmp_path / "silent.mp4", seconds=1, tracks=[]).path).audio == ()


def test_the_origin_is_exact(tmp_path):
    later = make_film(tmp_path / "later.ts", seconds=1, start=250 / FILM)
    origin = probe(later.path).origin
    assert origin * 90000 % 1 == 0  # on the container's own clock, not rounded to microseconds
    assert abs(origin - 250 / FILM) < Fraction(1, 10)


def test_names_are_names_whatever_they_look_like(tmp_path, monkeypatch):
    make_film(tmp_path / "film.mp4", seconds=1).path.rename(tmp_path / "http:film ünï.mp4")
    monkeypatch.chdir(tmp_path)
    assert probe("http:film ünï.mp4").video is not None


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.mp4", None, "does not exist"),
        ("empty.mp4", b"", "empty"),
        ("words.mkv", b"These are words.\n" * 900, "film"),
        ("noise.mp4", bytes(range(256)) * 5000, "film"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n", "film"),
        ("list.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n", "film"),
        ("cues.srt", b"1\n00:00:01,000 --> 00:00:02,000\nHello.\n", "film"),
    ],
)
def test_what_is_no_film_is_said_in_one_sentence(tmp_path, name, content, says):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaUnreadable) as caught:
        probe(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_film_cut_off_before_its_index_is_told_from_no_film(tmp_path):
    film = make_film(tmp_path / "film.mp4", seconds=2)
    data = film.path.read_bytes()
    film.path.write_bytes(data[: len(data) // 2])
    with pytest.raises(MediaUnreadable, match="cut off before its index"):
        probe(film.path)
    with pytest.raises(MediaUnreadable, match="folder"):
        probe(tmp_path)


def test_a_picture_is_no_film(film, tmp_path):
    import av
    import numpy as np

    path = tmp_path / "poster.png"
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as out:
        stream = out.add_stream("png", rate=1)
        stream.width = stream.height = 32
        stream.pix_fmt = "rgb24"
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")))
        out.mux(stream.encode(None))
    with pytest.raises(MediaUnreadable, match="not a film"):
        probe(path)


def test_fingerprints_follow_the_content_not_the_name(film, tmp_path):
    data = film.path.read_bytes()
    copy = tmp_path / "other name.mkv"
    copy.write_bytes(data)
    assert fingerprint(copy) == fingerprint(film.path)
    assert fingerprint(copy).startswith("sha256:")
    assert len(fingerprint(copy)) == 7 + 64
    for changed in (data + b"x", data[:-1] + b"x", b"x" + data[1:]):
        copy.write_bytes(changed)
        assert fingerprint(copy) != fingerprint(film.path)
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(1 << 34)
    assert fingerprint(big)
    with pytest.raises(MediaUnreadable):
        fingerprint(tmp_path / "none")


def test_languages_in_all_their_spellings():
    assert same_language("en", "eng")
    assert same_language("ger", "deu")
    assert same_language("pt-BR", "POR")
    assert not same_language("eng", "fra")
    assert not same_language(None, None)
    assert not same_language("", "eng")


def test_verify_finds_nothing_in_whole_films(film, tmp_path):
    assert verify(film.path) == []
    assert verify(make_film(tmp_path / "plain.mp4", seconds=1).path) == []


@given(
    st.sampled_from(
        [
            (Fraction(1, 1000), 48000),
            (Fraction(1, 1000), 44100),
            (Fraction(1, 90000), 44100),
            (Fraction(1, 48000), 48000),
        ]
    ),
    st.integers(0, 10**9),
    st.sampled_from([1024, 1152, 1536]),
    st.integers(8, 60),
)
def test_rounded_timestamps_still_place_samples(clock, first, step, count):
    tick, rate = clock
    true = [first + n * step for n in range(count)]
    ticks = [round(Fraction(place, rate) / tick) for place in true]
    places, follow = sample_places(ticks, [step] * count, tick * rate, Fraction(0))
    assert follow
    assert [other - one for one, other in itertools.pairwise(places)] == [step] * (count - 1)
    assert abs(places[0] - first) <= tick * rate / 2 + 1


def test_jumping_timestamps_are_taken_as_they_are():
    places, follow = sample_places([0, 1024, 4096], [1024] * 3, Fraction(1), Fraction(0))
    assert (places, follow) == ([0, 1024, 4096], False)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


@pytest.mark.parametrize(
    "data", [b"", b"\0\0\0", box(b"ftyp", b"isom"), struct.pack(">I4s", 99, b"moov"), struct.pack(">I4s", 3, b"ftyp")]
)
def test_bytes_that_are_no_mp4_are_refused(data):
    with pytest.raises((ValueError, IndexError)):
        finish(memoryview(data), [Edit(0, Fraction(1))], 1000)


@given(st.lists(st.tuples(st.binary(min_size=4, max_size=4), st.binary(max_size=40)), max_size=6))
def test_boxes_are_read_as_they_are_written(parts):
    data = b"".join(box(kind, body) for kind, body in parts)
    assert [(kind, bytes(whole[8:])) for kind, whole in boxes(memoryview(data))] == parts


def test_a_device_is_no_film():
    with pytest.raises(MediaUnreadable, match="regular file"):
        probe(Path("/dev/null"))

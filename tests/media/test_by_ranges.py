"""Clips as byte ranges: the same as by way of libavformat, and never by way of numbers that make no sense."""

from __future__ import annotations

import os
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmdia_dataset.clips import CopySettings, MadeClip, cut
from mmdia_dataset.media import OpenRecording, Ranges, Unsure, margins, remux
from mmdia_dataset.media.containers.matroska import MatroskaIndex
from mmdia_dataset.media.containers.mp4index import Mp4Index
from mmdia_dataset.timing import TimeMap
from tests.support import films
from tests.support.films import OPEN_GOP, X264, Film, Track, make_film
from tests.support.wishes import into, wish

DEEP = {**X264, "x264-params": "open-gop=1:scenecut=0:keyint=48:bframes=8:b-adapt=0:b-pyramid=normal"}
UNEVEN = [Fraction(n * 3000 + (n * n * 7 % 5) * 900, 90000) for n in range(150)]
KINDS = {
    "closed.mp4": {},
    "closed.mkv": {},
    "deep.mp4": {"options": DEEP},
    "deep.mkv": {"options": DEEP, "tracks": [Track("eac3")]},
    "open.mov": {"options": OPEN_GOP, "tracks": [Track("alac")]},
    "ac3.mkv": {"options": OPEN_GOP, "tracks": [Track("ac3", layout="5.1")]},
    "flac.mkv": {"tracks": [Track("flac")]},
    "mp3.mkv": {"tracks": [Track("libmp3lame")]},
    "later.mkv": {"start": 250 / films.FILM},
    "uneven.mkv": {"times": UNEVEN},
    "silent.mp4": {"tracks": []},
    "second.mkv": {"tracks": [Track(seed=1, language="fra"), Track("libopus", seed=2, language="eng")]},
    "vp9.webm": {
        "codec": "libvpx-vp9",
        "options": {"deadline": "realtime", "cpu-used": "8", "g": "30"},
        "tracks": [Track("libopus")],
    },
}


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    made: dict[str, Film] = {}

    def get(kind: str) -> Film:
        if kind not in made:
            made[kind] = make_film(tmp_path_factory.mktemp("ranges") / kind, seconds=5, **KINDS[kind])
        return made[kind]

    return get


def decoded(path: Path) -> tuple[list[int], np.ndarray]:
    """Numbers of the frames, and the samples as they are played from the clip's beginning."""
    numbers = films.numbers_av(path)
    with av.open(str(path)) as clip:
        if not clip.streams.audio:
            return numbers, np.zeros(0)
        mono = av.AudioResampler("flt", "mono")
        pieces = [part.to_ndarray()[0] for frame in clip.decode(audio=0) for part in mono.resample(frame)]
    return numbers, np.concatenate(pieces)


@pytest.mark.parametrize("kind", KINDS)
def test_both_ways_show_the_same(film, kind, tmp_path):
    with OpenRecording(film(kind).path, "eng") as source, Ranges(source) as ranges:
        for start, end in ((500, 900), (2002, 3100), (2003, 2400), (3333, 4100)):
            clip = ranges.clip(Fraction(start, 1000), Fraction(end, 1000))
            one, other = tmp_path / "ranges.mp4", tmp_path / "remux.mp4"
            one.write_bytes(b"".join(clip.parts))
            lead, tail = margins(source)
            stretch = source.stretch(Fraction(start, 1000), Fraction(end, 1000), lead=lead, tail=tail)
            assert (clip.start, clip.end) == (stretch.start, stretch.end)
            assert clip.times.tolist() == [pts - stretch.shown[0] for pts in stretch.shown]
            other.write_bytes(b"".join(remux(source, stretch)))
            (numbers, sound), (wanted, heard) = decoded(one), decoded(other)
            assert numbers == wanted
            assert abs(len(sound) - len(heard)) <= 1
            length = min(len(sound), len(heard))
            # A decoder that fills in noise does so from its first packet on, which rounding may set one earlier.
            assert (
                np.array_equal(sound[:length], heard[:length])
                or np.corrcoef(sound[:length], heard[:length])[0, 1] > 0.999
            )


def test_tags_are_those_of_the_other_way(tmp_path):
    source = make_film(
        tmp_path / "film.mkv", seconds=3, tracks=[Track("ac3", language="fra", title="VF", layout="5.1")]
    )
    with OpenRecording(source.path) as recording, Ranges(recording) as ranges:
        (tmp_path / "clip.mp4").write_bytes(b"".join(ranges.clip(Fraction(1), Fraction(2)).parts))
    with av.open(str(tmp_path / "clip.mp4")) as clip:
        sound = clip.streams.audio[0]
        assert (sound.language, sound.metadata["handler_name"], sound.layout.name) == ("fra", "VF", "5.1(side)")
        assert clip.duration == pytest.approx(1_001_000, abs=42_000)


@pytest.mark.parametrize(
    ("name", "making"),
    [
        ("film.ts", {}),
        ("film.avi", {"options": {**X264, "bf": "0"}, "tracks": [Track("ac3")]}),
        ("pcm.mkv", {"tracks": [Track("pcm_s16le")]}),
        ("part.mp4", {"container": {"movflags": "frag_keyframe+empty_moov"}}),
        ("sound.m4a", {"codec": None, "rate": Fraction(25)}),
    ],
)
def test_what_is_not_plain_goes_by_way_of_libavformat(tmp_path, name, making):
    source = make_film(tmp_path / name, seconds=2, **making)
    with OpenRecording(source.path) as recording, pytest.raises(Unsure):
        Ranges(recording)


def test_zeroed_bytes_and_a_shorter_file_are_noticed_while_copying(film, tmp_path):
    data = bytearray(film("closed.mkv").path.read_bytes())
    path = tmp_path / "film.mkv"
    path.write_bytes(data)
    with OpenRecording(path) as source, Ranges(source) as ranges:
        clip = ranges.clip(Fraction(1), Fraction(4))
        middle = len(data) // 2
        data[middle : middle + 3000] = bytes(3000)
        path.write_bytes(data)
        with pytest.raises(Unsure, match="zeros"):
            list(clip.parts)
        clip = ranges.clip(Fraction(1), Fraction(4))
        path.write_bytes(data[:middle])
        with pytest.raises(Unsure):
            list(clip.parts)
    (result,) = cut(path, TimeMap.linear(), [wish("x", 2000, 4000)], CopySettings(), into(tmp_path, ".mp4"))
    assert not isinstance(result, MadeClip)
    assert not list(tmp_path.glob("*x.mp4*"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_an_index_that_makes_no_sense_is_left_to_libavformat(film, tmp_path, data):
    kind = data.draw(st.sampled_from(["closed.mp4", "deep.mp4", "closed.mkv", "second.mkv"]))
    content = bytearray(film(kind).path.read_bytes())
    mp4 = kind.endswith("mp4")
    at = content.rfind(b"moov") if mp4 else 0
    size = len(content) - at if mp4 else 1200
    for _ in range(data.draw(st.integers(1, 4))):
        place = at + data.draw(st.integers(0, size - 4))
        new = data.draw(st.sampled_from([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1", b"\x80"]))
        content[place : place + len(new)] = new
    path = tmp_path / kind
    path.write_bytes(content)
    file = os.open(path, os.O_RDONLY)
    try:
        index = Mp4Index(file, 1, 2) if mp4 else MatroskaIndex(file, 0, 0)
        clock = 24000 if mp4 else 1000
        for picture, sound in index.windows((clock, 2 * clock), (clock, 2 * clock)):
            for rows in (picture, sound):
                assert rows is not None
                assert int(rows.places.min(initial=0)) >= 0
                assert int((rows.places + rows.sizes).max(initial=0)) <= len(content)
    except Unsure:
        pass
    finally:
        os.close(file)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["deep.mkv", "deep.mp4", "uneven.mkv", "second.mkv"]), st.integers(0, 4700), st.integers(1, 900))
def test_any_span_gives_the_same_or_is_left_to_libavformat(film, kind, start, length):
    with OpenRecording(film(kind).path) as source, Ranges(source) as ranges:
        try:
            clip = ranges.clip(Fraction(start, 1000), Fraction(start + length, 1000))
            size = sum(map(len, clip.parts))
        except Unsure:
            return
        stretch = source.stretch(Fraction(start, 1000), Fraction(start + length, 1000), lead=Fraction(1, 10))
        assert (clip.start, clip.end) == (stretch.start, stretch.end)
        assert clip.times.tolist() == [pts - stretch.shown[0] for pts in stretch.shown]
        assert size > sum(packet.size for packet in stretch.video)


def test_an_mp4_made_of_a_matroska_film_keeps_its_rounded_times(film, tmp_path):
    path = tmp_path / "film.mp4"
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        "-i",
        str(film("closed.mkv").path),
        "-c",
        "copy",
        str(path),
    ]
    subprocess.run(command, check=True)
    with OpenRecording(path) as source, Ranges(source) as ranges:
        clip = ranges.clip(Fraction(2003, 1000), Fraction(3))
        (tmp_path / "clip.mp4").write_bytes(b"".join(clip.parts))
        stretch = source.stretch(Fraction(2003, 1000), Fraction(3), lead=Fraction(1, 10))
        (tmp_path / "other.mp4").write_bytes(b"".join(remux(source, stretch)))
    numbers, sound = decoded(tmp_path / "clip.mp4")
    wanted, heard = decoded(tmp_path / "other.mp4")
    assert numbers == wanted == list(range(49, 72))
    assert np.array_equal(sound, heard)

"""Clips encoded anew show exactly their frames to every reader, with their sound, and nothing else."""

from __future__ import annotations

import random
import subprocess
from bisect import bisect_right
from dataclasses import replace
from fractions import Fraction

import av
import imageio_ffmpeg
import numpy as np
import pytest

from mmdia_dataset import load, rebuild
from mmdia_dataset.clips import EncodeSettings, MadeClip, RefusedClip, cut
from mmdia_dataset.clips.settings import settings_for
from mmdia_dataset.errors import UsageError
from mmdia_dataset.media import verify
from mmdia_dataset.timing import Span, TimeMap
from tests.support import films
from tests.support.films import MPEG2, OPEN_GOP, RATE, X264, Film, Track, make_film, times_of
from tests.support.wishes import into, wish
from tests.support.worlds import make_world

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
SECONDS = 6
UNEVEN = [Fraction(n * 3000 + (n * n * 7 % 5) * 900, 90000) for n in range(180)]
KINDS = {
    "closed.mp4": {"options": {**X264, "g": "24"}},
    "open.mkv": {"options": OPEN_GOP, "tracks": [Track("flac")]},
    "mpeg2.ts": {"rate": Fraction(25), "codec": "mpeg2video", "options": MPEG2, "tracks": [Track("mp2")]},
    "uneven.mkv": {"times": UNEVEN, "tracks": [Track("ac3", layout="5.1")]},
    "later.mkv": {"start": Fraction(250 * 1001, 24000)},
    "silent.mp4": {"tracks": []},
    "vp8.webm": {"codec": "libvpx", "options": {"deadline": "realtime"}, "tracks": [Track("libopus")]},
}
SPANS = [(0, 900), (500, 2100), (600, 1400), (1990, 2300), (4600, 5800)]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    made: dict[str, Film] = {}

    def get(kind: str) -> Film:
        if kind not in made:
            made[kind] = make_film(tmp_path_factory.mktemp("films") / kind, **{"seconds": SECONDS, **KINDS[kind]})
        return made[kind]

    return get


def encode(film: Film, spans, folder, **options) -> list[MadeClip | RefusedClip]:
    settings = EncodeSettings(**{"preset": "ultrafast", **options})
    wishes = [wish(f"{a}-{b}", a, b) for a, b in spans]
    results = list(cut(film.path, TimeMap.linear(), wishes, settings, into(folder, ".mp4")))
    assert {one.wish.id for one in results} == {one.id for one in wishes}
    return sorted(results, key=lambda one: one.wish.span.start_ms)


def inside(film: Film, span: Span) -> list[int]:
    return [n for n, at in enumerate(times_of(film)) if span.start_ms <= at * 1000 < span.end_ms]


@pytest.mark.parametrize("kind", KINDS)
def test_the_frames_of_the_span_and_no_others_to_every_reader(film, kind, tmp_path):
    source = film(kind)
    times = times_of(source)
    for made in encode(source, SPANS, tmp_path):
        assert isinstance(made, MadeClip), made
        want = inside(source, made.wish.span)
        file = made.file
        assert films.numbers_av(file) == films.numbers_opencv(file) == films.numbers_ffmpeg(file, FFMPEG) == want
        assert made.frames == len(want)
        with av.open(str(file)) as clip:
            video = clip.streams.video[0]
            packets = sorted(packet.pts for packet in clip.demux(video) if packet.size)
            assert [pts * video.time_base for pts in packets] == [times[n] - times[want[0]] for n in want]
            assert len(packets) == len(want)  # nothing hidden either
            assert bool(clip.streams.audio) == bool(source.tracks)
            assert abs(Fraction(clip.duration, 1_000_000) - (made.end - made.start)) < Fraction(1, 1000)
        assert verify(file) == []
        if source.tracks:
            assert made.samples == round(made.end * RATE) - round(made.start * RATE)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("silent.mp4", "uneven.mkv")])
def test_sound_begins_with_the_picture(film, kind, tmp_path):
    source = film(kind)
    (made,) = encode(source, [(2003, 3400)], tmp_path)
    heard = films.sound_ffmpeg(made.file, FFMPEG)
    for index, peak in films.place(heard[: made.samples], 1, SECONDS + 2):
        assert peak > 0.8
        given = source.times[inside(source, made.wish.span)[0]] - source.times[0]
        assert abs(index - given * RATE) <= RATE / 1000


@pytest.mark.parametrize("rate", ["25", "12", "30000/1001", "60"])
def test_a_steady_rate_shows_what_a_viewer_sees_at_each_moment(film, rate, tmp_path):
    source = film("uneven.mkv")
    times = times_of(source)
    for made in encode(source, SPANS, tmp_path, fps=rate):
        want = []
        while (at := made.start + len(want) / Fraction(rate)) < made.end:
            want.append(bisect_right(times, at) - 1)
        assert films.numbers_av(made.file) == films.numbers_opencv(made.file) == want
        assert made.frames == len(want)
        with av.open(str(made.file)) as clip:
            assert clip.streams.video[0].average_rate == Fraction(rate)


def test_sides_are_even_pixels_square_and_the_height_as_asked(tmp_path):
    odd = make_film(tmp_path / "odd.mkv", seconds=1, size=(161, 91), pix_fmt="yuv444p", tracks=[])
    wide = make_film(tmp_path / "wide.mkv", seconds=1, size=(320, 180))
    for source, options, size in (
        (odd, {}, (160, 90)),
        (wide, {"height": 90}, (160, 90)),
        (wide, {"height": 101}, (180, 100)),
    ):
        (made,) = encode(source, [(100, 900)], tmp_path / f"{source.path.stem}-{len(options)}", **options)
        with av.open(str(made.file)) as clip:
            video = clip.streams.video[0]
            assert (video.width, video.height) == size
            assert video.sample_aspect_ratio in (None, 1)
        if size == (160, 90):  # else the marks are not where they are looked for
            assert films.numbers_av(made.file) == inside(source, made.wish.span)


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_what_the_file_asks_to_be_turned_is_turned(film, turn, tmp_path):
    turned = tmp_path / "turned.mp4"
    command = [
        FFMPEG,
        "-v",
        "error",
        "-display_rotation",
        str(turn),
        "-i",
        film("closed.mp4").path,
        "-c",
        "copy",
        turned,
    ]
    subprocess.run(command, check=True)
    (made,) = encode(replace(film("closed.mp4"), path=turned), [(1000, 1200)], tmp_path)
    with av.open(str(turned)) as source, av.open(str(made.file)) as clip:
        frames = [frame for frame in source.decode(video=0) if 1000 <= frame.time * 1000 < 1200]
        for frame, encoded in zip(frames, clip.decode(video=0), strict=True):
            assert encoded.rotation == 0
            want = np.rot90(frame.to_ndarray(format="gray"), turn // 90)
            got = encoded.to_ndarray(format="gray")
            assert got.shape == (want.shape if turn == 180 else (160, 90))
            assert np.abs(got.astype(int) - want).mean() < 6


@pytest.mark.parametrize(("codec", "name"), [("libx265", "hevc"), ("libsvtav1", "av1"), ("libvpx-vp9", "vp9")])
def test_other_codecs(film, codec, name, tmp_path):
    source = film("closed.mp4")
    preset = {"libx265": "ultrafast", "libsvtav1": "12", "libvpx-vp9": "8"}[codec]
    (made,) = encode(source, [(1000, 1500)], tmp_path, codec=codec, preset=preset)
    assert isinstance(made, MadeClip), made
    want = inside(source, made.wish.span)
    assert films.numbers_av(made.file) == films.numbers_ffmpeg(made.file, FFMPEG) == want
    with av.open(str(made.file)) as clip:
        assert clip.streams.video[0].codec_context.codec.canonical_name == name


def test_a_clip_that_its_own_encoder_broke_is_refused(film, tmp_path):
    spans = [(start, start + 900) for start in range(0, 5000, 400)]
    results = encode(film("closed.mp4"), spans, tmp_path, codec="libsvtav1", preset="12", crf=2)
    for result in results:
        if isinstance(result, MadeClip):
            assert verify(result.file) == []
        else:
            assert result.rule == "damaged"
            assert "The clip that libsvtav1 encoded can't be decoded" in result.detail


def test_the_same_bytes_whatever_else_is_cut_and_in_however_many_runs(film, tmp_path):
    source, rnd = film("open.mkv"), random.Random(4)
    starts = [rnd.randrange(0, 4500) for _ in range(14)]
    spans = [(start, start + rnd.randrange(200, 1200)) for start in sorted(starts)]
    together = {made.wish.id: made.sha256 for made in encode(source, spans, tmp_path / "all", height=60)}
    for part in (spans[::3], [spans[-1]]):
        for made in encode(source, part, tmp_path / "part", height=60):
            assert made.sha256 == together[made.wish.id]


def test_small_pictures_give_the_same_bytes_every_time(film, tmp_path):
    # x264 by itself decides otherwise from run to run where pictures are this small.
    made = [encode(film("closed.mp4"), [(0, 1500)], tmp_path / str(n), preset="veryfast") for n in range(12)]
    assert len({one.sha256 for (one,) in made}) == 1


def test_overwritten_data_is_refused_with_its_place_and_the_rest_is_made(film, tmp_path):
    source = film("closed.mp4")
    data = bytearray(source.path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 12] = bytes(len(data) // 12)
    broken = replace(source, path=tmp_path / "broken.mp4")
    broken.path.write_bytes(data)
    spans = [(start, start + 400) for start in range(0, 5500, 300)]
    refused = []
    for result in encode(broken, spans, tmp_path):
        if isinstance(result, MadeClip):
            assert films.numbers_av(result.file) == inside(source, result.wish.span)
        else:
            assert result.rule == "damaged"
            assert " s" in result.detail
            refused.append(result.wish.span.start_ms)
    assert refused
    assert 1500 < min(refused) <= max(refused) < 4600
    assert not list(tmp_path.glob(".*"))


def test_missing_pictures_and_strange_settings_are_refused(tmp_path):
    song = make_film(tmp_path / "song.m4a", codec=None, rate=Fraction(25), seconds=2)
    (refused,) = encode(song, [(0, 900)], tmp_path)
    assert refused.rule == "no-video"
    film = make_film(tmp_path / "film.mkv", seconds=1)
    (refused,) = encode(film, [(0, 900)], tmp_path, preset="no such thing")
    assert refused.rule == "unsupported-codec"
    for options in ({"codec": "libx666"}, {"fps": "0/0"}, {"fps": "x"}, {"fps": "0"}, {"crf": 99}, {"height": 1}):
        with pytest.raises(UsageError):
            settings_for("encode", **options)
    assert set(EncodeSettings().as_dict()) | {"track"} == set(EncodeSettings.__dataclass_fields__) | {"track"}


def test_a_built_directory_of_encoded_clips_resumes_and_loads(tmp_path):
    world = make_world(tmp_path / "world")
    out = tmp_path / "built"
    options = {"mode": "encode", "as_is": True, "height": 60, "fps": "12", "preset": "ultrafast"}
    report = rebuild(world.release, world.media, out, **options)
    assert report.made
    assert not report.faults
    assert rebuild(world.release, world.media, out, **options).kept == report.made
    assert rebuild(world.release, world.media, out, **{**options, "crf": 30}).made == report.made
    for split in load("clips", data_dir=out, cache_dir=tmp_path / "cache").values():
        for row in split:
            with av.open(row["video"]["path"]) as clip:
                assert sum(1 for _ in clip.decode(video=0)) == row["frames"]
                assert clip.streams.video[0].height == 60

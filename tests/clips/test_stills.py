"""Pictures of dialogues are the ones shown at the moments asked for, from whatever film."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from mmdia_dataset import load, rebuild, validate
from mmdia_dataset.clips import KeyframeSettings, MadeClip, Moment, RefusedClip, cut
from mmdia_dataset.clips.settings import settings_for
from mmdia_dataset.errors import UsageError
from mmdia_dataset.media import Pictures
from mmdia_dataset.timing import TimeMap
from tests.support.films import MPEG2, OPEN_GOP, X264, Film, Track, make_film, number_of, stamps, times_of
from tests.support.wishes import into, wish
from tests.support.worlds import make_world

SECONDS = 6
SIZE = (160, 90)
UNEVEN = [Fraction(n * 3000 + (n * n * 7 % 5) * 900, 90000) for n in range(180)]
KINDS = {
    "closed.mp4": {"options": {**X264, "g": "24"}},
    "open.mkv": {"options": OPEN_GOP},
    "mpeg2.ts": {"rate": Fraction(25), "codec": "mpeg2video", "options": MPEG2, "tracks": [Track("mp2")]},
    "uneven.mkv": {"times": UNEVEN},
    "later.mkv": {"start": Fraction(250 * 1001, 24000)},
    "hevc.mkv": {
        "codec": "libx265",
        "options": {"preset": "ultrafast", "x265-params": "log-level=error:keyint=24:bframes=4:open-gop=1"},
    },
    "vp9.webm": {
        "codec": "libvpx-vp9",
        "options": {"deadline": "realtime", "cpu-used": "8", "g": "30"},
        "tracks": [Track("libopus")],
    },
}


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    made: dict[str, Film] = {}

    def get(kind: str) -> Film:
        if kind not in made:
            made[kind] = make_film(
                tmp_path_factory.mktemp("films") / kind, **{"seconds": SECONDS, "size": SIZE, **KINDS[kind]}
            )
        return made[kind]

    return get


def numbers_in(folder) -> dict[str, int]:
    return {file.name: number_of(np.asarray(Image.open(file).convert("L"))) for file in sorted(folder.iterdir())}


def draw(film: Film, spans, moments, folder, **options) -> list[MadeClip | RefusedClip]:
    wishes = [
        wish(str(n), *span, tuple(Moment(ms, turn) for turn, ms in enumerate(times)))
        for n, (span, times) in enumerate(zip(spans, moments, strict=True))
    ]
    return list(cut(film.path, TimeMap.linear(), wishes, KeyframeSettings(**options), into(folder)))


@pytest.mark.parametrize("kind", KINDS)
def test_each_picture_is_the_one_shown_at_its_moment(film, kind, tmp_path):
    source = film(kind)
    times = times_of(source)
    spans = [(0, 1500), (1000, 3000), (1200, 2600), (4600, 5800)]  # overlapping, and with a gap
    moments = [(0, 700, 1499), (2999, 1001, 1700), (1300, 1301), (4700, 5799)]
    results = draw(source, spans, moments, tmp_path, image="png")
    assert [type(one) for one in results] == [MadeClip] * 4, results
    for result, (start, end) in zip(results, spans, strict=True):
        found = numbers_in(result.file)
        first = min(n for n, at in enumerate(times) if at * 1000 >= start)
        for still in result.stills:
            shown = max((n for n, at in enumerate(times) if at * 1000 <= still.moment.ms), default=0)
            assert found[still.file] == max(shown, first)
            assert still.at == times[max(shown, first)]
        assert [still.moment for still in result.stills] == list(result.wish.moments)
        assert result.start * 1000 >= start
        assert result.end * 1000 >= end


@pytest.mark.parametrize("kind", KINDS)
def test_nearest_keyframes_are_keyframes_and_say_when_they_are(film, kind, tmp_path):
    source = film(kind)
    times = times_of(source)
    keys = [n for n, (_, key) in enumerate(stamps(source)) if key]
    results = draw(
        source, [(0, 3000), (3000, 5800)], [(0, 900, 2100), (3100, 5000)], tmp_path, nearest=True, image="png"
    )
    for result in results:
        found = numbers_in(result.file)
        for still in result.stills:
            number = found[still.file]
            assert still.at == times[number]
            distance = {key: abs(times[key] * 1000 - still.moment.ms) for key in keys}
            assert distance[number] <= min(distance.values()) + 1  # the moment falls between two ticks


def test_nearest_is_measured_from_the_moment_itself(tmp_path):
    # AVI's clock ticks once a frame; what lies between is not to be rounded to it.
    options = {"b": "800k", "g": "100", "bf": "0"}
    source = make_film(tmp_path / "film.avi", seconds=9, codec="mpeg4", options=options, tracks=[])
    with av.open(str(source.path)) as opened:
        clock = opened.streams.video[0].time_base
        keys = [packet.pts * clock for packet in opened.demux(video=0) if packet.size and packet.is_keyframe]
    middle = int((keys[1] + keys[2]) / 2 * 1000)
    moments = tuple(Moment(ms, None) for ms in (middle, middle + 1))
    wishes = [wish("x", middle - 500, middle + 500, moments)]
    (made,) = cut(source.path, TimeMap.linear(), wishes, KeyframeSettings(nearest=True), into(tmp_path))
    assert [still.at for still in made.stills] == keys[1:3]


def test_any_order_of_asking_gives_the_same_pictures(film):
    source = film("open.mkv")
    known = [pts for pts, _ in stamps(source)]
    order = [0, 100, 5, 101, 102, 60, 141, 140, 30, 31, 99, 142, 0]
    with Pictures(source.path) as pictures:
        for number in order:
            assert number_of(pictures.take(known[number]).to_ndarray(format="gray")) == number
        assert pictures.near(known[70]).key_frame
        assert number_of(pictures.take(known[71]).to_ndarray(format="gray")) == 71


def test_pictures_are_upright_with_square_pixels_and_of_the_height_asked_for(tmp_path):
    source = make_film(tmp_path / "wide.mp4", seconds=1, size=(160, 90))
    squeezed = tmp_path / "squeezed.mp4"
    with av.open(str(source.path)) as given, av.open(str(squeezed), "w") as out:
        video = out.add_stream_from_template(given.streams.video[0])
        video.codec_context.sample_aspect_ratio = Fraction(16, 11)
        for packet in given.demux(given.streams.video[0]):
            if packet.dts is not None:
                packet.stream = video
                out.mux(packet)
    for options, size in (({}, (233, 90)), ({"height": 45}, (116, 45))):
        (result,) = draw(replace(source, path=squeezed), [(0, 900)], [(500,)], tmp_path / str(len(options)), **options)
        with Image.open(result.file / "000.jpg") as picture:
            assert picture.size == size
    with Image.open(result.file / "000.jpg") as picture:
        assert picture.format == "JPEG"


def test_overwritten_data_is_refused_and_the_rest_is_made(film, tmp_path):
    source = film("closed.mp4")
    data = bytearray(source.path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 10] = bytes(len(data) // 10)
    broken = replace(source, path=tmp_path / "broken.mp4")
    broken.path.write_bytes(data)
    starts = range(0, 5600, 200)
    results = draw(broken, [(s, s + 200) for s in starts], [(s + 100,) for s in starts], tmp_path, image="png")
    times, bad = times_of(source), []
    for start, result in zip(starts, results, strict=True):
        if isinstance(result, MadeClip):
            shown = max(n for n, at in enumerate(times) if at * 1000 <= start + 100)
            assert numbers_in(result.file) == {"000.png": shown}
        else:
            assert result.rule == "damaged"
            assert "decoded at" in result.detail
            bad.append(start)
    assert bad
    assert min(bad) > 1500
    assert max(bad) < 4600


def test_settings_that_mean_nothing_are_refused():
    for options in ({"places": 0}, {"places": 2, "times": "0"}, {"times": "5,5"}, {"times": "a"}, {"height": 3}):
        with pytest.raises(UsageError):
            settings_for("keyframes", **options)
    with pytest.raises(UsageError, match="--nearest does not apply to mode copy"):
        settings_for("copy", nearest=True)
    assert set(KeyframeSettings().as_dict()) == set(KeyframeSettings.__dataclass_fields__)


def test_a_built_directory_with_pictures(tmp_path):
    world = make_world(tmp_path / "world")
    out = tmp_path / "built"
    report = rebuild(world.release, world.media, out, mode="keyframes", as_is=True)
    assert report.made
    assert not report.faults
    rows = [row for split in load("clips", data_dir=out, cache_dir=tmp_path / "cache").values() for row in split]
    for row in rows:
        assert [one["turn"] for one in row["keyframes"]] == list(range(len(row["turns"])))
        for one in row["keyframes"]:
            span = row["turns"][one["turn"]]["span"]
            middle = (span["start_ms"] + span["end_ms"]) // 2
            assert middle - 60 <= one["time_ms"] <= middle + 1 or one["time_ms"] == min(
                other["time_ms"] for other in row["keyframes"]
            )
            with Image.open(one["image"]["path"]) as picture:
                picture.load()
    assert issues(out) == []
    again = rebuild(world.release, world.media, out, mode="keyframes", as_is=True)
    assert (again.made, again.kept) == (0, report.made)
    next((out / "clips").rglob("*.jpg")).write_bytes(b"x")
    assert issues(out)
    assert rebuild(world.release, world.media, out, mode="keyframes", as_is=True).made == 1
    fewer = rebuild(world.release, world.media, out, mode="keyframes", places=1, as_is=True)
    assert (fewer.made, fewer.kept) == (report.made, 0)
    assert len(list((out / "clips").rglob("*.jpg"))) == report.made
    both = rebuild(world.release, world.media, out, as_is=True)
    assert both.made == report.made
    row = load("clips", data_dir=out, cache_dir=tmp_path / "cache", split="train")[0]
    assert row["video"]["path"].endswith(".mp4")
    assert len(row["keyframes"]) == 1


def issues(path):
    found = []
    validate(path, on_issue=found.append)
    return found

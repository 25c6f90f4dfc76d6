"""What mode `copy` does with films that MP4 can't hold: nothing is lost that need not be, and it is said."""

from __future__ import annotations

import json
from fractions import Fraction

import av
import imageio_ffmpeg
import numpy as np
import pytest
from typer.testing import CliRunner

import mmdia_dataset
from mmdia_dataset import cli
from mmdia_dataset.building.plan import plan
from mmdia_dataset.clips import AudioSettings, CopySettings, EncodeSettings, MadeClip, cut
from mmdia_dataset.schema import MadeLine
from mmdia_dataset.timing import TimeMap
from tests.support import films, worlds
from tests.support.films import RATE, Track, make_film
from tests.support.wishes import into, wish

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
VP8 = {"codec": "libvpx", "options": {"deadline": "realtime"}, "tracks": [Track("libopus", language="deu")]}
SPANS = [(0, 700), (1003, 2100), (1500, 2222)]


def clips_of(path, folder, settings=None):
    settings = settings or CopySettings()
    wishes = [wish(str(n), *span) for n, span in enumerate(SPANS)]
    results = list(cut(path, TimeMap.linear(), wishes, settings, into(folder, settings.suffix)))
    assert all(isinstance(result, MadeClip) for result in results), results
    return sorted(results, key=lambda made: made.wish.id)


def frames_of(path):
    with av.open(str(path)) as source:
        clock = source.streams.video[0].time_base
        return sorted(packet.pts * clock for packet in source.demux(video=0) if packet.size)


def samples_of(file):
    """Samples of the first channel as they are decoded."""
    with av.open(str(file)) as source:
        frames = [frame.to_ndarray() for frame in source.decode(audio=0)]
    planar = frames[0].shape[0] > 1
    return np.concatenate([frame[0] if planar else frame.reshape(-1, 2)[:, 0] for frame in frames])


def inside(times, start, end):
    return [n for n, at in enumerate(times) if Fraction(start, 1000) <= at < Fraction(end, 1000)]


def codecs(file):
    with av.open(str(file)) as clip:
        return [stream.codec_context.codec.canonical_name for stream in clip.streams]


@pytest.mark.parametrize(
    ("name", "making", "codec"),
    [
        ("film.webm", VP8, "vp8"),
        ("film.avi", {"codec": "wmv2", "options": {"b": "800k"}, "tracks": [Track("libmp3lame")]}, "wmv2"),
    ],
)
def test_a_picture_that_mp4_cant_hold_is_encoded(tmp_path, name, making, codec):
    film = make_film(tmp_path / name, seconds=3, **making)
    times = frames_of(film.path)
    alone = clips_of(film.path, tmp_path / "encoded", EncodeSettings())
    for made, same in zip(clips_of(film.path, tmp_path / "clips"), alone, strict=True):
        span = made.wish.span
        assert made.fallback.settings == EncodeSettings().as_dict()
        assert made.fallback.detail == f"The clip was encoded, because MP4 can't hold {codec}."
        assert made.sha256 == same.sha256
        assert films.numbers_av(made.file) == inside(times, span.start_ms, span.end_ms)
        assert codecs(made.file) == ["h264", "aac"]


@pytest.mark.parametrize(
    ("name", "codec", "exact"),
    [
        ("film.avi", "wmav2", False),
        ("film.mkv", "pcm_s24le", True),
        ("film.mkv", "pcm_f32le", True),
        ("film.mov", "pcm_s32le", True),
        ("film.mkv", "pcm_u8", True),
        ("film.m2ts", "pcm_bluray", True),
        ("film.mkv", "wavpack", True),
    ],
)
def test_sound_that_mp4_cant_hold_is_kept_without_loss(tmp_path, name, codec, exact):
    film = make_film(tmp_path / name, seconds=3, tracks=[Track(codec, language="deu")])
    floats = clips_of(film.path, tmp_path / "audio", AudioSettings(float32=True))
    for made, alone in zip(clips_of(film.path, tmp_path / "clips"), floats, strict=True):
        assert codecs(made.file) == ["h264", "flac"]
        assert made.fallback.settings == {"mode": "copy", "language": None, "track": None, "sound": "flac"}
        assert made.fallback.detail == f"The sound was kept as FLAC, because MP4 can't hold {codec}."
        heard, want = samples_of(made.file) / 2.0**31, samples_of(alone.file)
        assert made.samples == len(heard) == alone.samples
        # The clip's sound is what the film's decodes to, to 24 bits.
        assert np.abs(heard - np.clip(want, -1, 1)).max() <= 2**-23
        if exact and made.start > 0:
            for index, peak in films.place(films.sound_ffmpeg(made.file, FFMPEG), 1, 5):
                assert peak > 0.9
                assert abs(index - made.start * RATE) <= RATE / 1000
        with av.open(str(made.file)) as clip:
            assert clip.streams.audio[0].language == ("deu" if name.endswith(("mkv", "m2ts")) else "und")


def test_samples_of_24_bits_are_unchanged(tmp_path):
    film = make_film(tmp_path / "film.mkv", seconds=3, tracks=[Track("pcm_s24le")])
    whole = samples_of(film.path)
    for made in clips_of(film.path, tmp_path / "clips")[1:]:
        kept, begin = samples_of(made.file), round(made.start * RATE)
        # Matroska rounds to milliseconds, of 48 samples each.
        assert any(np.array_equal(kept, whole[at : at + len(kept)]) for at in range(begin - 48, begin + 49))


def test_pcm_of_16_bits_is_copied(tmp_path):
    film = make_film(tmp_path / "film.mov", seconds=3, tracks=[Track("pcm_s16le")])
    for made in clips_of(film.path, tmp_path / "clips"):
        assert made.fallback is None
        assert codecs(made.file) == ["h264", "pcm_s16le"]


def test_a_rebuild_says_what_it_did_instead_and_does_it_once(tmp_path):
    spans = [(200, 900), (1300, 2400)]
    (tmp_path / "media").mkdir()
    made = {}
    for movie, name, making in (
        ("tt0000001", "tt0000001.webm", VP8),
        ("tt0000002", "tt0000002.mkv", {"tracks": [Track("pcm_s24le")]}),
        ("tt0000003", "tt0000003.mp4", {}),
    ):
        made[movie] = make_film(tmp_path / "media" / name, seconds=3, **making)
        worlds.write_movie(tmp_path, movie, spans)
    world = worlds.World(tmp_path, made)
    out = tmp_path / "built"
    first = mmdia_dataset.rebuild(world.release, world.media, out, as_is=True)
    assert (first.made, first.exit_code) == (6, 0)
    assert first.fallbacks == {
        "tt0000001.webm": {"The clip was encoded, because MP4 can't hold vp8.": 2},
        "tt0000002.mkv": {"The sound was kept as FLAC, because MP4 can't hold pcm_s24le.": 2},
    }
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert {line["mode"] for line in lines} == {"copy"}
    assert [line["settings"]["mode"] for line in lines] == ["encode"] * 2 + ["copy"] * 4
    assert [bool(line["fallback"]) for line in lines] == [True] * 4 + [False] * 2
    assert all(MadeLine.model_validate(line).file.endswith(".mp4") for line in lines)
    tree = worlds.tree(out)
    again = mmdia_dataset.rebuild(world.release, world.media, out, as_is=True)
    assert (again.made, again.kept, again.fallbacks) == (0, 6, first.fallbacks)
    assert worlds.tree(out) == tree
    # Another language is another clip, whichever way it is made.
    other = mmdia_dataset.rebuild(world.release, world.media, out, as_is=True, language="en")
    assert (other.made, other.kept) == (6, 0)
    packed = mmdia_dataset.pack(out, tmp_path / "shards")
    assert packed.exit_code == 0
    assert mmdia_dataset.check(tmp_path / "shards").exit_code == 0
    rows = mmdia_dataset.load("clips", data_dir=out)
    assert sum(len(split) for split in rows.values()) == 6


def test_the_forecast_knows_what_will_be_encoded(tmp_path):
    (tmp_path / "media").mkdir()
    film = make_film(tmp_path / "media" / "tt0000001.webm", seconds=3, **VP8)
    worlds.write_movie(tmp_path, "tt0000001", [(200, 900), (1300, 2400)])
    world = worlds.World(tmp_path, {"tt0000001": film})
    forecasts = [
        plan(world.release, world.media, settings=settings, as_is=True).forecast
        for settings in (CopySettings(), EncodeSettings(), AudioSettings())
    ]
    assert forecasts[0] == forecasts[1] != forecasts[2]


def test_the_summary_is_a_sentence(tmp_path):
    (tmp_path / "media").mkdir()
    film = make_film(tmp_path / "media" / "tt0000001.webm", seconds=3, **VP8)
    worlds.write_movie(tmp_path, "tt0000001", [(200, 900), (1300, 2400)])
    world = worlds.World(tmp_path, {"tt0000001": film})
    arguments = ["rebuild", "--release", world.release, "--media", world.media, "--as-is", "--out", tmp_path / "built"]
    done = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    assert done.exit_code == 0
    assert "2 clips of tt0000001.webm: the clip was encoded, because MP4 can't hold vp8." in done.stdout

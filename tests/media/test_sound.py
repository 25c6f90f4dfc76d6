"""Soundtracks as samples: at any rate, in any form, with holes and odd beginnings, whole and in excerpts."""

import subprocess
from fractions import Fraction

import av
import imageio_ffmpeg
import numpy as np
import pytest
import soundfile as sf

from mmdia_dataset.errors import MediaDamaged, MediaUnreadable, NoAudio
from mmdia_dataset.media import SOUND_RATE
from mmdia_dataset.media.sound import stream as sound
from mmdia_dataset.media.sound.stream import sound_of
from tests.support.films import FILM, Track, make_film

pytestmark = pytest.mark.quick


def signal(times):
    """A tone that rises slowly and grows loud and soft, over a steady one: no moment sounds like another."""
    rising = 0.2 * np.sin(2 * np.pi * (300 + 20 * times) * times) * (0.6 + 0.4 * np.sin(times))
    return (rising + 0.2 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)


def heard(path, **options):
    return np.concatenate([*sound_of(path, **options), np.zeros(0, np.float32)])


def error(samples, start_s=0.0):
    """How far samples are from the signal, in parts of it, but for 10 ms at either end."""
    expected = signal(start_s + np.arange(len(samples)) / SOUND_RATE)
    return np.sqrt(np.mean((samples - expected)[80:-80] ** 2) / np.mean(expected[80:-80] ** 2))


def error_nearby(samples, start_s):
    """The same at the best place within a millisecond: Matroska rounds timestamps."""
    return min(error(samples, start_s + shift / 64000) for shift in range(-64, 65))


def write(path, values, *, rate=48000, codec="pcm_s16le", starts=None, bit_rate=None):
    """A sound file of frames of 1,024 samples; the one from sample n on has timestamp starts(n), or is left out."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        if bit_rate:
            stream.bit_rate = bit_rate
        for first in range(0, len(values), 1024):
            place = first if starts is None else starts(first)
            if place is None:
                continue
            frame = av.AudioFrame.from_ndarray(values[None, first : first + 1024], "fltp", "mono")
            frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), place
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """24 seconds of the signal in files of several kinds."""
    folder = tmp_path_factory.mktemp("files")
    values = signal(np.arange(24 * 24000) / 24000)
    kinds = {"mkv": "pcm_s16le", "flac": "flac", "mp4": "aac", "ts": "mp2", "mp3": "mp3", "mka": "aac"}
    return {
        kind: write(
            folder / f"a.{kind}", values, rate=24000, codec=codec, bit_rate=None if codec[0] in "pf" else 128000
        )
        for kind, codec in kinds.items()
    }


@pytest.mark.parametrize("rate", [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000])
def test_every_rate_sounds_the_same(tmp_path, rate):
    sf.write(tmp_path / "a.wav", signal(np.arange(12 * rate) / rate), rate, subtype="FLOAT")
    samples = heard(tmp_path / "a.wav")
    assert len(samples) == pytest.approx(12 * SOUND_RATE, abs=2)
    assert error(samples) < 0.003


def test_sound_of_a_low_rate_is_kept(tmp_path):
    sf.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 440 * np.arange(5 * 6000) / 6000), 6000, subtype="FLOAT")
    samples = heard(tmp_path / "a.wav")
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(samples)) / SOUND_RATE)
    assert len(samples) == pytest.approx(5 * SOUND_RATE, abs=2)
    assert np.abs(samples - expected)[80:-80].max() < 0.01


def test_what_lies_above_3_kilohertz_does_not_come_back_lower(tmp_path):
    times = np.arange(3 * 48000) / 48000
    for hertz in (5000, 7500, 9000, 15500, 23000):
        sf.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * hertz * times), 48000, subtype="FLOAT")
        assert np.abs(heard(tmp_path / "a.wav"))[80:-80].max() < 0.02, hertz


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_every_sample_format_is_as_loud(tmp_path, subtype):
    sf.write(tmp_path / "a.wav", signal(np.arange(5 * 48000) / 48000), 48000, subtype=subtype)
    assert error(heard(tmp_path / "a.wav")) < (0.05 if subtype == "PCM_U8" else 0.003)


@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_channels_are_mixed_without_clipping(tmp_path, channels):
    values = np.repeat(signal(np.arange(5 * 48000) / 48000)[:, None], channels, 1)
    sf.write(tmp_path / "a.flac", values, 48000)
    # AAC's eight planes of samples once brought PyAV down.
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", tmp_path / "a.flac", "-c:a", "aac"]
    subprocess.run([*command, tmp_path / "a.m4a"], check=True)
    for name, most in (("a.flac", 0.003), ("a.m4a", 0.1)):
        samples = heard(tmp_path / name)[: 5 * SOUND_RATE]
        assert error(samples) < most
        assert np.abs(samples).max() <= 1


def test_only_the_low_frequency_channel_is_left_out(tmp_path):
    for channel in range(6):
        values = np.zeros((48000, 6), np.float32)
        values[:, channel] = 0.5 * np.sin(2 * np.pi * 500 * np.arange(48000) / 48000)
        sf.write(tmp_path / "a.wav", values, 48000, format="WAVEX")
        loudest = np.abs(heard(tmp_path / "a.wav"))[80:-80].max()
        # soundfile names no places for six channels; FFmpeg then takes them for 5.1.
        assert (loudest == 0) == (channel == 3)


def test_a_hole_is_silence_and_the_rest_stays_in_place(tmp_path):
    values = signal(np.arange(20 * 48000) / 48000)
    path = write(tmp_path / "a.mkv", values, starts=lambda at: None if 5 * 48000 <= at < 12 * 48000 else at)
    samples = heard(path)
    assert len(samples) == pytest.approx(20 * SOUND_RATE, abs=10)
    assert error(samples[: 5 * SOUND_RATE - 100]) < 0.01
    assert not samples[int(5.1 * SOUND_RATE) : int(11.9 * SOUND_RATE)].any()
    assert error_nearby(samples[13 * SOUND_RATE :], 13) < 0.03


def test_what_comes_twice_is_heard_once(tmp_path, files):
    (tmp_path / "a.ts").write_bytes(2 * files["ts"].read_bytes())
    once, twice = heard(files["ts"]), heard(tmp_path / "a.ts")
    assert len(twice) == pytest.approx(len(once), abs=2)
    np.testing.assert_array_equal(twice[: 20 * SOUND_RATE], once[: 20 * SOUND_RATE])


def test_rounded_timestamps_do_not_break_the_sound(tmp_path):
    values = signal(np.arange(30 * 44100) / 44100)
    path = write(tmp_path / "a.mkv", values, rate=44100)  # 1,024 samples are 23.22 ms, Matroska says 23 or 24
    assert error(heard(path)) < 0.003


def test_sound_that_begins_later_is_silent_first(tmp_path):
    film = make_film(tmp_path / "film.mkv", seconds=4, tracks=[Track("flac", starts=Fraction(1))])
    samples = heard(film.path)
    assert len(samples) == pytest.approx(4 * SOUND_RATE, abs=400)
    assert not samples[: int(0.98 * SOUND_RATE)].any()
    assert samples[int(1.02 * SOUND_RATE) : int(1.2 * SOUND_RATE)].any()


def test_a_recording_that_does_not_begin_at_zero_is_counted_from_its_beginning(tmp_path):
    at_zero = heard(make_film(tmp_path / "a.mkv", seconds=3, tracks=[Track("flac")]).path)
    later = heard(make_film(tmp_path / "b.mkv", seconds=3, tracks=[Track("flac")], start=100 / FILM).path)
    assert len(later) == pytest.approx(len(at_zero), abs=80)
    both = min(len(at_zero), len(later)) - 400
    lag = int(np.argmax(np.correlate(later[200:both], at_zero[: both + 200][200 + 40 : both - 40], "valid"))) - 40
    assert abs(lag) <= 8  # a millisecond


def test_what_lies_before_the_beginning_is_left_out(tmp_path):
    values = signal((np.arange(10 * 48000) - 48000) / 48000)
    path = write(tmp_path / "a.mov", values, starts=lambda at: at - 48000)
    samples = heard(path)
    assert len(samples) == pytest.approx(9 * SOUND_RATE, abs=2)
    assert error(samples) < 0.003


def test_encoders_priming_is_not_counted(files):
    assert error(heard(files["mp4"])) < 0.05


def test_sound_shorter_than_the_picture_just_ends(tmp_path):
    film = make_film(tmp_path / "film.mkv", seconds=4, tracks=[Track("flac", shorter=Fraction(2))])
    assert len(heard(film.path)) == pytest.approx(2 * SOUND_RATE, abs=400)
    assert len(heard(film.path, start_s=1.5, duration_s=2)) == pytest.approx(SOUND_RATE / 2, abs=400)
    assert len(heard(film.path, start_s=3, duration_s=2)) == 0


def test_tracks_are_chosen_by_language_or_number(tmp_path):
    tracks = [Track("flac", seed=1, language="fra"), Track("flac", seed=2, language="eng", default=True)]
    path = make_film(tmp_path / "film.mkv", seconds=2, tracks=tracks).path
    french, english = heard(path, language="fr"), heard(path)
    assert np.abs(french - english).max() > 0.01
    np.testing.assert_array_equal(heard(path, track=0), french)
    np.testing.assert_array_equal(heard(path, track=1), english)
    np.testing.assert_array_equal(heard(path, language="fr", start_s=1), heard(path, track=0, start_s=1))


def test_a_recording_without_sound_says_so(tmp_path, files):
    film = make_film(tmp_path / "film.mkv", seconds=1, tracks=[])
    for options in ({"path": film.path}, {"path": files["mkv"], "track": 1}, {"path": files["mkv"], "track": -1}):
        with pytest.raises(NoAudio, match="no sound track"):
            heard(**options)


def test_garbage_is_refused_or_silence(tmp_path, files):
    (tmp_path / "a.wav").write_bytes(np.random.default_rng(1).bytes(100_000))
    with pytest.raises(MediaUnreadable):
        heard(tmp_path / "a.wav")
    whole = files["mp3"].read_bytes()
    broken = bytearray(whole)
    broken[len(whole) // 2 : len(whole) // 2 + 8_000] = np.random.default_rng(2).bytes(8_000)
    (tmp_path / "a.mp3").write_bytes(broken)
    samples = heard(tmp_path / "a.mp3")
    assert np.isfinite(samples).all()
    assert error(samples[: 10 * SOUND_RATE]) < 0.1
    (tmp_path / "cut.mka").write_bytes(files["mka"].read_bytes()[: files["mka"].stat().st_size // 2])
    assert 8 * SOUND_RATE < len(heard(tmp_path / "cut.mka")) < 16 * SOUND_RATE


def test_sound_that_cannot_be_decoded_at_all_says_so(tmp_path, files):
    (tmp_path / "a.flac").write_bytes(files["flac"].read_bytes()[:200] + bytes(200_000))
    with pytest.raises((MediaDamaged, MediaUnreadable)):
        heard(tmp_path / "a.flac")


def test_times_that_jump_by_hours_are_refused(tmp_path):
    values = signal(np.arange(5 * 48000) / 48000)
    path = write(tmp_path / "a.mkv", values, starts=lambda at: at + (at > 48000) * 5 * 3600 * 48000)
    with pytest.raises(MediaDamaged, match="jump by hours"):
        heard(path)


@pytest.mark.parametrize("kind", ["mkv", "flac", "mp4", "ts", "mp3", "mka"])
@pytest.mark.parametrize("start", [0.1, 13.456, 22.0])
def test_an_excerpt_is_that_part_of_the_whole(files, kind, start):
    whole = heard(files[kind])
    samples = heard(files[kind], start_s=start, duration_s=5)
    first = round(start * SOUND_RATE)
    assert abs(len(samples) - min(5 * SOUND_RATE, len(whole) - first)) <= 8
    # Matroska's timestamps are rounded to milliseconds, and an excerpt begins with another one than the whole.
    reach = 8 if kind.startswith("mk") else 1
    part = samples[200 : len(samples) - 200]
    scores = [
        float(part @ around / np.sqrt((part @ part) * (around @ around)))
        for lag in range(-reach, reach + 1)
        for around in [whole[first + 200 + lag :][: len(part)]]
    ]
    assert max(scores) > 0.98
    if kind in ("flac", "mp4"):
        assert scores[reach] > 0.99999


def test_an_excerpt_costs_what_it_is_long(files, monkeypatch):
    decoded = []
    every = sound._frames
    monkeypatch.setattr(sound, "_frames", lambda *args: (decoded.append(frame) or frame for frame in every(*args)))
    for kind in ("mkv", "flac", "mp4", "mka", "ts"):
        decoded.clear()
        assert len(heard(files[kind], start_s=20, duration_s=2)) == 2 * SOUND_RATE
        assert sum(frame.samples for frame in decoded) < 10 * 24000, kind


def test_an_excerpt_without_an_end_runs_to_the_end(files):
    assert len(heard(files["flac"], start_s=22.5)) == pytest.approx(1.5 * SOUND_RATE, abs=2)
    assert len(heard(files["flac"], duration_s=0)) == 0


@pytest.mark.parametrize("kind", ["mkv", "flac", "mp4", "ts", "mp3"])
def test_after_the_end_there_is_nothing(files, kind):
    assert len(heard(files[kind], start_s=3600, duration_s=5)) == 0
    assert len(heard(files[kind], start_s=1e9)) == 0


def test_an_excerpt_that_begins_in_a_hole_is_silent_first(tmp_path):
    values = signal(np.arange(20 * 48000) / 48000)
    path = write(tmp_path / "a.mkv", values, starts=lambda at: None if 5 * 48000 <= at < 12 * 48000 else at)
    samples = heard(path, start_s=10, duration_s=5)
    assert len(samples) == 5 * SOUND_RATE
    assert not samples[: int(1.9 * SOUND_RATE)].any()
    assert error_nearby(samples[3 * SOUND_RATE :], 13) < 0.03


def test_an_excerpt_of_a_film_that_begins_later_counts_from_its_beginning(tmp_path):
    film = make_film(tmp_path / "b.ts", seconds=6, tracks=[Track("mp2")], start=100 / FILM)
    whole, part = heard(film.path), heard(film.path, start_s=3, duration_s=2)
    assert np.abs(part[400:-400] - whole[3 * SOUND_RATE :][: len(part)][400:-400]).max() < 0.02


@pytest.mark.parametrize(
    ("start", "duration"), [(-1, 5), (float("nan"), 5), (float("inf"), 5), (0, -1), (0, float("nan"))]
)
def test_impossible_excerpts_are_refused(files, start, duration):
    with pytest.raises(ValueError, match="must be 0 or more"):
        heard(files["flac"], start_s=start, duration_s=duration)

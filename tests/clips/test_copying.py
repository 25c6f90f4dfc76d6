"""Clips are right to the frame and to the sample, or refused with a reason."""

from __future__ import annotations

import hashlib
import itertools
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import wave
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmdia_dataset.clips import AudioSettings, CopySettings, MadeClip, RefusedClip, cut
from mmdia_dataset.errors import OutputError
from mmdia_dataset.files import TEMP_SUFFIX
from mmdia_dataset.media import same_language, verify
from mmdia_dataset.timing import Piece, TimeMap
from tests.support import films
from tests.support.films import MPEG2, OPEN_GOP, RATE, Film, Track, make_film
from tests.support.wishes import into, wish

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
PAL = Fraction(25)
SECONDS = 5
COUNTER = itertools.count()
UNEVEN = [Fraction(n * 3000 + (n * n * 7 % 5) * 900, 90000) for n in range(150)]

KINDS = {
    "closed-mp4": ("film.mp4", {}),
    "closed-mkv": ("film.mkv", {}),
    "open-mp4": ("film.mp4", {"options": OPEN_GOP}),
    "open-mkv": ("film.mkv", {"options": OPEN_GOP, "tracks": [Track("ac3")]}),
    "mpeg2-ts": ("film.ts", {"rate": PAL, "codec": "mpeg2video", "options": MPEG2, "tracks": [Track("mp2")]}),
    "later-ts": ("film.ts", {"start": 250 / films.FILM}),
    "later-mkv": ("film.mkv", {"start": 250 / films.FILM}),
    "uneven-mkv": ("film.mkv", {"times": UNEVEN}),
    "uneven-mp4": ("film.mp4", {"times": UNEVEN}),
    "silent-mp4": ("film.mp4", {"tracks": []}),
    "hevc-mkv": (
        "film.mkv",
        {
            "codec": "libx265",
            "options": {"preset": "ultrafast", "x265-params": "log-level=error:keyint=24:bframes=4:open-gop=1"},
        },
    ),
    "vp9-webm": (
        "film.webm",
        {
            "codec": "libvpx-vp9",
            "options": {"deadline": "realtime", "cpu-used": "8", "g": "30"},
            "tracks": [Track("libopus")],
        },
    ),
    "flac-mkv": ("film.mkv", {"tracks": [Track("flac")]}),
    "pcm-mov": ("film.mov", {"tracks": [Track("pcm_s16le")]}),
    "pcm-mkv": ("film.mkv", {"tracks": [Track("pcm_s24le")]}),
    "mpeg4-avi": ("film.avi", {"codec": "mpeg4", "options": {"g": "48"}, "tracks": [Track("pcm_s16le")], "rate": PAL}),
    "sound-m4a": ("film.m4a", {"codec": None}),
}


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    """A film of a kind, made when it is first asked for."""
    made: dict[str, Film] = {}

    def get(kind: str) -> Film:
        if kind not in made:
            name, arguments = KINDS[kind]
            arguments = {"seconds": SECONDS, **arguments}
            if arguments.get("codec", "") is None:
                arguments["rate"] = PAL
            made[kind] = make_film(tmp_path_factory.mktemp(kind) / name, **arguments)
        return made[kind]

    return get


def times_of(film: Film) -> list[Fraction]:
    """Recording time of each frame, as the file has it."""
    with av.open(str(film.path)) as source:
        video = source.streams.best("video")
        starts = [
            stream.start_time * stream.time_base for stream in (video, *source.streams.audio) if stream.start_time
        ]
        origin = (
            min([start for start in starts if start > 0], default=Fraction(0)) if (source.start_time or 0) > 0 else 0
        )
        return sorted(packet.pts * packet.time_base - origin for packet in source.demux(video) if packet.size)


def one(film: Film, start_ms: int, end_ms: int, chosen=None, time_map=None, folder=None):
    chosen = chosen or CopySettings()
    file = (folder or film.path.parent / "clips") / f"{next(COUNTER)}{chosen.suffix}"
    (result,) = cut(film.path, time_map or TimeMap.linear(), [wish("x", start_ms, end_ms)], chosen, lambda _: file)
    return result


def inside(times: list[Fraction], start_ms: int, end_ms: int) -> list[int]:
    return [n for n, at in enumerate(times) if Fraction(start_ms, 1000) <= at < Fraction(end_ms, 1000)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "sound-m4a"])
def test_copy_shows_exactly_the_frames_of_the_span_to_every_reader(film, kind):
    source = film(kind)
    times = times_of(source)
    # Starts on a keyframe's time and just beside it, inside a group, near the end, and at the very beginning.
    for start, end in ((0, 400), (1001, 1502), (2002, 3100), (2003, 2400), (3733, 4640)):
        made = one(source, start, end)
        assert isinstance(made, MadeClip), made
        want = inside(times, start, end)
        assert made.frames == len(want)
        assert (made.start, made.end) == (times[want[0]], times[want[-1] + 1])
        assert films.numbers_av(made.file) == want
        if start in (0, 2003):
            assert films.numbers_ffmpeg(made.file, FFMPEG) == want
            assert films.numbers_opencv(made.file) == want
        assert hashlib.sha256(made.file.read_bytes()).hexdigest() == made.sha256
        assert made.file.stat().st_size == made.bytes
        with av.open(str(made.file)) as clip:
            video = clip.streams.video[0]
            assert abs(video.duration * video.time_base - (made.end - made.start)) < Fraction(1, 1000)
            assert bool(clip.streams.audio) == bool(source.tracks) == (made.samples is not None)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("silent-mp4", "sound-m4a")])
def test_copied_sound_fits_the_picture_within_a_millisecond(film, kind):
    source = film(kind)
    times = times_of(source)
    made = one(source, 2003, 3400)
    first = inside(times, 2003, 3400)[0]
    heard = films.sound_ffmpeg(made.file, FFMPEG)
    given_at = source.times[first] - source.times[0]
    for index, peak in films.place(heard, 1, SECONDS + 2):
        assert peak > 0.9
        assert abs(index - given_at * RATE) <= RATE / 1000
    assert abs(len(heard) - (made.end - made.start) * RATE) <= 2  # the reader counts whole samples


def whole_track(film: Film, number: int = 0) -> tuple[np.ndarray, int]:
    """All samples a decoder gives for a track, as 16 bits, and the recording time in samples of the first one."""
    with av.open(str(film.path)) as source:
        to_16 = av.AudioResampler("s16")
        frames = list(source.decode(audio=number))
        clock, origin = frames[0].time_base, max(0, source.start_time or 0)
        at = frames[0].pts * clock * RATE - Fraction(origin, 1_000_000) * RATE
        pieces = [to_16.resample(frame)[0].to_ndarray().reshape(frame.samples, -1) for frame in frames]
    return np.concatenate(pieces), round(at)


def wav(file: Path) -> np.ndarray:
    with wave.open(str(file)) as opened:
        return np.frombuffer(opened.readframes(opened.getnframes()), "<i2").reshape(-1, opened.getnchannels())


@pytest.mark.parametrize(
    "kind", ["flac-mkv", "pcm-mov", "closed-mp4", "closed-mkv", "mpeg2-ts", "later-ts", "sound-m4a"]
)
def test_audio_is_the_recordings_own_samples(film, kind):
    source = film(kind)
    track, at = whole_track(source)
    for start, end in ((0, 500), (1717, 2909), (3300, 4700)):
        made = one(source, start, end, AudioSettings())
        assert isinstance(made, MadeClip), made
        first, last = round(made.start * RATE), round(made.end * RATE)
        samples = wav(made.file)
        assert len(samples) == made.samples == last - first
        # Whole milliseconds leave the place open by a sample; ask where the samples are, then that they are equal.
        same = [shift for shift in (0, -1, 1, -16, 16) if close(samples, track, first - at + shift)]
        assert same, "the samples are not those of the track"
        assert kind.endswith("mkv") or same[0] == 0


def close(samples: np.ndarray, track: np.ndarray, at: int) -> bool:
    """Equal up to the noise some codecs put in at random."""
    skip = max(0, -at)
    piece = track[at + skip : at + len(samples)].astype(float)
    other = samples[skip : skip + len(piece)].astype(float)
    error, power = np.mean((piece - other) ** 2), np.mean(piece**2)
    return bool(error <= power * 1e-4)


def test_audio_of_exact_sources_is_bit_exact_and_where_the_noise_says(film):
    source = film("flac-mkv")
    made = one(source, 1717, 2909, AudioSettings())
    track, at = whole_track(source)
    first = round(made.start * RATE)
    assert at == 0
    assert (wav(made.file) == track[first : first + made.samples]).all()


@pytest.mark.parametrize("rate", [16000, 22050, 44100])
def test_resampled_mono_lies_where_it_should(film, rate):
    made = one(film("flac-mkv"), 1717, 2909, AudioSettings(sample_rate=rate, mono=True))
    samples = wav(made.file)
    assert samples.shape == (round(made.end * rate) - round(made.start * rate), 1)
    # The noise at the same moments, smoothed: the lower rate can not hold its highest notes.
    reference = films.noise(1, SECONDS + 2).astype(float)
    moments = (round(made.start * rate) + np.arange(len(samples))) / rate
    smooth = np.convolve(reference, np.hanning(33) / np.hanning(33).sum(), "same")
    want = np.interp(moments, np.arange(len(smooth)) / RATE, smooth)
    width = 33 * rate // RATE | 1
    got = np.convolve(samples[:, 0] / 32768, np.hanning(width + 2)[1:-1] / np.hanning(width + 2).sum(), "same")
    lags = [float(np.corrcoef(want[50 + lag : len(want) - 50 + lag], got[50:-50])[0, 1]) for lag in range(-3, 4)]
    assert int(np.argmax(lags)) == 3
    assert lags[3] > 0.97


def test_mono_is_no_louder_and_surround_speech_stays(tmp_path):
    source = make_film(tmp_path / "six.mkv", seconds=2, tracks=[Track("flac", layout="5.1")])
    made = one(source, 500, 1500, AudioSettings(mono=True))
    kept = one(source, 500, 1500, AudioSettings())
    channels, mixed = wav(kept.file), wav(made.file)
    assert channels.shape[1] == 6
    assert np.abs(mixed[:, 0].astype(int) - channels[:, 0]).max() <= 1  # all channels are alike, so the mix is as well


def test_clips_come_in_order_of_time_each_with_a_result(film):
    source = film("closed-mkv")
    folder = source.path.parent / "many"
    spans = {
        "late": (3000, 3500),
        "overlapping": (1200, 2600),
        "early": (1000, 2000),
        "empty": (5, 5),
        "far": (60_000, 61_000),
    }
    wishes = [wish(name, *span) for name, span in spans.items()]
    results = list(cut(source.path, TimeMap.linear(), wishes, CopySettings(), into(folder / "deep", ".mp4")))
    assert [result.wish.id for result in results if isinstance(result, MadeClip)] == ["early", "overlapping", "late"]
    assert {result.wish.id: result.rule for result in results if isinstance(result, RefusedClip)} == {
        "empty": "empty-span",
        "far": "outside-recording",
    }
    assert sorted(path.name for path in (folder / "deep").iterdir()) == ["early.mp4", "late.mp4", "overlapping.mp4"]


def test_the_time_map_decides_what_is_cut(film):
    source = film("closed-mp4")
    pieces = TimeMap(
        (Piece(0, 2000, Fraction(1), Fraction(1000)), Piece(2000, 9000, Fraction(25025, 24000), Fraction(0)))
    )
    times = times_of(source)
    made = one(source, 500, 1500, time_map=pieces)
    assert films.numbers_av(made.file) == inside(times, 1500, 2500)
    made = one(source, 3000, 4000, time_map=pieces)
    place = [n for n, at in enumerate(times) if Fraction(3000) <= at * 1000 * Fraction(25025, 24000) < 4000]
    assert films.numbers_av(made.file) == place
    assert one(source, 1500, 2500, time_map=pieces).rule == "splice"


def test_the_end_of_the_recording(film):
    source = film("closed-mp4")
    times = times_of(source)
    step = times[1] - times[0]
    end_ms = int((times[-1] + step) * 1000)
    made = one(source, 4000, end_ms)
    assert isinstance(made, MadeClip)
    assert made.end == times[-1] + step
    assert films.numbers_ffmpeg(made.file, FFMPEG) == inside(times, 4000, end_ms)
    assert one(source, 4000, end_ms + 200).rule == "outside-recording"
    assert one(source, 0, 500, time_map=TimeMap.linear(-300)).rule == "outside-recording"
    assert one(source, 1002, 1004).rule == "empty-span"


@pytest.fixture(scope="session")
def voices(tmp_path_factory):
    tracks = [Track(seed=1, language="fra"), Track(seed=2, language="eng"), Track(seed=3, language="eng", default=True)]
    return make_film(tmp_path_factory.mktemp("voices") / "film.mkv", seconds=3, tracks=tracks)


@pytest.mark.parametrize(("asked", "seed"), [(None, 3), ("fra", 1), ("fr", 1), ("fre", 1), ("eng", 3), ("deu", 3)])
def test_the_language_asked_for(voices, asked, seed):
    made = one(voices, 1000, 2000, CopySettings(language=asked))
    heard = films.sound_ffmpeg(made.file, FFMPEG)
    assert min(peak for _, peak in films.place(heard, seed, 5)) > 0.9
    with av.open(str(made.file)) as clip:
        assert same_language(clip.streams.audio[0].language, {1: "fra"}.get(seed, "eng"))


def test_cover_art_is_no_film(film, tmp_path):
    source = films.add_cover(film("closed-mkv"), tmp_path / "cover.mp4", FFMPEG)
    made = one(source, 1000, 1500)
    assert films.numbers_opencv(made.file) == inside(times_of(film("closed-mkv")), 1000, 1500)


def test_missing_tracks_are_refused(film):
    assert one(film("sound-m4a"), 1000, 2000).rule == "no-video"
    assert one(film("silent-mp4"), 1000, 2000, AudioSettings()).rule == "no-audio"
    made = one(film("sound-m4a"), 1000, 2000, AudioSettings())
    assert (made.start, made.end, made.samples, made.frames) == (1, 2, RATE, None)


@pytest.mark.parametrize("content", [None, b"", b"no film at all\n" * 500, bytes(range(256)) * 4000])
def test_an_unreadable_recording_refuses_every_clip(tmp_path, content):
    path = tmp_path / "film.mkv"
    if content is not None:
        path.write_bytes(content)
    wishes = [wish(str(n), n * 100, n * 100 + 50) for n in range(3)]
    results = list(cut(path, TimeMap.linear(), wishes, CopySettings(), into(tmp_path, ".mp4")))
    assert [result.rule for result in results] == ["unreadable-recording"] * 3
    assert not list(tmp_path.glob("*.mp4"))


@pytest.mark.parametrize("kind", ["closed-mp4", "closed-mkv", "mpeg2-ts", "open-mkv"])
@pytest.mark.parametrize("mode", [CopySettings(), AudioSettings()], ids=["copy", "audio"])
def test_overwritten_data_is_never_cut_silently(film, kind, mode, tmp_path):
    source = film(kind)
    data = bytearray(source.path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 12] = bytes(len(data) // 12)
    broken = replace(source, path=tmp_path / source.path.name)
    broken.path.write_bytes(data)
    times, rules = times_of(source), set()
    for start in range(200, 4400, 300):
        result = one(broken, start, start + 400, mode)
        if isinstance(result, RefusedClip):
            rules.add(result.rule)
            assert 1000 < start < 3900, result
        elif mode.mode == "copy":
            assert films.numbers_av(result.file) == inside(times, start, start + 400)
        else:
            track, at = whole_track(source)
            assert close(wav(result.file), track, round(result.start * RATE) - at) or kind == "open-mkv"
    assert rules == {"damaged"}


@pytest.mark.parametrize("kind", ["closed-mkv", "mpeg2-ts"])
def test_a_truncated_film_gives_what_it_still_holds(film, kind, tmp_path):
    source = film(kind)
    data = source.path.read_bytes()
    short = replace(source, path=tmp_path / source.path.name)
    short.path.write_bytes(data[: len(data) * 6 // 10])
    made = one(short, 500, 1500)
    assert films.numbers_av(made.file) == inside(times_of(source), 500, 1500)
    assert one(short, 4000, 4500).rule in ("damaged", "outside-recording")


def test_a_whole_clip_verifies_and_a_damaged_one_does_not(film, tmp_path):
    made = one(film("closed-mkv"), 1000, 3000)
    assert verify(made.file) == []
    data = bytearray(made.file.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = b"\x55" * 3000
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data)
    assert verify(broken)


@pytest.mark.parametrize("mode", [CopySettings(), AudioSettings(sample_rate=16000, mono=True)], ids=["copy", "audio"])
def test_same_input_same_bytes_whatever_else_is_cut(film, mode, tmp_path):
    source = film("closed-mkv")
    alone = one(source, 2000, 3000, mode, folder=tmp_path)
    spans = [(500, 2500), (2000, 3000), (2900, 4000)]
    wishes = [wish(f"x{n}", *span) for n, span in enumerate(spans)]
    results = cut(source.path, TimeMap.linear(), wishes, mode, into(tmp_path, mode.suffix))
    assert next(result for result in results if result.wish.id == "x1").sha256 == alone.sha256


def test_settings_say_all_there_is_to_them():
    for chosen in (CopySettings(), AudioSettings()):
        fields = set(chosen.__dataclass_fields__)
        assert set(chosen.as_dict()) == fields
    with pytest.raises(ValueError, match="sample rate"):
        AudioSettings(sample_rate=0)


def test_a_folder_in_the_way_is_an_output_error(film, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="not a folder"):
        one(film("closed-mp4"), 1000, 2000, folder=tmp_path / "file" / "below")
    taken = tmp_path / "taken.mp4"
    taken.mkdir()
    with pytest.raises(OutputError, match="folder with this name"):
        list(cut(film("closed-mp4").path, TimeMap.linear(), [wish("x", 0, 900)], CopySettings(), lambda _: taken))
    long = tmp_path / ("x" * 300 + ".mp4")
    with pytest.raises(OutputError, match="too long"):
        list(cut(film("closed-mp4").path, TimeMap.linear(), [wish("x", 0, 900)], CopySettings(), lambda _: long))
    assert not list(tmp_path.rglob(f"*{TEMP_SUFFIX}"))


def run_cut(path: Path, folder: Path, before: str = "") -> subprocess.Popen:
    """Cut many clips in a process of its own, printing each id as it is made."""
    program = f"""
        import signal, sys, time
        from pathlib import Path
        from mmdia_dataset.clips import *
        from mmdia_dataset.timing import *
        spans = [Span(n * 20, n * 20 + 3000) for n in range(60)]
        wishes = [Wish(id=str(n), movie="film", span=span) for n, span in enumerate(spans)]
        file_of = lambda wish: Path({str(folder)!r}) / f"{{wish.id}}.mp4"
        {before}
        for result in cut(Path({str(path)!r}), TimeMap.linear(), wishes, CopySettings(), file_of):
            print(result.wish.id, getattr(result, "sha256", ""), flush=True)
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_killed_half_way_leaves_only_whole_files(film, tmp_path):
    process = run_cut(film("closed-mkv").path, tmp_path)
    assert process.stdout is not None
    said = [process.stdout.readline().split() for _ in range(5)]
    time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    for path in tmp_path.glob("*.mp4"):
        assert verify(path) == []
    for name, digest in said:
        assert hashlib.sha256((tmp_path / f"{name}.mp4").read_bytes()).hexdigest() == digest


def test_a_full_disk_is_an_output_error_and_leaves_nothing_half_written(film, tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000))"
    process = run_cut(film("closed-mkv").path, tmp_path, limit)
    said, error = process.communicate()
    assert "OutputError" in error
    assert "Traceback" in error
    assert said == ""
    assert list(tmp_path.iterdir()) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 30000


def test_a_read_only_folder_is_an_output_error(film):
    user = os.geteuid()
    with tempfile.TemporaryDirectory(prefix="clips-") as name:  # tmp_path is closed to other users
        folder = Path(name)
        shutil.copy(film("closed-mp4").path, folder / "film.mp4")
        folder.chmod(0o555)
        if user == 0:  # root may write everywhere
            os.seteuid(65534)
        try:
            wishes = [wish("x", 1000, 2000)]
            with pytest.raises(OutputError, match="you may not write here"):
                list(cut(folder / "film.mp4", TimeMap.linear(), wishes, CopySettings(), into(folder, ".mp4")))
        finally:
            os.seteuid(user)
            folder.chmod(0o755)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["open-mkv", "open-mp4", "mpeg2-ts", "uneven-mkv"]), st.integers(0, 4700), st.integers(1, 900))
def test_any_span_gives_its_frames_or_a_reason(film, kind, start, length):
    source = film(kind)
    want = inside(times_of(source), start, start + length)
    result = one(source, start, start + length)
    if isinstance(result, MadeClip):
        assert films.numbers_av(result.file) == want
    elif want:
        assert result.rule == "outside-recording", result
    else:
        assert result.rule in ("empty-span", "outside-recording"), result


@pytest.mark.parametrize("suffix", [".avi", ".ts", ".txt"])
def test_what_a_film_is_does_not_depend_on_its_name(film, suffix, tmp_path):
    source = film("closed-mkv")
    shutil.copy(source.path, tmp_path / f"film{suffix}")
    made = one(replace(source, path=tmp_path / f"film{suffix}"), 1001, 1502)
    assert films.numbers_av(made.file) == inside(times_of(source), 1001, 1502)

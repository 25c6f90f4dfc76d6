"""Sound alone: every kind of file has the same samples, and a clip's do not depend on what else is cut."""

from __future__ import annotations

import random
import subprocess
import wave
from dataclasses import replace

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from mmdia_dataset.clips import AudioSettings, MadeClip, cut
from mmdia_dataset.clips.settings import settings_for
from mmdia_dataset.errors import UsageError
from mmdia_dataset.timing import TimeMap
from tests.support import films
from tests.support.films import RATE, Film, Track, make_film
from tests.support.wishes import into, wish

SECONDS = 14


@pytest.fixture(scope="module", params=["ac3", "aac", "libopus", "flac"])
def film(request, tmp_path_factory) -> Film:
    name = f"{request.param}.mkv"
    return make_film(tmp_path_factory.mktemp("films") / name, seconds=SECONDS, tracks=[Track(request.param)])


def extract(film: Film, spans, folder, **options) -> list[MadeClip]:
    settings = AudioSettings(**options)
    wishes = [wish(f"{start}-{end}", start, end) for start, end in spans]
    results = list(cut(film.path, TimeMap.linear(), wishes, settings, into(folder, settings.suffix)))
    assert all(isinstance(one, MadeClip) for one in results), results
    return results


def read(made: MadeClip) -> np.ndarray:
    return soundfile.read(made.file, dtype="float32", always_2d=True)[0]


def test_wav_flac_and_floats_are_the_same_samples(film, tmp_path):
    spans = [(3700, 8500)]  # over two of the places where decoding begins anew
    (plain,) = extract(film, spans, tmp_path / "wav")
    (packed,) = extract(film, spans, tmp_path / "flac", sound="flac")
    (floats,) = extract(film, spans, tmp_path / "float", float32=True)
    assert plain.samples == packed.samples == floats.samples == len(read(plain))
    assert (read(plain) == read(packed)).all()
    assert (read(plain) == np.clip(np.rint(read(floats) * 32768), -32768, 32767) / 32768).all()
    assert soundfile.info(floats.file).subtype == "FLOAT"
    assert packed.bytes < plain.bytes
    with wave.open(str(plain.file)) as opened:  # the plainest reader there is
        assert (opened.getsampwidth(), opened.getframerate(), opened.getnframes()) == (2, RATE, plain.samples)


def test_samples_lie_where_the_noise_says_all_along(film, tmp_path):
    for made in extract(film, [(100, 900), (1500, 12900), (3990, 4700), (7000, 9000)], tmp_path):
        heard = read(made)[:, 0]
        for index, peak in films.place(heard, 1, SECONDS + 2):
            assert peak > 0.8
            # Matroska's whole milliseconds, and the encoder's own delay where it is not told.
            assert abs(index - round(made.start * RATE)) <= (0 if "flac" in film.path.name else RATE // 1000)


@pytest.mark.parametrize("options", [{}, {"mono": True, "sample_rate": 16000, "sound": "flac"}])
def test_the_same_bytes_whatever_else_is_cut_and_in_however_many_runs(film, tmp_path, options):
    rnd = random.Random(5)
    starts = [rnd.randrange(0, 11000) for _ in range(8)]
    spans = sorted((start, start + rnd.randrange(300, 2900)) for start in starts)
    together = {made.wish.id: made.sha256 for made in extract(film, spans, tmp_path / "all", **options)}
    for part in (spans[::3], spans[1::3], [spans[-1]]):
        for made in extract(film, part, tmp_path / "part", **options):
            assert made.sha256 == together[made.wish.id]


@pytest.mark.parametrize(("name", "codec"), [("film.wmv", "wmav2"), ("film.mkv", "truehd")])
def test_decoders_that_remember_are_not_disturbed_by_looking_for_frames(tmp_path, name, codec):
    if codec == "wmav2":
        picture = {"codec": "wmv2", "options": {"b": "800k"}}
        film = make_film(tmp_path / name, seconds=5, tracks=[Track(codec)], **picture)
    else:
        made = make_film(tmp_path / "plain.mkv", seconds=5, tracks=[Track("flac")])
        film = replace(made, path=tmp_path / name)
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(made.path), "-c:v", "copy", "-c:a", codec]
        subprocess.run([*command, "-strict", "-2", str(film.path)], check=True)
    for one in extract(film, [(69, 1181), (928, 1926), (1002, 1247), (2067, 2789)], tmp_path / "clips"):
        (index, peak), *others = films.place(read(one)[:, 0], 1, 7)
        assert peak > 0.9
        assert all(other == index for other, _ in others)


def test_options_that_do_not_go_together():
    for options in ({"sound": "flac", "float32": True}, {"sound": "mp3"}, {"sample_rate": 5}):
        with pytest.raises(UsageError):
            settings_for("audio", **options)
    with pytest.raises(UsageError, match="float32 does not apply"):
        settings_for("copy", float32=True)


def test_flac_by_itself_has_packets_longer_than_a_span(tmp_path):
    """At 8 kHz one lasts half a second: it may begin before the place where decoding begins anew."""
    noise = np.random.default_rng(1).integers(-20000, 20000, 20 * 8000, np.int16)
    path = tmp_path / "film.flac"
    soundfile.write(path, noise, 8000)
    film = Film(path, (), (Track("flac"),), (0, 0))
    for made in extract(film, [(4010, 4400), (8206, 12_500), (0, 700), (12_100, 12_300), (15_990, 19_900)], tmp_path):
        start = made.wish.span.start_ms * 8
        assert (soundfile.read(made.file, dtype="int16")[0] == noise[start : start + made.samples]).all()

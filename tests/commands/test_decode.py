"""Encoded sound of a release becomes sound files: with a stand-in for the model, so that no torch is needed."""

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

import mmdia_dataset
from mmdia_dataset.codec import load_decoder
from mmdia_dataset.codec.restoring import loudness_of
from mmdia_dataset.errors import ExtraMissing, OutputError, ReleaseNotFound, UsageError, WeightsUnreadable
from mmdia_dataset.release import ReleaseAudio
from tests.support.dacfiles import humming, write_dac
from tests.support.shell import mmdia

CLIP = "movie/tt0000001/clip_000/clip_000"


@pytest.fixture
def release(tmp_path):
    """Two clips of one movie: voices at 24 kHz, the same and all else at 44.1 kHz."""
    root = tmp_path / "release"
    for number, seconds in (("000", 1.5), ("007", 2.25)):
        folder = root / f"audio_encoded/movie/tt0000001/clip_{number}"
        write_dac(folder / f"clip_{number}.dac", seconds=seconds)
        for kind in ("_44k", "_orig", "_no_vocals"):
            write_dac(folder / f"clip_{number}{kind}.dac", seconds=seconds, rate=44_100)
    return root


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_text("hum")
    return path


@pytest.fixture
def as_the_model(monkeypatch):
    """The shell decodes with the stand-in."""
    decode = mmdia_dataset.decode
    monkeypatch.setattr(mmdia_dataset, "decode", functools.partial(decode, loader=humming))


def decode(release, weights, **options):
    return mmdia_dataset.decode(release, weights, loader=humming, **options)


def names(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_every_file_is_decoded_under_its_name(release, weights):
    report = decode(release, weights)
    encoded = names(release / "audio_encoded")
    assert names(release / "audio") == [name.replace(".dac", ".flac") for name in encoded]
    assert (report.made, report.kept, report.failed, report.exit_code) == (8, 0, {}, 0)
    assert report.hours == pytest.approx(4 * (1.5 + 2.25) / 3600)
    assert report.bytes == sum(path.stat().st_size for path in (release / "audio").rglob("*.flac"))
    assert not (release / ".mmdia-decode").exists()
    assert ReleaseAudio.of(release).undecoded == 0


def test_sound_has_its_rate_length_and_loudness_again(release, weights):
    decode(release, weights)
    for name, rate in (("clip_000", 24_000), ("clip_000_44k", 44_100)):
        info = soundfile.info(release / f"audio/movie/tt0000001/clip_000/{name}.flac")
        assert (info.samplerate, info.frames, info.channels, info.subtype) == (rate, 1.5 * rate, 1, "PCM_16")
        samples, _ = soundfile.read(release / f"audio/movie/tt0000001/clip_000/{name}.flac")
        assert loudness_of(samples, rate) == pytest.approx(-23.5, abs=0.1)
        spectrum = np.abs(np.fft.rfft(samples[: rate // 2]))
        assert spectrum.argmax() * 2 == pytest.approx(220, abs=4)


def test_wav_and_another_folder(release, weights, tmp_path):
    before = names(release)
    report = decode(release, weights, sound="wav", out=tmp_path / "out", kinds=["voice"])
    assert names(tmp_path / "out") == [f"audio/{CLIP}.wav", "audio/movie/tt0000001/clip_007/clip_007.wav"]
    assert report.made == 2
    assert names(release) == before
    assert soundfile.info(tmp_path / f"out/audio/{CLIP}.wav").frames == 36_000


def test_kinds_are_those_of_the_index(release, weights):
    decode(release, weights, kinds=["mix", "background"])
    stems = {Path(name).stem for name in names(release / "audio")}
    assert stems == {f"clip_{number}_{kind}" for number in ("000", "007") for kind in ("orig", "no_vocals")}
    decode(release, weights)
    assert len(names(release / "audio")) == 8


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        ("audio_encoded/tv_05_mceiu/dia_7.dac", "audio/tv_05_mceiu/dia_7.flac"),
        ("data/Audio_encoded/movie/tt0000001/clip_000.dac", "data/Audio/movie/tt0000001/clip_000.flac"),
        ("audio/movie/tt0000001/clip_000.dac", "audio/movie/tt0000001/clip_000.flac"),
        ("audio_encoded_2/tv 1/S01 E02/clip_000/clip_000_orig.DAC", "audio_2/tv 1/S01 E02/clip_000/clip_000_orig.flac"),
    ],
)
def test_layouts(tmp_path, weights, encoded, decoded):
    write_dac(tmp_path / "release" / encoded)
    assert decode(tmp_path / "release", weights).made == 1
    assert (tmp_path / "release" / decoded).is_file()


def test_what_is_there_is_not_decoded_again(release, weights):
    folder = release / "audio/movie/tt0000001/clip_000"
    folder.mkdir(parents=True)
    (folder / "clip_000.wav").write_bytes(b"made by another program")
    (folder / "clip_000_orig.wav").touch()  # empty: not there
    report = decode(release, weights)
    assert (report.made, report.kept) == (7, 1)
    assert (folder / "clip_000.wav").read_bytes() == b"made by another program"
    times = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    again = decode(release, weights)
    assert (again.made, again.kept, again.forecast) == (0, 8, None)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == times


RUN = """
import sys
import mmdia_dataset
from tests.support.dacfiles import humming
mmdia_dataset.decode(sys.argv[1], sys.argv[2], loader=humming, jobs=int(sys.argv[3]))
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_was_killed_goes_on(tmp_path, weights, jobs):
    release = tmp_path / "release"
    for number in range(60):
        write_dac(release / f"audio_encoded/movie/tt0000001/clip_{number:03}.dac", seconds=20)
    wanted = 60
    command = [sys.executable, "-c", RUN, str(release), str(weights), str(jobs)]
    run = subprocess.Popen(command, cwd=Path(__file__).parents[2], start_new_session=True)
    folder = release / "audio/movie/tt0000001"
    while run.poll() is None and (not folder.exists() or len(list(folder.glob("*.flac"))) < 10):
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    made = {path: path.stat().st_mtime_ns for path in folder.glob("*.flac")}
    assert 10 <= len(made) < wanted
    assert all(soundfile.info(path).frames == 20 * 24_000 for path in made)
    (folder / ".clip_059.flac.part").write_bytes(b"half a file")
    report = decode(release, weights)
    assert (report.made, report.kept) == (wanted - len(made), len(made))
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert len(names(folder)) == wanted
    assert not (release / ".mmdia-decode").exists()


def test_damaged_files_are_said_and_the_rest_is_decoded(release, weights):
    cut = release / f"audio_encoded/{CLIP}.dac"
    cut.write_bytes(cut.read_bytes()[:200])
    loud = release / "audio_encoded/movie/tt0000001/clip_007/clip_007.dac"
    write_dac(loud, codes=np.full((1, 4, 89), 64))
    many = write_dac(loud.with_name("clip_007_44k.dac"), codes=np.ones((1, 9, 89)))
    long = write_dac(loud.with_name("clip_007_orig.dac"), original_length=2**35)
    short = write_dac(loud.with_name("clip_007_no_vocals.dac"), seconds=9, original_length=24_000)
    report = decode(release, weights)
    assert (report.made, report.exit_code) == (3, 1)
    assert set(report.failed) == {cut, loud, many, long, short}
    for path, sentence in report.failed.items():
        assert sentence.startswith(f"{path}: ")
    assert "cut off or damaged" in report.failed[cut]
    assert "holds the code 64, and the model knows 64" in report.failed[loud]
    assert "9 rows of codes, and the model knows 4" in report.failed[many]
    assert "1,431,655.77 s of sound, and its codes are 1.01 s" in report.failed[long]
    assert "it has 1.00 s of sound, and its codes are 9.00 s" in report.failed[short]
    assert names(release / "audio/movie/tt0000001/clip_007") == []


def test_pieces_encoded_one_by_one_are_joined(tmp_path, weights):
    release = tmp_path / "release"
    codes = np.tile(np.arange(60) % 60 + 1, (4, 4))[None]
    seconds = 4 * 56 * 500 / 44_100 - 0.01
    write_dac(release / "audio_encoded/movie/tt0000001/clip_000.dac", seconds=seconds, codes=codes, chunk_length=60,
              padding=False)  # fmt: skip
    assert decode(release, weights).exit_code == 0
    info = soundfile.info(release / "audio/movie/tt0000001/clip_000.flac")
    assert info.frames == round(seconds * 24_000)


def test_each_device_has_processes_of_its_own(release, weights, tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    weights.write_text(f"note {notes}")
    report = decode(release, weights, device=["cuda:0", "cuda:1"])
    assert report.made == 8
    loaded = [name.split("-")[:2] + name.split("-")[3:] for name in names(notes)]
    here = [name for name in loaded if name[2] == str(os.getpid())]
    assert here == [["cuda", "0", str(os.getpid())]]  # the first few
    others = [name for name in loaded if name not in here]
    assert sorted(name[1] for name in others) == ["0", "1"]
    assert len({name[2] for name in others}) == 2


def test_processes_of_one_cpu_share_its_cores(release, weights, tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    weights.write_text(f"note {notes}")
    decode(release, weights, jobs=2)
    threads = [int(name.split("-")[1]) for name in names(notes)]
    assert sorted(threads) == sorted([0, *2 * [max(1, os.cpu_count() // 2)]])


def test_a_process_that_dies_is_replaced(tmp_path, release, weights):
    died = tmp_path / "died"
    weights.write_text(f"die {died}")
    died.touch()
    assert decode(release, weights, kinds=["voice"], jobs=2).made == 2
    shutil.rmtree(release / "audio")
    for number in range(10, 16):
        write_dac(release / f"audio_encoded/movie/tt0000001/clip_{number:03}.dac")

    def forget(_):
        died.unlink()  # the first process that loads the model from now on dies

    report = decode(release, weights, kinds=["voice"], jobs=2, before=forget)
    assert (report.made, report.failed) == (8, {})
    assert died.exists()


def test_a_forecast_comes_before_the_work(release, weights):
    ahead = []
    report = decode(release, weights, before=lambda forecast: ahead.append((forecast, len(names(release / "audio")))))
    ((forecast, there),) = ahead
    assert there == 3
    assert report.forecast is forecast
    assert (forecast.files, forecast.kept) == (8, 0)
    assert forecast.encoded_bytes == sum(path.stat().st_size for path in release.rglob("*.dac"))
    assert forecast.hours == pytest.approx(report.hours, rel=0.3)
    assert forecast.bytes == pytest.approx(report.bytes, rel=0.5)
    assert forecast.seconds > 0


def test_a_dry_run_writes_nothing(release, weights, as_the_model):
    before = names(release)
    cut = release / f"audio_encoded/{CLIP}.dac"
    cut.write_bytes(b"")
    report = mmdia_dataset.decode(release, weights, dry_run=True, sound="wav")
    assert (report.made, list(report.failed), report.exit_code) == (0, [cut], 1)
    assert report.forecast.files == 8
    out, err = mmdia("decode", release, "--weights", weights, "--dry-run", code=1)
    assert "nothing was written; 0 decoded before, 1 can't be decoded" in out
    assert "plan: 8 files of" in err
    assert "next: the same command without --dry-run" in err
    assert names(release) == before


def test_the_shell_says_what_was_done_and_what_comes_next(release, weights, as_the_model):
    out, err = mmdia("decode", release, "--weights", weights, "--kinds", "voice,mix")
    assert "4 files decoded, 0 kept: 0.00 h" in out
    assert "plan: 4 files of" in err
    assert f"next: mmdia validate {release}" in err
    write_dac(release / "audio_encoded/movie/tt0000001/clip_009.dac", dac_version="3")
    out, _ = mmdia("decode", release, "--weights", weights, "--kinds", "voice", code=1)
    assert "0 files decoded, 2 kept, 1 can't be decoded" in out
    assert "it is of version 3, and only 1.0.0 is known here; download it again." in out


def test_json(release, weights, as_the_model):
    bad = write_dac(release / "audio_encoded/movie/tt0000001/clip_009.dac", channels=2)
    out, _ = mmdia("decode", release, "--weights", weights, "--format", "json", code=1)
    report = json.loads(out)
    assert (report["made"], report["kept"], list(report["failed"])) == (8, 0, [str(bad)])
    assert report["forecast"]["files"] == 9
    assert report["out"] == str(release)


def test_links_are_not_followed_out_of_the_release(release, weights, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    outside = write_dac(elsewhere / "clip_050.dac")
    encoded = release / "audio_encoded/movie/tt0000001"
    (encoded / "clip_050.dac").symlink_to(outside)
    (encoded / "clip_060").symlink_to(elsewhere)
    report = decode(release, weights)
    assert {path.name for path in report.failed} == {"clip_050.dac", "clip_060"}
    assert report.made == 8
    shutil.rmtree(release / "audio/movie/tt0000001")
    (release / "audio/movie/tt0000001").symlink_to(elsewhere)
    report = decode(release, weights)
    assert report.made == 0
    assert names(elsewhere) == ["clip_050.dac"]
    assert "a link leads out of" in report.failed[encoded / "clip_000/clip_000.dac"]


def test_a_link_in_place_of_a_temporary_file_is_not_written_through(release, weights, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = release / "audio/movie/tt0000001/clip_000"
    folder.mkdir(parents=True)
    (folder / ".clip_000.flac.part").symlink_to(victim)
    assert decode(release, weights).exit_code == 0
    assert victim.read_text() == "mine"
    assert soundfile.info(folder / "clip_000.flac").frames == 36_000


def test_a_folder_of_sounds_may_be_a_link_to_another_disk(release, weights, tmp_path):
    (tmp_path / "disk").mkdir()
    (release / "audio").symlink_to(tmp_path / "disk")
    assert decode(release, weights).made == 8
    assert len(names(tmp_path / "disk")) == 8


def test_files_of_nobody_are_said(release, weights):
    odd = write_dac(release / "audio_encoded/movie/tt0000001/readme.dac")
    nobodys = write_dac(release / "audio_encoded/clip_003.dac")
    report = decode(release, weights)
    assert set(report.failed) == {odd, nobodys}
    assert "does not say which movie's clip it is" in report.failed[odd]


def test_wrong_use_is_refused_before_anything_is_done(release, weights, tmp_path):
    with pytest.raises(UsageError, match=r"unknown kind of sound 'music'; choose from voice, voice_44k, mix"):
        decode(release, weights, kinds=["music"])
    with pytest.raises(UsageError, match=r"unknown sound 'mp3'; choose flac or wav"):
        decode(release, weights, sound="mp3")
    with pytest.raises(WeightsUnreadable, match="there is no such file of weights"):
        decode(release, tmp_path / "absent.pth")
    weights.write_text("others")
    with pytest.raises(WeightsUnreadable, match="not the weights of this codec"):
        decode(release, weights)
    with pytest.raises(ReleaseNotFound, match="there is no such folder"):
        decode(tmp_path / "absent", weights)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReleaseNotFound, match="no encoded sound is in it"):
        decode(tmp_path / "empty", weights)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        decode(release, weights, out=tmp_path / "file")
    assert not (release / "audio").exists()


def test_another_run_in_the_same_place_is_refused(release, weights):
    def again(_):
        with pytest.raises(UsageError, match="another run is writing here"):
            decode(release, weights)

    decode(release, weights, before=again)


def test_without_torch_one_sentence_says_what_to_install(weights, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "mmdia_dataset.codec.network", raising=False)
    with pytest.raises(ExtraMissing, match=r"^torch is not installed; run pip install 'mmdia-dataset\[dac\]'\.$"):
        load_decoder(weights, "cpu")


def test_without_scipy_too(release, weights, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.signal", None)
    with pytest.raises(ExtraMissing, match=r"^scipy is not installed; run pip install 'mmdia-dataset\[dac\]'\.$"):
        decode(release, weights)

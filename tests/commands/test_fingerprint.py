"""`fingerprint` without recordings: passports from a release's sound, by which films are recognised and aligned."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import mmdia_dataset
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import TimingFingerprint
from mmdia_dataset.release import read_passport
from mmdia_dataset.schema import Edition
from tests.support import editions_on_disk as disk
from tests.support.editions import PAL, RATE, edition, make_film
from tests.support.shell import mmdia

ONE, TWO = "tt9000011", "tt9000012"
SEEDS = {ONE: 11, TWO: 12}
LENGTH = 4.5


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A release of two movies with sound; the same without sound, but with the passports made from it."""
    root = tmp_path_factory.mktemp("world")
    for movie, seed in SEEDS.items():
        film = make_film(seed, LENGTH)
        for release in ("sounding", "silent"):
            disk.annotate(root / release, movie, film)
        disk.write_dialogue_sounds(root / "sounding", movie, film)
    out, err = mmdia("fingerprint", "--release", root / "sounding", "--out", root / "silent" / "passports")
    return SimpleNamespace(root=root, sounding=root / "sounding", silent=root / "silent", said=out, err=err)


def test_a_passport_says_that_it_has_gaps_and_which_movie_it_is(world):
    assert "2 passports written to" in world.said
    for movie, seed in SEEDS.items():
        film = make_film(seed, LENGTH)
        passport = read_passport(world.silent, movie)
        fingerprint = TimingFingerprint.from_schema(passport.fingerprint)
        assert passport.fingerprint.version == 2
        assert fingerprint.gaps
        assert passport.frame_rate is None
        assert passport.duration_ms == max(dialogue.span.end_ms for dialogue in film.dialogues)
    assert mmdia_dataset.validate(world.silent).counts == {}


def test_a_recording_with_a_wrong_name_is_recognised_and_aligned(world, tmp_path):
    film = make_film(SEEDS[ONE], LENGTH)
    made = edition(film, rate=PAL, logo_s=7.0)
    disk.write_sound(tmp_path / "media" / f"{TWO}.flac", made.samples)
    report = mmdia_dataset.align(world.silent, tmp_path / "media", tmp_path / "editions")
    assert report.placed == len(film.dialogues)
    found = Edition.model_validate_json((tmp_path / "editions" / f"{ONE}.json").read_bytes())
    assert found.recording.name == f"{TWO}.flac"
    for placed in found.placed:
        start, _ = found.time_map().place(placed.span)
        assert abs(float(start) - made.place_s(placed.span)) * 1000 <= placed.evidence.error_ms < 20
        assert placed.evidence.tier == "fingerprint"


def test_jobs_do_not_change_a_byte(world, tmp_path):
    mmdia_dataset.fingerprint(world.sounding, None, tmp_path / "passports", jobs=2)
    for movie in SEEDS:
        name = f"{movie}.json"
        assert (tmp_path / "passports" / name).read_bytes() == (world.silent / "passports" / name).read_bytes()


def test_a_sound_that_cannot_be_used_is_named_and_the_rest_goes_on(tmp_path):
    film = make_film(SEEDS[ONE], LENGTH)
    disk.annotate(tmp_path / "release", ONE, film)
    files = disk.write_dialogue_sounds(tmp_path / "release", ONE, film)
    disk.write_sound(files[1], np.zeros(len(film.samples()[: 3 * RATE])))
    out, _ = mmdia("fingerprint", "--release", tmp_path / "release", "--out", tmp_path / "passports", code=1)
    assert f"the sound of {ONE}_clip_1: it has 3.0 s of sound, but the dialogue has" in out.replace("\n", " ")
    out, _ = mmdia(
        "fingerprint", "--release", tmp_path / "release", "--out", tmp_path / "again", "--format", "json", code=1
    )
    report = json.loads(out)
    assert set(report["left_out"]) == {f"{ONE}_clip_1"}
    assert set(report["made"]) == {ONE}
    for file in files.values():
        file.write_bytes(b"no sound")
    report = mmdia_dataset.fingerprint(tmp_path / "release", None, tmp_path / "never")
    assert "can't be used" in report.failed[ONE]
    assert (report.made, report.exit_code) == ({}, 1)


def test_movies_without_sound_or_without_times_say_what_to_do(world, tmp_path):
    clips = json.loads((world.sounding / "json" / "movie" / f"{TWO}.json").read_text())
    for clip in clips["clips"]:
        for cue in clip["srt"]:
            del cue["abs_start_time"], cue["abs_end_time"]
    file = tmp_path / "release" / "json" / "movie" / f"{TWO}.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(clips))
    disk.annotate(tmp_path / "release", ONE, make_film(SEEDS[ONE], LENGTH))
    disk.write_dialogue_sounds(tmp_path / "release", TWO, make_film(SEEDS[TWO], LENGTH), [0])
    report = mmdia_dataset.fingerprint(tmp_path / "release", None, tmp_path / "passports")
    assert report.missing[ONE] == "the release has no sound of its dialogues"
    assert "does not say when in the movie" in report.missing[TWO]
    assert "--media" in report.missing[TWO]
    assert (report.made, report.exit_code) == ({}, 1)


def test_a_release_without_any_sound_is_refused(world, tmp_path):
    _, err = mmdia("fingerprint", "--release", world.silent, "--out", tmp_path / "passports", code=2)
    assert "no sound of its dialogues" in err
    assert "--media" in err
    encoded = world.root / "encoded"
    disk.annotate(encoded, ONE, make_film(SEEDS[ONE], LENGTH))
    dac = encoded / "audio_encoded" / "movie" / ONE / "clip_000" / "clip_000.dac"
    dac.parent.mkdir(parents=True)
    dac.write_bytes(b"codes")
    _, err = mmdia("fingerprint", "--release", encoded, "--out", tmp_path / "passports", code=2)
    assert "mmdia decode" in err

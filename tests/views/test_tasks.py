"""Tasks as the loader gives them, from clips really cut, on any `datasets` (tools/matrix.py)."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"

import json
import shutil
import warnings
import wave
from pathlib import Path

import datasets
import pytest

import mmdia_dataset
from mmdia_dataset.errors import ConfigError, DataNotFound, UsageError
from mmdia_dataset.loader import features
from mmdia_dataset.schema import RELATIONSHIPS, SpeechVideo, StyleSpeech, VisionSpeech
from tests.support.worlds import World, make_world, write_movie

pytestmark = pytest.mark.quick

MODELS = {"style_speech": StyleSpeech, "vision_speech": VisionSpeech, "speech_video": SpeechVideo}
WORDS = "[S1] Hello? [S2] Hello?"


def rebuild(world: World, out: Path, *modes: str) -> Path:
    for mode in modes:
        mmdia_dataset.rebuild(world.release, world.media, out, mode=mode)
    return out


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = make_world(tmp_path_factory.mktemp("world"))
    # Three dialogues apart from each other, two of which are of one split.
    write_movie(made.root, "tt0000001", [(0, 1500), (1800, 3400), (3600, 4900)])
    rebuild(made, made.root / "built", "copy", "audio", "keyframes")
    return made


@pytest.fixture
def built(world):
    return world.root / "built"


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", MODELS)
def test_a_task_loads_by_every_way_alike(built, name):
    named = datasets.load_dataset("mm-dia", name, data_dir=str(built), drop=0.5, seed=2)
    loaded = mmdia_dataset.load(name, data_dir=built, drop=0.5, seed=2)
    assert list(named) == list(loaded) == ["train", "validation", "test", "hard"]
    for split, rows in loaded.items():
        stream = mmdia_dataset.load(name, data_dir=built, split=split, streaming=True, drop=0.5, seed=2)
        assert rows.features == named[split].features == features(MODELS[name])
        assert list(rows) == list(named[split]) == list(stream)
    again = mmdia_dataset.load(name, data_dir=built, num_proc=2, drop=0.5, seed=2, cache_dir="other")
    assert {split: list(rows) for split, rows in again.items()} == {s: list(rows) for s, rows in loaded.items()}


def test_a_row_of_style_speech(built):
    first, second = mmdia_dataset.load("style_speech", data_dir=built, split="train", control="both")
    assert first["id"] == "tt0000001_clip_0"
    assert first["transcript"] == WORDS
    assert "Both are glad." in first["prompt"]
    assert "warm" in first["prompt"]
    assert first["description"] == "Both are glad."
    assert first["triplet"]["relationship"] == {"text": "friends", "label": RELATIONSHIPS.index("Friends")}
    assert first["dropped"] is False
    with wave.open(first["audio"]["path"]) as sound:
        assert sound.getnframes() == first["samples"]
        length = sound.getnframes() * 1000 / sound.getframerate()
    assert [turn["speaker"] for turn in first["turns"]] == [0, 1]
    assert first["turns"][0]["span"]["start_ms"] == 0
    assert 0 <= length - first["turns"][1]["span"]["end_ms"] < 42  # a clip ends with its last frame
    # Less than a second of each voice is too little.
    assert [who["reference"] for who in first["speakers"]] == [None, None]
    assert [(who["tag"], who["name"]) for who in second["speakers"]] == [("S1", "Anna"), ("S2", "Eve")]


def test_reference_voices_are_of_the_same_split(tmp_path):
    world = make_world(tmp_path)
    file = write_movie(tmp_path, "tt0000001", [(0, 1500), (1500, 3400), (3400, 4900)])
    data = json.loads(file.read_text())
    for clip in data["clips"]:
        clip["srt"] = clip["srt"][:1]
        clip["srt"][0]["abs_end_time"] = clip["srt"][0]["abs_start_time"]
    for clip, end in zip(data["clips"], ("00:00:01,400", "00:00:03,300", "00:00:04,800"), strict=True):
        clip["srt"][0]["abs_end_time"] = end
    file.write_text(json.dumps(data))
    built = rebuild(world, tmp_path / "built", "audio")
    loaded = mmdia_dataset.load("style_speech", data_dir=built)
    first, second = loaded["train"]
    [alone] = loaded["validation"]
    for row, other in ((first, second), (second, first)):
        [anna] = row["speakers"]
        assert anna["name"] == "Anna"
        assert anna["reference"]["dialogue"] == other["id"]
        assert anna["reference"]["audio"] == other["audio"]
        assert anna["reference"]["span"]["end_ms"] - anna["reference"]["span"]["start_ms"] >= 1000
    assert alone["speakers"][0]["reference"] is None


def test_a_row_of_speech_video(built):
    row = mmdia_dataset.load("speech_video", data_dir=built, split="test")[0]
    assert (Path(row["video"]["path"]).suffix, Path(row["audio"]["path"]).suffix) == (".mp4", ".wav")
    assert row["frames"] > 0
    assert set(row["speakers"][0]) == {"tag", "name"}


def test_a_row_of_vision_speech(built):
    row = mmdia_dataset.load("vision_speech", data_dir=built, split="train")[0]
    assert [one["turn"] for one in row["keyframes"]] == [0, 1]
    for one, turn in zip(row["keyframes"], row["turns"], strict=True):
        assert Path(one["image"]["path"]).read_bytes()[:3] == b"\xff\xd8\xff"
        assert turn["span"]["start_ms"] <= one["time_ms"] < turn["span"]["end_ms"]
    assert "prompt" not in row
    assert mmdia_dataset.load("vision_speech", data_dir=built, split="train", drop=1.0)[0]["keyframes"] == []


def test_options_reach_the_rows_and_the_cache(built):
    def load(**options):
        return mmdia_dataset.load("style_speech", data_dir=built, split="test", **options)

    assert not any(row["dropped"] for row in load())
    dropped = load(drop=1.0)
    assert [row["prompt"] for row in dropped] == [row["triplet"] for row in dropped] == [None, None]
    assert [row["description"] for row in load(control="triplet")] == [None, None]
    assert load(templates=["As {relationship}!"])[0]["prompt"] == "As friends!"
    assert len({rows.cache_files[0]["filename"] for rows in (load(), dropped, load(seed=5))}) == 3
    assert load().cache_files == load(drop=0.0, seed=None).cache_files


def test_wrong_options_are_said(built):
    with pytest.raises(ConfigError, match="choose one of triplet"):
        mmdia_dataset.load("style_speech", data_dir=built, control="none")
    with pytest.raises(ConfigError, match="temperature"):
        mmdia_dataset.load("style_speech", data_dir=built, temperature=1)
    with pytest.raises(UsageError, match="the option drop is only for tasks"):
        mmdia_dataset.load("clips", data_dir=built, drop=0.1)
    with pytest.raises(UsageError, match="cut already"):
        mmdia_dataset.load("style_speech", data_dir=built, media_dir=built)


def test_a_release_is_no_place_for_tasks(world):
    with pytest.raises(UsageError, match="mmdia rebuild"):
        mmdia_dataset.load("style_speech", data_dir=world.release)


def test_what_is_left_out_is_counted_in_one_sentence(world, built, tmp_path):
    shutil.copytree(built, tmp_path / "built")
    mmdia_dataset.rebuild(world.release, world.media, tmp_path / "fewer", mode="copy")
    mmdia_dataset.rebuild(world.release, world.media, tmp_path / "fewer", mode="audio", split="train")
    with pytest.warns(UserWarning, match=r"leaves out 4 of 6 rows: 4 with no audio; .*--mode audio") as said:
        rows = mmdia_dataset.load("style_speech", data_dir=tmp_path / "fewer")
    assert len(said) == 1
    assert {split: len(part) for split, part in rows.items()} == {"train": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mmdia_dataset.load("style_speech", data_dir=built)


def test_nothing_to_load_is_an_error(world, tmp_path):
    built = rebuild(world, tmp_path / "built", "copy")
    with pytest.raises(DataNotFound, match="6 with no audio"):
        mmdia_dataset.load("speech_video", data_dir=built)


def test_new_clips_are_seen(world, tmp_path):
    built = rebuild(world, tmp_path / "built", "copy")
    mmdia_dataset.rebuild(world.release, world.media, built, mode="audio", split="train")
    with pytest.warns(UserWarning, match="leaves out"):
        assert list(mmdia_dataset.load("speech_video", data_dir=built)) == ["train"]
    mmdia_dataset.rebuild(world.release, world.media, built, mode="audio")
    assert len(mmdia_dataset.load("speech_video", data_dir=built)) == 4

"""Rows with the sound that a release brings, without any film: by every way of loading, and against cut clips."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"

import json
import shutil
import warnings
from pathlib import Path

import datasets
import huggingface_hub
import pyarrow.parquet as pq
import pytest

import mmdia_dataset
from mmdia_dataset import Decode, load
from mmdia_dataset.errors import ConfigError, DataNotFound, UsageError
from mmdia_dataset.loader import features
from mmdia_dataset.schema import AUDIO_KINDS, Clip, SpeechVideo, StyleSpeech
from tests.support.sounds import add_sounds, add_video, sound_file, write_wav
from tests.support.worlds import SPANS, World, make_world, write_movie

pytestmark = pytest.mark.quick

# Apart from each other, and long enough to be references.
APART = [(0, 2300), (2310, 4400), (4410, 4990)]
ALL = {**SPANS, "tt0000001": APART, "tt0000002": [(40, 1500), (2000, 3900)]}


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    made = make_world(tmp_path_factory.mktemp("world"))
    for movie, spans in ALL.items():
        write_movie(made.root, movie, spans)
    mmdia_dataset.rebuild(made.release, made.media, made.root / "built", mode="audio")
    return made


@pytest.fixture
def release(world, tmp_path) -> Path:
    """The world's annotations, with the voices of all dialogues, and no film."""
    root = tmp_path / "elsewhere" / "release"
    shutil.copytree(world.release, root)
    add_sounds(root, ALL)
    return root


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def kind(row) -> str | None:
    return None if row["audio_kind"] is None else AUDIO_KINDS[row["audio_kind"]]


def told(row) -> dict:
    """What a row says, but for its sound and for times, which cutting takes from the film's frames and samples."""
    plain = {name: value for name, value in row.items() if name not in ("audio", "audio_kind", "samples")}
    plain["turns"] = [{**turn, "span": None} for turn in plain["turns"]]
    plain["speakers"] = [
        {**who, "reference": who["reference"] and {key: who["reference"][key] for key in ("dialogue", "text")}}
        for who in plain["speakers"]
    ]
    return plain


def test_rows_say_what_those_of_cut_clips_say(world, release):
    cut = load("style_speech", data_dir=world.root / "built", drop=0.3, seed=3)
    shutil.rmtree(release / "audio" / "movie" / "tt0000003")  # no film of it was there to cut
    with pytest.warns(UserWarning, match="1 with no audio"):
        ours = load("style_speech", data_dir=release, drop=0.3, seed=3)
    assert list(ours) == list(cut)
    for split, rows in ours.items():
        assert rows.features == cut[split].features == features(StyleSpeech)
        assert [told(row) for row in rows] == [told(row) for row in cut[split]]
        for row, other in zip(rows, cut[split], strict=True):
            assert (kind(row), kind(other)) == ("voice", "film")
            assert row["audio"]["path"] == str(sound_file(release, row["movie"], int(row["id"].rsplit("_", 1)[1])))
            for mine, theirs in zip(row["turns"], other["turns"], strict=True):
                assert abs(mine["span"]["start_ms"] - theirs["span"]["start_ms"]) <= 42
                assert abs(mine["span"]["end_ms"] - theirs["span"]["end_ms"]) <= 42
    assert any(who["reference"] for row in ours["train"] for who in row["speakers"])


def test_every_way_of_loading_gives_the_same_rows(release):
    loaded = load("style_speech", data_dir=release)
    named = datasets.load_dataset("mm-dia", "style_speech", data_dir=str(release), audio="release")
    several = load("style_speech", data_dir=release, num_proc=2, cache_dir="other")
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 3, "validation": 1, "test": 2, "hard": 1}
    for split, rows in loaded.items():
        stream = load("style_speech", data_dir=release, split=split, streaming=True)
        assert list(rows) == list(named[split]) == list(several[split]) == list(stream)


@pytest.mark.parametrize("flat", [False, True])
def test_dialogues_and_clips_have_the_sound_where_there_is_one(release, flat):
    shutil.rmtree(release / "audio")
    add_sounds(release, {"tt0000001": APART}, flat=flat)
    plain = load("dialogues", data_dir=release)
    ours = load("dialogues", data_dir=release, audio="release")
    for split, rows in ours.items():
        assert rows.features == features(Clip)
        assert [{name: row[name] for name in plain[split].features} for row in rows] == list(plain[split])
        for row in rows:
            heard = row["movie"] == "tt0000001"
            assert kind(row) == ("voice" if heard else None)
            assert (row["audio"] is not None) == heard
            assert row["audio"] is None or Path(row["audio"]["path"]).is_file()
    with pytest.warns(UserWarning, match="3 dialogues have neither sound nor video"):
        clips = load("clips", data_dir=release, audio="release")
    assert {split: len(rows) for split, rows in clips.items()} == {"train": 2, "validation": 1}


def test_the_kind_of_sound_is_chosen(release):
    spans = {"tt0000001": APART}
    add_sounds(release, spans, "mix", "background")
    for asked, given in (("mix", "mix"), (["background", "voice"], "background"), ("voice_44k,mix", "mix")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = load("style_speech", data_dir=release, split="train", audio_kind=asked)
        assert {kind(row) for row in rows if row["movie"] == "tt0000001"} == {given}
    sound_file(release, "tt0000001", 0).unlink()
    rows = load("style_speech", data_dir=release, split="train")
    assert [kind(row) for row in rows] == ["mix", "voice", "voice"]
    with pytest.raises(DataNotFound, match="7 with no audio"):
        load("style_speech", data_dir=release, audio_kind="voice_44k")
    for asked in ("loud", [], "voice,loud"):
        with pytest.raises(ConfigError, match="choose one of voice, voice_44k, mix, background, film"):
            load("style_speech", data_dir=release, audio_kind=asked)


def test_dialogues_without_sound_are_counted(release):
    sound_file(release, "tt0000001", 0).unlink()
    with pytest.warns(UserWarning, match=r"leaves out 1 of 7 rows: 1 with no audio; run `mmdia decode`") as said:
        rows = load("style_speech", data_dir=release)
    assert len(said) == 1
    assert len(rows["train"]) == 2


def test_a_sound_added_replaced_or_removed_is_seen(release):
    def files() -> list:
        return [row["audio"] for row in load("dialogues", data_dir=release, audio="release", split="train")]

    def prepared() -> int:
        return len(list(Path("cache").rglob("*.arrow")))

    before = files()
    assert files() == before
    count = prepared()
    write_wav(sound_file(release, "tt0000001", 0), 50)
    assert files() == before
    assert prepared() > count
    sound_file(release, "tt0000001", 0).unlink()
    assert files()[0] is None
    write_wav(sound_file(release, "tt0000001", 0, flat=True), 50)
    assert files()[0]["path"] == str(sound_file(release, "tt0000001", 0, flat=True))


def test_times_of_dialogues_that_no_movie_time_is_known_of_count_from_their_sound(release):
    shutil.rmtree(release / "json")
    lines = [
        {"speaker": "Anna", "text": "Hello there.", "start_time": 0.5, "end_time": 1.7},
        {"speaker": "Eve", "text": "Good morning to you.", "start_time": 2.0, "end_time": 3.5},
    ]
    clips = [
        {"clip_id": number, "utterances": [{**line, "text": f"{line['text']} {number}"} for line in lines]}
        | {"affective_triplet": {"Relationship": "Friends", "InteractionMode": "chat", "EmotionalTone": "warm"}}
        for number in range(2)
    ]
    clips.append({**clips[0], "clip_id": 2})  # the same words again: it may be the same stretch of the film
    (release / "json" / "movie").mkdir(parents=True)
    (release / "json" / "movie" / "tt0000001.json").write_text(json.dumps({"movie": "tt0000001", "clips": clips}))
    with pytest.warns(UserWarning, match="mmdia validate"):
        rows = load("style_speech", data_dir=release)
    first = rows["train"][0]
    assert [turn["span"] for turn in first["turns"]] == [
        {"start_ms": 500, "end_ms": 1700},
        {"start_ms": 2000, "end_ms": 3500},
    ]
    references = [who["reference"]["dialogue"] for who in first["speakers"]]
    assert references == ["tt0000001_clip_1"] * 2


def test_videos_of_the_release_serve_video_and_bench(world, release):
    film = next(world.media.glob("One*.mp4"))
    video = add_video(release, "tt0000001", 0, film)
    add_video(release, "tt0000001", 1, film)
    shutil.rmtree(sound_file(release, "tt0000001", 1).parent)
    with pytest.warns(UserWarning, match="5 with no video"):
        rows = load("speech_video", data_dir=release)["train"]
    assert rows.features == features(SpeechVideo)
    assert [kind(row) for row in rows] == ["voice", "film"]
    assert rows[0]["video"]["path"] == str(video)
    (release / "bench_ids.json").write_text(json.dumps(["tt0000001_clip_0", "tt0000002_clip_0"]))
    bench = load("bench", data_dir=release)["bench"]
    assert bench.features == features(Clip)
    assert [(kind(row), row["video"] is not None) for row in bench] == [("voice", True), ("voice", False)]
    shutil.rmtree(release / "audio")
    shutil.rmtree(release / "video")
    assert "video" not in load("bench", data_dir=release)["bench"].features
    with pytest.raises(UsageError, match=r"key frames, which only films have; .*--mode keyframes"):
        load("vision_speech", data_dir=release)


def test_decode_reads_files_of_a_release(world, release):
    add_video(release, "tt0000001", 0, next(world.media.glob("One*.mp4")))
    sound_file(release, "tt0000001", 1).unlink()
    rows = load("dialogues", data_dir=release, audio="release", split="train")
    first, second, third = rows.with_transform(Decode(fps=5, height=90, mono=True))[:]["audio"]
    assert first.shape == (1, 2400 * 24)
    assert second is None
    assert third.shape == (1, 1100 * 24)
    row = Decode(fps=5, height=90)(rows[0])
    assert row["frames"].shape == (25, 90, 160, 3)
    assert row["sample_rate"] == 24000
    assert Decode(sound=False, fps=5)(rows[0])["audio"] is None
    with pytest.raises(UsageError, match="decoded already"):
        Decode()({"audio": object()})


def test_arguments_that_do_not_go_together(world, release):
    with pytest.raises(ConfigError, match="unknown audio 'film'; choose one of release"):
        load("dialogues", data_dir=release, audio="film")
    with pytest.raises(UsageError, match="this is a built directory; leave them out"):
        load("clips", data_dir=world.root / "built", audio="release")
    with pytest.raises(UsageError, match="needs no films; leave out media_dir"):
        load("style_speech", data_dir=release, media_dir=world.media)
    with pytest.raises(UsageError, match="dialogues needs sound, but this release has none"):
        load("dialogues", data_dir=world.release, audio="release")
    encoded = release / "audio_encoded" / "movie" / "tt0000001" / "clip_000" / "clip_000.dac"
    shutil.rmtree(release / "audio")
    encoded.parent.mkdir(parents=True)
    encoded.write_bytes(b"")
    with pytest.raises(UsageError, match=r"not decoded yet \(1 clips\); run `mmdia decode"):
        load("style_speech", data_dir=release)


def test_rows_of_earlier_versions_have_the_sound_of_films(world, tmp_path):
    built = tmp_path / "built"
    shutil.copytree(world.root / "built", built)
    for file in (built / "annotations").iterdir():
        pq.write_table(pq.read_table(file).drop_columns("audio_kind"), file)
    for name in ("clips", "style_speech"):
        ours, theirs = (load(name, data_dir=root, split="train") for root in (built, world.root / "built"))
        assert [kind(row) for row in ours] == [kind(row) for row in theirs] == ["film", "film"]
    silent = mmdia_dataset.rebuild(world.release, world.media, tmp_path / "silent")
    assert silent.made
    assert {kind(row) for row in load("clips", data_dir=tmp_path / "silent", split="train")} == {None}


def test_only_who_asks_for_sound_downloads_it(release, monkeypatch):
    asked = {}

    def serve(_, **arguments):
        asked.update(arguments)
        return str(release)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", serve)
    monkeypatch.setenv("MMDIA_HUB_REPO", "org/mm-dia")
    for name, options, folders in (
        ("dialogues", {}, set()),
        ("dialogues", {"audio": "release"}, {"audio", "video"}),
        ("style_speech", {}, {"audio", "video"}),
    ):
        assert load(name, split="train", **options)
        assert {folder for folder in ("audio", "video") if f"{folder}/**" in asked["allow_patterns"]} == folders


# --- other commands that read it ---


def test_a_release_is_packed_shown_exported_and_scored(release, tmp_path):
    report = mmdia_dataset.pack(out=tmp_path / "shards", release=release, jobs=2)
    assert report.samples == {"train": 3, "validation": 1, "test": 2, "hard": 1}
    assert report.members == ("json", "wav")
    assert not mmdia_dataset.check(tmp_path / "shards", deep=True).faults
    again = mmdia_dataset.pack(out=tmp_path / "shards", release=release)
    assert (again.written, again.kept) == (0, 4)
    rows = datasets.load_dataset(str(tmp_path / "shards"), split="train")
    assert [row["json"]["audio_kind"] for row in rows] == [AUDIO_KINDS.index("voice")] * 3
    assert rows[0]["wav"] == sound_file(release, "tt0000001", 0).read_bytes()

    shown = mmdia_dataset.show(release, out=tmp_path / "page.html")
    assert shown.rows == {"style_speech": 3, "vision_speech": 0, "speech_video": 0}
    assert "release/audio/movie/tt0000001/clip_000/clip_000.wav" in (tmp_path / "page.html").read_text()
    for to, name in (("nemo", "mm-dia_nemo_train.json"), ("training", "mm-dia_train.jsonl")):
        assert mmdia_dataset.export(release, to=to, out=tmp_path / "out").exit_code == 0
        entry = json.loads((tmp_path / "out" / name).read_text().splitlines()[0])
        file = tmp_path / "out" / entry.get("audio_filepath", entry.get("path"))
        assert file.resolve() == sound_file(release, "tt0000001", 0)
    answers = load("style_speech", data_dir=release, split="train")
    score = mmdia_dataset.score(list(answers), release, split="train").scores[0]
    assert score.value == 0


def test_what_is_not_packed_is_said(world, release, tmp_path):
    sound_file(release, "tt0000001", 0).unlink()
    sound_file(release, "tt0000001", 1).write_bytes(b"no sound")
    report = mmdia_dataset.pack(out=tmp_path / "shards", release=release)
    assert report.left_out == {"no-sound": 1, "clip-unreadable": 1}
    lines = (tmp_path / "shards" / "editions" / "manifest.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["tt0000001_clip_0", "tt0000001_clip_1"]
    sound_file(release, "tt0000001", 2).rename(sound_file(release, "tt0000001", 2).with_suffix(".flac"))
    with pytest.raises(UsageError, match=r"several file types \(.flac, .wav\)"):
        mmdia_dataset.pack(out=tmp_path / "a", release=release)
    with pytest.raises(UsageError, match="no sound to pack"):
        mmdia_dataset.pack(out=tmp_path / "a", release=world.release)
    with pytest.raises(UsageError, match="--mode is for packing from films; give --media"):
        mmdia_dataset.pack(out=tmp_path / "a", release=release, mode="audio")

"""Exports, read back by the programs they are for; and the page of task rows. lhotse's are in test_lhotse.py."""

import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import meeteval
import pyarrow.parquet as pq
import pytest
import soundfile

import mmdia_dataset
from mmdia_dataset.built.clipset import ClipSet
from mmdia_dataset.errors import ConfigError, DataNotFound, MediaUnreadable, ReleaseUnreadable
from mmdia_dataset.exports import FORMATS
from mmdia_dataset.schema import Clip, Media, arrow
from tests.support.shell import mmdia
from tests.support.worlds import make_world, tree

pytestmark = pytest.mark.quick


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = make_world(tmp_path_factory.mktemp("world"))
    for mode in ("copy", "audio", "keyframes"):
        mmdia_dataset.rebuild(made.release, made.media, made.root / "built", mode=mode)
    return made


@pytest.fixture
def built(world):
    return world.root / "built"


def lines(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        return file.read().splitlines()


def entries(path):
    return [json.loads(line) for line in lines(path)]


def changed(built, out, **fields):
    """A copy of what a built directory says, with the fields of every clip of its train split replaced."""
    clips = [clip.model_copy(update=fields) for clip in ClipSet(built).clips("train")]
    (out / "annotations").mkdir(parents=True)
    pq.write_table(arrow.to_table(clips, Clip), out / "annotations" / "train.parquet")
    return out


@pytest.mark.parametrize("to", FORMATS)
def test_every_format_has_every_clip_and_always_the_same_bytes(built, tmp_path, to):
    first = mmdia_dataset.export(built, to=to, out=tmp_path / "a")
    assert first.exit_code == 0
    assert not first.left_out
    assert {file.name: len(lines(file)) for file in (tmp_path / "a").iterdir()} == first.files
    for split in ("train", "validation", "test", "hard"):
        text = "\n".join(line for name in first.files if split in name for line in lines(tmp_path / "a" / name))
        assert {clip.id for clip in ClipSet(built).clips(split)} == set(re.findall(r"tt\d+_clip_\d+(?=[ \"])", text))
    mmdia_dataset.export(built, to=to, out=tmp_path / "b")
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_meeteval_reads_stm_and_finds_no_error(built, tmp_path):
    mmdia_dataset.export(built, to="stm", out=tmp_path)
    read = meeteval.io.load(tmp_path / "mm-dia_train.stm")
    assert [line.transcript for line in read.lines] == ["Hello?"] * 4
    for found in meeteval.wer.cpwer(tmp_path / "mm-dia_train.stm", tmp_path / "mm-dia_train.stm").values():
        assert (found.errors, found.length, found.scored_speaker) == (0, 2, 2)
    [wer, cpwer] = mmdia_dataset.score(tmp_path / "mm-dia_train.stm", built, split="train").scores
    assert (wer.value, cpwer.value, cpwer.dialogues) == (0, 0, 2)


def test_meeteval_reads_rttm(built, tmp_path):
    mmdia_dataset.export(built, to="rttm", out=tmp_path, split="test")
    assert [file.name for file in tmp_path.iterdir()] == ["mm-dia_test.rttm"]
    read = meeteval.io.load(tmp_path / "mm-dia_test.rttm")
    times = {
        (line.filename, line.speaker_id): (line.begin_time, line.begin_time + line.duration) for line in read.lines
    }
    for clip in ClipSet(built).clips("test"):
        length = soundfile.info(built / clip.audio.path).duration
        (start, middle), (again, end) = times[clip.id, "S1"], times[clip.id, "S2"]
        assert start == 0
        assert middle == again
        assert length - 0.042 < float(end) <= length + 0.001  # a clip ends with its last frame


def test_nemo_lines_say_where_to_read(built, tmp_path):
    mmdia_dataset.export(built, to="nemo", out=tmp_path / "deep" / "er")
    found = entries(tmp_path / "deep" / "er" / "mm-dia_nemo_train.json")
    assert [(one["text"], one["speaker"]) for one in found[:2]] == [
        ("Hello?", "tt0000001/Anna"),
        ("Hello?", "tt0000001/Eve"),
    ]
    for one in found:
        with soundfile.SoundFile(tmp_path / "deep" / "er" / one["audio_filepath"]) as sound:
            assert 0 <= one["offset"] < one["offset"] + one["duration"] <= sound.frames / sound.samplerate


def test_lhotse_manifests_hold_together(built, tmp_path):
    mmdia_dataset.export(built, to="lhotse", out=tmp_path)
    recordings = {one["id"]: one for one in entries(tmp_path / "mm-dia_recordings_train.jsonl.gz")}
    for one in recordings.values():
        info = soundfile.info(tmp_path / one["sources"][0]["source"])
        assert (info.frames, info.samplerate) == (one["num_samples"], one["sampling_rate"])
        assert one["channel_ids"] == one["sources"][0]["channels"] == list(range(info.channels))
        assert one["duration"] == info.frames / info.samplerate
    for one in entries(tmp_path / "mm-dia_supervisions_train.jsonl.gz"):
        whole = recordings[one["recording_id"]]
        assert one["start"] + one["duration"] <= whole["duration"]
        assert one["duration"] > 0


def test_training_lines_are_read_by_our_own_reader(world, built, tmp_path):
    mmdia_dataset.export(built, to="training", out=tmp_path, split="test")
    ours = {one.id: one for one in mmdia_dataset.open_release(world.release).dialogues()}
    read = list(mmdia_dataset.open_release(tmp_path).dialogues())
    assert [one.id for one in read] == ["tt0000002_clip_0", "tt0000002_clip_1"]
    for one in read:
        assert (one.turns, one.triplet, one.description) == (
            ours[one.id].turns,
            ours[one.id].triplet,
            ours[one.id].description,
        )
    for one in entries(tmp_path / "mm-dia_test.jsonl"):
        assert (tmp_path / one["path"]).is_file()
        assert (tmp_path / one["video_path"]).suffix == ".mp4"


@pytest.mark.parametrize("task", ["style_speech", "vision_speech", "speech_video"])
@pytest.mark.parametrize("absolute", [False, True])
def test_messages_have_a_placeholder_for_every_file(built, tmp_path, task, absolute):
    report = mmdia_dataset.export(built, to="messages", out=tmp_path, task=task, absolute=absolute)
    assert set(report.files) == {f"mm-dia_{task}_{split}.jsonl" for split in ("train", "validation", "test", "hard")}
    for one in entries(tmp_path / f"mm-dia_{task}_train.jsonl"):
        assert [said["role"] for said in one["messages"]] == ["user", "assistant"]
        text = "".join(said["content"] for said in one["messages"])
        for kind in ("audio", "image", "video"):
            files = one.get(f"{kind}s", [])
            assert text.count(f"<{kind}>") == len(files)
            assert all(Path(file).is_absolute() == absolute and (tmp_path / file).is_file() for file in files)
        assert "[S1] Hello? [S2] Hello?" in text
        assert one["messages"][1]["content"] == ("<video>" if task == "speech_video" else "<audio>")
        assert len(one.get("images", [])) == (2 if task == "vision_speech" else 0)


def test_sounds_in_a_transcript_are_no_placeholders(built, tmp_path):
    turns = next(ClipSet(built).clips("train")).turns
    loud = tuple(turn.model_copy(update={"text": "<audio> Hm"}) for turn in turns)
    other = changed(built, tmp_path / "other", turns=loud)
    mmdia_dataset.export(other, to="messages", out=tmp_path / "out")
    for one in entries(tmp_path / "out" / "mm-dia_style_speech_train.jsonl"):
        assert "<" not in one["messages"][0]["content"]
        assert "‹audio› Hm" in one["messages"][0]["content"]


def test_ids_with_spaces_are_written_as_their_files_are(built, tmp_path):
    other = changed(built, tmp_path / "other", id="a b_clip_0")
    mmdia_dataset.export(other, to="stm", out=tmp_path / "out")
    assert {line.filename for line in meeteval.io.load(tmp_path / "out" / "mm-dia_train.stm").lines} == {"a~20b_clip_0"}


def test_what_cannot_be_exported_is_counted_or_said(world, built, tmp_path):
    silent = changed(built, tmp_path / "silent", audio=None)
    report = mmdia_dataset.export(silent, to="lhotse", out=tmp_path / "out")
    assert (report.files, report.left_out, report.exit_code) == ({}, {"no audio": 2}, 1)
    assert mmdia_dataset.export(silent, to="rttm", out=tmp_path / "out").files == {"mm-dia_train.rttm": 4}
    _, err = mmdia("export", silent, "--to", "messages", "--out", tmp_path / "out", code=1)
    assert "dialogues left out: 2 (no audio)" in err
    with pytest.raises(MediaUnreadable, match=r"run `mmdia rebuild` again"):
        mmdia_dataset.export(
            changed(built, tmp_path / "gone", audio=Media(path="clips/x.wav")), to="nemo", out=tmp_path
        )
    with pytest.raises(ReleaseUnreadable, match="not a file in the folder"):
        mmdia_dataset.export(changed(built, tmp_path / "evil", audio=Media(path="../x.wav")), to="nemo", out=tmp_path)
    with pytest.raises(DataNotFound, match="mmdia rebuild"):
        mmdia_dataset.export(world.release, to="stm", out=tmp_path)
    for wrong in ({"to": "pdf"}, {"to": "stm", "split": "bench"}, {"to": "messages", "task": "x"}):
        with pytest.raises(ConfigError, match=r"known are|present are"):
            mmdia_dataset.export(built, out=tmp_path, **wrong)


def test_the_command_says_what_it_wrote(built, tmp_path):
    out, _ = mmdia("export", built, "--to", "stm", "--out", tmp_path, "--split", "train")
    assert out.split() == ["4", "lines", str(tmp_path / "mm-dia_train.stm")]
    found = json.loads(mmdia("export", built, "--to", "stm", "--out", tmp_path, "--format", "json")[0])
    assert found["files"]["mm-dia_train.stm"] == 4


# --- the page ---------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Tags and what they name."""

    def __init__(self, file):
        super().__init__()
        self.tags, self.sources, self.words = [], [], []
        self.feed(file.read_text(encoding="utf-8"))
        self.files = [file.parent / unquote(urlsplit(source).path) for source in self.sources]

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name == "src"]

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_shows_three_rows_of_each_task_with_pictures_and_players(built, tmp_path):
    out, _ = mmdia("show", built, "--out", tmp_path / "some where" / "page.html")
    assert "3 rows of style_speech, 3 rows of vision_speech, 3 rows of speech_video" in out
    page = Page(tmp_path / "some where" / "page.html")
    assert page.tags.count("article") == 9
    assert page.tags.count("img") == 6
    assert page.tags.count("video") == 3
    assert page.tags.count("audio") >= 9
    assert all(file.is_file() for file in page.files)
    assert "script" not in page.tags


def test_the_page_escapes_what_it_shows(built, tmp_path):
    evil = "<script>alert(1)</script>\"'><img src=x>"
    other = changed(built, tmp_path / "o<b>'\"&#", description=evil, id=evil.replace("/", "|"))
    for media in ("audio", "video"):
        for clip in ClipSet(built).clips("train"):
            file = other / getattr(clip, media).path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"")
    mmdia_dataset.show(other, out=tmp_path / "page.html", task="speech_video")
    page = Page(tmp_path / "page.html")
    assert {"script", "img"}.isdisjoint(page.tags)
    assert any(evil in words for words in page.words)
    assert all(file.is_file() for file in page.files)


def test_a_page_without_rows_is_none(built, tmp_path):
    silent = changed(built, tmp_path / "silent", audio=None)
    with pytest.raises(DataNotFound, match="--mode audio, --mode keyframes or --mode copy"):
        mmdia_dataset.show(silent, out=tmp_path / "page.html")
    with pytest.raises(ConfigError, match="known are style_speech"):
        mmdia_dataset.show(built, out=tmp_path / "page.html", task="x")
    with pytest.raises(ConfigError, match="present are"):
        mmdia_dataset.show(built, out=tmp_path / "page.html", split="x")
    assert not (tmp_path / "page.html").exists()

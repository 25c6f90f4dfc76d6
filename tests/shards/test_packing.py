"""Shards: from a built directory to tars, and back to the loader's rows."""

import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import datasets
import pytest
import webdataset
from hypothesis import given
from hypothesis import strategies as st

import mmdia_dataset
from mmdia_dataset.built.manifest import read_lines
from mmdia_dataset.errors import ConfigError, UsageError
from mmdia_dataset.shards.index import read_index
from mmdia_dataset.shards.keys import MAX_KEY, id_of, is_key, key_of
from mmdia_dataset.shards.open_shards import row_of, shard_urls
from mmdia_dataset.shards.planning import Sized, filled_shards, lay_out, parse_size
from mmdia_dataset.shards.shard_card import DIALOGUE_COLUMNS, columns_digest, columns_fit, sample_features
from mmdia_dataset.shards.stores import Store
from tests.support import worlds


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return worlds.make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def built(world):
    """A built directory with picture and sound of five dialogues, and pictures of each turn."""
    for mode in ("copy", "audio", "keyframes"):
        mmdia_dataset.rebuild(world.release, world.media, world.root / "built", mode=mode)
    return world.root / "built"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))


def with_bytes(row):
    """A row with the content of its media, however it names them."""

    def content(media):
        return None if media is None else media["bytes"] or Path(media["path"]).read_bytes()

    row = {**row, "video": content(row["video"]), "audio": content(row["audio"])}
    row["keyframes"] = [{**one, "image": content(one["image"])} for one in row["keyframes"]]
    return row


# --- keys ---


@given(st.text(min_size=1, max_size=60))
def test_an_id_is_read_back_from_its_key(id_):
    key = key_of(id_)
    assert is_key(key)
    assert len(key) <= MAX_KEY
    assert id_of(key) == id_ or (len(key) == MAX_KEY and id_of(key) is None)


@given(st.lists(st.text(min_size=1, max_size=120), unique=True, max_size=8))
def test_no_two_ids_share_a_key(ids):
    assert len({key_of(id_) for id_ in ids}) == len(ids)


@given(st.text(alphabet="abcx0129_-éA.", max_size=20))
def test_what_is_no_key_of_an_id_is_told(text):
    assert id_of(text) is None or key_of(id_of(text)) == text


@pytest.mark.parametrize(
    ("id_", "key"),
    [
        ("tt0114388_clip_64", "tt0114388_clip_64"),
        ("tv_06_this_is_us_This.Is.Us.S03E16_clip_65", "tv_06_this_is_us_-this-2e-is-2e-us-2e-s03-e16_clip_65"),
        ("tv_01_mad_men_S05E01-E02_clip_24", "tv_01_mad_men_-s05-e01-2d-e02_clip_24"),
        ("café", "caf--c3--a9"),
    ],
)
def test_keys_can_be_read_by_people(id_, key):
    assert key_of(id_) == key


# --- laying out ---


@given(
    st.lists(st.integers(1, 50).map(lambda n: n * 512), min_size=1, max_size=60),
    st.integers(2, 100).map(lambda n: n * 512),
    st.integers(1, 8),
)
def test_shards_hold_every_sample_once_and_stay_below_the_limit(sizes, limit, least):
    samples = [Sized(number, f"k{number}", ("train",), size) for number, size in enumerate(sizes)]
    shards = lay_out(samples, max_bytes=limit, shuffle=None, split=None, min_shards=least).shards
    assert [number for shard in shards for number in shard.samples] == list(range(len(sizes)))
    assert all(shard.bytes <= limit or len(shard.samples) == 1 for shard in shards)
    assert len(shards) >= min(least, len(sizes))


@given(
    st.lists(st.integers(1, 50).map(lambda n: n * 512), max_size=60),
    st.integers(2, 100).map(lambda n: n * 512),
    st.integers(1, 8),
)
def test_a_shard_given_is_what_it_is_whatever_follows(sizes, limit, least):
    samples = [Sized(number, f"k{number}", ("train",), size) for number, size in enumerate(sizes)]
    asked = 0

    def one_by_one():
        nonlocal asked
        for sample in samples:
            asked += 1
            yield sample

    whole = list(filled_shards(samples, limit, least))
    for number, part in enumerate(filled_shards(one_by_one(), limit, least)):
        assert list(part) == list(whole[number])
        # And it comes early: what else has been asked for is less than the shards that might have to be spread anew.
        after = sum(sample.bytes for sample in samples[part[-1].number + 1 : asked - 1])
        assert after <= least * max(limit, *sizes)


@pytest.mark.parametrize(("text", "size"), [("1GB", 10**9), ("500 mb", 5 * 10**8), ("2GiB", 2**31), (4096, 4096)])
def test_sizes_are_read_as_people_write_them(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "big", "-1GB", "0", "1XB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError):
        parse_size(text)


# --- the card ---


def test_columns_are_known_by_their_hash():
    told = columns_digest(next(one for one in sample_features(("json",)) if one["name"] == "json"))
    assert told == DIALOGUE_COLUMNS, f"Sample changed: set DIALOGUE_COLUMNS in shards/card.py to {told}"
    members = ("000.jpg", "json", "mp4")
    good = sample_features(members)
    assert columns_fit(good, members)
    others = (good[::-1], good[:-1], [*good, good[0]], None, {}, [[]], [*good[:3], {"name": "json"}, *good[4:]])
    assert not any(columns_fit(other, members) for other in others)


def test_yaml_that_names_itself_many_times_is_not_written_out():
    bomb = ["x"] * 9
    for _ in range(40):
        bomb = [bomb] * 9
    assert columns_digest(bomb) == ""
    bomb.append(bomb)
    assert columns_digest(bomb) == ""


# --- packing ---


@pytest.mark.quick
def test_every_reader_gives_the_loaders_rows(built, tmp_path):
    shards = str(tmp_path / "shards")
    report = mmdia_dataset.pack(built, shards, max_size="60kB")
    assert report.samples == {"train": 2, "validation": 1, "test": 2, "hard": 1}
    features = datasets.load_dataset_builder(shards).info.features
    for split in report.samples:
        rows = mmdia_dataset.load("clips", data_dir=built, split=split)
        truth = {row["id"]: with_bytes(row) for row in rows}
        ways = {
            "webdataset": webdataset.WebDataset(shard_urls(shards, split), shardshuffle=False),
            "plain": datasets.load_dataset(shards, split=split),
            "streamed": datasets.load_dataset(shards, split=split, streaming=True),
            "named": datasets.load_dataset("webdataset", data_dir=shards, split=split, features=features),
        }
        for name, samples in ways.items():
            assert {row["id"]: with_bytes(row) for row in map(row_of, samples)} == truth, name
        assert {row["id"]: with_bytes(row) for row in mmdia_dataset.open_shards(shards, split)} == truth


def test_the_same_clips_make_the_same_bytes(built, tmp_path):
    for name in ("one", "two"):
        mmdia_dataset.pack(built, tmp_path / name, max_size="60kB", shuffle=7, jobs=1 if name == "one" else 2)
    assert worlds.tree(tmp_path / "one") == worlds.tree(tmp_path / "two")
    mmdia_dataset.pack(built, tmp_path / "three", max_size="60kB", shuffle=8)
    assert worlds.tree(tmp_path / "one") != worlds.tree(tmp_path / "three")


def test_headers_say_nothing_of_who_and_when(built, tmp_path):
    mmdia_dataset.pack(built, tmp_path / "shards")
    for file in (tmp_path / "shards" / "data").glob("*.tar"):
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                assert (member.uid, member.gid, member.uname, member.gname, member.mtime) == (0, 0, "", "", 0)
                assert member.isreg()


def test_a_second_run_keeps_what_is_there_and_mends_what_is_not(built, tmp_path):
    shards = tmp_path / "shards"
    first = mmdia_dataset.pack(built, shards, max_size="60kB")
    before = worlds.tree(shards)
    again = mmdia_dataset.pack(built, shards, max_size="60kB")
    assert (again.written, again.kept) == (0, first.written)
    damaged = shards / read_index(Store(shards)).shards[0].file
    damaged.write_bytes(bytes(600) + damaged.read_bytes()[600:])
    mended = mmdia_dataset.pack(built, shards, max_size="60kB")
    assert mended.written == 1
    assert worlds.tree(shards) == before
    other = mmdia_dataset.pack(built, shards, max_size="1GB")
    assert other.removed > 0
    others = {"README.md", "index.json", "editions/manifest.jsonl", *(f"editions/tt000000{n}.json" for n in (1, 2))}
    assert set(worlds.tree(shards)) == others | {shard.file for shard in read_index(Store(shards)).shards}


KILLED = """
import os, sys
from mmdia_dataset import pack
from mmdia_dataset.shards import shard_writer
count = 0
original = shard_writer.header
def header(name, size):
    global count
    count += 1
    if count > int(sys.argv[3]):
        os._exit(9)
    return original(name, size)
shard_writer.header = header
pack(sys.argv[1], sys.argv[2], max_size="60kB")
"""


@pytest.mark.parametrize("after", [0, 3, 11])
def test_a_killed_run_leaves_no_partial_shard_and_goes_on(built, tmp_path, after):
    mmdia_dataset.pack(built, tmp_path / "whole", max_size="60kB")
    out = tmp_path / "killed"
    done = subprocess.run([sys.executable, "-c", KILLED, built, out, str(after)], check=False)
    assert done.returncode == 9
    assert not (out / "index.json").exists()
    whole = worlds.tree(tmp_path / "whole")
    left = {name: digest for name, digest in worlds.tree(out).items() if name.endswith(".tar")}
    assert left.items() <= whole.items()
    report = mmdia_dataset.pack(built, out, max_size="60kB")
    assert report.kept == len(left)
    assert worlds.tree(out) == whole


def test_a_clip_that_is_not_what_was_made_is_left_out_and_said(built, tmp_path):
    copied = tmp_path / "built"
    shutil.copytree(built, copied)
    (victim,) = copied.glob("clips/tt0000002/tt0000002_clip_0.mp4")
    whole = victim.read_bytes()
    victim.write_bytes(whole[:-1] + b"?")
    report = mmdia_dataset.pack(copied, tmp_path / "shards")
    assert report.exit_code == 1
    assert report.left_out == {"clip-altered": 1}
    assert report.samples["test"] == 1
    victim.write_bytes(whole)
    assert mmdia_dataset.pack(copied, tmp_path / "shards").samples["test"] == 2


def test_a_dialogue_without_all_its_clips_is_left_out(built, tmp_path):
    copied = tmp_path / "built"
    shutil.copytree(built, copied)
    lines = (copied / "manifest.jsonl").read_text().splitlines()
    kept = [line for line in lines if not ('"tt0000001_clip_0"' in line and '"audio"' in line)]
    (copied / "manifest.jsonl").write_text("\n".join(kept))
    report = mmdia_dataset.pack(copied, tmp_path / "shards")
    assert report.left_out == {"no-clip": 1}
    assert mmdia_dataset.pack(copied, tmp_path / "video", modes=["copy"]).samples["train"] == 2


def test_a_split_and_a_mode_alone(built, tmp_path):
    report = mmdia_dataset.pack(built, tmp_path / "shards", split="test", modes=["audio"])
    lines = [line for _, line, _ in read_lines(tmp_path / "shards" / "editions" / "manifest.jsonl")]
    assert [(line.id, line.mode) for line in lines] == [("tt0000002_clip_0", "audio"), ("tt0000002_clip_1", "audio")]
    assert report.samples == {"test": 2}
    assert report.members == ("json", "wav")
    sample = next(iter(webdataset.WebDataset(shard_urls(str(tmp_path / "shards")), shardshuffle=False)))
    assert json.loads(sample["json"])["splits"] == ["test"]


def test_arguments_that_can_not_be_met(built, tmp_path):
    with pytest.raises(ConfigError, match="unknown split"):
        mmdia_dataset.pack(built, tmp_path / "a", split="eval")
    with pytest.raises(ConfigError, match="is empty"):
        mmdia_dataset.pack(built, tmp_path / "a", split="bench")
    with pytest.raises(UsageError, match="no clips of mode"):
        mmdia_dataset.pack(built, tmp_path / "a", modes=["encode"])
    with pytest.raises(UsageError, match="not a built directory"):
        mmdia_dataset.pack(tmp_path, tmp_path / "a")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds no shards"):
        mmdia_dataset.pack(built, tmp_path / "full")
    mmdia_dataset.pack(built, tmp_path / "a", split="test")
    with pytest.raises(ConfigError, match="no split"):
        mmdia_dataset.open_shards(str(tmp_path / "a"), "train")


@pytest.mark.parametrize(
    ("settings", "members"),
    [
        ({"mode": "encode", "height": 90, "preset": "ultrafast"}, ("json", "mp4")),
        ({"mode": "audio", "sound": "flac", "mono": True}, ("flac", "json")),
        ({"mode": "audio", "float32": True}, ("json", "wav")),
        ({"mode": "keyframes", "image": "png", "places": 3, "height": 90}, ("000.png", "001.png", "002.png", "json")),
    ],
)
def test_clips_of_every_mode_are_packed_checked_and_read(world, tmp_path, settings, members):
    built, shards = tmp_path / "built", str(tmp_path / "shards")
    mmdia_dataset.rebuild(world.release, world.media, built, **settings)
    report = mmdia_dataset.pack(built, shards)
    assert (report.members, sum(report.samples.values())) == (members, 6)
    checked = mmdia_dataset.check(shards, deep=True)
    assert (checked.faults, checked.unchecked, checked.samples) == ([], [], 6)
    truth = {row["id"]: with_bytes(row) for row in mmdia_dataset.load("clips", data_dir=built, split="test")}
    assert {row["id"]: with_bytes(row) for row in mmdia_dataset.open_shards(shards, "test")} == truth
    direct = mmdia_dataset.pack(release=world.release, media=world.media, out=tmp_path / "direct", **settings)
    assert direct.members == members
    assert worlds.tree(tmp_path / "direct") == worlds.tree(tmp_path / "shards")


def test_any_place_that_fsspec_reaches(built, tmp_path):
    mmdia_dataset.pack(built, tmp_path / "here", max_size="60kB")
    report = mmdia_dataset.pack(built, "memory://there/shards", max_size="60kB")
    there = Store("memory://there/shards")
    assert set(there.names()) == set(worlds.tree(tmp_path / "here"))
    for name in there.names():
        assert there.read(name) == (tmp_path / "here" / name).read_bytes()
    again = mmdia_dataset.pack(built, "memory://there/shards", max_size="60kB")
    assert (again.written, again.kept) == (0, report.written)

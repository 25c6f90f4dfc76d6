"""Shards straight from films: the same bytes as from a built directory, and no folder of clips in between."""

import json
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import mmdia_dataset
from mmdia_dataset import cli
from mmdia_dataset.errors import ConfigError, UsageError
from mmdia_dataset.schema import RefusedLine
from mmdia_dataset.shards.shard_set import MANIFEST
from mmdia_dataset.shards.stores import Store
from tests.support import worlds

SPANS = [(start, start + 700) for start in range(100, 3300, 200)]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two films with many dialogues, some of them in two splits, one outside the film, and a movie without a film."""
    world = worlds.make_world(tmp_path_factory.mktemp("world"))
    worlds.write_movie(world.root, "tt0000001", [*SPANS, (4000, 9000)])
    worlds.write_movie(world.root, "tt0000002", SPANS[:12])
    splits = {
        "train": [f"tt0000001_clip_{n}" for n in range(17)],
        "test": [f"tt0000002_clip_{n}" for n in range(12)] + ["tt0000003_clip_0"],
        "hard": ["tt0000001_clip_3", *(f"tt0000002_clip_{n}" for n in (9, 2, 5))],
    }
    (world.release / "splits.json").write_text(json.dumps(splits), encoding="utf-8")
    return world


@pytest.fixture(scope="module")
def built(world):
    for mode in ("copy", "audio", "keyframes"):
        mmdia_dataset.rebuild(world.release, world.media, world.root / mode, mode=mode)
    return world.root


def pack(world, out, **options):
    return mmdia_dataset.pack(release=world.release, media=world.media, out=out, **options)


WAYS = [
    ("copy", {}),
    ("copy", {"max_size": "150kB", "shuffle": 7, "jobs": 2}),
    ("copy", {"max_size": "150kB", "split": "hard"}),
    ("audio", {"max_size": "300kB"}),
    ("audio", {"min_shards": 3, "shuffle": 1}),
    ("keyframes", {"max_size": "40kB", "min_shards": 40}),
]


@pytest.mark.parametrize(("mode", "options"), WAYS)
def test_the_same_shards_as_from_a_built_directory(world, built, tmp_path, mode, options):
    there = mmdia_dataset.pack(built / mode, tmp_path / "built", **options)
    here = pack(world, tmp_path / "direct", mode=mode, **options)
    done = subprocess.run(["diff", "-r", tmp_path / "built", tmp_path / "direct"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    assert (here.samples, here.shards, here.members, here.bytes) == (
        there.samples,
        there.shards,
        there.members,
        there.bytes,
    )
    assert mmdia_dataset.check(tmp_path / "direct").faults == []


def test_a_second_run_keeps_all_and_a_change_makes_what_it_concerns(world, tmp_path):
    out = tmp_path / "shards"
    release = shutil.copytree(world.release, tmp_path / "world" / "release")

    def run():
        return mmdia_dataset.pack(release=release, media=world.media, out=out, mode="audio", max_size="300kB")

    first = run()
    before = worlds.tree(out)
    assert first.written == sum(first.shards.values()) > 6
    again = run()
    assert (again.written, again.kept) == (0, first.written)
    assert worlds.tree(out) == before
    damaged = out / "data" / f"train-00001-of-{first.shards['train']:05}.tar"
    damaged.write_bytes(bytes(600) + damaged.read_bytes()[600:])
    assert run().written == 1
    assert worlds.tree(out) == before
    worlds.write_movie(tmp_path / "world", "tt0000002", [*SPANS[:11], (200, 1300)])  # the last of split test
    changed = run()
    assert 1 <= changed.written <= 2
    assert changed.kept >= first.written - 2
    fresh = mmdia_dataset.pack(release=release, media=world.media, out=tmp_path / "b", mode="audio", max_size="300kB")
    assert worlds.tree(out) == worlds.tree(tmp_path / "b")
    assert fresh.kept == 0


@pytest.fixture(scope="module")
def whole(world):
    """What a run makes that nobody kills."""
    pack(world, world.root / "whole", max_size="150kB", min_shards=2)
    return worlds.tree(world.root / "whole")


KILLED = """
import os, sys, mmdia_dataset
from mmdia_dataset.shards import films, shard_set, shard_writer, stores
what, left = sys.argv[4], int(sys.argv[5])
films._LEAST_AT_ONCE = 1
def deadly(module, name):
    original = getattr(module, name)
    def run(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return original(*args, **kwargs)
    setattr(module, name, run)
deadly(*{"header": (shard_writer, "header"), "move": (stores.Store, "move"), "note": (stores.Store, "write_text"),
         "drop": (films.Films, "drop"), "cut": (films.Films, "_cut"), "read": (shard_set, "write_shard")}[what])
mmdia_dataset.pack(release=sys.argv[1], media=sys.argv[2], out=sys.argv[3], max_size="150kB", min_shards=2)
"""


@pytest.mark.parametrize(
    ("what", "after", "done"),
    [
        ("cut", 3, 0), ("header", 0, 0), ("header", 21, 1), ("read", 4, 4), ("note", 8, 2), ("drop", 3, 4),
        ("move", 0, 4), ("move", 3, 4), ("note", 28, 10),
    ],
)  # fmt: skip
def test_a_killed_run_is_gone_on_with(world, whole, tmp_path, what, after, done):
    out = tmp_path / "killed"
    arguments = [world.release, world.media, out, what, str(after)]
    killed = subprocess.run([sys.executable, "-c", KILLED, *map(str, arguments)], capture_output=True, text=True)
    assert killed.returncode == 9, killed.stderr
    assert not (out / "index.json").exists()
    final = {name: digest for name, digest in worlds.tree(out).items() if name.startswith("data/")}
    assert final.items() <= whole.items()
    report = pack(world, out, max_size="150kB", min_shards=2)
    assert report.kept >= done
    assert report.kept + report.written == sum(name.startswith("data/") for name in whole)
    assert worlds.tree(out) == whole


def test_the_disk_holds_the_shards_and_the_clips_of_one(world, tmp_path, monkeypatch):
    monkeypatch.setattr("mmdia_dataset.shards.films._LEAST_AT_ONCE", 1)
    out, most = tmp_path / "shards", 0

    def look(*_):
        nonlocal most
        files = [file for file in out.rglob("*") if file.is_file() and file.suffix != ".jsonl"]
        most = max(most, sum(file.stat().st_size for file in files))

    report = pack(world, out, max_size="150kB", progress=look)
    limit, clip = 150_000, 60_000
    assert report.bytes > 5 * limit
    assert most <= report.bytes + limit + clip
    assert {path.name for path in out.iterdir()} == {"data", "editions", "README.md", "index.json"}


def test_what_is_refused_stands_beside_the_index_with_its_reason(world, tmp_path):
    report = pack(world, tmp_path / "shards")
    lines = list(Store(tmp_path / "shards").read(MANIFEST).splitlines())
    refused = [RefusedLine.model_validate_json(line) for line in lines if b'"refused"' in line]
    assert {line.id: line.reasons[0].rule for line in refused} == {
        "tt0000001_clip_16": "outside-recording",
        "tt0000003_clip_0": "no-recording",
    }
    assert report.left_out == {"outside-recording": 1, "no-recording": 1}
    assert report.examples["outside-recording"].id == "tt0000001_clip_16"
    # As `rebuild` has it: a film that one does not own is no fault, a span outside the film is.
    assert (report.damaged, report.exit_code) == (1, 1)
    assert pack(world, tmp_path / "test", split="test").exit_code == 0
    none = pack(world, tmp_path / "none", ids=["tt0000003_clip_0"])
    assert (none.samples, none.exit_code) == ({}, 1)
    assert b"no-recording" in Store(tmp_path / "none").read(MANIFEST)


def test_any_place_that_fsspec_reaches(world, tmp_path):
    pack(world, tmp_path / "here", mode="audio", max_size="300kB")
    report = pack(world, "memory://direct/shards", mode="audio", max_size="300kB")
    there = Store("memory://direct/shards")
    assert set(there.names()) == set(worlds.tree(tmp_path / "here"))
    for name in there.names():
        assert there.read(name) == (tmp_path / "here" / name).read_bytes()
    again = pack(world, "memory://direct/shards", mode="audio", max_size="300kB")
    assert (again.written, again.kept) == (0, report.written)


def test_arguments_that_do_not_go_together(world, built, tmp_path):
    def refused(words, *built, kind=UsageError, **options):
        with pytest.raises(kind, match=words):
            mmdia_dataset.pack(*built, **{"out": tmp_path / "a", **options})

    films = {"release": world.release, "media": world.media}
    refused("nothing to pack")
    refused("this release has no sound to pack", release=world.release)
    refused("nothing to pack", media=world.media)
    refused("--out is missing: give a folder or a URL", out=None, **films)
    refused("not both", built / "copy", **films)
    refused("--modes chooses", modes=["copy"], **films)
    refused("--mode is for packing from films", built / "copy", mode="copy")
    refused("--as-is is for packing from films", built / "copy", as_is=True)
    refused("does not apply to mode copy", fps="25", **films)
    refused("is not valid", max_size="big", **films)
    refused("unknown split", kind=ConfigError, split="eval", **films)
    assert not (tmp_path / "a").exists()


def test_the_command_forecasts_and_says_what_was_left_out(world, tmp_path):
    arguments = ["pack", "--release", world.release, "--media", world.media, "--out", tmp_path / "shards"]
    result = CliRunner().invoke(cli.app, [*map(str, arguments), "--mode", "audio"])
    assert result.exit_code == 1, result.stderr
    assert "plan: up to 29 of 30 dialogues, from 2 of 3 movies" in result.stderr
    assert "about 1 shard to" in result.stderr
    assert "1 left out: no-recording, such as tt0000003_clip_0" in result.stdout
    result = CliRunner().invoke(cli.app, [*map(str, arguments), "--mode", "audio", "--format", "json"])
    told = json.loads(result.stdout)
    assert (told["kept"], told["written"], told["left_out"]["no-recording"]) == (3, 0, 1)

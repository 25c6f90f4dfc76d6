"""Releases as folders: discovery, bad content, splits, conversion."""

import json
import os
import random

import pytest

from mmdia_dataset.errors import ReleaseNotFound, UsageError
from mmdia_dataset.release import RULES, convert, open_release
from mmdia_dataset.release.residue import same
from tests.support.releases import clip, write_release


def files_of(folder):
    return {
        p.relative_to(folder).as_posix(): json.loads(p.read_text("utf-8"))
        for p in sorted(folder.rglob("json/**/*.json"))
    }


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return path


def some(number=0, count=1):
    rng = random.Random(number)
    return [clip(rng, number + i, 5, 60_000, 3) for i in range(count)]


def issues_of(release):
    return [(i.rule, i.file) for i in release.issues] + [(i.rule, i.file) for r in release.read() for i in r.issues]


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return write_release(tmp_path_factory.mktemp("r") / "release", 6, 60, seed=3)


def test_a_plain_release(release):
    opened = open_release(release)
    assert opened.dialect == "srt"
    assert opened.issues == ()
    readings = list(opened.read())
    assert len(readings) == 60
    assert all(r.dialogue and not r.issues for r in readings)
    assert {r.dialogue.id for r in readings} >= {"tt1000000_clip_0", "tv_05_mad_men_S05E04_clip_0"}
    movies = {m.id: m for m in opened.movies()}
    assert len(movies) == 6
    episode = movies["tv_05_mad_men_S05E04"]
    assert (episode.series, episode.season, episode.episodes, episode.imdb) == ("mad men", 5, (4,), None)
    assert movies["tt1000000"].file == "json/movie_0/tt1000000.json"
    assert {s for r in readings for s in opened.splits_of(r.dialogue.id)} <= {"train", "validation", "test", "hard"}
    assert opened.splits_of("x") == ("unassigned",)
    assert readings[0].path == "$.clips[0]"
    assert open_release(release).movies() == opened.movies()


def test_places_of_turns(tmp_path):
    entry = some()[0]
    entry["srt"][0]["character_annotation"] = f"{entry['speaker'][0]}: a {entry['speaker'][1]}: b"
    write(tmp_path / "x" / "tt1234567.json", {"movie": "tt1234567", "clips": [entry]})
    (reading,) = open_release(tmp_path).read()
    assert [reading.path_of(i) for i in (0, 1, 2)] == ["$.clips[0].srt[0]", "$.clips[0].srt[0]", "$.clips[0].srt[1]"]
    assert reading.dialogue.batch == "x"


@pytest.mark.parametrize("middle", ["parquet", "jsonl"])
def test_there_and_back(release, tmp_path, middle):
    original = files_of(release)
    odd = json.loads(json.dumps(original))
    name = next(iter(odd))
    odd[name]["clips"].reverse()
    odd[name]["clips"][0]["clip_id"] = str(odd[name]["clips"][0]["clip_id"])
    odd[name] |= {"version": 2.0, "movie": None, "more": {"a": [1, True]}}
    for key, value in odd.items():
        write(tmp_path / "in" / key, value)
    write(tmp_path / "in/json/movie_9/tt7654321.json", some(count=3))
    write(tmp_path / "in/splits.json", json.loads((release / "train_eval_test_hard_ids.json").read_text()))
    first = convert(open_release(tmp_path / "in"), tmp_path / "a", middle)
    assert (first.dialogues, first.unreadable, first.movies) == (63, 0, 7)
    own = open_release(tmp_path / "a")
    assert (own.dialect, own.issues) == (middle, ())
    assert [r.issues for r in own.read() if r.issues] == []
    convert(own, tmp_path / "b", "srt")
    back, source = files_of(tmp_path / "b"), files_of(tmp_path / "in")
    assert same(back, source)
    assert open_release(tmp_path / "b").splits == open_release(tmp_path / "in").splits
    assert sum(1 for _ in own.read()) == 63


def test_one_dialogue_is_stored_once(release, tmp_path):
    convert(open_release(release), tmp_path / "p", "parquet")
    opened = open_release(tmp_path / "p")
    ids = [r.dialogue.id for r in opened.read()]
    assert len(ids) == len(set(ids)) == 60
    assert opened.splits == open_release(release).splits


@pytest.mark.parametrize("dialect", ["utterances", "training"])
def test_other_dialects_as_folders(release, tmp_path, dialect):
    made = convert(open_release(release), tmp_path / "d", dialect)
    assert made.dialogues == 60
    opened = open_release(tmp_path / "d")
    assert opened.dialect == dialect
    theirs = {r.dialogue.id: r.dialogue for r in opened.read()}
    for reading in open_release(release).read():
        assert theirs[reading.dialogue.id].turns == reading.dialogue.turns
    assert {m.id for m in opened.movies()} == {m.id for m in open_release(release).movies()}


def test_convert_replaces_only_its_own(release, tmp_path):
    opened = open_release(release)
    out = tmp_path / "out"
    convert(opened, out, "jsonl")
    before = {p.name: p.read_bytes() for p in (out / "dialogues").iterdir()}
    convert(opened, out, "jsonl")
    assert {p.name: p.read_bytes() for p in (out / "dialogues").iterdir()} == before
    (out / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match=r"mine\.txt"):
        convert(opened, out, "parquet")
    for bad in (release, release / "sub", release.parent):
        with pytest.raises(UsageError):
            convert(opened, bad, "parquet")
    with pytest.raises(UsageError, match="unknown dialect"):
        convert(opened, tmp_path / "q", "csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]


BAD = {
    "cut": (b'{"movie": "tt1", "clips": [{"clip_id": 1, "srt": [', "truncated"),
    "not": (b'{"movie": "tt1",\n "clips": [{"srt": []} oops]}', "not-json"),
    "garbage": (b"hello", "not-json"),
    "utf16": (json.dumps({"clips": [{"srt": []}]}).encode("utf-16"), "wrong-encoding"),
    "latin": (b'{"clips": [{"clip_id": 1, "srt": [], "speaker": ["Ren\xe9"]}]}', "wrong-encoding"),
    "noid": (b'{"clips": [{"srt": []}]}', "no-clip-id"),
    "nolist": (b'{"clips": [{"clip_id": 1, "srt": {}}]}', "wrong-shape"),
    "noobject": (b'{"clips": [{"clip_id": 1, "srt": []}, 7]}', "wrong-shape"),
    "deep": (b'{"clips": [{"clip_id": 1, "srt": [], "x": ' + b"[" * 400 + b"]" * 400 + b"}]}", "too-deep"),
    "lesser": (b'{"clips": [{"clip_id": 1, "srt": [], "x": ' + b"[" * 170 + b"]" * 170 + b"}]}", "too-deep"),
    "deepest": (b'{"clips": [{"clip_id": 1, "srt": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}", "too-deep"),
    "digits": (b'{"clips": [{"clip_id": 1, "srt": [], "x": ' + b"9" * 6000 + b"}]}", "not-json"),
    "half": (b'{"clips": [{"clip_id": 1, "srt": [], "x": "\\ud800"}]}', "not-unicode"),
    "unsafe": (b'{"movie": "../../x", "clips": [{"clip_id": 1, "srt": []}]}', "unsafe-id"),
    "empty": (b"", "truncated"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_bad_file_does_not_spoil_the_others(tmp_path, name):
    data, rule = BAD[name]
    write(tmp_path / "json/movie/tt1111111.json", {"movie": "tt1111111", "clips": some()})
    write(tmp_path / f"json/movie/{name}.json", data)
    opened = open_release(tmp_path)
    found = [i for i in issues_of(opened) if i[1] == f"json/movie/{name}.json"]
    assert found
    assert rule in [r for r, _ in found]
    assert "tt1111111_clip_0" in [r.dialogue.id for r in opened.read() if r.dialogue]
    assert all(r in RULES for r, _ in found)
    report = convert(opened, tmp_path.parent / f"{tmp_path.name}-out", "parquet")
    assert report.dialogues == (2 if name == "noobject" else 1)
    assert report.unreadable == 1


def test_messages_name_the_place(tmp_path):
    write(tmp_path / "a.json", b'{"clips": [{"srt": [],\n "x" 1}]}')
    write(tmp_path / "b.json", b'{"clips": [{"srt": [],\n "x": "\xe9"}]}')
    messages = [r.issues[0].message for r in open_release(tmp_path).read()]
    assert "line 2, column 6" in messages[0]
    assert "0xe9" in messages[1]
    assert "position 30" in messages[1]


def test_strange_values_are_no_trouble(tmp_path):
    raw = b'\xef\xbb\xbf{"clips": [{"clip_id": 1, "srt": [], "x": NaN, "y": 1e999, "w": %s, "z": 1, "z": 2}]}' % (
        b"9" * 40
    )
    write(tmp_path / "json/movie/tt1111111.json", raw)
    (reading,) = open_release(tmp_path).read()
    assert reading.dialogue.id == "tt1111111_clip_1"
    for middle in ("parquet", "jsonl"):
        convert(open_release(tmp_path), tmp_path.parent / f"{tmp_path.name}-{middle}", middle)
        (again,) = open_release(tmp_path.parent / f"{tmp_path.name}-{middle}").read()
        assert repr(again.dialogue) == repr(reading.dialogue)


def test_nothing_there(tmp_path):
    with pytest.raises(ReleaseNotFound, match="no such"):
        open_release(tmp_path / "x")
    with pytest.raises(ReleaseNotFound, match="empty"):
        open_release(tmp_path)
    (tmp_path / "a.mkv").touch()
    with pytest.raises(ReleaseNotFound, match="1 file, none of them"):
        open_release(tmp_path)
    write(tmp_path / "splits.json", {"train": ["a"], "eval": []})
    with pytest.raises(ReleaseNotFound, match="1 splits file"):
        open_release(tmp_path)
    write(tmp_path / "clips/x.json", {"clips": some()})
    write(tmp_path / ".hidden/x.json", {"clips": some()})
    write(tmp_path / "audio_encoded/x.json", {"clips": some()})
    with pytest.raises(ReleaseNotFound, match="1 splits file"):
        open_release(tmp_path)


def test_what_is_left_out_is_told(tmp_path, release):
    convert(open_release(release), tmp_path / "own", "jsonl")
    write(tmp_path / "up/json/movie/tt1111111.json", {"movie": "tt1111111", "clips": some()})
    write(tmp_path / "package.json", {"name": "x"})
    write(tmp_path / "few.json", {"train": ["a"], "dev": ["b", "../c", 3], "nonsense": ["d"]})
    opened = open_release(tmp_path)
    assert opened.dialect == "jsonl"
    assert opened.splits_file == "own/splits.json"
    assert {i.rule for i in opened.issues} == {
        "not-annotations",
        "other-dialect",
        "other-splits",
        "bad-split-id",
        "unknown-split",
    }
    assert open_release(tmp_path / "up").dialect == "srt"


def test_links_do_not_lead_out(tmp_path):
    write(tmp_path / "out/tt2222222.json", {"clips": some()})
    write(tmp_path / "in/tt1111111.json", {"clips": some()})
    (tmp_path / "in/a.json").symlink_to(tmp_path / "out/tt2222222.json")
    (tmp_path / "in/b").symlink_to(tmp_path / "out")
    (tmp_path / "in/c.json").symlink_to(tmp_path / "in/tt1111111.json")
    (tmp_path / "in/d.json").symlink_to(tmp_path / "in/d.json")
    opened = open_release(tmp_path / "in")
    assert [f.name for f in opened.files] == ["tt1111111.json"]
    assert {(i.rule, i.file) for i in opened.issues} >= {("outside-release", "a.json"), ("outside-release", "b")}


def test_hub_snapshots_are_read(tmp_path):
    write(tmp_path / "blobs/abc", {"clips": some()})
    folder = tmp_path / "snapshots/1/json/movie"
    folder.mkdir(parents=True)
    (folder / "tt1111111.json").symlink_to(tmp_path / "blobs/abc")
    opened = open_release(tmp_path / "snapshots/1")
    assert [r.dialogue.id for r in opened.read()] == ["tt1111111_clip_0"]


def test_shapes(tmp_path):
    write(tmp_path / "list/json/m/S01 E02.json", some(4))
    (reading,) = open_release(tmp_path / "list").read()
    assert (reading.dialogue.id, reading.path) == ("m_S01_E02_clip_4", "$[0]")
    write(tmp_path / "one/tt1111111.json", some()[0])
    (reading,) = open_release(tmp_path / "one/tt1111111.json").read()
    assert (reading.dialogue.id, reading.path) == (
        "one_tt1111111_clip_0",
        "$",
    ) or reading.dialogue.id == "tt1111111_clip_0"
    lines = "\n".join(json.dumps(x) for x in some(0, 3)) + "\n{oops\n"
    write(tmp_path / "lines/tt1111111.jsonl", lines.encode())
    readings = list(open_release(tmp_path / "lines").read())
    assert [r.path for r in readings] == ["line 1", "line 2", "line 3", "line 4"]
    assert "line 4, column 2" in readings[3].issues[0].message


def test_names_do_not_lead_out(tmp_path, release):
    convert(open_release(release), tmp_path / "p", "jsonl")
    for file in [*(tmp_path / "p").rglob("*.jsonl")]:
        file.write_text(file.read_text("utf-8").replace("movie_0", "../../../x").replace("json/../", "json/"), "utf-8")
    made = convert(open_release(tmp_path / "p"), tmp_path / "deep/er/out", "srt")
    assert made.dialogues == 60
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "p"]
    assert sorted(p.name for p in (tmp_path / "deep/er").iterdir()) == ["out"]


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_names_that_are_no_text(tmp_path):
    folder = tmp_path / os.fsdecode(b"json/\xff")
    try:
        folder.mkdir(parents=True)
    except OSError:
        pytest.skip("this file system wants UTF-8")
    write(tmp_path / "x.json", {"title": "\ud800", "movie": "tt1111111", "clips": some()}).rename(
        folder / "\udcfe.json"
    )
    assert [rule for rule, _ in issues_of(open_release(tmp_path))] == ["unsafe-id"]
    write(tmp_path / "json/b/x.json", {"title": "\ud800", "movie": "tt1111111", "clips": some()})
    assert sum(r.dialogue is not None for r in open_release(tmp_path).read()) == 1


def test_damaged_parquet(tmp_path, release):
    convert(open_release(release), tmp_path / "p", "parquet")
    file = tmp_path / "p/dialogues/train.parquet"
    data = bytearray(file.read_bytes())
    data[200:2000] = b"\0" * 1800
    file.write_bytes(data)
    assert ("bad-parquet", "dialogues/train.parquet") in issues_of(open_release(tmp_path / "p"))
    file.write_bytes(b"nothing")
    assert ("bad-parquet", "dialogues/train.parquet") in issues_of(open_release(tmp_path / "p"))


def test_bad_lines_of_ours(tmp_path, release):
    convert(open_release(release), tmp_path / "p", "jsonl")
    file = tmp_path / "p/dialogues/train.jsonl"
    lines = file.read_text("utf-8").splitlines()
    lines[1] = lines[1].replace('"number":', '"numbr":')
    lines[2] = lines[2][:50]
    file.write_text("\n".join(lines), "utf-8")
    found = [
        (r.path, r.issues[0].rule)
        for r in open_release(tmp_path / "p").read([open_release(tmp_path / "p").files[-1]])
        if r.issues
    ]
    found += [(r.path, r.issues[0].rule) for r in open_release(tmp_path / "p").read() if r.issues]
    assert ("line 2", "bad-dialogue") in found
    assert ("line 3", "truncated") in found

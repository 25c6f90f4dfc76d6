"""The manifest: damaged in its first, second and last line, and read by everybody who reads it."""

import json
import os
import shutil

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"

import datasets
import pytest

import mmdia_dataset
from mmdia_dataset.built.manifest import MANIFEST, MARKER, is_built, line_bytes, read_lines, read_manifest
from mmdia_dataset.errors import MmdiaError, ReleaseUnreadable, UsageError
from mmdia_dataset.files import sha256_of
from mmdia_dataset.schema import FORMAT_VERSION, MadeLine
from tests.support.shell import mmdia
from tests.support.worlds import make_world, tree

MODES = ("audio", "copy", "keyframes")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = make_world(tmp_path_factory.mktemp("world"))
    splits = json.loads((made.release / "splits.json").read_bytes())
    (made.release / "splits.json").write_text(json.dumps(splits | {"bench": ["tt0000002_clip_1"]}))
    for mode in MODES:
        mmdia_dataset.rebuild(made.release, made.media, made.root / "built", mode=mode)
    return made


@pytest.fixture
def built(world, tmp_path):
    """A copy of the built directory, to change."""
    return shutil.copytree(world.root / "built", tmp_path / "built")


def rewritten(folder, change, number=None):
    """The manifest with one line changed as bytes, or all; gives the number of the line changed last."""
    lines = (folder / MANIFEST).read_bytes().splitlines()
    chosen = range(len(lines)) if number is None else [range(len(lines))[number]]
    for place in chosen:
        lines[place] = change(lines[place])
    (folder / MANIFEST).write_bytes(b"".join(line + b"\n" for line in lines))
    return chosen[-1] + 1


def of_json(change):
    """A change of a line's JSON."""

    def changed(line):
        value = json.loads(line)
        change(value)
        return json.dumps(value, separators=(",", ":")).encode()

    return changed


def misspell(value):
    value["statos"] = value.pop("status")


DAMAGE = {
    "a-key-more": of_json(lambda value: value.update(note=1)),
    "misspelled": of_json(misspell),
    "cut-short": lambda line: line[: len(line) // 2],
    "not-json": lambda line: b"made: " + line,
    "not-utf-8": lambda line: line.replace(b'"id":"', b'"id":"\xff', 1),
}

READERS = {
    "load-clips": lambda folder, tmp: mmdia_dataset.load("clips", data_dir=folder, cache_dir=tmp),
    "load-dialogues": lambda folder, tmp: mmdia_dataset.load("dialogues", data_dir=folder, cache_dir=tmp),
    "load-streaming": lambda folder, tmp: list(
        mmdia_dataset.load("clips", data_dir=folder, cache_dir=tmp, streaming=True, split="train")
    ),
    "load-a-task": lambda folder, tmp: mmdia_dataset.load("style_speech", data_dir=folder, cache_dir=tmp),
    "load-bench": lambda folder, tmp: mmdia_dataset.load("bench", data_dir=folder, cache_dir=tmp),
    "load_dataset": lambda folder, tmp: datasets.load_dataset("mm-dia", "clips", data_dir=str(folder), cache_dir=tmp),
    "pack": lambda folder, tmp: mmdia_dataset.pack(folder, tmp / "shards"),
    "stats": lambda folder, tmp: mmdia_dataset.stats(folder),
    "bench": lambda folder, tmp: mmdia_dataset.bench(folder),
    "coverage": lambda folder, tmp: mmdia_dataset.coverage(folder, out=tmp / "certificate.json"),
    "publish": lambda folder, tmp: mmdia_dataset.publish(folder, "a/b", dry_run=True, licence="cc-by-4.0"),
    "publish-media": lambda folder, tmp: mmdia_dataset.publish(
        folder, "a/b", dry_run=True, with_media=True, licence="cc-by-4.0"
    ),
    "card": lambda folder, tmp: mmdia_dataset.card(folder),
    "show": lambda folder, tmp: mmdia_dataset.show(folder, out=tmp / "page.html"),
    "score": lambda folder, tmp: mmdia_dataset.score(folder, folder, metrics="wer", resamples=10),
    **{
        f"export-{to}": lambda folder, tmp, to=to: mmdia_dataset.export(folder, to=to, out=tmp / "export")
        for to in ("rttm", "stm", "lhotse", "nemo", "messages")
    },
}


def said_by(reader, folder, tmp_path):
    """The sentence a reader refuses a folder with."""
    with pytest.raises(MmdiaError) as refusal:
        READERS[reader](folder, tmp_path)
    return str(refusal.value)


@pytest.mark.parametrize("number", [0, 1, -1], ids=["first", "second", "last"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_line_is_named_by_every_reader(world, built, tmp_path, damage, number):
    line = rewritten(built, DAMAGE[damage], number)
    before = tree(built)
    for reader in READERS:
        said = said_by(reader, built, tmp_path)
        assert said.startswith(f"{built / MANIFEST}, at line {line}: "), reader
        assert said.endswith("; run the same `mmdia rebuild` again."), reader
    assert not list(tmp_path.glob("export/*")), "half an export is left"
    assert not (tmp_path / "shards" / "index.json").exists()
    report = mmdia_dataset.validate(built)
    assert [issue.path for issue in report.examples["bad-line"]] == [f"line {line}"]
    assert report.exit_code == 1
    assert {rule for _, rule in report.counts} <= {"bad-line", "clip-unknown", "rows-differ"}
    assert tree(built) == before


@pytest.mark.parametrize("number", [0, 1, -1], ids=["first", "second", "last"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_rebuild_makes_the_clip_of_a_damaged_line_again(world, built, damage, number):
    lines = (built / MANIFEST).read_bytes().splitlines()
    mode = json.loads(lines[number])["mode"]
    line = rewritten(built, DAMAGE[damage], number)
    report = mmdia_dataset.rebuild(world.release, world.media, built, mode=mode)
    assert len(report.unreadable) == 1
    assert report.unreadable[0].startswith(f"{MANIFEST}, line {line}: ")
    assert tree(built) == tree(world.root / "built")


def test_the_shell_says_what_a_rebuild_found_damaged(world, built):
    rewritten(built, DAMAGE["a-key-more"], 0)
    arguments = ("rebuild", "--release", world.release, "--media", world.media, "--out", built, "--mode", "audio")
    said = " ".join("".join(mmdia(*arguments)).split())
    assert f"{MANIFEST}, line 1: note: unknown field" in said


def test_a_good_folder_is_read_by_every_reader(built, tmp_path):
    for read in READERS.values():
        read(built, tmp_path)
    assert not mmdia_dataset.validate(built).counts


def test_plain_load_dataset_needs_no_manifest(built, tmp_path):
    rewritten(built, DAMAGE["cut-short"], 0)
    rows = datasets.load_dataset(str(built), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows[split]) for split in rows} == {
        "train": 2,
        "validation": 1,
        "test": 2,
        "hard": 1,
        "bench": 1,
    }


def test_times_of_a_film_at_another_speed_are_never_guessed(built, tmp_path):
    rewritten(built, of_json(lambda value: value.update(rate="25025/24000") if value["status"] == "made" else None))
    mmdia_dataset.export(built, to="rttm", out=tmp_path / "good")
    line = rewritten(built, of_json(misspell), 1)
    with pytest.raises(ReleaseUnreadable, match=f"at line {line}"):
        mmdia_dataset.export(built, to="rttm", out=tmp_path / "bad")
    assert not list(tmp_path.glob("bad/*"))


def test_what_the_cache_lost_of_clips_cut_on_the_fly_is_cut_again(world, tmp_path):
    def load(**options):
        return mmdia_dataset.load(
            "clips", data_dir=world.release, media_dir=world.media, cache_dir=tmp_path, split="test", **options
        )

    first = load()["id"]
    (made,) = tmp_path.rglob(MANIFEST)
    rewritten(made.parent, DAMAGE["cut-short"], 0)
    assert load(download_mode="force_redownload")["id"] == first
    assert all(fault is None for _, _, fault in read_lines(made))


# --- what a built directory is known by -------------------------------------------------------------------------------


def as_before(folder):
    """As programs wrote it that said no version."""
    (folder / MARKER).unlink()
    rewritten(folder, of_json(lambda value: value.pop("version")))
    for file in (folder / "editions").glob("*.json"):
        edition = json.loads(file.read_bytes())
        del edition["version"]
        file.write_text(json.dumps(edition), encoding="utf-8")


def test_a_folder_of_before_versions_is_read_and_gets_its_marker_from_a_rebuild(world, built, tmp_path):
    as_before(built)
    assert is_built(built)
    for read in READERS.values():
        read(built, tmp_path)
    assert not mmdia_dataset.validate(built).counts
    report = mmdia_dataset.rebuild(world.release, world.media, built, mode="audio")
    assert (report.kept, report.made) == (5, 0)
    marker = {"made_by": "mmdia rebuild", "version": FORMAT_VERSION, "manifest": sha256_of(built / MANIFEST)}
    assert json.loads((built / MARKER).read_bytes()) == marker


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("marked", [True, False])
def test_a_folder_is_known_whatever_became_of_its_first_line(built, damage, marked):
    if not marked:
        as_before(built)
    rewritten(built, DAMAGE[damage], 0)
    assert is_built(built)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', "\udcff"])
def test_a_damaged_marker_is_no_matter(built, text):
    (built / MARKER).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert is_built(built)
    assert not mmdia_dataset.validate(built).counts


def test_a_marked_folder_without_a_manifest_is_not_finished(built, tmp_path):
    (built / MANIFEST).unlink()
    with pytest.raises(ReleaseUnreadable, match="the rebuild has not finished"):
        mmdia_dataset.pack(built, tmp_path / "shards")
    assert mmdia_dataset.validate(built).exit_code == 1


def test_manifests_of_others_are_not_ours(tmp_path):
    (tmp_path / MANIFEST).write_text('{"audio_filepath": "a.wav", "text": "hello", "duration": 1}\n' * 30)
    assert not is_built(tmp_path)
    with pytest.raises(UsageError, match="not a built directory"):
        mmdia_dataset.pack(tmp_path, tmp_path / "shards")


# --- what newer programs write ----------------------------------------------------------------------------------------


def newer_minor(value):
    value["version"] = "1.7"
    value["mood"] = {"a": [1, None]}
    value["span"]["frames"] = 3
    if value["status"] == "made":
        value["at"]["zone"] = "x"
        value["recording"]["title"] = "My Film"
        for picture in value["pictures"]:
            picture["sharpness"] = 0.5


def plain(folder):
    return [json.loads(line) for line in (folder / MANIFEST).read_bytes().splitlines()]


def test_keys_of_a_newer_minor_version_are_kept(world, built, tmp_path):
    rewritten(built, of_json(newer_minor))
    for read in READERS.values():
        read(built, tmp_path)
    assert not mmdia_dataset.validate(built).counts
    before = plain(built)
    for mode in MODES:
        report = mmdia_dataset.rebuild(world.release, world.media, built, mode=mode)
        assert (report.kept, report.made) == (5, 0)
    after = plain(built)
    assert [line for line in after if line["status"] == "made"] == [line for line in before if line["status"] == "made"]
    assert {line["version"] for line in after if line["status"] == "refused"} == {FORMAT_VERSION}  # refused anew, by us


def test_a_publication_holds_no_key_that_we_do_not_understand(built, tmp_path):
    """It may name a file of the publisher's."""
    rewritten(built, of_json(newer_minor))
    mmdia_dataset.publish(built, "a/b", dry_run=True, licence="cc-by-4.0", out=tmp_path / "public")
    text = (tmp_path / "public" / "editions" / MANIFEST).read_text("utf-8")
    assert "My Film" not in text
    assert "1.7" not in text
    assert (tmp_path / "public" / MARKER).exists() is False


def test_what_a_newer_minor_version_changes_beyond_keys_is_named(built):
    rewritten(built, of_json(lambda value: value.update(version="1.7", mode="hologram")), 2)
    with pytest.raises(ReleaseUnreadable, match=r"at line 3: mode: .*; a newer mmdia-dataset made it \(format 1.7\)"):
        list(read_manifest(built))


NEWER = "made by a newer mmdia-dataset (format 2.0; this one reads 1.x); upgrade with `pip install -U mmdia-dataset`."


def newer_major(value):
    value["version"] = "2.0"
    value["spans"] = [value.pop("span")]


def marker_only(folder):
    (folder / MARKER).write_text('{"made_by": "mmdia rebuild", "version": "2.0", "manifest": "manifest.sqlite"}')


def lines_only(folder):
    (folder / MARKER).unlink()
    rewritten(folder, of_json(newer_major), -1)


@pytest.mark.parametrize("change", [marker_only, lines_only])
def test_a_newer_major_version_is_said_by_every_reader(world, built, tmp_path, change):
    change(built)
    before = tree(built)
    for reader in READERS:
        assert said_by(reader, built, tmp_path).endswith(NEWER), reader
    with pytest.raises(MmdiaError) as refusal:
        mmdia_dataset.rebuild(world.release, world.media, built, mode="audio")
    assert str(refusal.value).endswith(NEWER)
    del before["README.md"]
    after = tree(built)
    assert {name: after.get(name) for name in before if name.startswith(("clips", MANIFEST))} == {
        name: digest for name, digest in before.items() if name.startswith(("clips", MANIFEST))
    }


def test_validate_says_which_line_a_newer_program_wrote(built):
    rewritten(built, of_json(newer_major), -1)
    (issue,) = mmdia_dataset.validate(built).examples["bad-line"]
    assert f"{issue.message}; {issue.hint}." == NEWER


def test_a_line_without_keys_of_others_has_the_bytes_it_had(built):
    lines = (built / MANIFEST).read_bytes().splitlines(keepends=True)
    assert [line_bytes(line) for line in read_manifest(built)] == lines
    assert any(isinstance(line, MadeLine) for line in read_manifest(built))

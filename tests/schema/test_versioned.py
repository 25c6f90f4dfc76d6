"""Every format of ours says its version: newer minor ones are read and kept, newer major ones are named."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import mmdia_dataset
from mmdia_dataset.built.directory import edition_text
from mmdia_dataset.certificates import certificate_hash, read_certificate, subset_ids
from mmdia_dataset.errors import BadCertificate, MmdiaError, ReleaseUnreadable, ShardsUnreadable
from mmdia_dataset.release import read_passport, write_passport
from mmdia_dataset.release.own import MARKER
from mmdia_dataset.schema import (
    FORMAT_VERSION,
    Certificate,
    Edition,
    FormatError,
    Passport,
    ShardIndex,
    Subset,
    read_versioned,
)
from mmdia_dataset.shards.index import index_digest, index_text, parse_index
from tests.support.examples import EXAMPLES
from tests.support.releases import write_release
from tests.support.worlds import make_world, tree

MODELS = {
    "edition": Edition,
    "passport": Passport,
    "certificate": Certificate,
    "subset": Subset,
    "shard_index": ShardIndex,
}
NEWER = "made by a newer mmdia-dataset (format 2.0; this one reads 1.x)"
UPGRADE = "upgrade with `pip install -U mmdia-dataset`"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """With a built directory, its certificate and its shards."""
    made = make_world(tmp_path_factory.mktemp("world"))
    mmdia_dataset.rebuild(made.release, made.media, made.root / "built", mode="audio")
    mmdia_dataset.coverage(made.root / "built", out=made.root / "certificate.json")
    mmdia_dataset.pack(made.root / "built", made.root / "shards")
    return made


def with_more(value):
    """A value with a key more in every object whose keys are ours."""
    if isinstance(value, dict):
        more = {key: with_more(inner) for key, inner in value.items()}
        return more | {"newer": {"a": [1]}}
    return [with_more(inner) for inner in value] if isinstance(value, list) else value


def changed(file, **keys):
    file.write_text(json.dumps(json.loads(file.read_bytes()) | keys), encoding="utf-8")


@pytest.mark.parametrize("name", MODELS)
def test_what_is_written_says_its_version_first(name):
    item = MODELS[name].model_validate_json(json.dumps(EXAMPLES[name]))
    version = EXAMPLES[name].get("version", FORMAT_VERSION)
    assert next(iter(item.as_json().items())) == ("version", version)
    assert item.as_json() == item.model_dump(mode="json")


@pytest.mark.parametrize("name", MODELS)
def test_unknown_keys_of_a_newer_minor_version_are_kept_at_any_depth(name):
    value = with_more(EXAMPLES[name]) | {"version": "1.12"}
    item = read_versioned(MODELS[name].model_validate_json, json.dumps(value).encode())
    assert item.is_newer
    held = item.as_json()
    again = read_versioned(MODELS[name].model_validate_json, json.dumps(held).encode())
    assert again.as_json() == held
    assert json.dumps(held).count('"newer"') == json.dumps(value).count('"newer"')
    ours = item.without_unknown()
    assert '"newer"' not in json.dumps(ours.as_json())
    assert ours.version == FORMAT_VERSION
    assert MODELS[name].model_validate_json(json.dumps(ours.as_json())) == ours


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("version", [None, FORMAT_VERSION])
def test_unknown_keys_of_our_own_version_are_errors(name, version):
    value = with_more(EXAMPLES[name]) | ({"version": version} if version else {})
    with pytest.raises(FormatError, match=r"newer: unknown field") as refusal:
        read_versioned(MODELS[name].model_validate_json, json.dumps(value).encode())
    assert refusal.value.hint is None


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("version", ["2.0", "12", "2.13"])
def test_a_newer_major_version_is_named_whatever_it_holds(name, version):
    for value in ({"version": version}, EXAMPLES[name] | {"version": version}):
        with pytest.raises(FormatError) as refusal:
            read_versioned(MODELS[name].model_validate_json, json.dumps(value).encode())
        assert refusal.value.newer
        assert (refusal.value.what, refusal.value.hint) == (NEWER.replace("2.0", version), UPGRADE)


@pytest.mark.parametrize("version", [1, "1.", "one", "1.x", " 1.0", "-1", "", None, [], "0.9", "1.01"])
def test_what_is_no_version_of_ours_is_an_error(version):
    with pytest.raises(FormatError, match="version"):
        read_versioned(Edition.model_validate_json, json.dumps(EXAMPLES["edition"] | {"version": version}).encode())


def test_a_value_of_a_newer_minor_version_that_we_do_not_know_is_refused_with_a_way_out():
    value = EXAMPLES["edition"] | {"version": "1.3", "evidence": {"tier": "clairvoyance"}, "newer": 1}
    with pytest.raises(FormatError, match="tier") as refusal:
        read_versioned(Edition.model_validate_json, json.dumps(value).encode())
    assert refusal.value.hint == f"a newer mmdia-dataset made it (format 1.3), so {UPGRADE}"


# --- each format by those who read it ---------------------------------------------------------------------------------


def test_editions(world, tmp_path):
    built = shutil.copytree(world.root / "built", tmp_path / "built")
    file = built / "editions" / "tt0000001.json"
    edition = json.loads(file.read_bytes())
    assert next(iter(edition)) == "version"
    file.write_text(json.dumps(with_more(edition) | {"version": "1.4"}))
    assert not mmdia_dataset.validate(built).counts
    newer = read_versioned(Edition.model_validate_json, file.read_bytes())
    assert json.loads(edition_text(newer))["recording"]["newer"] == {"a": [1]}
    out = tmp_path / "public"
    mmdia_dataset.publish(built, "a/b", dry_run=True, licence="cc-by-4.0", out=out)
    assert "newer" not in (out / "editions" / "tt0000001.json").read_text("utf-8")
    changed(file, version="2.0")
    (issue,) = mmdia_dataset.validate(built).examples["bad-edition"]
    assert (issue.message, issue.hint) == (NEWER, UPGRADE)
    with pytest.raises(ReleaseUnreadable) as refusal:
        mmdia_dataset.publish(built, "a/b", dry_run=True, licence="cc-by-4.0")
    assert str(refusal.value) == f"{file}: {NEWER}; {UPGRADE}."


def test_an_edition_given_of_a_newer_program_is_named(world, tmp_path):
    editions = shutil.copytree(world.root / "built" / "editions", tmp_path / "editions")
    changed(editions / "tt0000001.json", version="2.0")
    media = shutil.copytree(world.media, tmp_path / "media")
    (media / "media.toml").unlink()
    report = mmdia_dataset.rebuild(world.release, media, tmp_path / "out", mode="audio", editions=editions)
    assert f"tt0000001.json is not used: {NEWER}; {UPGRADE}" in report.notes["tt0000001"]


def test_passports(tmp_path):
    passport = with_more(EXAMPLES["passport"]) | {"version": "1.12"}
    file = tmp_path / "passports" / f"{passport['movie']}.json"
    file.parent.mkdir()
    file.write_text(json.dumps(passport))
    read = read_passport(tmp_path, passport["movie"])
    write_passport(tmp_path / "again", read)
    assert json.loads((tmp_path / "again" / file.name).read_bytes()) == passport
    changed(file, version="2.0")
    with pytest.raises(ReleaseUnreadable) as refusal:
        read_passport(tmp_path, passport["movie"])
    assert str(refusal.value) == f"{file}: {NEWER}; {UPGRADE}."


def test_certificates_and_subsets(world, tmp_path):
    file = shutil.copy(world.root / "certificate.json", tmp_path / "certificate.json")
    before = read_certificate(file)
    old = json.loads(file.read_bytes())
    assert list(old)[:2] == ["made_by", "version"]
    file.write_text(json.dumps(old | {"version": "1"}))  # as they were first written
    assert subset_ids(file) == subset_ids(world.root / "certificate.json")
    file.write_text(json.dumps(with_more(old) | {"version": "1.5"}))
    assert read_certificate(file).made == before.made
    assert certificate_hash(read_certificate(file)) != certificate_hash(before)
    mmdia_dataset.coverage(file, file, out=tmp_path / "subset.json")
    ids = subset_ids(tmp_path / "subset.json")
    changed(tmp_path / "subset.json", version="1.5", newer=1)
    assert subset_ids(tmp_path / "subset.json") == ids == subset_ids(file)
    changed(file, version="2.0")
    changed(tmp_path / "subset.json", version="2.0")
    for name in ("certificate.json", "subset.json"):
        with pytest.raises(BadCertificate) as refusal:
            subset_ids(tmp_path / name)
        assert str(refusal.value) == f"{tmp_path / name}: {NEWER}; {UPGRADE}."


def test_index_of_shards(world, tmp_path):
    shards = shutil.copytree(world.root / "shards", tmp_path / "shards")
    file = shards / "index.json"
    index = with_more(json.loads(file.read_bytes())) | {"version": "1.2"}
    file.write_text(json.dumps(index))
    read = parse_index(file.read_bytes())
    file.write_text(index_text(read.model_copy(update={"sha256": index_digest(read)})))
    assert mmdia_dataset.check(shards).counts == {}
    assert [row["id"] for row in mmdia_dataset.open_shards(str(shards), "test")]
    changed(file, shards=[])
    assert "index-edited" in mmdia_dataset.check(shards).counts  # the hash is over all keys, those unknown too
    changed(file, version="2.0")
    before = tree(shards)
    for read in (
        lambda: mmdia_dataset.open_shards(str(shards), "test"),
        lambda: mmdia_dataset.pack(world.root / "built", shards),
    ):
        with pytest.raises(ShardsUnreadable) as refusal:
            read()
        assert str(refusal.value) == f"{file}: {NEWER}; {UPGRADE}."
    assert tree(shards) == before
    assert any(NEWER in fault.text for fault in mmdia_dataset.check(shards).faults)


@pytest.mark.parametrize("to", ["parquet", "jsonl"])
def test_releases_of_our_own_form(tmp_path, to):
    write_release(tmp_path / "release", movies=2)
    out = tmp_path / to
    mmdia_dataset.convert(tmp_path / "release", out=out, to=to)
    assert json.loads((out / MARKER).read_bytes())["version"] == FORMAT_VERSION
    assert not mmdia_dataset.validate(out).errors
    changed(out / MARKER, version="2.0")
    for read in (mmdia_dataset.stats, mmdia_dataset.validate, lambda path: mmdia_dataset.load(data_dir=path)):
        with pytest.raises(MmdiaError) as refusal:
            read(out)
        assert str(refusal.value) == f"{out}: {NEWER}; {UPGRADE}."


def test_keys_of_a_newer_minor_version_in_rows_are_kept(tmp_path):
    write_release(tmp_path / "release", movies=2)
    out = tmp_path / "jsonl"
    mmdia_dataset.convert(tmp_path / "release", out=out, to="jsonl")
    changed(out / MARKER, version="1.6")
    mmdia_dataset.stats(out)
    for file in (out / "dialogues").iterdir():
        rows = [json.loads(line) | {"mood": {"a": [1]}} for line in file.read_bytes().splitlines()]
        for row in rows:
            row["turns"][0]["pitch"] = 7
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert mmdia_dataset.validate(out).exit_code == 0
    for form in ("jsonl", "parquet"):
        mmdia_dataset.convert(out, out=tmp_path / f"again-{form}", to=form)
        dialogues = list(mmdia_dataset.open_release(tmp_path / f"again-{form}").dialogues())
        assert len(dialogues) == mmdia_dataset.validate(tmp_path / "release").dialogues
        assert {json.dumps(dialogue.extra["newer"], sort_keys=True) for dialogue in dialogues} == {
            json.dumps({"mood": {"a": [1]}, "turns.0.pitch": 7})
        }
    changed(out / MARKER, version=FORMAT_VERSION)
    with pytest.raises(MmdiaError):
        mmdia_dataset.stats(out)


def test_splits(tmp_path):
    write_release(tmp_path / "release", movies=2)
    mmdia_dataset.convert(tmp_path / "release", out=tmp_path / "ours", to="jsonl")
    file = tmp_path / "ours" / "splits.json"
    assert next(iter(json.loads(file.read_bytes()).items())) == ("version", FORMAT_VERSION)
    assert "unknown-split" not in mmdia_dataset.validate(tmp_path / "ours").examples
    changed(file, version="2.0")
    with pytest.raises(ReleaseUnreadable) as refusal:
        mmdia_dataset.stats(tmp_path / "ours")
    assert str(refusal.value) == f"{file}: {NEWER}; {UPGRADE}."


def test_parquet(world, tmp_path):
    built = shutil.copytree(world.root / "built", tmp_path / "built")
    file = built / "annotations" / "train.parquet"
    assert pq.read_metadata(file).metadata[b"mmdia_version"] == FORMAT_VERSION.encode()
    table = pq.read_table(file)
    for version, extra in (("1.8", True), ("2.0", False)):
        more = table.append_column("newer", pa.array([1] * len(table))) if extra else table
        pq.write_table(more.replace_schema_metadata({"mmdia_version": version}), file)
        readers = (
            lambda: mmdia_dataset.load("clips", data_dir=built, cache_dir=tmp_path / "cache"),
            lambda: mmdia_dataset.pack(built, tmp_path / "shards"),
            lambda: mmdia_dataset.export(built, to="rttm", out=tmp_path / "rttm"),
        )
        for read in readers:
            if version == "1.8":
                read()
                continue
            with pytest.raises(ReleaseUnreadable) as refusal:
                read()
            assert str(refusal.value) == f"{file}: {NEWER}; {UPGRADE}."
    assert any(
        NEWER in issue.message for issue in mmdia_dataset.validate(built / "annotations").examples["bad-parquet"]
    )

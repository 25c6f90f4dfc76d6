"""The check of shards: every kind of fault, injected into a good set, is found and located."""

import hashlib
import io
import json
import random
import shutil
import subprocess
import sys
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mmdia_dataset
from mmdia_dataset.errors import ShardsUnreadable, UsageError
from mmdia_dataset.shards.shardcheck import ShardTask, check_shard
from mmdia_dataset.shards.stores import Store
from mmdia_dataset.shards.tarscan import header
from tests.support import faulty, worlds
from tests.support.faulty import block, mended, rebuilt, tar

KEY = "tt0000002_clip_0"
OTHER = "tt0000002_clip_1"


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A good set: picture, sound and stills of each turn; the split `test` has two samples in one shard."""
    root = tmp_path_factory.mktemp("world")
    world = worlds.make_world(root)
    for mode in ("copy", "audio", "keyframes"):
        mmdia_dataset.rebuild(world.release, world.media, root / "built", mode=mode)
    mmdia_dataset.pack(root / "built", root / "shards")
    return root / "shards"


@pytest.fixture
def shards(good, tmp_path):
    shutil.copytree(good, tmp_path / "shards")
    return tmp_path / "shards"


@pytest.fixture
def shard(shards):
    """The shard of the split `test`."""
    return shards / "data" / "test-00000-of-00001.tar"


def found(shards, **options):
    report = mmdia_dataset.check(shards, **options)
    assert report.exit_code == (1 if report.errors else 0)
    return {
        (fault.rule, fault.shard and fault.shard.rsplit("/")[-1], fault.key, fault.member) for fault in report.faults
    }


def test_a_good_set_has_no_fault(good):
    report = mmdia_dataset.check(good, deep=True, jobs=2)
    assert (report.faults, report.ours, report.shards, report.samples) == ([], True, 4, 6)
    assert report.exit_code == 0
    assert report.unchecked == []


# --- what is done to the bytes of a tar: (how, rule, key, member) ---


def end_of(members, name):
    """Where a member's padding ends, in the tar."""
    at = 0
    for one, data in members:
        at += 512 + -(-len(data) // 512) * 512
        if one == name:
            return at
    raise AssertionError(name)


def start_of(members, name):
    size = next(len(data) for one, data in members if one == name)
    return end_of(members, name) - 512 - -(-size // 512) * 512


def flip(raw, at, bit=1):
    return raw[:at] + bytes([raw[at] ^ bit]) + raw[at + 1 :]


def with_header(raw, at, head):
    return raw[:at] + head + raw[at + 512 :]


def resized(raw, members, name, size):
    """The header of a member claims another size."""
    return with_header(raw, start_of(members, name), faulty.header(name, size))


def padding_of(members, name):
    size = next(len(data) for one, data in members if one == name)
    assert size % 512
    return start_of(members, name) + 512 + size


WAV, MP4, JSON = f"{KEY}.wav", f"{KEY}.mp4", f"{KEY}.json"
BYTES = {
    "cut at a member's end": (lambda raw, m: raw[: end_of(m, MP4)], "no-end", None, None),
    "cut in a header": (lambda raw, m: raw[: start_of(m, MP4) + 100], "cut-in-header", None, None),
    "cut in a body": (lambda raw, m: raw[: start_of(m, MP4) + 900], "cut-in-body", KEY, "mp4"),
    "one block of zeros at the end": (lambda raw, m: raw[:-512], "no-end", None, None),
    "data after the end": (lambda raw, m: raw + b"more", "data-after-end", None, None),
    "another tar after the end": (lambda raw, m: raw + raw, "data-after-end", None, None),
    "a bit of a header": (lambda raw, m: flip(raw, start_of(m, MP4) + 130), "header-checksum", KEY, "mp4"),
    "a bit of a name": (lambda raw, m: flip(raw, start_of(m, MP4) + 3), "header-checksum", "tt0100002_clip_0", "mp4"),
    "a bit of a checksum": (lambda raw, m: flip(raw, start_of(m, MP4) + 150), "header-checksum", KEY, "mp4"),
    "a bit of a body": (lambda raw, m: flip(raw, end_of(m, MP4) - 900), "media-altered", KEY, "mp4"),
    "a bit of padding": (lambda raw, m: flip(raw, padding_of(m, MP4)), "padding", KEY, "mp4"),
    "a bit of JSON's bracket": (lambda raw, m: flip(raw, start_of(m, JSON) + 512), "json", KEY, "json"),
    "a block of zeros between": (
        lambda raw, m: raw[: start_of(m, MP4)] + bytes(512) + raw[start_of(m, MP4) :], "early-end", None, None,
    ),
    "a size too large": (lambda raw, m: resized(raw, m, MP4, 10**7), "size", KEY, "mp4"),
    "a size that swallows the next": (
        lambda raw, m: resized(raw, m, MP4, end_of(m, WAV) - start_of(m, MP4) - 512), "missing-member", KEY, "wav",
    ),
    "a size too small": (lambda raw, m: resized(raw, m, MP4, 100), "media-altered", KEY, "mp4"),
    "10 GB claimed": (lambda raw, m: resized(raw, m, MP4, 10 * 2**30), "size", KEY, "mp4"),
    "a negative size": (
        lambda raw, m: with_header(
            raw, start_of(m, MP4), mended(faulty.header(MP4)[:124] + b"\xff" * 12 + faulty.header(MP4)[136:])
        ),
        "size", KEY, "mp4",
    ),
    "owner and time": (
        lambda raw, m: with_header(raw, start_of(m, MP4), faulty.header(MP4, dict(m)[MP4].__len__(), mtime=5, uid=1)),
        "header-form", KEY, "mp4",
    ),
    "a pax path": (
        lambda raw, m: raw[: start_of(m, MP4)]
        + block("pax", b"17 path=evil.mp4\n", type=tarfile.XHDTYPE)
        + raw[start_of(m, MP4) :],
        "header-form", "pax", None,
    ),
    "a pax size": (
        lambda raw, m: raw[: start_of(m, MP4)]
        + block("pax", b"11 size=99\n", type=tarfile.XHDTYPE)
        + raw[start_of(m, MP4) :],
        "extension", "pax", None,
    ),
    "a global pax size": (
        lambda raw, m: block("pax", b"11 size=99\n", type=tarfile.XGLTYPE) + raw, "extension", "pax", None,
    ),
    "a sparse pax": (
        lambda raw, m: raw[: start_of(m, MP4)]
        + block("pax", b"22 GNU.sparse.major=1\n", type=tarfile.XHDTYPE)
        + raw[start_of(m, MP4) :],
        "sparse", "pax", None,
    ),
    "a pax header of 5 GB": (
        lambda raw, m: faulty.header("pax", 5 * 2**30, type=tarfile.XHDTYPE) + raw, "extension", "pax", None,
    ),
    "an old sparse file": (
        lambda raw, m: with_header(raw, start_of(m, MP4), faulty.header(MP4, 100, tarfile.GNUTYPE_SPARSE)),
        "sparse", KEY, "mp4",
    ),
    "zeros alone": (lambda raw, m: bytes(len(raw)), "shard-altered", None, None),
    "noise": (lambda raw, m: random.Random(0).randbytes(5000), "header-checksum", None, None),
    "nothing": (lambda raw, m: b"", "no-end", None, None),
}  # fmt: skip


@pytest.mark.parametrize("indexed", ["as packed", "index made to fit"])
@pytest.mark.parametrize("name", BYTES)
def test_damage_to_a_tar_is_found_and_located(shards, shard, name, indexed):
    spoil, rule, key, member = BYTES[name]
    raw = spoil(shard.read_bytes(), faulty.members(shard))
    shard.write_bytes(raw)
    fits = indexed != "as packed"
    if fits:
        faulty.reindex(shards)
    faults = found(shards)
    if not (fits and rule == "shard-altered"):
        assert (rule, shard.name, key, member) in faults
    assert (("shard-altered", shard.name, None, None) in faults) is not fits


# --- what is done to members ---


def sample_with(members, key, **changes):
    """The members, with the JSON of one sample changed."""
    return [
        (name, json.dumps({**json.loads(data), **changes}).encode() if name == f"{key}.json" else data)
        for name, data in members
    ]


def put(members, name, data):
    return [(one, data if one == name else old) for one, old in members]


def renamed(members, old, new):
    return [(new if name == old else name, data) for name, data in members]


def last(members, *names):
    """The members of these names put last."""
    return [one for one in members if one[0] not in names] + [one for one in members if one[0] in names]


def declared(members, key, member, **changes):
    said = json.loads(dict(members)[f"{key}.json"])
    files = [{**one, **changes} if one["member"] == member else one for one in said["files"]]
    return sample_with(members, key, files=files)


MEMBERS = {
    "a sample in two places": (lambda m: last(m, WAV), "split-sample", KEY, "wav"),
    "a member twice": (
        lambda m: [two for one in m for two in ([one, one] if one[0] == WAV else [one])],
        "duplicate-member", KEY, "wav",
    ),
    "a sample twice": (lambda m: m + [one for one in m if one[0].startswith(KEY)], "split-sample", KEY, "000.jpg"),
    "one member more": (
        lambda m: [two for one in m for two in ([one, (f"{KEY}.txt", b"?")] if one[0] == MP4 else [one])],
        "extra-member", KEY, "txt",
    ),
    "one picture more": (
        lambda m: [
            two for one in m for two in ([one, (f"{KEY}.001.jpg", one[1])] if one[0] == f"{OTHER}.001.jpg" else [one])
        ],
        "split-sample", KEY, "001.jpg",
    ),
    "one member less": (lambda m: [one for one in m if one[0] != WAV], "missing-member", KEY, "wav"),
    "no JSON": (lambda m: [one for one in m if one[0] != JSON], "missing-member", KEY, "json"),
    "a dot in the key": (lambda m: renamed(m, MP4, f"{KEY}.v2.mp4"), "dotted-key", f"{KEY}.v2", "mp4"),
    "upper case in the ending": (lambda m: renamed(m, MP4, f"{KEY}.MP4"), "upper-case", KEY, "MP4"),
    "upper case in the key": (lambda m: renamed(m, MP4, "TT1.mp4"), "key-form", "TT1", "mp4"),
    "no ending": (lambda m: renamed(m, MP4, KEY), "no-ending", None, None),
    "an absolute name": (lambda m: renamed(m, MP4, "/tmp/x.mp4"), "name", "/tmp/x", "mp4"),
    "a name that leads out": (lambda m: renamed(m, MP4, "../../x.mp4"), "name", "../../x", "mp4"),
    "a name with an escape": (lambda m: renamed(m, MP4, "a\x1b[31m.mp4"), "name", "a\x1b[31m", "mp4"),
    "JSON against the schema": (lambda m: sample_with(m, KEY, intensity=11), "json-schema", KEY, "json"),
    "a float for an integer": (lambda m: sample_with(m, KEY, number=1.5), "json-schema", KEY, "json"),
    "an unknown key": (lambda m: sample_with(m, KEY, more=1), "json-schema", KEY, "json"),
    "JSON nested deep": (lambda m: put(m, JSON, b"[" * 100_000), "json", KEY, "json"),
    "JSON of 17 MB": (lambda m: put(m, JSON, b" " * (17 << 20)), "json-size", KEY, "json"),
    "another id": (lambda m: sample_with(m, KEY, id="tt7_clip_0"), "id-unlike-key", KEY, "json"),
    "another split": (lambda m: sample_with(m, KEY, splits=["train"]), "wrong-split", KEY, "json"),
    "sound of another dialogue": (lambda m: put(m, WAV, dict(m)[f"{OTHER}.wav"]), "media-of-another", KEY, "wav"),
    "a video of another dialogue": (lambda m: put(m, MP4, dict(m)[f"{OTHER}.mp4"]), "media-of-another", KEY, "mp4"),
    "a picture of another dialogue": (
        lambda m: put(m, f"{KEY}.000.jpg", dict(m)[f"{OTHER}.000.jpg"]), "media-of-another", KEY, "000.jpg",
    ),
    "sound cut short": (lambda m: put(m, WAV, dict(m)[WAV][:-9000]), "media-unreadable", KEY, "wav"),
    "no video at all": (lambda m: put(m, MP4, b"not a video" * 99), "media-unreadable", KEY, "mp4"),
    "no picture at all": (lambda m: put(m, f"{KEY}.000.jpg", b"?" * 99), "media-unreadable", KEY, "000.jpg"),
    "a video without index": (lambda m: put(m, MP4, dict(m)[MP4][:32]), "media-unreadable", KEY, "mp4"),
    "media shorter than the span": (
        lambda m: sample_with(m, KEY, span={"start_ms": 40, "end_ms": 3500}), "media-length", KEY, "mp4",
    ),
    "a length that is not the file's": (lambda m: declared(m, KEY, "wav", length_s=9.0), "media-length", KEY, "wav"),
}  # fmt: skip


@pytest.mark.parametrize("name", MEMBERS)
def test_faults_of_members_are_found_and_located(shards, shard, name):
    spoil, rule, key, member = MEMBERS[name]
    shard.write_bytes(rebuilt(spoil(faulty.members(shard))))
    faulty.reindex(shards)
    assert (rule, shard.name, key, member) in found(shards)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (tarfile.SYMTYPE, "symlink"),
        (tarfile.LNKTYPE, "hard-link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.BLKTYPE, "device"),
        (tarfile.FIFOTYPE, "device"),
        (tarfile.DIRTYPE, "folder"),
        (b"Z", "kind"),
    ],
)
def test_nothing_but_regular_files(shards, shard, kind, rule):
    blocks = [block(name, data) for name, data in faulty.members(shard)]
    shard.write_bytes(tar([faulty.header(WAV, kind=kind, linkname="/etc/passwd"), *blocks]))
    faulty.reindex(shards)
    assert (rule, shard.name, KEY, "wav") in found(shards)


# --- what is done to the set ---


def test_exchanged_shards(shards):
    one, two = shards / "data" / "test-00000-of-00001.tar", shards / "data" / "train-00000-of-00001.tar"
    first = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(first)
    faults = found(shards)
    assert {("shard-swapped", one.name, None, None), ("shard-swapped", two.name, None, None)} <= faults
    (shards / "index.json").unlink()
    assert ("wrong-split", one.name, "tt0000001_clip_0", "json") in found(shards)


def test_a_missing_shard(shards, shard):
    shard.unlink()
    assert found(shards) == {("shard-missing", shard.name, None, None)}


def test_a_missing_shard_without_index(good, shards):
    (shards / "index.json").unlink()
    (shards / "data" / "test-00000-of-00001.tar").rename(shards / "data" / "test-00000-of-00003.tar")
    missing = {fault for fault in found(shards) if fault[0] == "shard-missing"}
    assert missing == {("shard-missing", f"test-0000{n}-of-00003.tar", None, None) for n in (1, 2)}


def test_a_shard_more_and_a_key_in_two_shards(shards, shard):
    shutil.copy(shard, shard.with_name("test-00001-of-00001.tar"))
    faults = found(shards)
    assert ("shard-unlisted", "test-00001-of-00001.tar", None, None) in faults
    assert ("duplicate-key", "test-00001-of-00001.tar", KEY, None) in faults
    assert ("duplicate-key", "test-00001-of-00001.tar", OTHER, None) in faults


@pytest.mark.parametrize("name", ["manifest.jsonl", "tt0000001.json"])
def test_a_file_beside_the_shards(shards, name):
    file = shards / "editions" / name
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"0000001", b"0000007", 1))
    assert found(shards) == {("file-altered", name, None, None)}
    file.unlink()
    assert found(shards) == {("file-missing", name, None, None)}


def test_no_index(shards):
    (shards / "index.json").unlink()
    assert found(shards) == {("index-missing", None, None, None)}


@pytest.mark.parametrize(
    "edit",
    [
        lambda index: index | {"samples": 7},
        lambda index: index | {"members": ["json", "mp4"]},
        lambda index: index | {"shards": index["shards"][1:]},
        lambda index: index | {"shards": [{**index["shards"][0], "basis": "1" * 64}, *index["shards"][1:]]},
        lambda index: index | {"sha256": "1" * 64},
    ],
)
def test_an_edited_index(shards, edit):
    file = shards / "index.json"
    file.write_text(json.dumps(edit(json.loads(file.read_text()))))
    assert ("index-edited", None, None, None) in found(shards)


@pytest.mark.parametrize("text", [b"", b"{}", b"[" * 10_000, b'{"version": "2.0"}', b"\xff\xfe"])
def test_an_index_that_is_none(shards, text):
    (shards / "index.json").write_bytes(text)
    assert ("index", None, None, None) in found(shards)


@pytest.mark.parametrize("text", ["", "# words", "---\n[\n---\n", "---\ndataset_info: {features: []}\n---\n"])
def test_a_card_that_does_not_fit(shards, text):
    (shards / "README.md").write_text(text)
    assert found(shards) == {("card", None, None, None)}


def test_damage_inside_media_is_seen_by_decoding(shards, shard):
    members = dict(faulty.members(shard))
    wav = members[WAV]
    shorter = wav[:40] + (len(wav) - 44 - 4000).to_bytes(4, "little") + wav[44:-4000]
    said = json.loads(members[JSON])
    for file in said["files"]:
        if file["member"] == "wav":  # a packer that believed the header
            file |= {"sha256": hashlib.sha256(shorter).hexdigest(), "size": len(shorter)}
    members |= {WAV: shorter, JSON: json.dumps(said).encode()}
    shard.write_bytes(rebuilt(list(members.items())))
    faulty.reindex(shards)
    assert ("media-damaged", shard.name, KEY, "wav") in found(shards, deep=True)


# --- others' shards, and where they lie ---


def test_shards_of_others(tmp_path):
    def shard(name, members, **options):
        with tarfile.open(tmp_path / name, "w", **options) as out:
            for member, data in members:
                info = tarfile.TarInfo(member)
                info.size, info.mtime = len(data), 1.5
                out.addfile(info, io.BytesIO(data))

    good = [(f"./dir/{n}.{end}", data) for n in range(5) for end, data in (("cls", b"3"), ("json", b"{}"))]
    shard("a-000.tar", good, format=tarfile.PAX_FORMAT)
    shard("a-001.tar", [(name.replace("dir/", "more/"), data) for name, data in good], format=tarfile.GNU_FORMAT)
    report = mmdia_dataset.check(tmp_path)
    assert (report.faults, report.ours, report.samples, report.exit_code) == ([], False, 10, 0)
    assert len(report.unchecked) == 3
    shard("a-002.tar", [*good[:1], ("e.json", b"{"), ("e.CLS", b"1"), (f"{'x' * 150}.json", b"{}")])
    faults = found(tmp_path)
    assert ("json", "a-002.tar", "e", "json") in faults
    assert ("upper-case", "a-002.tar", "e", "CLS") in faults
    assert ("other-members", "a-002.tar", "x" * 150, "cls") in faults
    assert ("duplicate-key", "a-002.tar", "./dir/0", None) in faults


def test_one_tar_a_folder_elsewhere_and_nothing(good, tmp_path):
    report = mmdia_dataset.check(good / "data" / "test-00000-of-00001.tar")
    assert (report.faults, report.ours, report.samples) == ([], True, 2)
    assert "one tar alone" in report.unchecked[0]
    store = Store("memory://checked")
    for file in good.rglob("*"):
        if file.is_file():
            with store.writing(file.relative_to(good).as_posix()) as temporary:
                shutil.copy(file, temporary)
    assert mmdia_dataset.check("memory://checked").exit_code == 0
    with pytest.raises(ShardsUnreadable):
        mmdia_dataset.check(tmp_path / "none")
    (tmp_path / "words.txt").write_text("words")
    with pytest.raises(UsageError):
        mmdia_dataset.check(tmp_path)


def test_the_command_says_where_and_ends_with_1(shards, shard):
    raw = shard.read_bytes()
    shard.write_bytes(flip(raw, end_of(faulty.members(shard), MP4) - 900))
    command = [sys.executable, "-c", "from mmdia_dataset.cli import main; main()", "check", str(shards)]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert (done.returncode, report["counts"]) == (1, {"media-altered": 1, "shard-altered": 1})
    words = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert f"data/{shard.name} {KEY} mp4" in words


# --- whatever comes ---


def test_a_header_is_the_one_that_tarfile_writes():
    for name, size in (("a.json", 0), ("x" * 95 + ".json", 8**11 - 1), ("é.wav", 77)):
        info = tarfile.TarInfo.frombuf(header(name, size), "utf-8", "strict")
        assert (info.name, info.size, info.mode, info.uid, info.gid, info.mtime) == (name, size, 0o444, 0, 0, 0)
    for name, size in (("x" * 101, 1), ("a", 8**11)):
        with pytest.raises(ValueError, match="too long for a tar header"):
            header(name, size)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_bytes_make_the_check_fail(good, tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("any")
    raw = bytearray((good / "data" / "hard-00000-of-00001.tar").read_bytes()[: 512 * 40])
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 600))] = data.draw(st.binary(max_size=600))
        raw = raw or bytearray(1)
    for start in range(0, len(raw) - 512, 512):
        if raw[start + 257 : start + 262] == b"ustar" and data.draw(st.booleans()):
            raw[start : start + 512] = mended(bytes(raw[start : start + 512]))
    (folder / "a.tar").write_bytes(raw)
    for ours in (True, False):
        result = check_shard(
            ShardTask(store=Store(folder), file="a.tar", ours=ours, members=None, split=None, deep=False)
        )
        assert result.bytes == len(raw)
        assert all(fault.shard == "a.tar" for fault in result.faults)
    shutil.rmtree(folder)


def test_what_a_header_claims_costs_no_memory(shards, shard):
    raw = shard.read_bytes()
    shard.write_bytes(resized(raw, faulty.members(shard), MP4, 10 * 2**30))
    code = (
        "import sys, mmdia_dataset; faults = mmdia_dataset.check(sys.argv[1]).faults;"
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'));"
        "print(len(faults), int(peak.split()[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(shards)], capture_output=True, text=True, check=True)
    faults, peak = map(int, done.stdout.split())
    assert faults
    assert peak < 500_000

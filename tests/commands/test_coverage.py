"""Certificates of two partial rebuilds, their intersection, and the benchmark, loaded. Also run by tools/matrix.py."""

import json
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"

import shutil

import datasets
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mmdia_dataset
from mmdia_dataset.certificates import certificate_hash, read_certificate, subset_ids
from mmdia_dataset.errors import BadCertificate, ConfigError, ReleaseError, UsageError
from mmdia_dataset.schema import IdList, Turn
from mmdia_dataset.splitting.benchmark import Selection
from tests.support.corpora import write_corpus
from tests.support.dialogues import dialogue
from tests.support.worlds import make_world


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two labs: one owns both films, the other the first alone, and each cut with sound only."""
    world = make_world(tmp_path_factory.mktemp("world"))
    both, one = world.root / "films-both", world.root / "films-one"
    shutil.copytree(world.media, both)
    one.mkdir()
    shutil.copy(both / "One {imdb-tt0000001}.mp4", one)
    (one / "media.toml").write_text('tt0000001 = { path = "One {imdb-tt0000001}.mp4", offset_ms = 0 }\n')
    for name, films in (("a", both), ("b", one)):
        mmdia_dataset.rebuild(world.release, films, world.root / name, mode="audio")
    return world


def made(folder):
    lines = [json.loads(line) for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines()]
    return {line["id"]: line for line in lines if line["status"] == "made"}, lines


def certificate(folder, out, **options):
    mmdia_dataset.coverage(folder, out=out, **options)
    return out


def test_a_certificate_says_what_there_is(world, tmp_path):
    there, lines = made(world.root / "a")
    found = read_certificate(certificate(world.root / "a", tmp_path / "a.json"))
    assert (found.wanted, found.made) == (len(lines), len(there)) == (6, 5)
    assert found.modes == ("audio",)
    assert found.hours == pytest.approx(
        sum(one["span"]["end_ms"] - one["span"]["start_ms"] for one in there.values()) / 3_600_000, abs=1e-4
    )
    for part in found.splits:
        assert part.wanted == sum(part.split in line["splits"] for line in lines)
        assert part.made.ids() == {id_ for id_, line in there.items() if part.split in line["splits"]}
    assert sum(found.bounds.model_dump().values()) == found.made
    again = certificate(world.root / "a", tmp_path / "again.json")
    assert again.read_bytes() == (tmp_path / "a.json").read_bytes()
    with_release = read_certificate(certificate(world.root / "a", tmp_path / "r.json", release=world.release))
    assert certificate_hash(with_release) == certificate_hash(found)


def test_two_labs_compare_and_load_what_both_have(world, tmp_path):
    files = [certificate(world.root / name, tmp_path / f"{name}.json") for name in "ab"]
    report = mmdia_dataset.coverage(*files, out=tmp_path / "subset.json")
    common = set(made(world.root / "a")[0]) & set(made(world.root / "b")[0])
    assert 0 < len(common) < 5
    assert report.comparison.only == (5 - len(common), 0)
    assert not report.comparison.differs
    assert report.exit_code == 0
    assert subset_ids(tmp_path / "subset.json") == common
    subset = tmp_path / "subset.json"
    loaded = []
    for name in "ab":
        cache = tmp_path / f"cache-{name}"
        rows = mmdia_dataset.load("clips", data_dir=world.root / name, subset=subset, cache_dir=cache)
        same = datasets.load_dataset(
            "mm-dia", "clips", data_dir=str(world.root / name), subset=str(subset), cache_dir=str(cache)
        )
        stream = mmdia_dataset.load("clips", data_dir=world.root / name, subset=subset, streaming=True)
        for got in (rows, same, stream):
            loaded.append({split: sorted(row["id"] for row in part) for split, part in got.items()})
    assert all(one == loaded[0] for one in loaded)
    assert {id_ for ids in loaded[0].values() for id_ in ids} == common
    whole = mmdia_dataset.load("clips", data_dir=world.root / "a", cache_dir=tmp_path / "cache-a")
    assert sum(map(len, whole.values())) > sum(map(len, loaded[0].values()))
    annotations = mmdia_dataset.load("dialogues", data_dir=world.release, subset=subset, cache_dir=tmp_path / "c")
    assert {row["id"] for part in annotations.values() for row in part} == common


def test_folders_may_stand_for_their_certificates(world):
    both = mmdia_dataset.coverage(world.root / "a", world.root / "b").comparison
    assert both.subset.ids.ids() == set(made(world.root / "b")[0])
    part = mmdia_dataset.coverage(world.root / "a", world.root / "b", split="train").comparison.subset
    assert [one.split for one in part.splits] == ["train"]
    assert part.ids.ids() == {id_ for id_, line in made(world.root / "b")[0].items() if "train" in line["splits"]}


def test_a_subset_of_what_is_not_here_is_counted(world, tmp_path):
    certificate(world.root / "a", tmp_path / "a.json")
    with pytest.raises(ConfigError, match=r"2 of the subset's 5 dialogues are missing, such as tt0000002_clip_"):
        mmdia_dataset.load("clips", data_dir=world.root / "b", subset=tmp_path / "a.json", cache_dir=tmp_path / "c")


@pytest.mark.parametrize("form", ["json", "parquet"])
def test_a_release_that_is_streamed_is_looked_through_for_a_subset(world, tmp_path, form):
    certificate(world.root / "a", tmp_path / "a.json")
    less = shutil.copytree(world.release, tmp_path / "less")
    (less / "json" / "movie" / "tt0000002.json").unlink()
    whole = world.release
    if form == "parquet":
        whole, less = (
            mmdia_dataset.convert(one, to="parquet", out=tmp_path / f"{one.name}-parquet").out for one in (whole, less)
        )
    stream = mmdia_dataset.load("dialogues", data_dir=whole, subset=tmp_path / "a.json", streaming=True)
    assert {row["id"] for rows in stream.values() for row in rows} == set(made(world.root / "a")[0])
    with pytest.raises(ConfigError, match=r"2 of the subset's 5 dialogues are missing, such as tt0000002_clip_"):
        mmdia_dataset.load("dialogues", data_dir=less, subset=tmp_path / "a.json", streaming=True)


def test_a_part_of_a_release_compares_only_beside_the_release(world, tmp_path):
    mmdia_dataset.rebuild(world.release, world.media, tmp_path / "part", mode="audio", split="train")
    alone = mmdia_dataset.coverage(world.root / "a", tmp_path / "part")
    assert alone.exit_code == 1
    assert alone.comparison.other_spans
    assert alone.comparison.other_splits
    beside = mmdia_dataset.coverage(world.root / "a", tmp_path / "part", release=world.release).comparison
    assert not beside.differs
    assert beside.subset.ids.ids() == set(made(tmp_path / "part")[0])


def test_other_spans_are_left_out(world, tmp_path):
    other = tmp_path / "release"
    shutil.copytree(world.release, other)
    file = next(other.rglob("tt0000001.json"))
    value = json.loads(file.read_text("utf-8"))
    last = value["clips"][0]["srt"][-1]
    last["abs_end_time"] = "00:00:01,300"
    file.write_text(json.dumps(value), encoding="utf-8")
    changed = mmdia_dataset.coverage(world.root / "a", release=other, out=tmp_path / "o.json").certificates[0]
    assert changed.made == 4  # the clip was cut for another span
    report = mmdia_dataset.coverage(world.root / "a", tmp_path / "o.json")
    assert report.comparison.other_spans == ("tt0000001",)
    assert all(id_.startswith("tt0000002") for id_ in report.comparison.subset.ids.ids())
    assert report.exit_code == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v.update(made=99), "says 99 dialogues are made"),
        (lambda v: v["splits"][0]["made"].update(sha256="0" * 64), "do not match its hash"),
        (lambda v: v["splits"][0]["made"].update(count=1 << 30), "contradicts itself"),
        (lambda v: v["splits"][0]["made"]["movies"][0].update(numbers="0-999999999"), "contradicts itself"),
        (lambda v: v["splits"][0]["made"]["movies"][0].update(numbers="5-"), "not a certificate"),
        (lambda v: v["splits"][0]["made"]["movies"][0].update(movie="../x"), "not a certificate"),
        (lambda v: v.update(foo=1), "not a certificate"),
    ],
)
def test_certificates_that_lie_are_refused(world, tmp_path, change, words):
    value = json.loads(certificate(world.root / "a", tmp_path / "a.json").read_text("utf-8"))
    change(value)
    (tmp_path / "a.json").write_text(json.dumps(value), encoding="utf-8")
    for read in (read_certificate, subset_ids):
        with pytest.raises(BadCertificate, match=words):
            read(tmp_path / "a.json")


def test_wrong_arguments_are_one_sentence(world, tmp_path):
    a = world.root / "a"
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    for paths, options, error in (
        ((), {}, UsageError),
        ((a,), {"split": "test"}, UsageError),
        ((a, a), {"split": "tset"}, ConfigError),
        ((a,), {"mode": ["copy"]}, ConfigError),
        ((tmp_path / "x.json",), {}, BadCertificate),
        ((tmp_path / "gone",), {}, ReleaseError),
        ((world.release,), {}, ReleaseError),
    ):
        with pytest.raises(error):
            mmdia_dataset.coverage(*paths, **options)
    with pytest.raises(UsageError, match="benchmark"):
        mmdia_dataset.load("clips", data_dir=a, selection={"intensity": 8})
    with pytest.raises(BadCertificate):
        mmdia_dataset.load("clips", data_dir=a, subset=tmp_path / "x.json")


IDS = st.from_regex(r"\A(tt[0-9]{7}|tv_1_S01E02|a\.b)_clip_(0|[1-9][0-9]{0,4}|007)\Z") | st.from_regex(
    r"\A[a-z_]{1,9}\Z"
)


@given(st.lists(IDS, max_size=60))
def test_ids_survive_their_short_form(ids):
    found = IdList.model_validate_json(IdList.of(ids).model_dump_json())
    assert found.ids() == set(ids)
    assert found == IdList.of(reversed(ids))


# --- the benchmark ---


def expressive(number=0, visible=("on_screen", "on_screen"), **changes):
    speakers = [{"id": n, "name": str(n), "named": True, "visible": seen} for n, seen in enumerate(visible)]
    turns = [
        Turn(speaker=n % 2, span={"start_ms": n * 2000, "end_ms": n * 2000 + 1900}, text="Hi.", cue=n) for n in range(4)
    ]
    base = {"speakers": speakers, "span": {"start_ms": 0, "end_ms": 8000}, "intensity": 8, "volatility": 7} | changes
    return dialogue(number, **base).model_copy(update={"turns": tuple(turns)})


def test_what_a_selection_takes():
    takes = Selection().takes
    assert takes(expressive())
    assert takes(expressive(), ("test", "hard"))
    assert not takes(expressive(), ("train",))
    assert not takes(expressive(), ("validation", "hard"))
    assert not takes(expressive(intensity=6.9))
    assert not takes(expressive(volatility=None))
    assert not takes(expressive(visible=("on_screen", "unknown")))
    assert not takes(expressive(visible=("on_screen", "on_screen", "on_screen")))
    assert not takes(expressive(span={"start_ms": 0, "end_ms": 4999}))
    assert takes(expressive(visible=("on_screen", "partly")))
    assert not Selection(partly=False).takes(expressive(visible=("on_screen", "partly")))
    assert not Selection(max_turns=3).takes(expressive())
    with pytest.raises(UsageError, match="intensity"):
        Selection.taken_from({"loudness": 3})
    with pytest.raises(UsageError, match="not of type float"):
        Selection.taken_from({"intensity": "8"})


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus"), films=6, series=2, episodes=3, dialogues=1500)


def test_the_benchmark_is_selected_counted_and_loaded(corpus, tmp_path):
    report = mmdia_dataset.bench(corpus.folder)
    rows = [json.loads(line) for line in (corpus.folder / "dialogues" / "all.jsonl").read_text("utf-8").splitlines()]
    lists = json.loads((corpus.folder / "train_eval_test_hard_ids.json").read_text("utf-8"))
    away = {*lists["train"], *lists["eval"]}
    expected = [
        row["id"]
        for row in rows
        if row["id"] not in away
        and len(row["speakers"]) == 2 == len({turn["speaker"] for turn in row["turns"]})
        and all(speaker["visible"] in ("on_screen", "partly") for speaker in row["speakers"])
        and row["intensity"] >= 7
        and row["volatility"] >= 6.5
        and 3 <= len(row["turns"]) <= 12
        and 5000 <= row["span"]["end_ms"] - row["span"]["start_ms"] <= 60_000
    ]
    assert list(report.ids) == expected != []
    assert not report.official
    assert report.figures.speakers_per_dialogue == 2
    assert mmdia_dataset.stats(corpus.folder).figures["bench selected"] == report.figures
    for streaming in (False, True):
        loaded = mmdia_dataset.load(
            "bench", data_dir=corpus.folder, split="bench", streaming=streaming, cache_dir=tmp_path / "c"
        )
        assert sorted(row["id"] for row in loaded) == sorted(expected)
    fewer = mmdia_dataset.load(
        "bench", data_dir=corpus.folder, split="bench", selection={"intensity": 9}, cache_dir=tmp_path / "c"
    )
    assert 0 < len(fewer) < len(expected)


def test_a_list_outranks_the_selection(corpus, tmp_path):
    release = tmp_path / "release"
    shutil.copytree(corpus.folder, release)
    listed = mmdia_dataset.bench(corpus.folder, selection={"intensity": 9}, out=release / "bench_ids.json").ids
    report = mmdia_dataset.bench(release)
    assert report.official
    assert report.ids == listed
    assert mmdia_dataset.stats(release).figures["bench"].dialogues == len(listed)
    loaded = mmdia_dataset.load("bench", data_dir=release, split="bench", cache_dir=tmp_path / "c")
    assert sorted(loaded["id"]) == sorted(listed)


def test_the_benchmark_of_a_built_directory_has_clips(world, tmp_path):
    release = tmp_path / "release"
    shutil.copytree(world.release, release)
    (release / "bench.json").write_text('["tt0000001_clip_0", "tt0000003_clip_0"]', encoding="utf-8")
    mmdia_dataset.rebuild(release, world.media, tmp_path / "built", mode="audio")
    rows = mmdia_dataset.load("bench", data_dir=tmp_path / "built", split="bench", cache_dir=tmp_path / "c")
    assert [row["id"] for row in rows] == ["tt0000001_clip_0"]
    assert rows[0]["audio"]["path"].endswith(".wav")

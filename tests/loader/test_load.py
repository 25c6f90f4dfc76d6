"""The three ways in, on whatever `datasets` is installed: `python tools/matrix.py` runs this file on several.

Nothing here needs the network; whoever asks the Hub gets an error.
"""

import json
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"

import pickle
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from types import SimpleNamespace

import datasets
import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mmdia_dataset
from mmdia_dataset import datasets_hook as registration
from mmdia_dataset import publishing as cards
from mmdia_dataset.errors import (
    ConfigError,
    DataNotFound,
    DatasetsVersionError,
    HubUnreachable,
    OutputError,
    ReleaseError,
    ReleaseNotFound,
    ReleaseUnreadable,
    UsageError,
)
from mmdia_dataset.loader import features
from mmdia_dataset.loader.rows import row_schema, to_rows
from mmdia_dataset.schema import (
    INTERACTION_MODES,
    RELATIONSHIPS,
    VISIBILITIES,
    AffectiveTriplet,
    Clip,
    Dialogue,
    InteractionMode,
    Media,
    NonVerbal,
    Relationship,
    Span,
    Speaker,
    Turn,
    arrow,
)
from mmdia_dataset.views import TASKS

MAJOR = int(datasets.__version__.split(".")[0])
ROOT = Path(__file__).parent.parent.parent


def fields(number: int, movie: str = "tt0000001") -> dict:
    """A dialogue; odd ones are full, even ones have every optional field empty."""
    start = 10_000 * number
    base = {
        "id": f"{movie}_clip_{number}",
        "movie": movie,
        "batch": "movie" if number % 2 else None,
        "number": number,
        "timeline": "movie",
        "span": Span(start, start + 4000),
        "speakers": (),
        "turns": (),
    }
    if number % 2:
        base |= {
            "speakers": (
                Speaker(id=0, name="Zoë", named=True, visible="on_screen"),
                Speaker(id=1, name="Man in red #2", named=False, visible="partly"),
            ),
            "turns": (
                Turn(
                    speaker=0,
                    span=Span(start, start + 2000),
                    text="Hello?",
                    cue=5,
                    nonverbal=(NonVerbal(sound="phone rings", offset=6, speaker=None),),
                    visibility="off_screen",
                ),
                Turn(speaker=None, span=Span(start + 2000, start + 4000), text="", cue=6),
            ),
            "triplet": AffectiveTriplet(
                relationship=Relationship(text="siblings", label="Family"),
                interaction=InteractionMode(text=None, label=None),
                tone="dread",
            ),
            "description": "She picks up brightly.",
            "intensity": 6.5,
            "volatility": 5,
            "language": "en",
            "extra": {"srt": {"key": "", "ü": [1, None]}},
        }
    return base


def dialogue(number: int, movie: str = "tt0000001") -> Dialogue:
    return Dialogue(**fields(number, movie))


def clip(number: int, movie: str = "tt0000001") -> Clip:
    path = f"clips/{movie}/{movie}_clip_{number}.mp4"
    sound = Media(path=path.replace(".mp4", ".wav")) if number % 3 == 0 else None
    return Clip(**fields(number, movie), video=Media(path=path), audio=sound, frames=96, samples=192000, error_ms=None)


SPLITS = {"train": range(7), "test": range(7, 10), "hard": range(9, 10)}


def write_built(root: Path, splits: dict = SPLITS) -> Path:
    """A built directory as `rebuild` leaves it, in row groups of three."""
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    for split, numbers in splits.items():
        table = arrow.to_table([clip(number) for number in numbers], Clip)
        pq.write_table(table, root / "annotations" / f"{split}.parquet", row_group_size=3)
        for number in numbers:
            for media in (clip(number).video, clip(number).audio):
                if media is not None:
                    file = root / media.path
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(b"a film")
    (root / "manifest.jsonl").write_text("", encoding="utf-8")
    cards.write_built_card(root, {split: len(numbers) for split, numbers in splits.items()})
    return root


def write_release(root: Path, splits: dict | None = SPLITS, count: int = 12, rows: int = 2) -> Path:
    """A release in our own Parquet: two files, row groups of two."""
    (root / "dialogues").mkdir(parents=True, exist_ok=True)
    for part, numbers in enumerate((range(count // 2), range(count // 2, count))):
        table = arrow.to_table([dialogue(number) for number in numbers], Dialogue)
        pq.write_table(table, root / "dialogues" / f"part{part}.parquet", row_group_size=rows)
    if splits is not None:
        write_splits(root, splits)
    return root


def write_splits(root: Path, splits: dict) -> None:
    ids = {split: [dialogue(number).id for number in numbers] for split, numbers in splits.items()}
    (root / "splits.json").write_text(json.dumps(ids), encoding="utf-8")


def write_json_release(root: Path, movies: int = 3) -> Path:
    """A release in dialect 1, a file per movie, two dialogues each."""
    from tests.support import worlds

    for number in range(1, movies + 1):
        worlds.write_movie(root, f"tt{number:07}", [(1000, 5000), (6000, 9000)])
    return root / "release"


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    """Every test has its own cache and working directory; no data is set from outside, and the Hub is off."""
    monkeypatch.delenv("MMDIA_HOME", raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True, raising=False)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


@pytest.fixture
def built(tmp_path):
    return write_built(tmp_path / "built")


@pytest.fixture
def release(tmp_path):
    return write_release(tmp_path / "release")


def relative(row: dict, root: Path) -> dict:
    row = dict(row)
    for name in ("video", "audio"):
        if row[name] is not None:
            assert Path(row[name]["path"]).is_file()
            row[name] = row[name] | {"path": Path(row[name]["path"]).relative_to(root).as_posix()}
    return row


def run(code: str, cwd: Path, *args: str, **environment: str) -> str:
    """Run a program in a fresh process; gives what it printed."""
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(cwd / "run-cache"), **environment}
    command = [sys.executable, "-P", "-c", textwrap.dedent(code), *args]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# --- the three ways ---------------------------------------------------------------------------------------------------


@pytest.mark.quick
def test_three_ways_give_the_same_rows(built):
    named = datasets.load_dataset("mm-dia", "clips", data_dir=str(built))
    loaded = mmdia_dataset.load("clips", data_dir=built)
    plain = datasets.load_dataset(str(built))
    assert list(named) == list(loaded) == list(plain) == ["train", "test", "hard"]
    for split, numbers in SPLITS.items():
        assert named[split].features == loaded[split].features == plain[split].features == features(Clip)
        assert [row["number"] for row in plain[split]] == list(numbers)
        assert list(named[split]) == list(loaded[split])
        assert [relative(row, built) for row in named[split]] == list(plain[split])


def test_named_and_loaded_share_what_is_prepared(built):
    named = datasets.load_dataset("mm-dia", "clips", data_dir=str(built), split="test")
    loaded = mmdia_dataset.load("clips", data_dir=built, split="test")
    assert named.cache_files == loaded.cache_files
    assert named._fingerprint == loaded._fingerprint


def test_dialogues_come_from_a_release_and_from_a_built_directory_alike(built, release):
    of_release = mmdia_dataset.load(data_dir=release)
    of_built = datasets.load_dataset("mm-dia", data_dir=str(built))
    assert of_release["train"].features == of_built["train"].features == features(Dialogue)
    assert "video" not in of_built["train"].column_names
    for split in SPLITS:
        assert list(of_release[split]) == list(of_built[split])
    assert [row["number"] for row in of_release["unassigned"]] == [10, 11]


def test_rows_say_what_the_dialogue_says(built):
    row = mmdia_dataset.load("clips", data_dir=built, split="train")[1]
    expected = clip(1).model_dump()
    found = features(Clip)
    words = dict(row) | {"timeline": found["timeline"].int2str(row["timeline"]), "extra": json.loads(row["extra"])}
    for speaker in words["speakers"]:
        speaker["visible"] = VISIBILITIES[speaker["visible"]]
    for turn in words["turns"]:
        turn["visibility"] = VISIBILITIES[turn["visibility"]]
    words["triplet"]["relationship"]["label"] = RELATIONSHIPS[row["triplet"]["relationship"]["label"]]
    words["video"] = words["video"] | {"path": Path(words["video"]["path"]).relative_to(built).as_posix()}
    assert words == json.loads(json.dumps(expected))


def test_empty_fields_are_null(built):
    row = mmdia_dataset.load("clips", data_dir=built, split="train")[2]
    assert row["speakers"] == row["turns"] == []
    assert row["triplet"] is row["audio"] is row["intensity"] is row["batch"] is None
    full = mmdia_dataset.load("clips", data_dir=built, split="train")[1]
    assert full["triplet"]["interaction"] == {"text": None, "label": None}


@pytest.mark.parametrize("first", ["datasets", "mmdia_dataset"])
def test_the_order_of_imports_does_not_matter(first, built, tmp_path):
    second = {"datasets": "mmdia_dataset", "mmdia_dataset": "datasets"}[first]
    code = f"""
        import sys, {first}, {second}
        rows = datasets.load_dataset("mm-dia", "clips", data_dir=sys.argv[1], split="train")
        import datasets.inspect, datasets.load
        for module in (datasets.load, datasets.inspect):
            assert not hasattr(module.dataset_module_factory.__wrapped__, "__wrapped__"), "wrapped twice"
        print(len(rows))
    """
    assert run(code, tmp_path, str(built)) == "7"


def test_importing_the_package_imports_no_datasets(tmp_path):
    assert run("import sys, mmdia_dataset; print('datasets' in sys.modules)", tmp_path) == "False"


def test_plain_loading_needs_no_import(built):
    code = """
        import sys, datasets
        rows = datasets.load_dataset("built", split="train")
        assert not any(name.startswith("mmdia_dataset") for name in sys.modules)
        print(rows[1]["video"]["path"], rows[1]["audio"], rows[0]["triplet"], len(rows))
    """
    assert run(code, built.parent) == "clips/tt0000001/tt0000001_clip_1.mp4 None None 7"


def test_inspecting_names(built, release):
    assert datasets.get_dataset_config_names("mm-dia", data_dir=str(built)) == ["dialogues", "clips", "bench", *TASKS]
    assert datasets.get_dataset_split_names("mm-dia", "clips", data_dir=str(built)) == ["train", "test", "hard"]
    names = datasets.get_dataset_split_names("mm-dia", "dialogues", data_dir=str(release))
    assert names == ["train", "test", "hard", "unassigned"]


def test_other_datasets_are_left_alone(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    rows = datasets.load_dataset("csv", data_files=str(tmp_path / "rows.csv"), split="train")
    assert rows[0] == {"a": 1, "b": 2}


def test_a_datasets_that_has_moved_is_said_once(monkeypatch):
    monkeypatch.setattr(registration, "_moved_warned", False)
    with pytest.warns(UserWarning, match=r"mmdia_dataset\.load"):
        registration._wrap(SimpleNamespace(__name__="datasets.load"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        registration._wrap(SimpleNamespace(__name__="datasets.inspect"))


@pytest.mark.skipif(MAJOR >= 4, reason="datasets 4 runs no scripts")
def test_loading_script(built, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    script = str(ROOT / "loading_script.py")
    rows = datasets.load_dataset(script, "clips", data_dir=str(built), split="train", trust_remote_code=True)
    assert list(rows) == list(mmdia_dataset.load("clips", data_dir=built, split="train"))


@pytest.mark.skipif(MAJOR < 4, reason="datasets 3 runs scripts")
def test_loading_script_says_what_to_do(built, tmp_path):
    with pytest.raises(DatasetsVersionError, match="mm-dia"):
        datasets.load_dataset(str(ROOT / "loading_script.py"), "clips", data_dir=str(built))
    code = """
        import runpy, sys
        from mmdia_dataset.errors import DatasetsVersionError
        try:
            runpy.run_path(sys.argv[1])
        except DatasetsVersionError as error:
            print(error)
    """
    assert "import mmdia_dataset" in run(code, tmp_path, str(ROOT / "loading_script.py"))


def test_nothing_is_written_beside_the_package(built):
    before = set(Path(mmdia_dataset.__file__).parent.parent.iterdir())
    list(mmdia_dataset.load("clips", data_dir=built, split="train", streaming=True))
    assert set(Path(mmdia_dataset.__file__).parent.parent.iterdir()) <= before


# --- splits, streaming, processes -------------------------------------------------------------------------------------


def test_slices_and_sums_of_splits(built, release):
    numbers = datasets.load_dataset("mm-dia", "clips", data_dir=str(built), split="train[:50%]+hard")["number"]
    assert list(numbers) == [0, 1, 2, 3, 9]
    assert list(mmdia_dataset.load(data_dir=release, split="train[-2:]")["number"]) == [5, 6]
    assert len(mmdia_dataset.load(data_dir=release, split="all")) == 13
    both = mmdia_dataset.load(data_dir=release, split=["train", "test[:1]"])
    assert [len(part) for part in both] == [7, 1]
    assert len(mmdia_dataset.load(data_dir=release, split=datasets.Split.TEST)) == 3


def test_without_splits_file_all_is_train(tmp_path):
    release = write_release(tmp_path / "release", splits=None)
    assert {split: len(rows) for split, rows in mmdia_dataset.load(data_dir=release).items()} == {"train": 12}
    stream = mmdia_dataset.load(data_dir=release, streaming=True)
    assert {split: len(list(rows)) for split, rows in stream.items()} == {"train": 12}


def test_streaming_gives_the_same_rows(built, release):
    for name, folder in (("clips", built), ("dialogues", release), ("dialogues", built)):
        whole = mmdia_dataset.load(name, data_dir=folder)
        stream = datasets.load_dataset("mm-dia", name, data_dir=str(folder), streaming=True)
        assert list(stream) == list(whole)
        for split in whole:
            assert list(stream[split]) == list(whole[split])
            assert stream[split].features == whole[split].features
    one = mmdia_dataset.load("clips", data_dir=built, split="test", streaming=True)
    assert [row["number"] for row in one] == [7, 8, 9]


def test_streams_are_cut_into_shards(built):
    stream = mmdia_dataset.load("clips", data_dir=built, split="train", streaming=True)
    assert stream.n_shards == 3
    parts = [[row["number"] for row in stream.shard(3, index)] for index in range(3)]
    assert parts == [[0, 1, 2], [3, 4, 5], [6]]


def test_streams_prepare_nothing(release, tmp_path):
    list(mmdia_dataset.load(data_dir=release, split="train", streaming=True))
    assert not list((tmp_path / "cache").rglob("*.arrow"))


def test_num_proc_changes_no_row(built, release, tmp_path):
    for name, folder in (("clips", built), ("dialogues", release)):
        one = mmdia_dataset.load(name, data_dir=folder, cache_dir=tmp_path / "one")
        two = datasets.load_dataset("mm-dia", name, data_dir=str(folder), num_proc=2, cache_dir=str(tmp_path / "two"))
        assert {split: list(rows) for split, rows in one.items()} == {split: list(rows) for split, rows in two.items()}


def test_workers_need_not_import_the_package(built, release, tmp_path):
    whole = mmdia_dataset.load("clips", data_dir=built, split="train")
    stream = mmdia_dataset.load("clips", data_dir=built, split="train", streaming=True)
    of_release = mmdia_dataset.load(data_dir=release, split="train", streaming=True)
    (tmp_path / "rows.pickle").write_bytes(pickle.dumps((whole, stream, of_release)))
    code = """
        import pickle, sys
        whole, stream, of_release = pickle.load(open(sys.argv[1], "rb"))
        assert list(whole) == list(stream)
        print(len(list(whole)), len(list(of_release)))
    """
    assert run(code, tmp_path, str(tmp_path / "rows.pickle")) == "7 7"


def test_spawned_processes_each_read_their_shards(built, tmp_path):
    (tmp_path / "spawn.py").write_text(
        textwrap.dedent("""
            import multiprocessing, sys
            import datasets, mmdia_dataset

            def numbers(stream):
                return [row["number"] for row in stream]

            if __name__ == "__main__":
                stream = datasets.load_dataset("mm-dia", "clips", data_dir=sys.argv[1], split="train", streaming=True)
                parts = [stream.shard(2, index) for index in range(2)]
                with multiprocessing.get_context("spawn").Pool(2) as pool:
                    print(sorted(sum(pool.map(numbers, parts), [])))
        """),
        encoding="utf-8",
    )
    env = {**os.environ, "HF_DATASETS_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "spawn.py", str(built)]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[0, 1, 2, 3, 4, 5, 6]", done.stderr


# --- what is cached, what is read -------------------------------------------------------------------------------------


def test_an_edited_annotation_is_seen(built):
    ways = [
        lambda: datasets.load_dataset("mm-dia", "clips", data_dir=str(built), split="test"),
        lambda: mmdia_dataset.load("clips", data_dir=built, split="test"),
    ]
    plain = lambda: datasets.load_dataset(str(built), split="test")  # noqa: E731
    for way in (*ways, plain):
        assert way()[0]["description"] == "She picks up brightly."
    file = built / "annotations" / "test.parquet"
    rows = [clip(number).model_copy(update={"description": "She picks up brighter."}) for number in range(7, 10)]
    pq.write_table(arrow.to_table(rows, Clip), file)
    for way in ways:
        assert way()[0]["description"] == "She picks up brighter."
    cards.write_built_card(built, {split: len(numbers) for split, numbers in SPLITS.items()})
    assert plain()[0]["description"] == "She picks up brighter."  # which asks only whether the card has changed


def test_an_edit_that_keeps_size_and_time_is_seen(release):
    file = release / "dialogues" / "part0.parquet"
    assert mmdia_dataset.load(data_dir=release, split="train")[0]["movie"] == "tt0000001"
    state = file.stat()
    content = file.read_bytes()
    table = arrow.to_table([dialogue(number, "tt0000002") for number in range(6)], Dialogue)
    pq.write_table(table, file, row_group_size=2)
    assert len(file.read_bytes()) == len(content)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert mmdia_dataset.load(data_dir=release, split="unassigned")[0]["movie"] == "tt0000002"


def test_edited_splits_are_seen(release):
    assert len(mmdia_dataset.load(data_dir=release, split="test")) == 3
    write_splits(release, SPLITS | {"test": range(7, 12)})
    rows = mmdia_dataset.load(data_dir=release)
    assert len(rows["test"]) == 5
    assert "unassigned" not in rows


def test_the_working_directory_is_not_read(built, tmp_path):
    crowd = tmp_path / "crowd"
    crowd.mkdir()
    for number in range(10_000):
        (crowd / f"{number}.parquet").touch()
    code = """
        import os, sys
        here = os.getcwd()
        looked = []
        def watch(event, args):
            if event in ("os.scandir", "os.listdir", "glob.glob", "os.walk"):
                place = args[0] if event != "glob.glob" else os.path.dirname(args[0])
                if not isinstance(place, int) and os.path.realpath(place or ".") == here:
                    looked.append((event, args))
        import datasets, mmdia_dataset
        sys.addaudithook(watch)
        rows = datasets.load_dataset("mm-dia", "clips", data_dir=sys.argv[1], cache_dir=sys.argv[2])
        stream = datasets.load_dataset("mm-dia", "dialogues", data_dir=sys.argv[1], streaming=True)
        try:
            datasets.load_dataset("mm-dia")
        except mmdia_dataset.MmdiaError:
            pass
        print(len(rows["train"]), len(list(stream["train"])), looked)
    """
    cache = str(tmp_path / "cache")
    assert run(code, crowd, str(built), cache, HF_DATASETS_CACHE=cache) == "7 7 []"


def test_a_local_folder_of_that_name_is_not_shadowed_silently(built, tmp_path, monkeypatch):
    (tmp_path / "place").mkdir()
    monkeypatch.chdir(tmp_path / "place")
    write_built(Path("mm-dia"), {"train": range(2)})
    with pytest.warns(UserWarning, match="datasets alone loads"):
        rows = datasets.load_dataset("mm-dia", split="train")
    assert rows[1]["video"]["path"] == "clips/tt0000001/tt0000001_clip_1.mp4"
    with pytest.warns(UserWarning, match="is ignored"):
        rows = datasets.load_dataset("mm-dia", "clips", data_dir=str(built), split="train")
    assert len(rows) == 7
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        rows = datasets.load_dataset("mm-dia", "clips", data_dir="mm-dia", split="train")
    assert Path(rows[1]["video"]["path"]).is_file()


def test_the_environment_names_the_data(built, monkeypatch):
    monkeypatch.setenv("MMDIA_HOME", str(built))
    assert len(datasets.load_dataset("mm-dia", split="train")) == 7
    monkeypatch.setenv("MMDIA_HOME", "nowhere")
    with pytest.raises(ReleaseNotFound, match=r"\$MMDIA_HOME"):
        datasets.load_dataset("mm-dia", split="train")


@pytest.mark.parametrize(
    "name", ["a b", 'it\'s "quoted"', "line\nbreak", "žluťoučký", "a::b", "50%[x]*?", "~", "$HOME"]
)
def test_folders_of_any_name(name, tmp_path):
    built = write_built(tmp_path / name / "built", {"train": range(4)})
    rows = datasets.load_dataset("mm-dia", "clips", data_dir=str(built), split="train")
    assert [relative(row, built)["number"] for row in rows] == [0, 1, 2, 3]
    release = write_release(tmp_path / name / "release", None)
    assert len(mmdia_dataset.load(data_dir=release, split="train")) == 12
    assert len(list(mmdia_dataset.load(data_dir=release, split="train", streaming=True))) == 12


def test_relative_folders_and_home(built, monkeypatch):
    monkeypatch.chdir(built.parent)
    monkeypatch.setenv("HOME", str(built.parent))
    for data_dir in ("built", "./built/", "~/built", Path("built")):
        rows = mmdia_dataset.load("clips", data_dir=data_dir, split="test")
        assert Path(rows[0]["video"]["path"]) == built / "clips/tt0000001/tt0000001_clip_7.mp4"


def test_decode_gives_the_features_that_decode(built):
    rows = mmdia_dataset.load("clips", data_dir=built, split="train", decode=True)
    assert rows.features["video"].decode
    assert rows.features["audio"].decode
    assert rows.features["turns"] == features(Clip)["turns"]
    named = datasets.load_dataset("mm-dia", "clips", data_dir=str(built), split="train", decode=True)
    assert named.features == rows.features


# --- releases in JSON -------------------------------------------------------------------------------------------------


def test_a_release_in_json(tmp_path):
    release = write_json_release(tmp_path)
    rows = mmdia_dataset.load(data_dir=release, split="train")
    assert list(rows["id"]) == [f"tt{movie:07}_clip_{number}" for movie in (1, 2, 3) for number in (0, 1)]
    assert [turn["text"] for turn in rows[0]["turns"]] == ["Hello?", "Hello?"]
    stream = mmdia_dataset.load(data_dir=release, split="train", streaming=True)
    assert list(stream) == list(rows)
    assert stream.n_shards == 3
    two = mmdia_dataset.load(data_dir=release, split="train", num_proc=2, download_mode="force_redownload")
    assert list(two) == list(rows)


def test_dialogues_that_can_not_be_read_are_counted(tmp_path):
    release = write_json_release(tmp_path)
    file = release / "json" / "movie" / "tt0000002.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    data["clips"][0]["srt"] = 7
    file.write_text(json.dumps(data), encoding="utf-8")
    with pytest.warns(UserWarning, match=r"mmdia validate") as caught:
        rows = mmdia_dataset.load(data_dir=release, split="train", num_proc=2)
    assert len(rows) == 5
    sentences = [str(w.message) for w in caught if "mmdia validate" in str(w.message)]  # Python 3.12 warns of forks too
    assert len(sentences) == 1
    assert "1 dialogue" in sentences[0]
    assert "could not be read" in mmdia_dataset.load(data_dir=release, split="train").info.description


# --- clips on the fly -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    from tests.support import worlds

    return worlds.make_world(tmp_path_factory.mktemp("world"))


@pytest.mark.quick
def test_clips_are_cut_on_the_fly(world, tmp_path):
    with pytest.warns(UserWarning, match="refused"):
        rows = datasets.load_dataset("mm-dia", "clips", data_dir=str(world.release), media_dir=str(world.media))
    assert {split: list(part["id"]) for split, part in rows.items()} == {
        "train": ["tt0000001_clip_0", "tt0000001_clip_1"],
        "validation": ["tt0000001_clip_2"],
        "test": ["tt0000002_clip_0", "tt0000002_clip_1"],
        "hard": ["tt0000002_clip_1"],
    }
    file = Path(rows["test"][0]["video"]["path"])
    assert file.is_file()
    assert file.is_relative_to(tmp_path / "cache")
    made = file.stat().st_mtime_ns
    again = mmdia_dataset.load("clips", data_dir=world.release, media_dir=world.media, streaming=True)
    assert {split: list(part) for split, part in again.items()} == {split: list(part) for split, part in rows.items()}
    assert file.stat().st_mtime_ns == made
    file.unlink()  # the cache was cleaned by hand: what is gone is cut again
    for folder in (tmp_path / "cache" / "mm-dia-clips").glob("*/manifest.jsonl"):
        folder.unlink()
    with pytest.warns(UserWarning, match="refused"):
        datasets.load_dataset("mm-dia", "clips", data_dir=str(world.release), media_dir=str(world.media))
    assert file.is_file()


def test_only_what_the_split_needs_is_cut(world, tmp_path):
    rows = mmdia_dataset.load("clips", data_dir=world.release, media_dir=world.media, split="validation", mode="audio")
    assert list(rows["id"]) == ["tt0000001_clip_2"]
    assert rows[0]["video"] is None
    assert len(list((tmp_path / "cache" / "mm-dia-clips").rglob("*.wav"))) == 1


def test_without_a_film_nothing_can_be_cut(world, tmp_path):
    (tmp_path / "no films").mkdir()
    with pytest.raises(DataNotFound, match="mmdia locate"):
        mmdia_dataset.load("clips", data_dir=world.release, media_dir=tmp_path / "no films")


# --- one clear sentence -----------------------------------------------------------------------------------------------


def both_ways(name, error, match, **arguments):
    """The same call fails in the same words, whichever way in."""
    arguments = {key: str(value) if isinstance(value, Path) else value for key, value in arguments.items()}
    with pytest.raises(error, match=match) as loaded:
        mmdia_dataset.load(name, **arguments)
    with pytest.raises(error) as named:
        datasets.load_dataset("mm-dia", name, **arguments)
    assert str(named.value) == str(loaded.value)
    assert str(loaded.value).count("\n") == 0
    assert isinstance(pickle.loads(pickle.dumps(loaded.value)), error)


def test_unknown_names(built):
    both_ways("videos", ConfigError, "choose one of dialogues, clips", data_dir=built)
    both_ways("clips", ConfigError, "it has train, test, hard", data_dir=built, split="validation")
    both_ways(
        "clips", ConfigError, "choose one of train, validation", data_dir=built, split="trian[:10%]", streaming=True
    )
    both_ways("clips", ConfigError, "not the slice", data_dir=built, split="train[:10%]", streaming=True)
    both_ways("clips", ConfigError, "choose one of copy, ", data_dir=built, mode="film")
    with pytest.raises(ConfigError, match="choose one of train") as caught:
        datasets.load_dataset("mm-dia", "clips", data_dir=str(built), split="trian")
    assert caught.value.exit_code == 2


def test_arguments_that_do_not_go_together(built, release):
    both_ways("clips", UsageError, "leave out media_dir", data_dir=built, media_dir=built)
    both_ways("clips", UsageError, "give media_dir", data_dir=release)
    both_ways("clips", UsageError, "no such folder", data_dir=release, media_dir="gone")
    both_ways("clips", UsageError, "nothing is cut here", data_dir=built, mode="audio")
    with pytest.raises(UsageError, match="nothing is cut here"):
        datasets.load_dataset("mm-dia", data_dir=str(release), only="test")
    with pytest.raises(UsageError, match="data_dir"):
        datasets.load_dataset("mm-dia", data_files="x.json", data_dir=str(built))
    with pytest.raises(UsageError, match="num_proc"):
        mmdia_dataset.load(data_dir=built, streaming=True, num_proc=2)


def test_no_data(tmp_path, monkeypatch):
    both_ways("clips", ReleaseNotFound, "no such folder", data_dir=tmp_path / "gone")
    (tmp_path / "file").touch()
    both_ways("clips", ReleaseNotFound, "not a folder", data_dir=tmp_path / "file")
    (tmp_path / "empty").mkdir()
    both_ways("dialogues", ReleaseNotFound, "folder is empty", data_dir=tmp_path / "empty")
    both_ways("dialogues", DataNotFound, r"data_dir.*\$MMDIA_HOME nor \$MMDIA_HUB_REPO is set")
    monkeypatch.setenv("MMDIA_HUB_REPO", "org/mm-dia")
    both_ways("dialogues", HubUnreachable, "org/mm-dia: the Hub is switched off .HF_HUB_OFFLINE.*unset HF_HUB_OFFLINE")


def test_an_unfinished_rebuild(tmp_path):
    (tmp_path / "built" / ".mmdia").mkdir(parents=True)
    both_ways("clips", ReleaseUnreadable, "has not finished", data_dir=tmp_path / "built")


def damage_cut(file):
    file.write_bytes(file.read_bytes()[:-100])


def damage_pages(file):
    content = bytearray(file.read_bytes())
    content[20 : len(content) // 2] = bytes(len(content) // 2 - 20)
    file.write_bytes(content)


def damage_column(file):
    pq.write_table(pq.read_table(file).drop_columns(["turns"]), file)


def damage_type(file):
    table = pq.read_table(file)
    pq.write_table(table.set_column(3, "number", pa.array(["x"] * len(table))), file)


def damage_label(file):
    table = pq.read_table(file)
    place = table.schema.get_field_index("timeline")
    pq.write_table(table.set_column(place, "timeline", pa.array(["-1"] * len(table))), file)


@pytest.mark.parametrize("damage", [damage_cut, damage_pages, damage_column, damage_type, damage_label])
@pytest.mark.parametrize("num_proc", [None, 2])
def test_damaged_annotations(damage, num_proc, tmp_path):
    built = write_built(tmp_path / "built", {"train": range(7)})
    damage(built / "annotations" / "train.parquet")
    both_ways("clips", ReleaseUnreadable, r"train\.parquet", data_dir=built, num_proc=num_proc)
    release = write_release(tmp_path / "release")
    damage(release / "dialogues" / "part1.parquet")
    if damage is damage_column:  # then it is no file of dialogues, which is said
        with pytest.warns(UserWarning, match="mmdia validate"):
            assert len(mmdia_dataset.load(data_dir=release, split="train")) == 6
        return
    both_ways("dialogues", ReleaseError, r"part1\.parquet", data_dir=release, num_proc=num_proc)
    assert not list((tmp_path / "cache").rglob("dataset_info.json"))
    assert not list((tmp_path / "cache").rglob("*.arrow"))


def test_a_cache_that_can_not_be_written(built, tmp_path):
    (tmp_path / "file").touch()
    both_ways("clips", OutputError, "cache", data_dir=built, cache_dir=tmp_path / "file" / "cache")


@pytest.mark.parametrize("kind", ["built", "release"])
def test_a_full_disk(kind, tmp_path):
    """A limit on the size of files stands in for the disk."""
    many = {"train": range(2000)}
    folder = write_built(tmp_path / kind, {"train": range(1)})
    if kind == "built":
        table = arrow.to_table([clip(number) for number in range(2000)], Clip)
        pq.write_table(table, folder / "annotations" / "train.parquet")
    else:
        folder = write_release(tmp_path / "our", many, count=2000, rows=500)
    code = """
        import resource, sys, datasets, mmdia_dataset
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        try:
            mmdia_dataset.load(data_dir=sys.argv[1], cache_dir=sys.argv[2])
        except mmdia_dataset.MmdiaError as error:
            print(type(error).__name__, error)
    """
    assert run(code, tmp_path, str(folder), str(tmp_path / "cache")).startswith(f"OutputError {tmp_path / 'cache'}")
    assert not list((tmp_path / "cache").rglob("*.arrow"))


def test_the_hub_serves_annotations(release, monkeypatch):
    asked = {}

    def serve(repo, **arguments):
        asked.update(arguments, repo=repo)
        return str(release)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", serve)
    monkeypatch.setenv("MMDIA_HUB_REPO", "org/mm-dia")
    assert len(datasets.load_dataset("mm-dia", split="train", revision="v1", token="t")) == 7
    assert asked["repo"] == "org/mm-dia"
    assert (asked["revision"], asked["token"]) == ("v1", "t")
    assert not any("wav" in pattern or "dac" in pattern for pattern in asked["allow_patterns"])


# --- tables -----------------------------------------------------------------------------------------------------------

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
maybe = st.none() | words
turns = st.builds(
    Turn,
    speaker=st.none() | st.integers(0, 3),
    span=st.builds(Span, st.integers(0, 10**6), st.integers(0, 10**6)),
    text=words,
    cue=st.integers(-5, 10**6),
    nonverbal=st.lists(st.builds(NonVerbal, sound=words, offset=st.integers(0, 9)), max_size=2).map(tuple),
    visibility=st.sampled_from(VISIBILITIES),
)
triplets = st.builds(
    AffectiveTriplet,
    relationship=st.builds(Relationship, text=maybe, label=st.none() | st.sampled_from(RELATIONSHIPS)),
    interaction=st.builds(InteractionMode, text=maybe, label=st.none() | st.sampled_from(INTERACTION_MODES)),
    tone=maybe,
)
clips = st.builds(
    lambda number, turns, triplet, path, **more: Clip(
        **fields(number) | {"turns": tuple(turns), "triplet": triplet, "video": path and Media(path=path)}, **more
    ),
    number=st.integers(0, 9),
    turns=st.lists(turns, max_size=3),
    triplet=st.none() | triplets,
    path=st.none() | st.just("clips/a.mp4"),
    frames=st.none() | st.integers(0, 9),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(items=st.lists(clips, max_size=5), first=st.integers(0, 3), count=st.integers(0, 5))
def test_rows_are_what_datasets_would_make_of_the_table(items, first, count):
    from datasets.table import table_cast

    table = arrow.to_table(items, Clip).slice(first, count)
    ours = to_rows(table, Clip, Path("/built"))
    # Under a null struct the table may hold anything, which datasets takes for labels; Parquet keeps none of it.
    stored = pa.BufferOutputStream()
    pq.write_table(table, stored)
    theirs = table_cast(pq.read_table(pa.BufferReader(stored.getvalue())), features(Clip).arrow_schema)
    assert ours.schema.types == theirs.schema.types
    expected = theirs.to_pylist()
    for row in expected:
        if row["video"] is not None:
            row["video"]["path"] = "/built/clips/a.mp4"
    assert ours.to_pylist() == expected
    ours.validate(full=True)


def test_features_have_the_schema_of_rows():
    for model in (Dialogue, Clip):
        assert features(model).arrow_schema.remove_metadata() == row_schema(model)


def test_tables_of_other_programs_are_read():
    """Pandas and polars write large strings and lists, in columns of any order, null where lists are missing."""
    table = arrow.to_table([dialogue(number) for number in range(4)], Dialogue)
    large = pa.large_list(table.schema.field("turns").type.value_field)
    column = table.column("turns").combine_chunks().cast(large)
    odd = table.set_column(table.schema.get_field_index("turns"), "turns", column)
    odd = odd.set_column(0, "id", odd.column("id").cast(pa.large_string())).select(sorted(odd.column_names))
    assert to_rows(odd, Dialogue, Path("/")).equals(to_rows(table, Dialogue, Path("/")))
    mask = pa.array([False, True, False, True])
    speakers = table.column("speakers").combine_chunks()
    nulls = pa.ListArray.from_arrays(speakers.offsets, speakers.values, mask=mask)
    rows = to_rows(
        table.set_column(table.schema.get_field_index("speakers"), "speakers", nulls).slice(1), Dialogue, Path("/")
    )
    assert [row["speakers"] is None for row in rows.to_pylist()] == [True, False, True]


@pytest.mark.parametrize("path", ["/etc/passwd", "../../x.mp4", "clips/../../x", "https://example.org/a.mp4", "a\nb"])
def test_a_row_names_no_file_outside_its_folder(path):
    table = arrow.to_table([clip(0).model_copy(update={"video": Media(path=path)})], Clip)
    with pytest.raises(ValueError, match="lies outside the folder"):
        to_rows(table, Clip, Path("/built"))

"""The card of a built directory, read as `datasets` reads it."""

import json
import re
import shutil
import string
import subprocess
import sys
import tomllib
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import mmdia_dataset
from mmdia_dataset import publishing as cards
from mmdia_dataset.errors import OutputError, UsageError
from mmdia_dataset.files import sha256_of
from mmdia_dataset.loader import features
from mmdia_dataset.publishing import body
from mmdia_dataset.schema import SPLITS, Clip, Dialogue, arrow
from tests.support.releases import write_release
from tests.support.worlds import make_world, tree

ROOT = Path(__file__).parent.parent.parent
COUNTS = {"hard": 1, "train": 1234, "test": 0, "unassigned": 5}


def card(rows):
    files = {split: (f"annotations/{split}.parquet",) for split in SPLITS if rows.get(split)}
    return cards.card_text(cards.CardFacts(kind="clips", files=files, rows=rows, total=sum(rows.values())))


def front_matter(text):
    start, matter, body = text.split("---\n", 2)
    assert start == ""
    return yaml.safe_load(matter), body


@pytest.mark.parametrize("model", [Dialogue, Clip])
def test_features_are_those_of_the_loader(model):
    written = yaml.safe_load(yaml.safe_dump(cards.features_yaml(arrow.arrow_schema(model)), sort_keys=False))
    assert datasets.Features._from_yaml_list(written) == features(model)


def test_only_splits_with_rows_are_declared():
    matter, _ = front_matter(card(COUNTS))
    (config,) = matter["configs"]
    assert config["default"] is True
    assert [(file["split"], file["path"]) for file in config["data_files"]] == [
        ("train", "annotations/train.parquet"),
        ("hard", "annotations/hard.parquet"),
        ("unassigned", "annotations/unassigned.parquet"),
    ]
    assert matter["dataset_info"]["config_name"] == config["config_name"] == "clips"


def test_a_directory_without_clips_has_a_card_without_configurations():
    matter, _ = front_matter(card({}))
    assert "configs" not in matter


def test_the_body_is_filled_in():
    _, body = front_matter(card(COUNTS))
    assert not string.Template(body).get_identifiers()
    assert "| train | 1,234 |" in body
    for name in Clip.model_fields:
        assert f"| `{name}` |" in body
    assert "| test |" not in body


def test_same_input_same_bytes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "annotations").mkdir(parents=True)
        pq.write_table(arrow.to_table([], Clip), tmp_path / name / "annotations" / "train.parquet")
        cards.write_built_card(tmp_path / name, COUNTS, 3)
    one, two = (tmp_path / name / "README.md" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    pq.write_table(pa.table({"id": ["x"]}), tmp_path / "two" / "annotations" / "train.parquet")
    cards.write_built_card(tmp_path / "two", COUNTS, 3)
    assert one.read_bytes() != two.read_bytes()


def test_labels_survive_yaml():
    """YAML reads a bare `on` as true and `1` as a number; labels and their numbers are text."""
    text = card(COUNTS)
    names = json.dumps(front_matter(text)[0]["dataset_info"]["features"])
    assert '"0": "on_screen"' in names
    assert "true" not in names


def test_cards_need_no_datasets():
    code = "import sys, mmdia_dataset.publishing; print('datasets' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_wheel_has_the_template():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"] == {"cards": "mmdia_dataset/_cards"}
    assert body._FOLDERS[0] == Path(mmdia_dataset.__file__).parent / "_cards"


def test_a_missing_template_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(body, "_FOLDERS", (tmp_path,))
    with pytest.raises(OutputError, match="template is missing"):
        card(COUNTS)


def test_a_card_that_can_not_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        cards.write_built_card(tmp_path / "file", COUNTS, 3)


# --- what the Hub accepts ---------------------------------------------------------------------------------------------

GOOD = {
    "license": "cc-by-nc-4.0",
    "language": ["en"],
    "task_categories": ["text-to-speech"],
    "size_categories": ["n<1K"],
    "extra_gated_fields": {"Name": "text", "Use": {"type": "select", "options": ["a", {"label": "b", "value": "c"}]}},
    "configs": [{"config_name": "x", "data_files": [{"split": "train", "path": ["a.parquet", "b*.parquet"]}]}],
    "dataset_info": {"config_name": "x", "features": [{"name": "id", "dtype": "string"}]},
}
FILES = ["a.parquet", "b1.parquet"]


def label(**names):
    return {"config_name": "x", "features": [{"name": "id", "dtype": {"class_label": {"names": names}}}]}


BAD = {
    "no licence": ({"license": None}, "license: it is missing"),
    "licence": ({"license": "CC BY-NC"}, "license: 'CC BY-NC' is not an identifier"),
    "other": ({"license": "other"}, "license_name: it is missing"),
    "name of no other": ({"license_name": "mine"}, "license_name: it belongs only to"),
    "task": ({"task_categories": ["film-making"]}, "task_categories: 'film-making' is not a task category"),
    "size": ({"size_categories": ["small"]}, "size_categories: 'small' is not a size category"),
    "language": ({"language": "English"}, "language: 'English' is not an ISO 639"),
    "Norwegian": ({"language": [False]}, "language: False is not text; put it in quotes"),
    "viewer": ({"viewer": "no"}, "viewer: 'no' is neither true nor false"),
    "gate key": ({"extra_gated_text": "x"}, "extra_gated_text: the Hub does not know this key"),
    "gate prompt": ({"extra_gated_prompt": ""}, "extra_gated_prompt: it is not text"),
    "gate list": ({"extra_gated_fields": ["Name"]}, "extra_gated_fields: it is not a table"),
    "gate type": ({"extra_gated_fields": {"Name": "email"}}, "'Name' has the unknown type 'email'"),
    "gate select": ({"extra_gated_fields": {"Use": "select"}}, "'Use' is a select but has no"),
    "missing file": (
        {"configs": [{"config_name": "x", "data_files": [{"split": "train", "path": "c.parquet"}]}]},
        "configs: x: the file c.parquet does not exist",
    ),
    "path": ({"configs": [{"config_name": "x", "data_files": "../a.parquet"}]}, "leads out of the folder"),
    "split": (
        {"configs": [{"config_name": "x", "data_files": [{"split": "tr ain", "path": "a.parquet"}]}]},
        "'tr ain' is not a valid split name",
    ),
    "entry": ({"configs": [{"config_name": "x", "data_files": [{"split": "train"}]}]}, "the two keys split and path"),
    "config twice": ({"configs": [{"config_name": "x"}, {"config_name": "x"}]}, "x occurs twice"),
    "two defaults": (
        {"configs": [{"config_name": "x", "default": True}, {"config_name": "y", "default": True}]},
        "more than one is marked as the default",
    ),
    "info": ({"dataset_info": {"config_name": "y"}}, "dataset_info: y is not a configuration"),
    "feature": ({"dataset_info": {"config_name": "x", "features": [{"name": "id"}]}}, "must have exactly one of dtype"),
    "label": ({"dataset_info": label(**{"0": True})}, "a label of id is not text"),
    "numbers": ({"dataset_info": label(a="b")}, "the labels of id are not numbered"),
}


def faults_of(front):
    return cards.card_faults(f"---\n{yaml.safe_dump(front)}---\nwords\n---\nmore\n", FILES)


def test_a_good_card_has_no_faults():
    assert faults_of(GOOD) == []
    assert faults_of({**GOOD, "license": "other", "license_name": "mine", "license_link": "LICENSE"}) == []


@pytest.mark.parametrize("case", BAD)
def test_what_the_hub_refuses_is_one_sentence(case):
    change, sentence = BAD[case]
    found = faults_of({**GOOD, **change})
    assert len(found) == (2 if case == "other" else 1)
    assert sentence in found[0]


@pytest.mark.parametrize("text", ["", "words", "---\na: [\n---\n", "---\njust words\n---\n", "x\n---\na: 1\n---\n"])
def test_a_card_without_yaml_is_one_fault(text):
    assert len(cards.card_faults(text)) == 1


plain = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["train", "a.parquet", "x", ""])
tables = st.dictionaries(st.sampled_from(["config_name", "data_files", "split", "path", "features", "name"]), plain)
values = plain | tables | st.lists(plain | tables, max_size=2)


@given(st.dictionaries(st.sampled_from([*GOOD, "viewer", "tags", "extra_gated_prompt"]), values, max_size=4))
def test_no_front_matter_breaks_the_check(front):
    assert all(isinstance(sentence, str) for sentence in faults_of(front))


# --- card -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """A release of ours with a card."""
    folder = tmp_path_factory.mktemp("card")
    release = write_release(folder / "release", movies=3, dialogues=30, dialect="parquet", splits=False)
    report = mmdia_dataset.card(release, repo="org/films", licence="cc-by-nc-4.0")
    assert report.exit_code == 0
    return release


def test_the_card_of_a_release_loads_as_it_is(converted, tmp_path):
    rows = datasets.load_dataset(str(converted), split="train", cache_dir=str(tmp_path))
    assert len(rows) == 30
    assert rows.features == features(Dialogue)


def test_the_card_says_and_shows_what_was_counted(converted):
    matter, text = front_matter((converted / "README.md").read_text(encoding="utf-8"))
    assert matter["license"] == "cc-by-nc-4.0"
    assert matter["size_categories"] == ["n<1K"]
    assert matter["extra_gated_fields"]
    assert "| dialogues | 30 | 30 | 54,700 |" in text
    assert "hf download org/films" in text
    assert "author" not in text.split("```bibtex")[1].split("```")[0]
    pictures = re.findall(r"!\[[^]]*\]\(([^)]*)\)", text)
    assert {"figures/sunburst.png", "figures/turns.png", "figures/seconds.png"} <= set(pictures)
    assert all((converted / name).read_bytes().startswith(b"\x89PNG") for name in pictures)


def test_croissant_names_every_file_and_column(converted):
    found = json.loads((converted / "croissant.json").read_text(encoding="utf-8"))
    (file,) = found["distribution"]
    assert file["sha256"] == sha256_of(converted / file["contentUrl"])
    (records,) = found["recordSet"]
    assert [field["name"] for field in records["field"]] == [f"train/{name}" for name in Dialogue.model_fields]
    assert found["conformsTo"].endswith("/1.1")
    text = mmdia_dataset.validate(converted)
    assert (text.errors, text.warnings) == (0, 0)


def test_a_card_is_written_anew_byte_for_byte(converted):
    before = tree(converted)
    mmdia_dataset.card(converted, repo="org/films", licence="cc-by-nc-4.0")
    assert tree(converted) == before


def test_a_licence_the_hub_does_not_know_is_a_fault(converted, tmp_path):
    shutil.copytree(converted, tmp_path / "release")
    report = mmdia_dataset.card(tmp_path / "release", licence="free")
    assert report.exit_code == 1
    assert "license: 'free'" in report.faults[0]


def test_a_card_is_for_data_that_loads(tmp_path):
    with pytest.raises(UsageError, match="mmdia convert --to parquet"):
        mmdia_dataset.card(write_release(tmp_path / "release", movies=1, dialogues=2))


def test_rebuilds_and_validate_know_the_card(tmp_path):
    world = make_world(tmp_path)
    built = tmp_path / "built"
    mmdia_dataset.rebuild(world.release, world.media, built)
    assert "mmdia card" in (built / "README.md").read_text(encoding="utf-8")
    assert mmdia_dataset.validate(built).errors == 0
    assert mmdia_dataset.card(built).exit_code == 0
    assert mmdia_dataset.validate(built).errors == 0
    text = (built / "README.md").read_text(encoding="utf-8")
    assert "| `tt0000003` | 1 | 0 | 0% |" in text
    assert len(datasets.load_dataset(str(built), split="test", cache_dir=str(tmp_path / "cache"))) == 2
    (built / "README.md").write_text(text.replace("license: unknown", "license: none"), encoding="utf-8")
    assert mmdia_dataset.validate(built).counts == {("error", "bad-card"): 1}
    mmdia_dataset.rebuild(world.release, world.media, built)
    assert not (built / "croissant.json").exists()


def test_the_example_is_up_to_date():
    done = subprocess.run([sys.executable, "tools/make_card.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

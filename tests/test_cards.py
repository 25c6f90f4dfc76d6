"""The card of a built directory, read as `datasets` reads it."""

import json
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

from mmdia_dataset import arrow, cards
from mmdia_dataset.errors import OutputError
from mmdia_dataset.loader import features
from mmdia_dataset.schema import Clip, Dialogue

ROOT = Path(__file__).parent.parent
COUNTS = {"hard": 1, "train": 1234, "test": 0, "unassigned": 5}


def front_matter(text):
    start, matter, body = text.split("---\n", 2)
    assert start == ""
    return yaml.safe_load(matter), body


@pytest.mark.parametrize("model", [Dialogue, Clip])
def test_features_are_those_of_the_loader(model):
    written = yaml.safe_load(yaml.safe_dump(cards.features_yaml(arrow.arrow_schema(model)), sort_keys=False))
    assert datasets.Features._from_yaml_list(written) == features(model)


def test_only_splits_with_rows_are_declared():
    matter, _ = front_matter(cards.built_card(COUNTS))
    (config,) = matter["configs"]
    assert config["default"] is True
    assert [(file["split"], file["path"]) for file in config["data_files"]] == [
        ("train", "annotations/train.parquet"),
        ("hard", "annotations/hard.parquet"),
        ("unassigned", "annotations/unassigned.parquet"),
    ]
    assert matter["dataset_info"]["config_name"] == config["config_name"] == "clips"


def test_a_directory_without_clips_has_a_card_without_configurations():
    matter, _ = front_matter(cards.built_card({}))
    assert "configs" not in matter


def test_the_body_is_filled_in():
    _, body = front_matter(cards.built_card(COUNTS))
    assert not string.Template(body).get_identifiers()
    assert "| train | 1,234 |" in body
    for name in Clip.model_fields:
        assert f"| `{name}` |" in body
    assert "| test |" not in body


def test_same_input_same_bytes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "annotations").mkdir(parents=True)
        pq.write_table(arrow.to_table([], Clip), tmp_path / name / "annotations" / "train.parquet")
        cards.write_built_card(tmp_path / name, COUNTS)
    one, two = (tmp_path / name / "README.md" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    pq.write_table(pa.table({"id": ["x"]}), tmp_path / "two" / "annotations" / "train.parquet")
    cards.write_built_card(tmp_path / "two", COUNTS)
    assert one.read_bytes() != two.read_bytes()


def test_labels_survive_yaml():
    """YAML reads a bare `on` as true and `1` as a number; labels and their numbers are text."""
    text = cards.built_card(COUNTS)
    names = json.dumps(front_matter(text)[0]["dataset_info"]["features"])
    assert '"0": "on_screen"' in names
    assert "true" not in names


def test_cards_need_no_datasets():
    code = "import sys, mmdia_dataset.cards; print('datasets' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_wheel_has_the_template():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"] == {"cards": "mmdia_dataset/_cards"}
    assert cards._FOLDERS[0] == Path(cards.__file__).parent / "_cards"


def test_a_missing_template_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(cards, "_FOLDERS", (tmp_path,))
    with pytest.raises(OutputError, match="template is missing"):
        cards.built_card(COUNTS)


def test_a_card_that_can_not_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        cards.write_built_card(tmp_path / "file", COUNTS)

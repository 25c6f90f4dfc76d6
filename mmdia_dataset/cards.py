"""The dataset card: README.md with the YAML that lets plain `load_dataset(folder)` know configurations and features.

Features are read off the Arrow schema, in the form `datasets` writes into cards, without importing it. Without them it
would infer types from the data, and stumble over columns that are null at first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import pyarrow as pa
import yaml

from mmdia_dataset import arrow
from mmdia_dataset.errors import OutputError
from mmdia_dataset.files import sha256_of, write_text
from mmdia_dataset.schema import SPLITS, Clip, Split

__all__ = ["built_card", "features_yaml", "template", "write_built_card"]

# In a wheel the templates lie inside the package, in a checkout beside it.
_FOLDERS = (Path(__file__).parent / "_cards", Path(__file__).parent.parent / "cards")

_MEDIA = {"video": "video", "audio": "audio", "image": "image"}


def features_yaml(schema: pa.Schema) -> list[dict[str, Any]]:
    """The columns of an Arrow schema as the `dataset_info.features` of a card, for `datasets` 3.6 and later.

    Closed vocabularies become class labels; media columns become video or audio that is not decoded.
    """
    return [{"name": field.name, **_feature(field)} for field in schema]


def _feature(field: arrow.Field) -> dict[str, Any]:
    labels = arrow.labels_of(field)
    if labels is not None:
        # Quoted numbers as keys, as datasets writes them: YAML would otherwise let the labels be anything.
        return {"dtype": {"class_label": {"names": {str(number): label for number, label in enumerate(labels)}}}}
    if arrow.is_media(field):
        return {"dtype": {_MEDIA[field.name]: {"decode": False}}}
    if pa.types.is_struct(field.type):
        return {"struct": features_yaml(pa.schema(list(field.type)))}
    if pa.types.is_list(field.type):
        inner = _feature(field.type.value_field)
        return {"list": inner.get("struct", inner.get("dtype"))}
    return {"dtype": _TYPES[field.type]}


_TYPES = {
    pa.string(): "string",
    pa.int64(): "int64",
    pa.float64(): "float64",
    pa.bool_(): "bool",
    pa.binary(): "binary",
}


def built_card(splits: Mapping[Split, int], state: str = "") -> str:
    """README.md of a built directory, from its number of rows per split. Same input, same bytes.

    `state` is a hash of the annotations. Plain `load_dataset` of a folder with a card looks at the card alone to tell
    whether it has the data in its cache, so another card must come with other data.
    """
    present: list[Split] = [split for split in SPLITS if splits.get(split)]
    front: dict[str, Any] = {"pretty_name": "MM-DIA clips, rebuilt", "tags": ["dialogue", "film", "speech", "video"]}
    if present:
        files = [{"split": split, "path": f"annotations/{split}.parquet"} for split in present]
        front["configs"] = [{"config_name": "clips", "default": True, "data_files": files}]
    front["dataset_info"] = {
        "config_name": "clips",
        "description": f"MM-DIA clips, state {state}",
        "features": features_yaml(arrow.arrow_schema(Clip)),
    }
    return template("built.md").substitute(
        front_matter=yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=120).rstrip("\n"),
        clips=f"{sum(splits.values()):,}",
        splits="\n".join([*(f"| {split} | {splits[split]:,} |" for split in present), _total(splits)]),
        first_split=present[0] if present else "train",
        columns="\n".join(f"| `{field.name}` | {_words(field)} |" for field in arrow.arrow_schema(Clip)),
    )


def _total(splits: Mapping[Split, int]) -> str:
    return f"| all | {sum(splits.values()):,} |"


def _words(field: arrow.Field) -> str:
    """A column's type in words."""
    labels = arrow.labels_of(field)
    if labels is not None:
        return f"one of {', '.join(labels)}"
    if arrow.is_media(field):
        return f"{field.name} file, by path"
    if arrow.is_json(field):
        return "JSON text"
    if pa.types.is_list(field.type):
        return f"list of {_words(field.type.value_field)}"
    if pa.types.is_struct(field.type):
        return f"{{{', '.join(inner.name for inner in field.type)}}}"
    return _TYPES[field.type]


def template(name: str) -> Template:
    """A card's template, by its file's name. Raises OutputError."""
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return Template((folder / name).read_text(encoding="utf-8"))
    raise OutputError("the card's template is missing", where=_FOLDERS[0] / name, hint="install mmdia-dataset again")


def write_built_card(root: Path, splits: Mapping[Split, int]) -> None:
    """Write README.md of a built directory. Raises OutputError."""
    digest = hashlib.sha256()
    try:
        for file in sorted((root / "annotations").glob("*.parquet")):
            digest.update(f"{file.name} {sha256_of(file)}\n".encode())
    except OSError as error:
        raise OutputError(f"can't be read: {error.strerror}", where=root / "annotations") from error
    write_text(root / "README.md", built_card(splits, digest.hexdigest()[:16]))

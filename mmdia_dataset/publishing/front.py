"""The YAML of a card: configurations, features, and what the Hub shows and asks.

Features are read off the Arrow schema, in the form `datasets` writes into cards, without importing it. Without them it
would infer types from the data, and stumble over columns that are null at first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import yaml

from mmdia_dataset.schema import Split, arrow

__all__ = ["TYPES", "features_yaml", "front_text", "gate", "size_category"]

_MEDIA = {"video": "video", "audio": "audio", "image": "image"}

TYPES = {
    pa.string(): "string",
    pa.int64(): "int64",
    pa.float64(): "float64",
    pa.bool_(): "bool",
    pa.binary(): "binary",
}
"""Names of plain types in cards."""

_SIZES = (("n<1K", 10**3), ("1K<n<10K", 10**4), ("10K<n<100K", 10**5), ("100K<n<1M", 10**6), ("1M<n<10M", 10**7))


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
    return {"dtype": TYPES[field.type]}


def size_category(rows: int) -> str:
    """The Hub's word for a number of rows."""
    return next((name for name, below in _SIZES if rows < below), "10M<n<100M")


def gate() -> dict[str, Any]:
    """What somebody who asks for access is asked; of effect once the repository is gated."""
    return {
        "extra_gated_heading": "Ask for access to the annotations",
        "extra_gated_prompt": (
            "These are annotations of films, without the films. You agree to use them for research, to rebuild clips "
            "only from recordings that you may use, not to pass such clips on, and not to use them to imitate the "
            "voice or the looks of a real person."
        ),
        "extra_gated_fields": {
            "Name": "text",
            "Affiliation": "text",
            "Country": "country",
            "What I will use it for": {
                "type": "select",
                "options": ["Research", "Education", {"label": "Something else", "value": "other"}],
            },
            "I agree to use it for non-commercial research only": "checkbox",
            "I own, or may use, the films I will rebuild clips from": "checkbox",
        },
        "extra_gated_button_content": "Agree and ask for access",
    }


def front_text(
    *,
    name: str,
    title: str,
    schema: pa.Schema,
    files: Mapping[Split, Sequence[str]],
    rows: int,
    state: str,
    licence: str,
    languages: Iterable[str],
    gated: bool,
) -> str:
    """The YAML between the two lines of dashes. Same input, same text.

    Args:
        name: of the one configuration.
        title: of the dataset.
        schema: of its rows.
        files: of each split that has rows, relative to the card.
        rows: how many different ones there are.
        state: a hash of the data. Plain `load_dataset` of a folder looks at the card alone to tell whether it has the
            data in its cache, so another card must come with other data.
        licence: identifier, as the Hub knows it.
        languages: BCP 47.
        gated: whether to ask those who want access.
    """
    front: dict[str, Any] = {"pretty_name": title, "license": licence}
    if languages := sorted({code.partition("-")[0] for code in languages}):
        front["language"] = languages
    front["task_categories"] = ["text-to-speech", "text-to-video"]
    if rows:
        front["size_categories"] = [size_category(rows)]
    front["tags"] = ["dialogue", "film", "speech", "video"]
    if gated:
        front |= gate()
    if files:
        data_files = [
            {"split": split, "path": paths[0] if len(paths) == 1 else list(paths)} for split, paths in files.items()
        ]
        front["configs"] = [{"config_name": name, "default": True, "data_files": data_files}]
    front["dataset_info"] = {
        "config_name": name,
        "description": f"MM-DIA {name}, state {state}",
        "features": features_yaml(schema),
    }
    return yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=120).rstrip("\n")

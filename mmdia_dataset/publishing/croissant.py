"""Croissant JSON-LD: what a folder's data files hold, for machines (mlcommons.org/croissant, version 1.1).

A record set per data file, its fields those of the rows. Of a list of structs the parts become sub-fields; what is a
list again inside of it (the sounds of a turn) is in the Parquet alone, since Croissant has no path into it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import BaseModel

from mmdia_dataset.errors import OutputError
from mmdia_dataset.files import sha256_of
from mmdia_dataset.schema import SCHEMA_VERSION, Split, arrow

__all__ = ["CROISSANT", "croissant_text"]

CROISSANT = "croissant.json"
"""Its name beside the card."""

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_PAPER = "From Natural Alignment to Conditional Controllability in Multimodal Dialogue, ICLR 2026"
_TYPES = {pa.string(): "sc:Text", pa.int64(): "cr:Int64", pa.float64(): "cr:Float64", pa.bool_(): "sc:Boolean"}


def croissant_text(
    root: Path,
    *,
    title: str,
    words: str,
    model: type[BaseModel],
    files: Mapping[Split, Sequence[str]],
    licence: str,
    repo: str | None = None,
) -> str:
    """The JSON-LD of a folder. Same files, same bytes.

    Args:
        root: the folder.
        title: of the dataset.
        words: a sentence about it.
        model: of its rows.
        files: Parquet files of each split, relative to it; several splits may share one.
        licence: identifier.
        repo: on the Hub, for its address.

    Raises:
        OutputError: a data file can't be read.
    """
    splits: dict[str, list[Split]] = {}
    for split, paths in files.items():
        for name in paths:
            splits.setdefault(name, []).append(split)
    whole: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": title,
        "description": words,
        "version": f"{SCHEMA_VERSION}.0",
        "citeAs": _PAPER,
        "license": licence,
        "isLiveDataset": False,
        "distribution": [_file(root, name) for name in splits],
        "recordSet": [_record_set(name, those, model) for name, those in splits.items()],
    }
    if repo is not None:
        whole["url"] = f"https://huggingface.co/datasets/{repo}"
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def _file(root: Path, name: str) -> dict[str, Any]:
    try:
        size, sha256 = (root / name).stat().st_size, sha256_of(root / name)
    except OSError as error:
        raise OutputError(f"can't be read: {error.strerror}", where=root / name) from error
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": Path(name).name,
        "contentUrl": name,
        "contentSize": f"{size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": sha256,
    }


def _record_set(file: str, splits: Sequence[Split], model: type[BaseModel]) -> dict[str, Any]:
    name = Path(file).stem
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"The dialogues of {' and '.join(splits)}.",
        "key": {"@id": f"{name}/id"},
        "field": [
            _field(f"{name}/{column.name}", column, file, model.model_fields[column.name].description or "")
            for column in arrow.arrow_schema(model)
        ],
    }


def _field(id_: str, column: arrow.Field, file: str, words: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"@type": "cr:Field", "@id": id_, "name": id_, "description": words}
    kind = column.type
    if pa.types.is_list(kind):
        entry["repeated"] = True
        kind = kind.value_field.type
    if not pa.types.is_struct(kind):
        return entry | {"dataType": _TYPES[kind], "source": _source(file, column.name)}
    entry["subField"] = [
        {
            "@type": "cr:Field",
            "@id": f"{id_}/{path}",
            "name": f"{id_}/{path}",
            "dataType": _TYPES[leaf],
            "source": _source(file, column.name, path),
        }
        for path, leaf in _leaves(kind)
    ]
    return entry


def _leaves(kind: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Plain values below a struct, by their path; lists aside, and bytes, which no row has."""
    for field in kind:
        if pa.types.is_struct(field.type):
            yield from _leaves(field.type, f"{above}{field.name}.")
        elif field.type in _TYPES:
            yield f"{above}{field.name}", field.type


def _source(file: str, column: str, path: str | None = None) -> dict[str, Any]:
    source: dict[str, Any] = {"fileObject": {"@id": file}, "extract": {"column": column}}
    return source if path is None else source | {"transform": {"jsonPath": path}}

"""Models to Arrow and to JSON Schema: the one converter.

An Arrow schema is read off a model's annotations. What Arrow has no type for is kept in a field's metadata, so that
others (the loader, the card) need not look at the models again:

- ``labels``: a closed vocabulary, as a JSON list; stored as its words.
- ``json``: free-form JSON, stored as its text.
- ``media``: a media column, a struct of bytes and path.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

import pyarrow as pa
from pydantic import BaseModel, TypeAdapter

from mmdia_dataset import schema

__all__ = [
    "JSON_SCHEMAS",
    "arrow_schema",
    "from_arrow",
    "is_json",
    "is_media",
    "json_schema",
    "labels_of",
    "to_table",
]

_SCALARS: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
}

Field: TypeAlias = "pa.Field[Any]"
M = TypeVar("M", bound=BaseModel)

JSON_SCHEMAS: dict[str, Any] = {
    "dialogue": schema.Dialogue,
    "movie": schema.Movie,
    "splits": schema.Splits,
    "passport": schema.Passport,
    "edition": schema.Edition,
    "manifest_line": schema.ManifestLine,
    "issue": schema.Issue,
    "certificate": schema.Certificate,
    "subset": schema.Subset,
    "answer": schema.Answer,
    "sample": schema.Sample,
    "shard_index": schema.ShardIndex,
}
"""File name stem of each published JSON Schema, and the model it describes."""


@cache
def arrow_schema(model: type[BaseModel]) -> pa.Schema:
    """The Arrow schema of a model, one column per field, in the order of the fields."""
    return pa.schema(list(_struct_fields(model)))


def _struct_fields(model: type) -> Iterator[Field]:
    if dataclasses.is_dataclass(model):
        hints = get_type_hints(model, include_extras=True)
        for item in dataclasses.fields(model):
            yield _field(item.name, hints[item.name])
    else:
        for name, info in model.model_fields.items():  # type: ignore[attr-defined]
            yield _field(name, info.annotation)


def _field(name: str, annotation: Any) -> Field:
    inner, nullable = _optional(annotation)
    metadata: dict[str, str] = {}
    data_type: pa.DataType
    if get_origin(inner) is Literal:
        data_type = pa.string()
        metadata["labels"] = json.dumps(get_args(inner))
    elif get_origin(inner) is dict:
        data_type = pa.string()
        metadata["json"] = "true"
    elif get_origin(inner) is tuple:
        data_type = pa.list_(_field("item", get_args(inner)[0]))
    elif inner in _SCALARS:
        data_type = _SCALARS[inner]
    elif isinstance(inner, type):
        data_type = pa.struct(list(_struct_fields(inner)))
        if inner is schema.Media:
            metadata["media"] = name
    else:
        raise TypeError(f"{name}: Arrow has no type for {annotation!r}")
    return pa.field(name, data_type, nullable=nullable, metadata=metadata or None)


def _optional(annotation: Any) -> tuple[Any, bool]:
    """The annotation without Annotated and without None, and whether None was allowed."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        members = [a for a in get_args(annotation) if a is not types.NoneType]
        if len(members) != 1:
            raise TypeError(f"Arrow columns hold one type, not {annotation!r}")
        return _optional(members[0])[0], True
    return annotation, False


def labels_of(field: Field) -> list[str] | None:
    """The closed vocabulary of an Arrow field, or None if it has none."""
    text = (field.metadata or {}).get(b"labels")
    return None if text is None else json.loads(text)


def is_json(field: Field) -> bool:
    """Whether an Arrow field holds free-form JSON as text."""
    return b"json" in (field.metadata or {})


def is_media(field: Field) -> bool:
    """Whether an Arrow field is a media column."""
    return b"media" in (field.metadata or {})


def to_table(items: Iterable[M], model: type[M]) -> pa.Table:
    """Items of one model as an Arrow table, column by column.

    Raises:
        pyarrow.ArrowInvalid: one of the items is of another model.
    """
    rows = list(items)
    for row in rows:
        if type(row) is not model:
            raise pa.ArrowInvalid(f"{type(row).__name__} is no {model.__name__}")
    schema = arrow_schema(model)
    columns = [_column([getattr(row, field.name) for row in rows], field) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(values: list[Any], field: Field) -> Any:
    """Values of one field as an array; nested models are taken apart into columns of their own."""
    kind = field.type
    if is_json(field):
        return pa.array([_json_text(value) for value in values], kind)
    if isinstance(kind, pa.ListType):
        offsets, items = [0], []
        for value in values:
            items.extend(value)
            offsets.append(len(items))
        starts = pa.array(offsets, pa.int32())
        return pa.ListArray.from_arrays(starts, _column(items, kind.value_field), type=kind)
    if isinstance(kind, pa.StructType):
        absent = [value is None for value in values]
        columns = [
            _column([None if value is None else getattr(value, inner.name) for value in values], inner)
            for inner in kind
        ]
        mask = pa.array(absent) if any(absent) else None
        return pa.StructArray.from_arrays(columns, fields=list(kind), mask=mask)
    return pa.array(values, kind)


def from_arrow(batch: pa.Table | pa.RecordBatch, model: type[M]) -> Iterator[M]:
    """Rows of a table as items of a model; the inverse of `to_table`.

    Raises:
        pydantic.ValidationError: a row is no such item.
    """
    for row in batch.to_pylist():
        yield model.model_validate(from_row(row, model))


def from_row(row: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """A row as Arrow or `datasets` gives it, with its JSON columns parsed; ready for ``model.model_validate``."""
    parsed = dict(row)
    for name in _json_columns(model):
        if isinstance(parsed.get(name), str):
            parsed[name] = json.loads(parsed[name])
    return parsed


@cache
def _json_columns(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(field.name for field in arrow_schema(model) if is_json(field))


def _json_text(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if value else "{}"


def json_schema(name: str) -> dict[str, Any]:
    """The published JSON Schema (draft 2020-12) of one of `JSON_SCHEMAS`.

    JSON Schema knows one kind of number: it can't refuse 1.0 where an integer is wanted, the models do.
    """
    generated = TypeAdapter(JSON_SCHEMAS[name]).json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:mm-dia:schema:{schema.SCHEMA_VERSION}:{name}",
        "version": schema.SCHEMA_VERSION,
        **generated,
    }

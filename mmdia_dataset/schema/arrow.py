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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate
from operator import attrgetter
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from mmdia_dataset import schema

__all__ = [
    "JSON_SCHEMAS",
    "Many",
    "Maybe",
    "arrow_schema",
    "check_version",
    "columns_to_table",
    "from_arrow",
    "holds",
    "is_json",
    "is_media",
    "json_schema",
    "labels_of",
    "stored_schema",
    "to_table",
]

_SCALARS: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
}

_VERSION = "mmdia_version"

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


def stored_schema(model: type[BaseModel]) -> pa.Schema:
    """The schema of a Parquet file of rows of a model: it says the version of its format."""
    return arrow_schema(model).with_metadata({_VERSION: schema.FORMAT_VERSION})


def check_version(file: pq.ParquetFile) -> None:
    """Refuse a Parquet file of a newer major version. Raises FormatError."""
    held = (file.metadata.metadata or {}).get(_VERSION.encode())
    newer = None if held is None else schema.newer_major(held.decode("ascii", "replace"))
    if newer is not None:
        raise newer


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
            raise pa.ArrowInvalid(f"{type(row).__name__} is not a {model.__name__}")
    return columns_to_table({field.name: _taken(rows, field) for field in arrow_schema(model)}, model)


class Many(NamedTuple):
    """A column of lists: how many items each has, and the column of all items."""

    counts: Sequence[int]
    items: Column


class Maybe(NamedTuple):
    """A column of structs of which some may be absent, and their columns, which have a place for those too."""

    absent: Sequence[bool]
    columns: Mapping[str, Column]


Column: TypeAlias = "Sequence[Any] | Mapping[str, Column] | Many | Maybe"
"""Values one below the other, lists and structs taken apart into columns of their own."""


def columns_to_table(columns: Mapping[str, Column], model: type[BaseModel]) -> pa.Table:
    """The table of a model from plain columns.

    Raises:
        pyarrow.ArrowInvalid, OverflowError, UnicodeError: a value no column can hold.
    """
    schema = arrow_schema(model)
    return pa.Table.from_arrays([_array(columns[field.name], field) for field in schema], schema=schema)


def _taken(rows: list[Any], field: Field) -> Column:
    """One field of each of many models, taken apart; rows that are None have None in every column."""
    try:
        values = list(map(attrgetter(field.name), rows))
    except AttributeError:  # of None
        values = [None if row is None else getattr(row, field.name) for row in rows]
    return _apart(values, field)


def _apart(values: list[Any], field: Field) -> Column:
    kind = field.type
    if isinstance(kind, pa.ListType):
        items = [item for value in values for item in value]
        return Many(list(map(len, values)), _apart(items, kind.value_field))
    if isinstance(kind, pa.StructType):
        return Maybe([value is None for value in values], {inner.name: _taken(values, inner) for inner in kind})
    return values


def _array(column: Any, field: Field) -> Any:
    kind = field.type
    if is_json(field):
        return pa.array(map(_json_text, column), kind)
    if isinstance(kind, pa.ListType):
        starts = pa.array([0, *accumulate(column.counts)], pa.int32())
        return pa.ListArray.from_arrays(starts, _array(column.items, kind.value_field), type=kind)
    if isinstance(kind, pa.StructType):
        absent, columns = column if isinstance(column, Maybe) else ((), column)
        arrays = [_array(columns[inner.name], inner) for inner in kind]
        mask = pa.array(absent, pa.bool_()) if any(absent) else None
        return pa.StructArray.from_arrays(arrays, fields=list(kind), mask=mask)
    return pa.array(column, kind)


def holds(table: pa.Table, model: type[BaseModel]) -> bool:
    """Whether every row keeps what the model demands, of values that already have the types of its Arrow schema.

    pydantic checks only the least and the greatest of numbers, and each different text once. Demands on more than one
    field are not checked, nor are JSON columns, nor None in place of a value.
    """
    try:
        for name, judge in _judges(model).items():
            judge(table.column(name).combine_chunks())
    except ValidationError:
        return False
    return True


Judge = Callable[[Any], None]


@cache
def _judges(model: type[BaseModel]) -> dict[str, Judge]:
    return {
        name: _judge(Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation)
        for name, info in model.model_fields.items()
    }


def _judge(annotation: Any) -> Judge:
    """What looks at an array of a field, and raises ValidationError."""
    import pyarrow.compute as pc  # many commands do without

    inner, _ = _optional(annotation)
    if get_origin(inner) is tuple:
        judge = _judge(get_args(inner)[0])
        return lambda array: judge(array.flatten())
    if get_origin(inner) is dict:
        return lambda _: None
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        judges = list(_judges(inner).values())

        def each(array: Any) -> None:
            for judge, column in zip(judges, array.flatten(), strict=True):
                judge(column)

        return each
    if dataclasses.is_dataclass(inner):
        whole = TypeAdapter(annotation)

        def extremes(array: Any) -> None:
            ends = [pc.min_max(column).as_py() for column in array.flatten()]
            for end in ("min", "max"):
                whole.validate_python({part.name: limits[end] for part, limits in zip(array.type, ends, strict=True)})

        return lambda array: extremes(array) if len(array) else None
    if inner is str and annotation in (str, str | None):
        return lambda _: None  # any text will do
    every = TypeAdapter(list[annotation], config=ConfigDict(strict=True, regex_engine="python-re"))
    numeric = inner in (int, float)

    def different(array: Any) -> None:
        values = pc.min_max(array).as_py().values() if numeric else pc.unique(array).to_pylist()
        every.validate_python([value for value in values if value is not None])

    return different


_AT_ONCE = 20


def from_arrow(batch: pa.Table | pa.RecordBatch, model: type[M]) -> Iterator[M]:
    """Rows of a table as items of a model; the inverse of `to_table`.

    Raises:
        pydantic.ValidationError: a row does not fit the model.
    """
    for start in range(0, len(batch), _AT_ONCE):  # few objects at a time: many would be work for the garbage collector
        for row in batch.slice(start, _AT_ONCE).to_pylist():
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


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _json_text(value: dict[str, Any]) -> str:
    return _encode(value) if value else "{}"


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

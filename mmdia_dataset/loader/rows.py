"""Rows as `datasets` stores them: the columns of the models, with labels as numbers and paths of media absolute.

It would convert tables itself, but a label at a time in Python; here whole columns are converted by Arrow.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mmdia_dataset.errors import shown
from mmdia_dataset.schema import Model, arrow

__all__ = ["row_schema", "to_rows"]


# Columns that built directories of earlier versions do not have: no key frames, and sound cut from films.
_LATER = ("keyframes", "audio_kind")


@lru_cache
def row_schema(model: type[Model]) -> pa.Schema:
    """The Arrow schema of rows of a model: as the models', with labels as numbers and everything nullable."""
    return pa.schema([(item.name, _row_type(item)) for item in arrow.arrow_schema(model)])


def _row_type(item: arrow.Field) -> pa.DataType:
    if arrow.labels_of(item) is not None:
        return pa.int64()
    if pa.types.is_list(item.type):
        return pa.list_(_row_type(item.type.value_field))
    if pa.types.is_struct(item.type):
        return pa.struct([(inner.name, _row_type(inner)) for inner in item.type])
    data_type: pa.DataType = item.type
    return data_type


def to_rows(table: pa.Table, model: type[Model], root: Path) -> pa.Table:
    """A stored table as rows; relative paths of media are taken from `root`.

    Raises:
        ValueError: a column is missing or of another type, or a label is not in its vocabulary.
    """
    columns = []
    for item in arrow.arrow_schema(model):
        if item.name not in table.column_names:
            if item.name not in _LATER:
                raise ValueError(f"the column {item.name!r} is missing")
            columns.append(_later(table, item))
            continue
        try:
            column = table.column(item.name)
            whole = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
            columns.append(_row_array(whole, item, root))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, ValueError) as error:
            raise ValueError(f"column {item.name!r}: {error}") from None
    return pa.Table.from_arrays(columns, schema=row_schema(model))


def _later(table: pa.Table, item: arrow.Field) -> Any:
    if item.name == "keyframes":
        return pa.array([[]] * len(table), _row_type(item))
    cut = pa.array(["film"] * len(table), pa.string())
    return _row_array(pc.if_else(table.column("audio").combine_chunks().is_valid(), cut, None), item, Path())


def _row_array(array: Any, item: arrow.Field, root: Path) -> Any:
    labels = arrow.labels_of(item)
    if labels is not None:
        return _numbers(array, labels)
    if arrow.is_media(item):
        return _media(array, root)
    if pa.types.is_list(item.type):
        if not (pa.types.is_list(array.type) or pa.types.is_large_list(array.type)):
            raise ValueError(f"expected lists, not {array.type}")
        values = _row_array(array.values, item.type.value_field, root)
        offsets = array.offsets.cast(pa.int32())
        if not array.null_count:
            return pa.ListArray.from_arrays(offsets, values)
        whole = pa.array(offsets.to_numpy(), pa.int32())  # a mask does not go with offsets that are a slice
        return pa.ListArray.from_arrays(whole, values, mask=pc.is_null(array))
    if pa.types.is_struct(item.type):
        if not pa.types.is_struct(array.type):
            raise ValueError(f"expected structs, not {array.type}")
        # Flattened, a null struct has null fields; as stored, they may hold anything.
        parts = dict(zip((inner.name for inner in array.type), array.flatten(), strict=True))
        missing = [part.name for part in item.type if part.name not in parts]
        if missing:
            raise ValueError(f"the field {missing[0]!r} is missing")
        inner = [_row_array(parts[part.name], part, root) for part in item.type]
        fields = [pa.field(part.name, _row_type(part)) for part in item.type]
        return pa.StructArray.from_arrays(inner, fields=fields, mask=pc.is_null(array) if array.null_count else None)
    return array if array.type == item.type else array.cast(item.type)


def _numbers(array: Any, labels: Sequence[str]) -> Any:
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type) or pa.types.is_null(array.type)):
        raise ValueError(f"expected labels ({', '.join(labels)}), not {array.type}")
    numbers = pc.index_in(array.cast(pa.string()), value_set=pa.array(labels, pa.string())).cast(pa.int64())
    if numbers.null_count != array.null_count:
        unknown = pc.filter(array, pc.and_(pc.is_null(numbers), pc.is_valid(array)))[0].as_py()
        raise ValueError(f"{unknown!r} is not in the vocabulary {', '.join(labels)}")
    return numbers


# A row may only name files inside its folder: it may come from a stranger.
_OUTSIDE = r"^/|(?:^|/)\.\.(?:/|$)|://|\\|[\x00-\x1f]"


def _media(array: Any, root: Path) -> Any:
    path = array.field("path").cast(pa.string())
    outside = pc.filter(path, pc.match_substring_regex(path, _OUTSIDE))
    if len(outside):
        raise ValueError(f"{shown(outside[0].as_py())!r} lies outside the folder")
    path = pc.binary_join_element_wise(os.fspath(root), path, "/")
    fields: list[arrow.Field] = [pa.field("bytes", pa.binary()), pa.field("path", pa.string())]
    content = array.field("bytes").cast(pa.binary())
    return pa.StructArray.from_arrays([content, path], fields=fields, mask=pc.is_null(array))

"""The columns of rows, as `datasets` has them."""

from __future__ import annotations

from typing import Any

import datasets
import pyarrow as pa

from mmdia_dataset.schema import Clip, Model, arrow

__all__ = ["features"]

_MEDIA = {"audio": datasets.Audio, "image": datasets.Image, "video": datasets.Video}


def features(model: type[Model] = Clip, *, decode: bool = False) -> datasets.Features:
    """The `datasets` features of a model, read off its Arrow schema.

    Labels are class labels, null if unknown; lists are lists of structs; JSON stays text. Media columns are dicts of
    path and bytes, or with `decode` whatever `datasets` decodes them to.
    """
    return datasets.Features({item.name: _feature(item, decode) for item in arrow.arrow_schema(model)})


def _feature(item: arrow.Field, decode: bool) -> Any:
    labels = arrow.labels_of(item)
    if labels is not None:
        return datasets.ClassLabel(names=labels)
    if arrow.is_media(item):
        return _MEDIA[item.name](decode=decode)
    if pa.types.is_list(item.type):
        return [_feature(item.type.value_field, decode)]  # in every version, a list of structs and no struct of lists
    if pa.types.is_struct(item.type):
        return {inner.name: _feature(inner, decode) for inner in item.type}
    return datasets.Value(str(item.type).replace("double", "float64"))

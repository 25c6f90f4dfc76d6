"""Samples as rows: turns the samples of any tar reader into the rows of the loader.

A sample is a dict with the key under ``__key__``, the dialogue under ``json`` (bytes, text, or
decoded, labels as words or as numbers) and media by their endings (bytes, or a dict of bytes and path).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from mmdia_dataset.errors import ConfigError, ShardsUnreadable
from mmdia_dataset.schema import Clip, Split, arrow
from mmdia_dataset.shards.index import read_index, splits_of
from mmdia_dataset.shards.shard_card import kind_of
from mmdia_dataset.shards.stores import Store
from mmdia_dataset.shards.tar_samples import JSON

if TYPE_CHECKING:
    import webdataset

__all__ = ["open_shards", "row_of", "shard_urls"]

Convert: TypeAlias = Callable[[Any], Any]
Columns: TypeAlias = tuple[tuple[str, Convert | None], ...]


def shard_urls(shards: str, split: Split | str | None = None) -> list[str]:
    """Paths or URLs of a set's shards, of one split or of all, in order.

    Raises:
        ConfigError: there is no such split.
        ShardsUnreadable: there is no index, or it can't be read.
    """
    store = Store(shards)
    index = read_index(store)
    if index is None:
        raise ShardsUnreadable("index.json is missing", where=store.url, hint="give a folder that `mmdia pack` wrote")
    present = splits_of(index)
    if split is not None and split not in present:
        raise ConfigError(f"the shards have no split {split!r}", where=store.url, hint=f"it has {', '.join(present)}")
    base = store.url.rstrip("/")
    return [f"{base}/{shard.file}" for name, mine in present.items() if split in (None, name) for shard in mine]


def open_shards(shards: str, split: str | None = None, **options: Any) -> webdataset.WebDataset:
    """A `webdataset.WebDataset` of rows as the loader gives them, with media as bytes.

    Args:
        shards: the output of `pack`: a folder, or any URL that fsspec knows.
        split: read only this split.
        options: for `webdataset.WebDataset`, such as ``shardshuffle=100`` or ``nodesplitter=webdataset.split_by_node``.

    Raises:
        ConfigError, ShardsUnreadable: as `shard_urls`.
    """
    import webdataset

    samples = webdataset.WebDataset(shard_urls(shards, split), **{"shardshuffle": False, **options})
    if Store(shards).local is None:
        # What webdataset opens by itself are files and what it has programs for, such as curl.
        opener = webdataset.cache.StreamingOpen
        samples.pipeline = [_opened if isinstance(stage, opener) else stage for stage in samples.pipeline]
    return samples.compose(_rows)


def _opened(shards: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Shards with a stream of their bytes, wherever fsspec reaches them."""
    for shard in shards:
        folder, _, name = shard["url"].rpartition("/")
        with Store(folder).open(name) as stream:
            yield {**shard, "stream": stream}


def _rows(samples: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    return map(row_of, samples)  # WebDataset's own map would add keys to a row


def row_of(sample: Mapping[str, Any]) -> dict[str, Any]:
    """A decoded sample as the row of `clips` that the loader gives: labels as numbers, media as bytes and path.

    Raises:
        ValueError: the sample was not made by `pack`, its `json` is broken, or a label is not in its vocabulary.
    """
    dialogue = sample.get(JSON)
    if isinstance(dialogue, (bytes, bytearray, str)):
        dialogue = json.loads(dialogue)
    if not isinstance(dialogue, Mapping):
        raise ValueError(  # noqa: TRY004 - data, not a caller's mistake
            f"the sample {sample.get('__key__')!r} has no dialogue in its json"
        )
    media = dict(_media(sample))
    pictures = dialogue.get("keyframes") or []
    values = {
        **dialogue,
        "video": next((media[name] for name in media if kind_of(name) == "video"), None),
        "audio": next((media[name] for name in media if kind_of(name) == "audio"), None),
        "keyframes": [{**picture, "image": media.get(picture["member"])} for picture in pictures],
    }
    return _struct(values, _columns())


def _media(sample: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in sample.items():
        if value is None or kind_of(name) is None or "__" in name:
            continue
        if isinstance(value, Mapping):
            yield name, {"bytes": value.get("bytes"), "path": value.get("path")}
        else:
            yield name, {"bytes": bytes(value), "path": f"{sample.get('__key__')}.{name}"}


@cache
def _columns() -> Columns:
    return tuple((field.name, _converter(field)) for field in arrow.arrow_schema(Clip))


def _converter(field: arrow.Field) -> Convert | None:
    """What brings a value of a column into the form that `datasets` gives; None where it has that already."""
    if arrow.is_media(field):
        return None
    labels = arrow.labels_of(field)
    if labels is not None:
        return partial(_label, labels)
    if isinstance(field.type, pa.ListType):
        return partial(_list, _converter(field.type.value_field))
    if isinstance(field.type, pa.StructType):
        return partial(_optional_struct, tuple((inner.name, _converter(inner)) for inner in field.type))
    return _float if pa.types.is_floating(field.type) else None


def _label(labels: list[str], value: Any) -> Any:
    return value if value is None or isinstance(value, int) else labels.index(value)


def _list(convert: Convert | None, value: Any) -> Any:
    return value if value is None else list(value) if convert is None else [convert(item) for item in value]


def _optional_struct(columns: Columns, value: Any) -> Any:
    return None if value is None else _struct(value, columns)


def _struct(value: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    return {name: value.get(name) if convert is None else convert(value.get(name)) for name, convert in columns}


def _float(value: Any) -> Any:
    return None if value is None else float(value)

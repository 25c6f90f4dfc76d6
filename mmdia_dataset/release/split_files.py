"""Splits files: which dialogue is in which split, in upstream's JSON file or in ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from mmdia_dataset.errors import ReleaseUnreadable
from mmdia_dataset.files import write_text
from mmdia_dataset.release.jsonfile import read_json
from mmdia_dataset.release.rules import EntryError, make_issue
from mmdia_dataset.schema import FORMAT_VERSION, Issue, Split, Splits, newer_major
from mmdia_dataset.schema.base import Id

__all__ = [
    "is_bench_list",
    "looks_like_splits",
    "membership",
    "part_name",
    "read_splits",
    "splits_of_file",
    "write_splits",
]

_NAMES: dict[str, Split] = {
    "train": "train",
    "eval": "validation",
    "validation": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "hard": "hard",
    "bench": "bench",
}
_BENCH_FILES = ("bench", "bench_ids", "mm_dia_bench", "mm-dia-bench")
_ID = TypeAdapter(Id, config=ConfigDict(strict=True, regex_engine="python-re"))


def looks_like_splits(value: dict[str, Any]) -> bool:
    """Whether an object is a splits file: known split names with lists of texts. The object may be cut short."""
    named = [items for key, items in value.items() if key.casefold() in _NAMES]
    return bool(named) and all(
        type(items) is list and all(type(item) in (str, int) for item in items[:20]) for items in named
    )


def is_bench_list(path: Path, value: Any) -> bool:
    """Whether a file is the list of the benchmark's ids: by its name, and because it holds only texts."""
    return (
        path.stem.casefold() in _BENCH_FILES and type(value) is list and all(type(item) is str for item in value[:20])
    )


def part_name(name: str) -> Split | None:
    """A split by any of its names, upstream's `eval` being `validation`; None if the name is unknown."""
    return _NAMES.get(name.casefold())


def splits_of_file(path: Path) -> tuple[Splits, list[Issue]]:
    """The splits of a given file, and what is wrong in it.

    Raises:
        ReleaseUnreadable: it is not a splits file.
    """
    hint = 'give a JSON file such as {"train": ["tt0114388_clip_64"], "eval": [], "test": []}'
    try:
        value, _ = read_json(path)
        if type(value) is not dict or not looks_like_splits(value):
            raise ReleaseUnreadable("this is not a splits file", where=path, hint=hint)
        splits, issues = read_splits(path, path.name)
    except EntryError as error:
        raise ReleaseUnreadable(error.message, where=path, at=error.at or None, hint=hint) from error
    return splits or Splits(), issues


def read_splits(path: Path, name: str) -> tuple[Splits | None, list[Issue]]:
    """The splits of a file, and what was wrong in it.

    Raises:
        EntryError: it is unreadable.
        ReleaseUnreadable: a newer program wrote it.
    """
    value, _ = read_json(path)
    issues: list[Issue] = []
    lists: dict[str, list[str]] = {}
    choices = ", ".join(dict.fromkeys(_NAMES.values()))
    if type(value) is list:
        value = {"bench": value}
    newer = newer_major(value.get("version"))
    if newer is not None:
        raise ReleaseUnreadable(newer.what, where=path, hint=newer.hint)
    for key, items in value.items():
        if key == "version" and type(items) is str:
            continue
        split = _NAMES.get(key.casefold())
        if split is None or type(items) is not list:
            count = f" of {len(items)} ids" if type(items) is list else ""
            message = f"unknown split {key!r}; its list{count} is ignored"
            issues.append(make_issue("unknown-split", name, f"$.{key}", message, f"known splits are {choices}"))
            continue
        good = lists.setdefault(split, [])
        for place, item in enumerate(items):
            try:
                good.append(_ID.validate_python(item.replace(" ", "_") if type(item) is str else item, strict=True))
            except ValidationError:
                issues.append(make_issue("bad-split-id", name, f"$.{key}[{place}]", f"{item!r:.80} is not a valid id"))
    return Splits.model_validate(lists), issues


def membership(splits: Splits) -> dict[str, tuple[Split, ...]]:
    """The splits of each id that is in a split."""
    by_id: dict[str, tuple[Split, ...]] = {}
    for split, ids in splits.lists():
        for id_ in ids:
            before = by_id.get(id_, ())
            if split not in before:
                by_id[id_] = (*before, split)
    return by_id


def write_splits(splits: Splits, path: Path, *, upstream: bool = False) -> None:
    """Write a splits file: ours, or with upstream's names (`validation` as `eval`). Raises OutputError."""
    named = {"eval" if upstream and split == "validation" else split: list(ids) for split, ids in splits.lists()}
    if upstream and not named["bench"]:
        del named["bench"]
    value = named if upstream else {"version": FORMAT_VERSION, **named}
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")

"""What a file holds, from its first part and never from its name."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic_core import from_json

from mmdia_dataset.release.rules import EntryError
from mmdia_dataset.release.split_files import is_bench_list, looks_like_splits
from mmdia_dataset.schema import Dialogue, Movie

__all__ = ["DIALECTS", "Dialect", "Kind", "clips_key", "entry_dialect", "is_lines", "kind_of"]

Dialect = Literal["parquet", "jsonl", "srt", "utterances", "training"]
Kind = Literal["parquet", "jsonl", "srt", "utterances", "training", "splits", "movies", "known", "other"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
"""Richest first."""

HEAD = 256 * 1024
_CLIPS = ("clips", "dialogues", "dialogs", "data")
_MAX_WHOLE = 256 * 1024 * 1024
_COLUMNS = set(Dialogue.model_fields)
_REQUIRED = {name for name, field in Dialogue.model_fields.items() if field.is_required()}


def kind_of(path: Path, *, newer: bool = False) -> Kind:
    """What a .json, .jsonl or .parquet file holds; `known` is another file of ours, without annotations.

    Args:
        path: the file.
        newer: whether a newer program wrote our own lines, which may have further keys then.

    Raises:
        EntryError: the file can't be opened, or does not start with JSON.
    """
    try:
        if path.suffix.lower() == ".parquet":
            return _parquet(path)
        with path.open("rb") as file:
            head = file.read(HEAD)
        kind = _json(head, newer)
        if kind == "other" and len(head) == HEAD and path.stat().st_size <= _MAX_WHOLE:
            kind = _json(path.read_bytes(), newer)
        if kind == "other" and _is_bench(path, head):
            kind = "splits"
    except OSError as error:
        raise EntryError("unreadable", f"the file can't be read: {(error.strerror or str(error)).lower()}") from error
    return kind


def _is_bench(path: Path, head: bytes) -> bool:
    try:
        return is_bench_list(path, from_json(head.removeprefix(codecs.BOM_UTF8), allow_partial=True))
    except ValueError:
        return False


def _parquet(path: Path) -> Kind:
    try:
        names = set(pq.read_schema(path).names)
    except (pa.ArrowException, ValueError) as error:
        raise EntryError("bad-parquet", f"can't be read as Parquet: {first_line(error)}") from error
    return "parquet" if names >= _REQUIRED else "other"


def first_line(error: Exception) -> str:
    """The first line of a foreign error's message."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _json(head: bytes, newer: bool) -> Kind:
    head = head.removeprefix(codecs.BOM_UTF8)
    try:
        value = from_json(head, allow_partial=True)
    except ValueError as whole:
        try:
            value = from_json(head.lstrip().partition(b"\n")[0], allow_partial=True)
        except ValueError:
            raise EntryError("not-json", f"the file does not start with JSON: {whole}") from None
    return _kind(value, newer)


def _kind(value: Any, newer: bool) -> Kind:
    if type(value) is dict and looks_like_splits(value):
        return "splits"
    if type(value) is dict:
        key = clips_key(value)
        entries = value[key] if key else [value]
    else:
        entries = value if type(value) is list else []
    for entry in entries:
        if (dialect := entry_dialect(entry, newer=newer)) is not None:
            return dialect
    if type(value) is dict:
        if clips_key(value) == "clips" and ("movie" in value or len(value) == 1) and not value["clips"]:
            return "srt"
        if "id" in value and "batch" in value and value.keys() <= Movie.model_fields.keys():
            return "movies"
        if "movie" in value and ("pieces" in value or "frame_rate" in value):
            return "known"  # an edition, a passport
        if "$schema" in value or "made_by" in value or "@context" in value:
            return "known"  # a schema, a mark of ours, Croissant
        if {"status", "mode", "span"} <= value.keys():
            return "known"  # a manifest
    return "other"


def entry_dialect(entry: Any, *, newer: bool = False) -> Dialect | None:
    """The dialect of one dialogue's JSON object; `newer` as in `kind_of`."""
    if type(entry) is not dict:
        return None
    if "srt" in entry:
        return "srt"
    if "utterances" in entry:
        return "utterances"
    if "dialog_id" in entry or "segments" in entry:
        return "training"
    if "turns" in entry and "id" in entry and (newer or entry.keys() <= _COLUMNS):
        return "jsonl"
    return None


def clips_key(top: dict[str, Any]) -> str | None:
    """The key under which a file's object lists its dialogues."""
    for key in _CLIPS:
        if type(top.get(key)) is list:
            return key
    return None


def is_lines(path: Path) -> bool:
    """Whether a file is JSON Lines: its first line is a whole value, and something follows."""
    try:
        with path.open("rb", buffering=2**20) as file:  # the first line may be all of it
            first = file.readline()
            rest = file.read(4096)
    except OSError:
        return False
    if not rest.strip():
        return path.suffix.lower() == ".jsonl"
    try:
        from_json(first.removeprefix(codecs.BOM_UTF8))
    except ValueError:
        # A damaged first line makes no document of the file: the next line tells.
        return path.suffix.lower() == ".jsonl" and rest.lstrip()[:1] == b"{"
    return True

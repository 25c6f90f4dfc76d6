"""README.md of a set of shards: with YAML, so that plain `load_dataset(folder)` knows splits and features."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import yaml

from mmdia_dataset.schema import Sample, ShardIndex, Split
from mmdia_dataset.shards.index import splits_of
from mmdia_dataset.shards.tar_samples import JSON

__all__ = ["README", "columns_fit", "kind_of", "sample_features", "shards_card"]

README = "README.md"
_MOST_COLUMNS = 10_000  # and what they consist of

DIALOGUE_COLUMNS = "ee928523ae3aeda3d9b5875beb3cf755f5f4fe13bceff738f8ebef8552024e6d"
"""The `columns_digest` of the column `json`, see `columns_fit`."""

_EARLIER_COLUMNS = ("835bbbc2c758b1abb21092488cda4e67a62803871eb36d8c04e8c450aa72b0d3",)  # of format 1.0

_KINDS = {
    **dict.fromkeys(("mp4", "mkv", "mov", "webm", "avi"), "video"),
    **dict.fromkeys(("wav", "flac", "mp3", "ogg", "opus"), "audio"),
    **dict.fromkeys(("jpg", "jpeg", "png", "webp"), "image"),
}


def kind_of(member: str) -> str | None:
    """Whether a member is a video, an audio or an image, by its ending; None if it is something else."""
    return _KINDS.get(member.rsplit(".", 1)[-1].lower())


def sample_features(members: tuple[str, ...]) -> list[dict[str, Any]]:
    """The columns of samples as the `dataset_info.features` of a card.

    Media are plain bytes: as `Audio`, `datasets` could not even read a shard without torch and torchcodec. Who has them
    casts the column.
    """
    from mmdia_dataset import publishing as cards
    from mmdia_dataset.schema import arrow

    columns: list[dict[str, Any]] = [{"name": "__key__", "dtype": "string"}, {"name": "__url__", "dtype": "string"}]
    for member in members:
        if member == JSON:
            columns.append({"name": member, "struct": cards.features_yaml(arrow.arrow_schema(Sample))})
        else:
            columns.append({"name": member, "dtype": "binary"})
    return columns


def columns_fit(columns: object, members: Sequence[str]) -> bool:
    """Whether these are the `sample_features` of samples that have these members.

    This compares a hash of the dialogue's columns, which a test keeps up to date. Making the columns again would load
    Arrow, which takes longer than checking a small set of shards.
    """
    expected_columns: list[Any] = [{"name": "__key__", "dtype": "string"}, {"name": "__url__", "dtype": "string"}]
    expected_columns += [JSON if member == JSON else {"name": member, "dtype": "binary"} for member in members]
    if not isinstance(columns, list) or len(columns) != len(expected_columns):
        return False
    return all(
        columns_digest(column) in (DIALOGUE_COLUMNS, *_EARLIER_COLUMNS) if expected == JSON else column == expected
        for column, expected in zip(columns, expected_columns, strict=True)
    )


def columns_digest(columns: object) -> str:
    """Hash of YAML, independent of the order of its keys; empty if it is larger than columns can be.

    YAML can name a part of itself many times over: what it holds must not be written out.
    """
    digest, waiting = hashlib.sha256(), [columns]
    for _ in range(_MOST_COLUMNS):
        if not waiting:
            return digest.hexdigest()
        node = waiting.pop()
        if isinstance(node, dict):
            digest.update(b"{%d" % len(node))
            waiting += [part for key in sorted(node, key=repr) for part in (key, node[key])]
        elif isinstance(node, list):
            digest.update(b"[%d" % len(node))
            waiting += node
        else:
            digest.update(f"{node!r}\n".encode("utf-8", "replace"))
    return ""


def shards_card(index: ShardIndex) -> str:
    """README.md of a set of shards. Same index, same bytes."""
    from mmdia_dataset import publishing as cards

    splits = splits_of(index)
    front: dict[str, Any] = {"pretty_name": "MM-DIA clips, in shards", "tags": ["dialogue", "speech", "webdataset"]}
    if splits:
        files = [{"split": split, "path": f"data/{split}-*.tar"} for split in splits]
        front["configs"] = [{"config_name": "clips", "default": True, "data_files": files}]
    # datasets looks at the card alone to tell whether it has the data in its cache already.
    front["dataset_info"] = {
        "config_name": "clips",
        "description": f"MM-DIA clips in shards, state {index.sha256[:16]}",
        "features": sample_features(index.members),
    }
    first: Split = next(iter(splits), "train")
    count = len(splits[first]) if first in splits else 0
    last = f"{{00000..{count - 1:05}}}" if count > 1 else "00000"
    rows = [
        f"| {split} | {sum(shard.samples for shard in shards):,} | {len(shards):,} |"
        for split, shards in splits.items()
    ]
    return cards.template("shards.md").substitute(
        front_matter=yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=120).rstrip("\n"),
        samples=f"{index.samples:,}",
        shards=f"{len(index.shards):,}",
        size=f"{index.bytes / 1e6:,.1f} MB",
        members=", ".join(f"`{member}`" for member in index.members if member != JSON) or "none",
        splits="\n".join(rows),
        first_split=first,
        first_shards=f"data/{first}-{last}-of-{count:05}.tar",
        fields="\n".join(f"| `{member}` | {_words(member)} |" for member in index.members),
    )


def _words(member: str) -> str:
    if member == JSON:
        return "the dialogue: " + ", ".join(Sample.model_fields)
    return kind_of(member) or "bytes"

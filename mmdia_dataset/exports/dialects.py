"""Dialect 3, the JSON lines of the authors' training code, with the paths of our clips in it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mmdia_dataset.exports.source import SplitSource
from mmdia_dataset.release import WRITERS

__all__ = ["training"]


def training(source: SplitSource) -> Iterator[tuple[str, str]]:
    """A line per clip."""
    for clip in source.clips():
        entry = WRITERS["training"](clip)
        entry["path"] = source.path(clip.audio) if clip.audio else ""
        entry["video_path"] = source.path(clip.video) if clip.video else ""
        yield f"mm-dia_{source.split}.jsonl", json.dumps(entry, ensure_ascii=False)

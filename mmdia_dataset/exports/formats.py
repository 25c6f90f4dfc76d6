"""The formats that `export` writes, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mmdia_dataset.exports.dialects import training
from mmdia_dataset.exports.manifests import lhotse, nemo
from mmdia_dataset.exports.messages import messages
from mmdia_dataset.exports.segments import rttm, stm
from mmdia_dataset.exports.source import SplitSource

__all__ = ["FORMATS"]

FORMATS: dict[str, Callable[[SplitSource], Iterator[tuple[str, str]]]] = {
    "training": training,
    "lhotse": lhotse,
    "nemo": nemo,
    "messages": messages,
    "rttm": rttm,
    "stm": stm,
}
"""Each gives lines, with the name of the file they belong to."""

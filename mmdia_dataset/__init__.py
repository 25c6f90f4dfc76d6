"""MM-DIA: expressive dialogues from films you own, and the toolkit to rebuild and load them.

    import mmdia_dataset
    mmdia_dataset.rebuild("release", "films", "built")      # cut every dialogue from your films, to the frame
    rows = mmdia_dataset.load("clips", data_dir="built", split="train")

Importing the package also teaches `datasets.load_dataset` the name "mm-dia". The import is light: `av` and `datasets`
are loaded when a function needs them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mmdia_dataset import datasets_hook as _datasets_hook
from mmdia_dataset.errors import MmdiaError

if TYPE_CHECKING:
    from mmdia_dataset.access import Decode
    from mmdia_dataset.commands.align import align
    from mmdia_dataset.commands.bench import bench
    from mmdia_dataset.commands.card import card
    from mmdia_dataset.commands.check import check
    from mmdia_dataset.commands.convert import convert
    from mmdia_dataset.commands.coverage import coverage
    from mmdia_dataset.commands.decode import decode
    from mmdia_dataset.commands.demo import demo
    from mmdia_dataset.commands.doctor import doctor
    from mmdia_dataset.commands.export import export
    from mmdia_dataset.commands.fingerprint import fingerprint
    from mmdia_dataset.commands.locate import locate
    from mmdia_dataset.commands.pack import pack
    from mmdia_dataset.commands.publish import publish
    from mmdia_dataset.commands.rebuild import rebuild
    from mmdia_dataset.commands.score import score
    from mmdia_dataset.commands.show import show
    from mmdia_dataset.commands.splits import splits
    from mmdia_dataset.commands.stats import stats
    from mmdia_dataset.commands.validate import validate
    from mmdia_dataset.loader import load
    from mmdia_dataset.release import open_release
    from mmdia_dataset.schema import Clip, Dialogue
    from mmdia_dataset.shards.open_shards import open_shards, row_of

__all__ = [
    "Clip",
    "Decode",
    "Dialogue",
    "MmdiaError",
    "__version__",
    "align",
    "bench",
    "card",
    "check",
    "convert",
    "coverage",
    "decode",
    "demo",
    "doctor",
    "export",
    "fingerprint",
    "load",
    "locate",
    "open_release",
    "open_shards",
    "pack",
    "publish",
    "rebuild",
    "row_of",
    "score",
    "show",
    "splits",
    "stats",
    "validate",
]

__version__ = "0.1.0"

_COMMANDS = (
    *("align", "bench", "card", "check", "convert", "coverage", "decode", "demo", "doctor", "export"),
    *("fingerprint", "locate", "pack", "publish", "rebuild", "score", "show", "splits", "stats", "validate"),
)
_HOMES = {
    **{name: f"commands.{name}" for name in _COMMANDS},
    "Clip": "schema",
    "Decode": "access",
    "Dialogue": "schema",
    "load": "loader",
    "open_release": "release",
    "open_shards": "shards.open_shards",
    "row_of": "shards.open_shards",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


_datasets_hook.register()

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

from mmdia_dataset import registration as _registration
from mmdia_dataset.errors import MmdiaError

if TYPE_CHECKING:
    from mmdia_dataset.access import Decode
    from mmdia_dataset.certificates import coverage
    from mmdia_dataset.commands import align, convert, demo, doctor, fingerprint, locate, validate
    from mmdia_dataset.exports import export
    from mmdia_dataset.loader import load
    from mmdia_dataset.metrics import score
    from mmdia_dataset.pages import show
    from mmdia_dataset.partition import splits
    from mmdia_dataset.pipeline import rebuild
    from mmdia_dataset.publishing import publish
    from mmdia_dataset.release import open_release
    from mmdia_dataset.schema import Clip, Dialogue
    from mmdia_dataset.shards.checking import check
    from mmdia_dataset.shards.packing import pack
    from mmdia_dataset.shards.reading import open_shards, row_of
    from mmdia_dataset.survey import bench, stats

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

_HOMES = {
    "card": "showcase",
    "publish": "publishing",
    "Decode": "access",
    **dict.fromkeys(("align", "convert", "demo", "doctor", "fingerprint", "locate", "validate"), "commands"),
    **dict.fromkeys(("Clip", "Dialogue"), "schema"),
    "coverage": "certificates",
    "load": "loader",
    "rebuild": "pipeline",
    "open_release": "release",
    "export": "exports",
    "score": "metrics",
    "show": "pages",
    "splits": "partition",
    "check": "shards.checking",
    "pack": "shards.packing",
    **dict.fromkeys(("open_shards", "row_of"), "shards.reading"),
    **dict.fromkeys(("bench", "stats"), "survey"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


_registration.register()

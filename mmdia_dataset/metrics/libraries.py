"""jiwer and meeteval, which count words, and scipy, which meeteval needs too: ``mmdia-dataset[metrics]``."""

from __future__ import annotations

import importlib
from typing import Any

from mmdia_dataset.errors import ExtraMissing

__all__ = ["jiwer", "meeteval", "scipy_stats"]


def jiwer() -> Any:
    """The library. Raises ExtraMissing."""
    return _library("jiwer")


def meeteval() -> Any:
    """The library. Raises ExtraMissing."""
    return _library("meeteval")


def scipy_stats() -> Any:
    """The module. Raises ExtraMissing."""
    return _library("scipy.stats")


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ExtraMissing(f"{name} is not installed", hint="run pip install 'mmdia-dataset[metrics]'") from None

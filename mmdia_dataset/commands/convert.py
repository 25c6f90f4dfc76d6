"""`convert`: a release in another form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mmdia_dataset.release import ConvertReport, Dialect, open_release
from mmdia_dataset.release import convert as convert_release

__all__ = ["convert"]


def convert(
    release: Path | str, *, to: Dialect, out: Path | str, progress: Callable[[int, int], None] | None = None
) -> ConvertReport:
    """Write a release in another form: our Parquet or JSONL, or one of the published dialects."""
    return convert_release(open_release(release), Path(out), to, progress)

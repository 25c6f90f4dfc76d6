"""`card`: the page about a folder of data: README.md, pictures, Croissant. Counted from what is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mmdia_dataset.built.annotations import open_annotations
from mmdia_dataset.files import check_folder
from mmdia_dataset.publishing.page import CardReport, describe
from mmdia_dataset.statistics.survey import survey

if TYPE_CHECKING:
    from mmdia_dataset.processes import Progress

__all__ = [
    "card",
]


def card(
    out: Path | str, *, repo: str | None = None, licence: str = "unknown", progress: Progress | None = None
) -> CardReport:
    """Write the page of a built directory, or of a release in our Parquet: README.md, `figures/`, croissant.json.

    Args:
        out: the folder; its README.md is replaced.
        repo: where it goes on the Hub, `ORG/NAME`.
        licence: of the annotations, as the Hub knows it: `cc-by-nc-4.0`.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        UsageError: the folder holds a release in another form.
        ReleaseNotFound, ReleaseUnreadable: nothing can be read there.
        OutputError: a file can't be written.
    """
    root = Path(out)
    check_folder(root)
    return describe(root, survey(open_annotations(root), progress), repo=repo, licence=licence)

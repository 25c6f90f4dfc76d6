"""`rebuild`: from a release and films to a built directory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Unpack

from mmdia_dataset.building.build import RebuildReport, build
from mmdia_dataset.building.plan import Plan, plan
from mmdia_dataset.clips.settings import CutOptions, check_options, settings_for
from mmdia_dataset.processes import Progress

__all__ = ["rebuild"]


def rebuild(
    release: Path | str,
    media: Path | str,
    out: Path | str,
    *,
    mode: str = "copy",
    editions: Path | str | None = None,
    as_is: bool = False,
    split: str | None = None,
    ids: Sequence[str] | None = None,
    jobs: int = 1,
    before: Callable[[Plan], None] | None = None,
    progress: Progress | None = None,
    **options: Unpack[CutOptions],
) -> RebuildReport:
    """`plan`, then `build`: from a release and films to a built directory that `load_dataset` reads.

    Args:
        release: folder or file of annotations.
        media: the folder of films.
        out: the built directory, new or of an earlier run.
        mode: what kind of clips: `copy`, `encode`, `audio` or `keyframes`.
        editions: a folder of edition files to use where they are of the same recordings.
        as_is: take recordings found by name for the annotators' own edition, unmeasured.
        split: of the dialogues wanted; all of them by default.
        ids: of the dialogues wanted.
        jobs: processes.
        before: called with the plan, which holds a forecast, before anything is cut or written.
        progress: called as ``progress(stage, done, total)``.
        options: of the clips, as in `CutOptions`.

    Raises:
        UsageError: an unknown option, options that do not go together, no such media folder; or `out` holds something
            else, or another run is using it.
        ConfigError: unknown split, or ids that the release does not have.
        ReleaseNotFound, ReleaseUnreadable: nothing can be read there.
        OutputError: `out` can't be written. Run again to go on.
    """
    check_options(rebuild, options)
    planned = plan(
        release,
        media,
        settings=settings_for(mode, **options),
        editions=editions,
        as_is=as_is,
        split=split,
        ids=ids,
        jobs=jobs,
        progress=progress,
    )
    if before is not None:
        before(planned)
    return build(planned, out, jobs=jobs, progress=progress)

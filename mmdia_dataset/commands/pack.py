"""`pack`: clips as shards, of a built directory, of films, or of a release with sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from mmdia_dataset.errors import UsageError
from mmdia_dataset.processes import Progress
from mmdia_dataset.shards.packing import PackPlan, plan_pack, plan_release, write_pack
from mmdia_dataset.shards.packreport import PackReport

if TYPE_CHECKING:
    from mmdia_dataset.clips.settings import CutOptions
    from mmdia_dataset.shards.direct import DirectPlan

__all__ = ["pack"]


def pack(
    built: Path | str | None = None,
    out: Path | str | None = None,
    *,
    release: Path | str | None = None,
    media: Path | str | None = None,
    max_size: str | int = "1GB",
    shuffle: int | None = None,
    split: str | None = None,
    modes: Sequence[str] | None = None,
    min_shards: int = 1,
    jobs: int = 1,
    mode: str | None = None,
    editions: Path | str | None = None,
    as_is: bool = False,
    ids: Sequence[str] | None = None,
    before: Callable[[PackPlan | DirectPlan], None] | None = None,
    progress: Progress | None = None,
    **options: Unpack[CutOptions],
) -> PackReport:
    """Pack clips into WebDataset shards, with an index and a card: those of a built directory, or straight from films.

    From films the same shards come out as from what `rebuild` makes of them. The disk needs room for the shards and for
    one shard's clips. Without films, the sound that a release brings is packed.

    Args:
        built: the built directory.
        out: a folder, or any URL that fsspec knows, such as ``s3://bucket/shards``.
        release: instead of a built directory: the annotations.
        media: and the folder of films; without it, the release's own sound is packed.
        max_size: of a shard, such as ``1GB``.
        shuffle: a seed to mix the samples of a split by; None keeps the order of the annotations.
        split: pack this one only.
        modes: of a built directory: kinds of clips to pack; all there are by default.
        min_shards: of each split, so that as many readers can share it.
        jobs: processes.
        mode: of films, as are all below, and as in `rebuild`: `copy` by default.
        editions: a folder of edition files to use where they are of the same recordings.
        as_is: take recordings found by name for the annotators' own edition, unmeasured.
        ids: of the dialogues wanted.
        before: called with the plan of what will be packed, before anything is cut or written.
        progress: called as ``progress(stage, done, total)``.
        options: of the clips, as in `CutOptions`.

    Raises:
        UsageError: an unknown option, arguments that do not go together; or `out` is missing, holds something else, or
            another run is using it.
        ConfigError: unknown or empty split, unknown ids.
        ReleaseNotFound, ReleaseUnreadable: nothing can be read there.
        OutputError: `out` can't be written. Run again to go on.
    """
    if options:
        from mmdia_dataset.clips.settings import check_options  # it imports av, which packing of clips does without

        check_options(pack, options)
    if out is None:
        raise UsageError("--out is missing: give a folder or a URL")
    _check_source(
        built, release, media, modes, {"mode": mode, "editions": editions, "as_is": as_is, "ids": ids, **options}
    )
    if release is None or media is None:
        if release is not None:
            packing = plan_release(
                release,
                max_size=max_size,
                shuffle=shuffle,
                split=split,
                min_shards=min_shards,
                jobs=jobs,
                progress=progress,
            )
        else:
            packing = plan_pack(
                built or "", max_size=max_size, shuffle=shuffle, split=split, modes=modes, min_shards=min_shards
            )
        if before is not None:
            before(packing)
        return write_pack(packing, out, jobs=jobs, progress=progress)
    from mmdia_dataset.building.plan import plan
    from mmdia_dataset.clips.settings import settings_for
    from mmdia_dataset.shards.direct import plan_direct, write_direct

    planned = plan(
        release,
        media,
        settings=settings_for(mode or "copy", **options),
        editions=editions,
        as_is=as_is,
        split=split,
        ids=ids,
        jobs=jobs,
        progress=progress,
    )
    direct = plan_direct(planned, max_size=max_size, shuffle=shuffle, split=split, min_shards=min_shards)
    if before is not None:
        before(direct)
    return write_direct(direct, out, jobs=jobs, progress=progress)


def _check_source(
    built: Path | str | None,
    release: Path | str | None,
    media: Path | str | None,
    modes: Sequence[str] | None,
    cutting: Mapping[str, object],
) -> None:
    """Whether it is clear what is packed: a built directory, a release, or a release and films. Raises UsageError.

    Args:
        built: the built directory.
        release: the annotations.
        media: the folder of films.
        modes: kinds of clips to choose from the built directory.
        cutting: all options for films, by name.
    """
    if built is None and release is None:
        raise UsageError(
            "there is nothing to pack", hint="name a built directory, or give --release, and --media with your films"
        )
    if built is not None and (release is not None or media is not None):
        raise UsageError(
            "give either a built directory, or --release and --media, not both", hint="leave out one of them"
        )
    chosen = next((name for name, value in cutting.items() if value not in (None, False)), None)
    if media is None and chosen is not None:
        option = chosen.replace("_", "-")
        if built is None:
            raise UsageError(f"--{option} is for packing from films", hint="give --media, the folder of your films")
        raise UsageError(
            f"--{option} is for packing from films; in a built directory the clips are already cut",
            hint="choose among them with --modes",
        )
    if built is None and modes:
        raise UsageError("--modes chooses among the clips of a built directory", hint="with films, give --mode")

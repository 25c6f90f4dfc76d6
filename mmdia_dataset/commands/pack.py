"""`pack`: clips as shards, of a built directory or of films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmdia_dataset.errors import UsageError
from mmdia_dataset.processes import Progress
from mmdia_dataset.shards.packing import plan_pack, write_pack
from mmdia_dataset.shards.packreport import PackReport

__all__ = ["check_source", "pack"]


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
    language: str | None = None,
    fps: str | None = None,
    height: int | None = None,
    codec: str | None = None,
    crf: int | None = None,
    preset: str | None = None,
    sample_rate: int | None = None,
    mono: bool = False,
    sound: str | None = None,
    float32: bool = False,
    places: int | None = None,
    times: str | None = None,
    image: str | None = None,
    nearest: bool = False,
    progress: Progress | None = None,
) -> PackReport:
    """Pack clips into WebDataset shards, with an index and a card: those of a built directory, or straight from films.

    From films the same shards come out as from what `rebuild` makes of them. The disk needs room for the shards and for
    one shard's clips.

    Args:
        built: the built directory.
        out: a folder, or any URL that fsspec knows, such as ``s3://bucket/shards``.
        release: instead of a built directory: the annotations.
        media: and the folder of films.
        max_size: of a shard, such as ``1GB``.
        shuffle: a seed to mix the samples of a split by; None keeps the order of the annotations.
        split: pack this one only.
        modes: of a built directory: kinds of clips to pack; all there are by default.
        min_shards: of each split, so that as many readers can share it.
        jobs: processes.
        mode: of films, as in `rebuild`; `copy` by default. So are the others.
        editions: of films.
        as_is: likewise.
        ids: likewise.
        language: likewise.
        fps: likewise.
        height: likewise.
        codec: likewise.
        crf: likewise.
        preset: likewise.
        sample_rate: likewise.
        mono: likewise.
        sound: likewise.
        float32: likewise.
        places: likewise.
        times: likewise.
        image: likewise.
        nearest: likewise.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        UsageError: arguments do not go together, `out` holds something else, or another run is using it.
        ConfigError: unknown or empty split, unknown ids.
        ReleaseNotFound, ReleaseUnreadable: nothing can be read there.
        OutputError: `out` can't be written. Run again to go on.
    """
    if out is None:
        raise UsageError("there is no place to write to", hint="give --out, a folder or a URL")
    cutting: dict[str, Any] = {
        "mode": mode, "language": language, "fps": fps, "height": height, "codec": codec, "crf": crf, "preset": preset,
        "sample_rate": sample_rate, "mono": mono, "sound": sound, "float32": float32, "places": places, "times": times,
        "image": image, "nearest": nearest,
    }  # fmt: skip
    check_source(built, release, media, modes, {**cutting, "editions": editions, "as_is": as_is, "ids": ids})
    if release is None or media is None:
        found = plan_pack(
            built or "", max_size=max_size, shuffle=shuffle, split=split, modes=modes, min_shards=min_shards
        )
        return write_pack(found, out, jobs=jobs, progress=progress)
    from mmdia_dataset.building.plan import plan
    from mmdia_dataset.clips.settings import settings_for
    from mmdia_dataset.shards.direct import plan_direct, write_direct

    planned = plan(
        release,
        media,
        settings=settings_for(**{**cutting, "mode": mode or "copy"}),
        editions=editions,
        as_is=as_is,
        split=split,
        ids=ids,
        jobs=jobs,
        progress=progress,
    )
    direct = plan_direct(planned, max_size=max_size, shuffle=shuffle, split=split, min_shards=min_shards)
    return write_direct(direct, out, jobs=jobs, progress=progress)


def check_source(
    built: Path | str | None,
    release: Path | str | None,
    media: Path | str | None,
    modes: Sequence[str] | None,
    cutting: Mapping[str, object],
) -> None:
    """Whether it is clear what is packed: a built directory, or a release and films. Raises UsageError.

    Args:
        built: as in `pack`.
        release: likewise.
        media: likewise.
        modes: likewise.
        cutting: all that is said of films.
    """
    if built is None and (release is None or media is None):
        raise UsageError("there is nothing to pack", hint="name a built directory, or give --release and --media")
    if built is not None and (release is not None or media is not None):
        raise UsageError("a built directory is packed, or films, not both", hint="leave one out")
    said = next((name for name, value in cutting.items() if value not in (None, False)), None)
    if built is not None and said is not None:
        option = said.replace("_", "-")
        raise UsageError(f"--{option} is for films; the clips are cut already", hint="choose them with --modes")
    if built is None and modes:
        raise UsageError("--modes chooses among the clips of a built directory", hint="with films, give --mode")

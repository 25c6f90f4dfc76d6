"""The whole way for many movies: cut what a plan asks for, write down what was done, and why what was not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmdia_dataset.building.build import RebuildReport, build
from mmdia_dataset.building.plan import plan
from mmdia_dataset.clips.settings import settings_for
from mmdia_dataset.processes import Progress

__all__ = [
    "rebuild",
]


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
) -> RebuildReport:
    """`plan`, then `build`: from a release and films to a built directory that `load_dataset` reads.

    Args:
        release: folder or file of annotations.
        media: the folder of films.
        out: the built directory, new or of an earlier run.
        mode: what kind of clips: `copy`, `encode`, `audio` or `keyframes`.
        editions: as in `plan`.
        as_is: likewise.
        split: likewise.
        ids: likewise.
        jobs: processes.
        language: of the sound track to take.
        fps: of `encode`: pictures per second, such as `25` or `24000/1001`; else the recording's own.
        height: of `encode` and `keyframes`: lines; else the recording's own.
        codec: of `encode`: `libx264`, the default, `libx265`, `libsvtav1` or `libvpx-vp9`.
        crf: of `encode`: quality by the codec's own measure, smaller is better.
        preset: of `encode`: how much the encoder tries, in its own words.
        sample_rate: of `audio`; else the recording's own.
        mono: of `audio`: mix to one channel.
        sound: of `audio`: `wav`, the default, or `flac`.
        float32: of `audio`: samples as floats, in WAV.
        places: of `keyframes`: how many in each dialogue, evenly; else one in the middle of each turn.
        times: of `keyframes`: milliseconds from the dialogue's start, such as `0,1500`.
        image: of `keyframes`: `jpg`, the default, or `png`.
        nearest: of `keyframes`: the recording's nearest keyframes, which is quicker.
        progress: called as ``progress(stage, done, total)``.
    """
    settings = settings_for(
        mode,
        language=language,
        fps=fps,
        height=height,
        codec=codec,
        crf=crf,
        preset=preset,
        sample_rate=sample_rate,
        mono=mono,
        sound=sound,
        float32=float32,
        places=places,
        times=times,
        image=image,
        nearest=nearest,
    )
    planned = plan(
        release,
        media,
        settings=settings,
        editions=editions,
        as_is=as_is,
        split=split,
        ids=ids,
        jobs=jobs,
        progress=progress,
    )
    return build(planned, out, jobs=jobs, progress=progress)

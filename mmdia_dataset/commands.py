"""Every command of `mmdia` as a function of the same name and arguments. They return results; the CLI prints them.

`rebuild` is in `pipeline`. What cuts, draws or loads is imported where it is used: checking annotations does without.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mmdia_dataset.errors import MmdiaError, UsageError
from mmdia_dataset.release import ConvertReport, Dialect, open_release
from mmdia_dataset.release import convert as convert_release
from mmdia_dataset.schema import Issue
from mmdia_dataset.statistics import Figures, Statistics
from mmdia_dataset.validation import ValidationReport, issues_of

if TYPE_CHECKING:
    from mmdia_dataset.demofilm import DemoFilm
    from mmdia_dataset.library import Located, Missing
    from mmdia_dataset.pipeline import RebuildReport
    from mmdia_dataset.plans import Forecast, Plan, Progress

__all__ = ["convert", "demo", "doctor", "locate", "stats", "validate"]


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What `demo` made. ``clip`` is the path of one clip, as loaded; ``words`` is what is said in it first."""

    film: DemoFilm
    rebuilt: RebuildReport
    rows: int
    clip: Path
    words: str


def demo(out: Path | str = "mmdia-demo", progress: Progress | None = None) -> DemoReport:
    """The whole way on a film we draw ourselves: draw, annotate, rebuild, load. Offline; takes under a minute.

    Raises:
        UsageError: `out` holds something else.
    """
    from mmdia_dataset.demofilm import MOVIE_ID, make_demo_film
    from mmdia_dataset.loader import load
    from mmdia_dataset.pipeline import rebuild

    folder = Path(out)
    ours = any((folder / "media").glob(f"*{MOVIE_ID}*"))
    if not ours and any(path.is_file() for path in folder.rglob("*")):
        raise UsageError("the folder is not empty and holds no demo", where=folder, hint="choose a new --out folder")

    def drawing(part: float) -> None:
        if progress:
            progress("drawing the film", round(part * 1000), 1000)

    film = make_demo_film(folder, progress=drawing)
    rebuilt = rebuild(film.release, film.media, folder / "built", progress=progress)
    splits = load("clips", data_dir=folder / "built", cache_dir=folder / "cache")
    rows = [row for split in splits.values() for row in split]
    first = rows[0]
    turn = first["turns"][0]
    words = f"{first['speakers'][turn['speaker']]['name']}: {turn['text']}"
    return DemoReport(film, rebuilt, len(rows), Path(first["video"]["path"]), words)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing `doctor` looked at."""

    name: str
    state: Literal["good", "missing", "bad"]
    detail: str


@dataclass(slots=True)
class DoctorReport:
    """What works, what is missing, and the one next step."""

    checks: list[Check] = field(default_factory=list)
    next_step: str = ""

    @property
    def exit_code(self) -> int:
        """1 if something is bad, else 0."""
        return 1 if any(check.state == "bad" for check in self.checks) else 0


def doctor(release: Path | str | None = None, media: Path | str | None = None) -> DoctorReport:
    """What works here, what is missing, and one next step. Changes nothing."""
    from mmdia_dataset.media import can_decode
    from mmdia_dataset.plans import plan

    report = DoctorReport()
    add = report.checks.append
    add(Check("python", "good", sys.version.split()[0]))
    for name in ("mmdia-dataset", "datasets", "pyarrow", "av", "pydantic", "huggingface_hub"):
        try:
            add(Check(name, "good", importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            add(Check(name, "bad", "not installed"))
    lacking = [name for name in ("h264", "hevc", "aac", "ac3") if not can_decode(name)]
    add(Check("codecs", "bad" if lacking else "good", f"lacks {', '.join(lacking)}" if lacking else "all common ones"))
    free = shutil.disk_usage(Path.cwd()).free
    add(Check("disk", "good" if free > 10**9 else "missing", f"{free / 1e9:.0f} GB free in {Path.cwd()}"))
    home = release or os.environ.get("MMDIA_HOME")
    if not home:
        add(Check("release", "missing", "no --release given and MMDIA_HOME is not set"))
        report.next_step = "mmdia demo"
        return report
    try:
        if media is None:
            opened = open_release(home)
            add(Check("release", "good", f"{len(opened.files)} files ({opened.dialect}) in {opened.root}"))
            add(Check("media", "missing", "no --media given"))
            report.next_step = f"mmdia locate --release {home} --media FOLDER_OF_YOUR_FILMS"
            return report
        found = plan(home, media)
    except MmdiaError as error:
        add(Check("release" if media is None else "release and media", "bad", str(error)))
        report.next_step = "correct what is marked bad above"
        return report
    add(Check("release", "good", f"{sum(map(len, found.wishes.values()))} dialogues of {len(found.wishes)} movies"))
    some = bool(found.located)
    add(Check("media", "good" if some else "missing", f"{len(found.located)} of {len(found.wishes)} movies found"))
    verb = "rebuild" if some else "locate"
    report.next_step = f"mmdia {verb} --release {home} --media {media}" + (" --out built" if some else "")
    return report


def validate(
    *paths: Path | str, on_issue: Callable[[Issue], None] | None = None, progress: Progress | None = None
) -> ValidationReport:
    """Check releases, built directories, manifests and edition files.

    Args:
        paths: what to check; its kind is found by content.
        on_issue: called with every issue as it is found; the report keeps counts and examples only.
        progress: called while annotations are read.
    """
    report = ValidationReport()
    for path in paths:
        before = report.dialogues

        def seen(dialogues: int, done: int, total: int, before: int = before) -> None:
            report.dialogues = before + dialogues
            if progress:
                progress("checking", done, total)

        for issue in issues_of(Path(path), seen):
            report.add(issue)
            if on_issue:
                on_issue(issue)
    return report


def convert(
    release: Path | str, *, to: Dialect, out: Path | str, progress: Callable[[int, int], None] | None = None
) -> ConvertReport:
    """Write a release in another form: our Parquet or JSONL, or one of the published dialects."""
    return convert_release(open_release(release), Path(out), to, progress)


@dataclass(frozen=True, slots=True)
class LocateReport:
    """Which recording is which movie, which are missing and why, and what a rebuild will cost."""

    located: dict[str, Located]
    missing: dict[str, Missing]
    wanted: dict[str, int]
    forecast: Forecast

    @property
    def exit_code(self) -> int:
        """1 if no movie was found at all."""
        return 0 if self.located else 1


def locate(release: Path | str, media: Path | str, progress: Progress | None = None) -> LocateReport:
    """Find the recordings of a release's movies in a folder; cuts nothing."""
    from mmdia_dataset.plans import plan

    found: Plan = plan(release, media, progress=progress)
    wanted = {movie: len(wishes) for movie, wishes in found.wishes.items()}
    return LocateReport(found.located, found.missing, wanted, found.forecast)


def stats(release: Path | str, progress: Progress | None = None) -> dict[str, Figures]:
    """Figures of a release: of all its dialogues, and of each split it has. Counted in one pass."""
    opened = open_release(release)
    counted: dict[str, Statistics] = {"all": Statistics()}
    counting = None if progress is None else partial(progress, "counting")
    for dialogue in opened.dialogues(progress=counting):
        counted["all"].add(dialogue)
        for split in opened.splits_of(dialogue.id):
            counted.setdefault(split, Statistics()).add(dialogue)
    return {name: statistics.figures for name, statistics in counted.items()}

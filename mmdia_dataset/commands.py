"""Every command of `mmdia` as a function of the same name and arguments. They return results; the CLI prints them.

`rebuild` is in `pipeline`, `stats` in `survey`. What cuts, draws or loads is imported where it is used: checking
annotations does without.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mmdia_dataset.errors import MmdiaError, UsageError
from mmdia_dataset.files import check_folder, file_name, write_text
from mmdia_dataset.release import ConvertReport, Dialect, open_release
from mmdia_dataset.release import convert as convert_release
from mmdia_dataset.schema import Issue
from mmdia_dataset.validation import ValidationReport, issues_of

if TYPE_CHECKING:
    from mmdia_dataset.demofilm import DemoFilm
    from mmdia_dataset.editions import Timing
    from mmdia_dataset.library import Located, Missing
    from mmdia_dataset.pipeline import RebuildReport
    from mmdia_dataset.plans import Forecast, Plan, Progress

__all__ = ["align", "convert", "demo", "doctor", "fingerprint", "locate", "validate"]


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What `demo` made. ``clip`` is the path of one clip, as loaded; ``words`` is what is said in it first."""

    film: DemoFilm
    rebuilt: RebuildReport
    rows: int
    clip: Path
    words: str


def demo(out: Path | str = "mmdia-demo", progress: Progress | None = None) -> DemoReport:
    """The whole way on a film we draw: annotate, fingerprint, align, cut, load. Offline, under a minute.

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
    fingerprint(film.release, film.media, film.release / "passports", progress=progress)  # the curator's part
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
        from mmdia_dataset.plans import plan

        found = plan(home, media)
    except MmdiaError as error:
        add(Check("release" if media is None else "release and media", "bad", str(error)))
        report.next_step = "correct what is marked bad above"
        return report
    add(Check("release", "good", f"{found.wanted} dialogues of {len(found.wishes)} movies"))
    some = bool(found.located)
    add(Check("media", "good" if some else "missing", f"{len(found.located)} of {len(found.wishes)} movies found"))
    verb = "rebuild" if some else "locate"
    report.next_step = f"mmdia {verb} --release {home} --media {media}" + (" --out built" if some else "")
    return report


def validate(
    *paths: Path | str,
    splits: Path | str | None = None,
    on_issue: Callable[[Issue], None] | None = None,
    progress: Progress | None = None,
) -> ValidationReport:
    """Check releases, built directories, manifests and edition files.

    Args:
        paths: what to check; its kind is found by content.
        splits: of releases: a splits file to check instead of their own.
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

        for issue in issues_of(Path(path), seen, None if splits is None else Path(splits)):
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
    """Which recordings may be which movie, which are missing and why, and what a rebuild will cost."""

    located: dict[str, tuple[Located, ...]]
    missing: dict[str, Missing]
    wanted: dict[str, int]
    forecast: Forecast

    @property
    def exit_code(self) -> int:
        """1 if no movie was found at all."""
        return 0 if self.located else 1


def locate(release: Path | str, media: Path | str, *, jobs: int = 1, progress: Progress | None = None) -> LocateReport:
    """Find the recordings of a release's movies in a folder; cuts nothing."""
    from mmdia_dataset.plans import plan

    found: Plan = plan(release, media, jobs=jobs, progress=progress)
    wanted = {movie: len(wishes) for movie, wishes in found.wishes.items()}
    return LocateReport(found.located, found.missing, wanted, found.forecast)


@dataclass(slots=True)
class FingerprintReport:
    """Passports made, by movie, and why there are none of others; ``bytes`` are those of the fingerprints alone."""

    out: Path
    made: dict[str, Path] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    hours: float = 0.0

    @property
    def exit_code(self) -> int:
        """1 if a recording could not be used, or no passport was made."""
        return 1 if self.failed or not self.made else 0


def fingerprint(
    release: Path | str,
    media: Path | str,
    out: Path | str,
    *,
    language: str | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> FingerprintReport:
    """Make the passports of a release's movies from the copies that were annotated.

    Args:
        release: the annotations.
        media: the folder of those copies; names must tell which is which.
        out: folder for the passports; in a release it is called `passports`.
        language: of the sound track to take.
        jobs: processes.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        OutputError: a passport can't be written.
    """
    from mmdia_dataset.curation import PassportTask, make_passport
    from mmdia_dataset.library import locate as find
    from mmdia_dataset.processes import in_processes
    from mmdia_dataset.release import write_passport

    check_folder(Path(out))  # what can't be written is said before hours of listening
    opened = open_release(release)
    library = find(opened.movies(), Path(media))
    report = FingerprintReport(Path(out), missing={m: one.reason.detail for m, one in library.missing.items()})
    tasks = [PassportTask(movie, candidates, language) for movie, candidates in library.located.items()]
    for done, (task, result) in enumerate(in_processes(make_passport, tasks, jobs), 1):
        if result is None or isinstance(result, str):
            report.failed[task.movie] = result or "a process was killed while it listened"
        else:
            report.made[task.movie] = write_passport(report.out, result.passport)
            report.bytes += result.bytes
            report.hours += result.passport.duration_ms / 3_600_000
        if progress:
            progress("listening", done, len(tasks))
    return report


@dataclass(slots=True)
class AlignReport:
    """How each movie's recording runs; ``wanted`` counts its dialogues."""

    out: Path
    timings: dict[str, Timing] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)

    @property
    def placed(self) -> int:
        """Dialogues whose place is known."""
        return sum(len(one.edition.placed) for one in self.timings.values() if one.edition)

    @property
    def refused(self) -> int:
        """Dialogues of the recordings that they lack, or of which too little is known."""
        return sum(self.wanted[movie] for movie in self.timings) - self.placed

    @property
    def exit_code(self) -> int:
        """1 if a recording could not be listened to, or no dialogue could be placed."""
        from mmdia_dataset.editions import LISTENING_FAULTS

        faults = any(one.reason and one.reason.rule in LISTENING_FAULTS for one in self.timings.values())
        return 1 if faults or not self.placed else 0


def align(
    release: Path | str,
    media: Path | str,
    out: Path | str,
    *,
    language: str | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> AlignReport:
    """Find out which edition each recording is; write an edition file and a plot for each. Cuts nothing.

    Args:
        release: the annotations, with passports if it has them.
        media: the folder of films.
        out: folder for `<movie>.json` and `<movie>.png`; what is there of the same input is kept.
        language: of the sound track to take.
        jobs: processes.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        OutputError: a file can't be written.
    """
    from mmdia_dataset.built import edition_text
    from mmdia_dataset.editions import timings, unpack_dialogue
    from mmdia_dataset.plans import plan, settings_for
    from mmdia_dataset.plots import plot_edition

    folder = Path(out)
    check_folder(folder)  # what can't be written is said before hours of listening
    planned = plan(release, media, settings=settings_for("copy", language=language), jobs=jobs, progress=progress)
    report = AlignReport(folder, wanted={movie: len(wishes) for movie, wishes in planned.wishes.items()})
    tasks = planned.edition_tasks(folder)
    for done, timing in enumerate(timings(tasks, jobs, planned.sought_tasks(folder), planned.unused), 1):
        report.timings[timing.movie] = timing
        if timing.edition is not None:
            file = folder / f"{file_name(timing.movie)}.json"
            text, picture = edition_text(timing.edition), file.with_suffix(".png")
            if not (picture.is_file() and file.is_file() and file.read_text(encoding="utf-8") == text):
                dialogues = [unpack_dialogue(packed) for packed in planned.transcripts.get(timing.movie, ())]
                plot_edition(timing.edition, dialogues, f"{timing.movie}: {timing.description}", picture)
            write_text(file, text)
        if progress:
            progress("finding the timing", done, len(tasks))
    report.missing = {m: one.reason.detail for m, one in planned.missing.items() if m not in report.timings}
    return report

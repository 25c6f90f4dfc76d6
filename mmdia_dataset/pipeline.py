"""The whole way for many movies: cut what a plan asks for, write down what was done, and why what was not."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import get_args

from mmdia_dataset import cards
from mmdia_dataset.built import BuiltDirectory
from mmdia_dataset.editions import Timing, timings
from mmdia_dataset.plans import Plan, Progress, plan, settings_for
from mmdia_dataset.processes import in_processes
from mmdia_dataset.schema import (
    Clip,
    Dialogue,
    Keyframe,
    MadeLine,
    Media,
    Mode,
    Reason,
    RefusedLine,
    Split,
)
from mmdia_dataset.workers import Line, Task, halves, movie_lines, parts, refused_line

__all__ = ["RebuildReport", "build", "cut_all", "faults_in", "find_timings", "rebuild", "tasks_of"]

# In the order the manifest has them, and those that a row has a column for.
_MODES: tuple[Mode, ...] = tuple(sorted(get_args(Mode)))
_ROW_MODES: tuple[Mode, ...] = ("copy", "encode", "audio", "keyframes")
# Where both are, the encoded clip has the column: nobody makes it without wanting it.
_COLUMNS = {"copy": "video", "encode": "video", "audio": "audio"}
# Refusals that say nothing about the recording: the user does not own it, or has to choose.
_NOT_FAULTS = (
    "no-recording",
    "several-recordings",
    "recording-in-parts",
    "ambiguous-name",
    "other-episodes",
    "no-movie-time",
)
# Refusals by alignment: the recording is good, but another edition, dub or film.
_OTHER_EDITION = ("absent", "splice", "other-language", "other-movie")


@dataclass(slots=True)
class RebuildReport:
    """What a rebuild did.

    ``refused`` counts clips by the rule that refused them; ``examples`` has one of each movie, by rule and movie.
    ``editions`` describes the recording taken for each movie in one line; ``notes`` has what to know besides.
    ``fallbacks`` counts the clips that were made otherwise than asked, by recording and what was done and why.
    """

    out: Path
    mode: Mode
    wanted: int = 0
    made: int = 0
    kept: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    missing: dict[str, str] = field(default_factory=dict)
    editions: dict[str, str] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    examples: dict[str, dict[str, str]] = field(default_factory=dict)
    fallbacks: dict[str, Counter[str]] = field(default_factory=dict)
    splits: dict[Split, int] = field(default_factory=dict)
    bytes: int = 0
    hours: float = 0.0
    issues: int = 0
    swept: int = 0
    seconds: float = 0.0

    @property
    def faults(self) -> int:
        """Clips refused although the recording should have them: damage, spans outside it, and the like."""
        return faults_in(self.refused)

    @property
    def exit_code(self) -> int:
        """0 if all went well or only recordings are missing; 1 if there were faults, or no clip at all was made."""
        return 1 if self.faults or not self.made + self.kept else 0


def faults_in(refused: Mapping[str, int]) -> int:
    """How many of the clips refused, counted by rule, the recordings should have."""
    return sum(count for rule, count in refused.items() if rule not in (*_NOT_FAULTS, *_OTHER_EDITION))


def build(plan: Plan, out: Path | str, *, jobs: int = 1, progress: Progress | None = None) -> RebuildReport:
    """Make what a plan asks for; what an earlier run made of the same input is kept.

    Args:
        plan: from `plan`.
        out: the built directory, new or of an earlier run.
        jobs: processes; each works on one movie at a time, or on a part of a long one.
        progress: called with the number of clips done.

    Raises:
        UsageError: `out` holds something else, or another run is using it.
        OutputError: `out` can't be written. Run again to go on.
    """
    started = time.monotonic()
    directory = BuiltDirectory(Path(out))
    report = RebuildReport(directory.root, plan.settings.mode, issues=plan.issues)
    report.missing = {movie: missing.reason.detail for movie, missing in plan.missing.items()}
    with directory.open():
        known = directory.lines()
        total = report.wanted = plan.wanted
        found = find_timings(plan, directory, jobs, progress)
        for movie in found:
            report.missing.pop(movie, None)
        report.editions = {movie: one.description for movie, one in found.items() if one.description}
        report.notes = {movie: one.notes for movie, one in found.items() if one.notes}
        fresh: dict[tuple[str, str], Line] = {}
        tasks, refused = tasks_of(plan, found, directory, known)
        for line, kept in chain(((line, False) for line in refused), cut_all(tasks, jobs)):
            fresh[line.id, line.mode] = line
            _count(report, line, kept)
            if progress:
                progress("cutting clips", len(fresh), total)
        lines: list[Line] = []

        def rows() -> Iterator[tuple[Clip, tuple[Split, ...]]]:
            for dialogue in plan.release.dialogues():
                splits = plan.release.splits_of(dialogue.id)
                mine = _lines_of(dialogue, splits, known, fresh)
                lines.extend(mine)
                clip = _clip(dialogue, mine)
                if clip is not None:
                    yield clip, splits

        report.splits = directory.write_annotations(rows())
        report.swept = directory.sweep(lines)
        total = len({line.id for line in lines if isinstance(line, MadeLine)})
        cards.write_built_card(directory.root, report.splits, total)
        directory.write_manifest(lines)
        directory.finish()
    report.seconds = time.monotonic() - started
    return report


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


def _count(report: RebuildReport, line: Line, kept: bool) -> None:
    if isinstance(line, MadeLine):
        report.kept += kept
        report.made += not kept
        report.bytes += line.size
        report.hours += (line.at.end_s - line.at.start_s) / 3600
        if line.fallback is not None:
            report.fallbacks.setdefault(line.recording.name, Counter())[line.fallback.detail] += 1
    else:
        reason = line.reasons[0]
        report.refused[reason.rule] += 1
        report.examples.setdefault(reason.rule, {}).setdefault(line.movie, f"{line.id}: {reason.detail}")


def find_timings(plan: Plan, directory: BuiltDirectory, jobs: int, progress: Progress | None) -> dict[str, Timing]:
    """How each movie's recording runs; what was measured is written down at once, for a run that follows a kill."""
    kept = directory.root / "editions"
    tasks = plan.edition_tasks(kept)
    found: dict[str, Timing] = {}
    for timing in timings(tasks, jobs, plan.sought_tasks(kept), plan.unused):
        found[timing.movie] = timing
        if timing.edition is not None:
            directory.write_edition(timing.edition)
        if progress:
            progress("finding the timing", len(found), len(tasks))
    return found


def tasks_of(
    plan: Plan, found: dict[str, Timing], directory: BuiltDirectory, known: dict[tuple[str, str], Line]
) -> tuple[list[Task], list[RefusedLine]]:
    """The work of every recording, and the lines of clips that have none.

    Args:
        plan: what is wanted.
        found: the timing of each movie, from `find_timings`.
        directory: where clips go.
        known: lines of earlier runs.
    """
    mode = plan.settings.mode
    tasks: list[Task] = []
    refused: list[RefusedLine] = []
    for movie, wishes in plan.wishes.items():
        timing = found.get(movie)
        if timing is None or timing.reason is not None or timing.edition is None or timing.located is None:
            reason = timing.reason if timing and timing.reason else plan.missing[movie].reason
            recording = timing.edition.recording if timing and timing.edition else None
            refused += [refused_line(wish, mode, reason, recording) for wish in wishes]
            continue
        old = tuple(known[wish.id, mode] for wish in wishes if (wish.id, mode) in known)
        path = timing.located.path
        tasks.append(Task(directory.root, path, timing.edition, tuple(wishes), plan.settings, old))
    return tasks, refused


def cut_all(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[Line, bool]]:
    """The line of every clip wanted of some recordings, and whether it was kept from an earlier run."""
    if jobs <= 1:
        for task in tasks:
            yield from movie_lines(task)
        return
    waiting = parts(tasks, jobs)
    while waiting:
        died: list[Task] = []
        for task, results in in_processes(_run, waiting, jobs):
            if results is None:
                died.append(task)
            else:
                yield from results
        waiting = [half for task in died for half in halves(task)]
        reason = Reason(rule="worker-died", detail="the process that worked on it was killed, or crashed, repeatedly")
        for task in died:
            if not halves(task):
                yield refused_line(task.wishes[0], task.settings.mode, reason), False


def _run(task: Task) -> list[tuple[Line, bool]]:
    return list(movie_lines(task))


def _lines_of(
    dialogue: Dialogue,
    splits: tuple[Split, ...],
    known: dict[tuple[str, str], Line],
    fresh: dict[tuple[str, str], Line],
) -> list[Line]:
    """A dialogue's lines, by mode: this run's, else those of earlier runs whose span is still the dialogue's."""
    found = []
    for mode in _MODES:
        line = fresh.get((dialogue.id, mode)) or known.get((dialogue.id, mode))
        if line is not None and line.span == dialogue.span:
            found.append(line if line.splits == splits else line.model_copy(update={"splits": splits}))
    return found


def _clip(dialogue: Dialogue, lines: list[Line]) -> Clip | None:
    """A dialogue's row, None without a clip; those of several modes share it."""
    made = [line for mode in _ROW_MODES for line in lines if line.mode == mode and isinstance(line, MadeLine)]
    if not made:
        return None
    files = {_COLUMNS[line.mode]: Media(path=line.file) for line in made if line.mode in _COLUMNS}
    pictures = [picture for line in made for picture in line.pictures]
    return Clip(
        **dialogue.__dict__,
        video=files.get("video"),
        audio=files.get("audio"),
        keyframes=tuple(Keyframe(image=Media(path=one.file), time_ms=one.time_ms, turn=one.turn) for one in pictures),
        frames=next((line.frames for line in reversed(made) if line.frames is not None), None),
        samples=next((line.samples for line in reversed(made) if line.samples is not None), None),
        error_ms=made[0].evidence.error_ms,
    )

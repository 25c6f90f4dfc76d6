"""A plan's work: timings found, tasks made of them, clips cut in processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mmdia_dataset.building.editions import Timing, timings
from mmdia_dataset.building.movie_task import CuttingTask, Line, halves, movie_lines, parts, refused_line
from mmdia_dataset.building.plan import Plan
from mmdia_dataset.built.directory import BuiltDirectory
from mmdia_dataset.processes import Progress, in_processes
from mmdia_dataset.schema import Reason, RefusedLine

__all__ = ["cut_all", "faults_in", "find_timings", "tasks_of"]

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


def faults_in(refused: Mapping[str, int]) -> int:
    """How many of the clips refused, counted by rule, the recordings should have."""
    return sum(count for rule, count in refused.items() if rule not in (*_NOT_FAULTS, *_OTHER_EDITION))


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
) -> tuple[list[CuttingTask], list[RefusedLine]]:
    """The work of every recording, and the lines of clips that have none.

    Args:
        plan: what is wanted.
        found: the timing of each movie, from `find_timings`.
        directory: where clips go.
        known: lines of earlier runs.
    """
    mode = plan.settings.mode
    tasks: list[CuttingTask] = []
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
        tasks.append(CuttingTask(directory.root, path, timing.edition, tuple(wishes), plan.settings, old))
    return tasks, refused


def cut_all(tasks: Sequence[CuttingTask], jobs: int) -> Iterator[tuple[Line, bool]]:
    """The line of every clip wanted of some recordings, and whether it was kept from an earlier run."""
    if jobs <= 1:
        for task in tasks:
            yield from movie_lines(task)
        return
    waiting = parts(tasks, jobs)
    while waiting:
        died: list[CuttingTask] = []
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


def _run(task: CuttingTask) -> list[tuple[Line, bool]]:
    return list(movie_lines(task))

"""A plan's work: timings found, tasks made of them, clips cut in processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmdia_dataset.building.editions import Timed, Timing, timings
from mmdia_dataset.building.movie_task import CuttingTask, Line, halves, movie_lines, parts, refused_line
from mmdia_dataset.building.plan import Plan
from mmdia_dataset.processes import Progress, in_processes
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema import Reason, RefusedLine

__all__ = ["cut_all", "find_timings", "tasks_of"]


def find_timings(plan: Plan, kept: Path, jobs: int, progress: Progress | None) -> Iterator[Timing]:
    """How each movie's recording runs, as it is found. Write its edition down at once, for a run that follows a kill.

    Args:
        plan: what is wanted.
        kept: the folder where editions of an earlier run may be.
        jobs: processes.
        progress: called as ``progress(stage, done, total)``, after a movie's timing was taken.
    """
    tasks = plan.edition_tasks(kept)
    for done, timing in enumerate(timings(tasks, jobs, plan.sought_tasks(kept), plan.unused), 1):
        yield timing
        if progress:
            progress("finding the timing", done, len(tasks))


def tasks_of(
    plan: Plan, timing_of: dict[str, Timing], out: Path, earlier: dict[tuple[str, str], Line]
) -> tuple[list[CuttingTask], list[RefusedLine]]:
    """The work of every recording, and the lines of clips that have none.

    Args:
        plan: what is wanted.
        timing_of: the timing of each movie, from `find_timings`.
        out: the built directory that clips go to.
        earlier: lines of earlier runs.
    """
    mode = plan.settings.mode
    tasks: list[CuttingTask] = []
    refused: list[RefusedLine] = []
    for movie, wishes in plan.wishes.items():
        timing = timing_of.get(movie)
        if not isinstance(timing, Timed):
            reason = plan.missing[movie].reason if timing is None else timing.reason
            recording = timing.edition.recording if timing and timing.edition else None
            refused += [refused_line(wish, mode, reason, recording) for wish in wishes]
            continue
        task = CuttingTask(
            out=out,
            path=timing.located.path,
            edition=timing.edition,
            wishes=tuple(wishes),
            settings=plan.settings,
            known=tuple(earlier[wish.id, mode] for wish in wishes if (wish.id, mode) in earlier),
        )
        tasks.append(task)
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
        reason = Reason(
            rule=Refusal.WORKER_DIED, detail="the process that worked on this clip crashed or was killed several times"
        )
        for task in died:
            if not halves(task):
                yield refused_line(task.wishes[0], task.settings.mode, reason), False


def _run(task: CuttingTask) -> list[tuple[Line, bool]]:
    return list(movie_lines(task))

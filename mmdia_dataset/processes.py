"""Work spread over processes: results as they come, and what became of the tasks of a process that died."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

__all__ = ["in_processes"]

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


def in_processes(
    work: Callable[[_Task], _Result], tasks: Sequence[_Task], jobs: int
) -> Iterator[tuple[_Task, _Result | None]]:
    """Each task with its result, in the order they are done; None where a process was killed.

    Args:
        work: a function of a module, that raises only what should end everything.
        tasks: what it is called with, picklable.
        jobs: processes; with one, all is done here.
    """
    if jobs <= 1 or len(tasks) <= 1:
        for task in tasks:
            yield task, work(task)
        return
    # Spawned, not forked: libav's threads do not survive a fork.
    with ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(work, task): task for task in tasks}
        for future in as_completed(running):
            try:
                yield running[future], future.result()
            except BrokenProcessPool:
                yield running[future], None

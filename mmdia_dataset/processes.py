"""Work spread over processes: results in the order they finish; tasks of a process that died are repeated."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from typing import Any, Generic, TypeVar

__all__ = ["Progress", "in_processes"]

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

_TRIES = 2
_GRACE_S = 5


def in_processes(
    work: Callable[[_Task], _Result], tasks: Sequence[_Task], jobs: int
) -> Iterator[tuple[_Task, _Result | None]]:
    """Each task with its result, in the order they finish.

    If a process is killed or crashes, another process repeats its task. If that one dies too, the result is None.

    Args:
        work: a function of a module; its errors end the whole run.
        tasks: its arguments, picklable.
        jobs: number of processes; with one, everything runs in this process.
    """
    if jobs <= 1:
        for task in tasks:
            yield task, work(task)
        return
    # Spawned, not forked: libav's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    waiting = deque((task, 1) for task in tasks)
    idle: list[_Worker[_Task, _Result]] = []
    busy: dict[Connection[Any, Any], _Worker[_Task, _Result]] = {}
    ended = False
    try:
        while waiting or busy:
            while waiting and len(busy) < jobs:
                worker = idle.pop() if idle else _Worker(context, work)
                worker.give(*waiting.popleft())
                busy[worker.pipe] = worker
            ready = wait(list(busy))
            for worker in [busy.pop(pipe) for pipe in list(busy) if pipe in ready]:
                task, tries = worker.task, worker.tries
                try:
                    result = worker.result()
                except _Died:
                    if tries < _TRIES:
                        waiting.append((task, tries + 1))
                    else:
                        yield task, None
                else:
                    idle.append(worker)
                    yield task, result
        ended = True
    finally:
        everyone = [*idle, *busy.values()]
        for worker in everyone:
            worker.dismiss(at_once=not ended)
        for worker in everyone:
            worker.join()


class _Died(Exception):
    """The process is gone."""


class _Worker(Generic[_Task, _Result]):
    """A process that does one task after the other, and the pipe to it."""

    task: _Task

    def __init__(self, context: SpawnContext, work: Callable[[_Task], _Result]) -> None:
        self.pipe, theirs = context.Pipe()
        self.tries = 0
        self._process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        self._process.start()
        theirs.close()  # held by the process alone, so that its death ends the pipe

    def give(self, task: _Task, tries: int) -> None:
        self.task, self.tries = task, tries
        try:
            self.pipe.send(task)
        except OSError:
            return  # it died; the answer's absence says so

    def result(self) -> _Result:
        """What the task came to. Raises what it raised, and _Died."""
        try:
            result, error = self.pipe.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            self.dismiss(at_once=True)
            raise _Died from None
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]

    def dismiss(self, at_once: bool) -> None:
        if at_once:
            self._process.terminate()
        self.pipe.close()

    def join(self) -> None:
        self._process.join(_GRACE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(pipe: Connection[Any, Any], work: Callable[[Any], Any]) -> None:
    """Do tasks until the pipe ends. Asked to stop, it leaves as from an exception, so that nothing half-done stays."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    threading.Thread(target=_follow_parent, daemon=True).start()
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        answer: tuple[Any, Exception | None]
        try:
            answer = work(task), None
        except Exception as error:  # it is raised where the results are taken
            answer = None, _portable(error)
        try:
            pipe.send(answer)
        except OSError:
            return


def _follow_parent() -> None:
    """Stop when the parent is gone: nobody waits for the work, and another run may write to the same folder."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _portable(error: Exception) -> Exception:
    """The error itself if it can be sent, else one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own, a moment old
    except Exception:  # whatever keeps it from being sent
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


Progress = Callable[[str, int, int], None]
"""Called as ``progress(stage, done, total)``."""

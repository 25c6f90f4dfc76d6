"""Work in processes: every task has its result once, whatever becomes of a process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmdia_dataset import rebuild
from mmdia_dataset.building import work as building_work
from mmdia_dataset.building.movie_task import movie_lines
from mmdia_dataset.built.manifest import read_lines
from mmdia_dataset.errors import OutputError
from mmdia_dataset.processes import in_processes
from tests.support.worlds import make_world, tree


def work(task):
    """Squares a number; others end the process, always or once, or raise."""
    kind, value = task
    if kind == "once":
        marker = Path(value)
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return "redone"
    if kind == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "full":
        raise OutputError("the disk is full", where=value)
    return value * value


def test_a_process_that_dies_costs_only_its_task_and_that_is_redone(tmp_path):
    tasks = [("square", n) for n in range(12)]
    tasks[3:3] = [("once", str(tmp_path / "marker")), ("deadly", 0)]
    results = dict(in_processes(work, tasks, 3))
    assert results == {
        **{("square", n): n * n for n in range(12)},
        ("once", str(tmp_path / "marker")): "redone",
        ("deadly", 0): None,
    }


def test_what_ends_everything_is_raised_as_it_was():
    with pytest.raises(OutputError, match="the disk is full") as caught:
        list(in_processes(work, [("full", "/x")] + [("square", n) for n in range(20)], 2))
    assert caught.value.where == "/x"


ORPHANS = """
import os, sys, time
from mmdia_dataset.processes import in_processes
def main():
    for _, pid in in_processes(os.getpgid, [0, 0], 2):
        print(pid, flush=True)
        break
    for _ in in_processes(time.sleep, [60, 60], 2):
        pass
if __name__ == "__main__":
    main()
"""


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [child for child in map(int, found) if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] not in "ZX"


def until(true, seconds=20):
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for processes in /proc")


@needs_proc
def test_processes_end_with_the_one_that_started_them(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(ORPHANS)
    parent = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    parent.stdout.readline()
    workers = until(lambda: len(found := children(parent.pid)) == 2 and found)
    parent.kill()
    parent.communicate()
    assert until(lambda: not any(alive(pid) for pid in workers))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def built(world):
    """The world rebuilt by one process, undisturbed."""
    rebuild(world.release, world.media, world.root / "built")
    return world.root / "built"


DEADLY = "tt0000001_clip_1"


def deadly(task):
    """A movie's lines, unless it has a certain clip, which is at times a crash of the libraries below us."""
    lines = []
    for line, kept in movie_lines(task):
        if line.id == DEADLY:
            os.kill(os.getpid(), signal.SIGKILL)
        lines.append((line, kept))
    return lines


def test_a_clip_that_kills_its_process_costs_only_itself(world, built, tmp_path, monkeypatch):
    out = tmp_path / "built"
    monkeypatch.setattr(building_work, "_run", deadly)
    report = rebuild(world.release, world.media, out, jobs=2)
    assert (report.made, report.kept, report.refused["worker-died"]) == (4, 0, 1)
    lines = {line.id: line for _, line, _ in read_lines(out / "manifest.jsonl")}
    assert lines[DEADLY].reasons[0].rule == "worker-died"
    monkeypatch.undo()
    report = rebuild(world.release, world.media, out, jobs=2)
    assert (report.made, report.kept) == (1, 4)
    assert tree(out) == tree(built)


REBUILD = "import sys, mmdia_dataset\nmmdia_dataset.rebuild(*sys.argv[1:4], jobs=2)"


@needs_proc
def test_a_killed_process_changes_nothing_in_what_is_made(world, built, tmp_path):
    out = tmp_path / "built"
    run = subprocess.Popen([sys.executable, "-c", REBUILD, str(world.release), str(world.media), str(out)])
    until(lambda: (out / ".mmdia").exists() and children(run.pid))
    for pid in children(run.pid)[:1]:
        os.kill(pid, signal.SIGKILL)
    assert run.wait() == 0
    assert tree(out) == tree(built)

"""Rebuilds that are killed or whose disk is full, then finished: for tools/faults.py."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.support import films, worlds

__all__ = ["OPTIONS", "campaign_disk", "campaign_kills"]

ROOT = Path(__file__).resolve().parent.parent
OPTIONS: dict[str, dict[str, object]] = {
    "copy": {},
    "encode": {"preset": "ultrafast"},
    "audio": {},
    "keyframes": {"places": 3},
}
REBUILD = """
import json, sys, mmdia_dataset
if __name__ == "__main__":
    try:
        report = mmdia_dataset.rebuild(*sys.argv[1:4], jobs=int(sys.argv[4]), **json.loads(sys.argv[5]))
    except mmdia_dataset.MmdiaError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    sys.exit(report.exit_code if report.faults else 0)
"""
_CLIPS = 30  # of each film


def small_world(work: Path) -> worlds.World:
    """Two films with some dialogues each."""
    library = {}
    shutil.rmtree(work, ignore_errors=True)
    (work / "media").mkdir(parents=True)
    lines = []
    for movie, name in (("tt0000001", "one.mp4"), ("tt0000002", "two.mkv")):
        library[movie] = films.make_film(work / "media" / name, seconds=20)
        worlds.write_movie(work, movie, [(550 * n, 550 * n + 2500) for n in range(_CLIPS)])
        lines.append(f'{movie} = {{ path = "{name}", offset_ms = 0 }}\n')
    (work / "media" / "media.toml").write_text("".join(lines))
    return worlds.World(work, library)


def rebuild_command(world: worlds.World, out: Path, mode: str, jobs: int) -> list[str]:
    """A rebuild as a process of its own."""
    options = json.dumps({"mode": mode, **OPTIONS[mode]})
    return [sys.executable, "-c", REBUILD, str(world.release), str(world.media), str(out), str(jobs), options]


def processes_below(pid: int) -> Iterator[int]:
    """A process's children, and theirs; not those that only look after others."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        try:
            looks_after = b"resource_tracker" in Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if not looks_after:
            yield child
        yield from processes_below(child)


def begun(run: subprocess.Popen[bytes], out: Path) -> None:
    """Wait until clips are being cut, or all is over: most of a short run is starting up."""
    while run.poll() is None and not any((out / "clips").rglob("*")):
        time.sleep(0.005)


def campaign_kills(work: Path, rounds: int, seed: int, mode: str) -> int:
    """Kill rebuilds at random moments and finish them."""
    world, rnd, wrong = small_world(work / "world"), random.Random(f"{seed} {mode}"), 0  # noqa: S311
    for jobs, whom in ((1, "all"), (2, "all"), (2, "one worker")):
        undisturbed = work / "undisturbed"
        shutil.rmtree(undisturbed, ignore_errors=True)
        run = subprocess.Popen(rebuild_command(world, undisturbed, mode, jobs))
        begun(run, undisturbed)
        started = time.monotonic()
        if run.wait():
            raise RuntimeError("the undisturbed run failed")
        length = time.monotonic() - started
        want = worlds.tree(undisturbed)
        count, kept = Counter[str](), []
        for _ in range(rounds):
            out = work / "killed"
            shutil.rmtree(out, ignore_errors=True)
            run = subprocess.Popen(rebuild_command(world, out, mode, jobs), stderr=subprocess.DEVNULL)
            begun(run, out)
            time.sleep(rnd.uniform(0, length * 0.9))
            below = list(processes_below(run.pid))
            victims = [run.pid, *below] if whom == "all" else rnd.sample(below, min(1, len(below)))
            if run.poll() is not None or not victims:
                count["over before"] += 1
            for victim in victims if run.poll() is None else ():
                try:
                    os.kill(victim, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            code = run.wait()
            if whom == "all":
                kept.append(sum(1 for file in out.rglob("clips/*/*") if not file.name.startswith(".")))
                subprocess.run(rebuild_command(world, out, mode, jobs), check=True)
            elif code:
                count["ENDED WITH AN ERROR"] += 1
            count["the same bytes" if worlds.tree(out) == want else "DIFFERENT"] += 1
        wrong += count["DIFFERENT"] + count["ENDED WITH AN ERROR"]
        parts = ", ".join(f"{number} {kind}" for kind, number in sorted(count.items()))
        note = f"; {min(kept)} to {max(kept)} of {2 * _CLIPS} clips were there" if kept else ""
        print(f"  {mode} --jobs {jobs}, {whom} killed {rounds} times: {parts}{note}", flush=True)
    return wrong


ON_DISK = """
import os, subprocess, sys
disk, size, more, command = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "disk", disk], check=True)
first = subprocess.run(command, stderr=subprocess.PIPE, text=True)
print(first.returncode, first.stderr.strip().splitlines()[-1] if first.stderr else "")
print(sum(1 for _, _, names in os.walk(disk) for name in names if name.endswith(".part")))
subprocess.run(["mount", "-o", f"remount,size={more}", disk], check=True)
second = subprocess.run(command)
sys.path.insert(0, ROOT)
from pathlib import Path
from tests.support import worlds
import json
print(json.dumps(worlds.tree(Path(command[5]))))
"""


def campaign_disk(work: Path, rounds: int, seed: int, mode: str) -> int:
    """Let the disk fill up at random moments, then make room."""
    enter = ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*enter, "true"], capture_output=True).returncode:
        print("  not tried: no user namespace with mounts here")
        return 0
    world, rnd = small_world(work / "world"), random.Random(f"{seed} {mode}")  # noqa: S311
    undisturbed, disk = work / "undisturbed", work / "disk"
    subprocess.run(rebuild_command(world, undisturbed, mode, 1), check=True)
    want, size = worlds.tree(undisturbed), sum(file.stat().st_size for file in undisturbed.rglob("*") if file.is_file())
    disk.mkdir()
    count = Counter[str]()
    for number in range(rounds):
        room = str(rnd.randrange(8192, size + 20_000) // 4096 * 4096)
        command = rebuild_command(world, disk / "built", mode, 1 + number % 2)
        code = ON_DISK.replace("ROOT", repr(str(ROOT)))
        done = subprocess.run(
            [*enter, sys.executable, "-c", code, str(disk), room, str(4 * size + 4_000_000), *command],
            capture_output=True,
            text=True,
        )
        lines = done.stdout.splitlines()
        if len(lines) != 3:
            count["DIFFERENT"] += 1
            print(done.stderr, file=sys.stderr)
            continue
        count["said: the disk is full" if "the disk is full" in lines[0] else f"first run: {lines[0][:80]}"] += 1
        count["temporary files left at first"] += int(lines[1])
        count["the same bytes in the end" if json.loads(lines[2]) == want else "DIFFERENT"] += 1
    parts = ", ".join(f"{number} {kind}" for kind, number in sorted(count.items()) if number)
    print(f"  {mode}: {parts}", flush=True)
    return count["DIFFERENT"]

"""Speed and exactness as ratios against named peers, measured in the same run.

python tools/bench.py copy|memory|encode|audio|keyframes|align|shards|load|validate|tasks|splits|all ...
    [--hours 2] [--clips 250] [--dialogues 54700] [--tier audio] [--sound-minutes 24] [--sound-hours 3]

Everything is generated under `bench/` (kept between runs; not part of git). CPU seconds are
those that the operating system counts for whole processes, with start-up. Machines are noisy: read ratios, not seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "bench"
sys.path.insert(0, str(ROOT))

import bench_align  # noqa: E402 - the generators of films and releases are the tests' own
import bench_copy as bench_copying  # noqa: E402
import bench_encode as bench_encoding  # noqa: E402
import bench_load as bench_loading  # noqa: E402
import bench_modes  # noqa: E402
import bench_release_audio  # noqa: E402
import bench_shards as bench_sharding  # noqa: E402
import bench_splits  # noqa: E402
from bench_report import python  # noqa: E402

from tests.support import films  # noqa: E402


@dataclass(frozen=True)
class Cost:
    """What running something took: CPU and wall seconds, peak memory in MB."""

    cpu: float
    wall: float
    peak: float


# Runs commands from a process of its own: a child's peak memory counts what its parent held when it was forked.
LAUNCHER = """
import json, resource, subprocess, sys, time
started = time.monotonic()
for command in json.load(sys.stdin):
    if subprocess.run(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL).returncode:
        sys.exit(f"failed: {command}")
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, time.monotonic() - started, used.ru_maxrss / 1000]))
"""


def cost(*commands: list[str]) -> Cost:
    """Run commands one after the other; their summed cost, and the highest peak."""
    launcher = [sys.executable, "-S", "-c", LAUNCHER]
    settings = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # as `mmdia` sets it
    request = json.dumps(commands)
    done = subprocess.run(launcher, input=request, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=settings)
    if done.returncode:
        raise SystemExit(done.returncode)
    return Cost(*json.loads(done.stdout))


def show(name: str, ours: Cost, against: Cost | None = None, note: str = "") -> None:
    """Print one row: CPU, wall, memory, and how many times the CPU of `against` it took."""
    ratio = "" if against is None else f"{ours.cpu / against.cpu:8.2f}x CPU {ours.wall / against.wall:8.2f}x wall"
    print(f"  {name:<34} {ours.cpu:8.2f} s CPU {ours.wall:8.2f} s wall {ours.peak:7.0f} MB {ratio} {note}", flush=True)


# --- films and clips ---------------------------------------------------------------------------------------------


def film(minutes: float) -> films.Film:
    """A film of 640x360 at 24000/1001 with AAC, made once."""
    WORK.mkdir(exist_ok=True)
    path = WORK / f"film-{minutes:g}.mkv"
    options = {"preset": "veryfast", "crf": "21", "bf": "3", "g": "250", "refs": "3"}
    size = (640, 360)
    if path.exists():
        count = int(minutes * 60 * films.FILM)
        return films.Film(path, tuple(n / films.FILM for n in range(count)), (films.Track(),), size)
    print(f"  (drawing {minutes:g} minutes of film)", flush=True)
    temporary = path.with_name("temporary.mkv")
    rendered = films.make_film(temporary, seconds=minutes * 60, options=options, size=size)
    temporary.replace(path)
    return films.Film(path, rendered.times, rendered.tracks, rendered.size)


def bench_copy(options: argparse.Namespace) -> None:
    """`copy` against ffmpeg per clip, and cp of what it wrote, on a film of hours."""
    bench_copying.compare(WORK, film(10), options.hours, options.clips, cost, show)


def bench_memory(_: argparse.Namespace) -> None:
    """`copy`'s memory over clips and hours."""
    bench_copying.memory(WORK, film(10), cost, show)


def bench_encode(options: argparse.Namespace) -> None:
    """`encode` against one ffmpeg per clip."""
    bench_encoding.compare(WORK, film(10), options.clips, cost, show)


def bench_audio(options: argparse.Namespace) -> None:
    """`audio` against one ffmpeg per clip."""
    bench_modes.audio(WORK, film(10), options.hours, options.clips, cost, show)


def bench_keyframes(options: argparse.Namespace) -> None:
    """`keyframes` against one ffmpeg per picture."""
    bench_modes.keyframes(WORK, film(10), options.hours, options.clips, cost, show)


def bench_alignment(options: argparse.Namespace) -> None:
    """Alignment by fingerprint against ffsubsync, and by the release's sounds against the authors' method."""
    if options.tier != "audio":
        bench_align.compare(WORK, options.sound_minutes, cost)
    if options.tier != "fingerprint":
        bench_release_audio.compare(WORK, options.sound_minutes, cost)
        if options.sound_hours:
            bench_release_audio.long_film(WORK, options.sound_hours, cost)


def bench_shards(_: argparse.Namespace) -> None:
    """Shards against tar and sha256sum."""
    bench_sharding.compare(WORK, cost, show)


def bench_splitting(options: argparse.Namespace) -> None:
    """Splits, their leakage and statistics of a full-size release, against `json.loads` of its lines."""
    bench_splits.compare(WORK, options.dialogues, cost, python)


# --- annotations -------------------------------------------------------------------------------------------------


def bench_load(options: argparse.Namespace) -> None:
    """Reading and preparing annotations against `json.load` of the same files."""
    bench_loading.load(WORK, options.dialogues, cost, show)


def bench_validate(options: argparse.Namespace) -> None:
    """`validate` against pydantic alone on the same rows."""
    bench_loading.validate(WORK, options.dialogues, cost, show)


def bench_tasks(options: argparse.Namespace) -> None:
    """The rows of each task against those of `clips`."""
    bench_loading.tasks(WORK, options.dialogues, cost, show)


BENCHES = {
    "copy": bench_copy,
    "memory": bench_memory,
    "encode": bench_encode,
    "audio": bench_audio,
    "keyframes": bench_keyframes,
    "align": bench_alignment,
    "shards": bench_shards,
    "load": bench_load,
    "validate": bench_validate,
    "tasks": bench_tasks,
    "splits": bench_splitting,
}


def main() -> None:
    """Run one or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=[*BENCHES, "all"])
    parser.add_argument("--hours", type=float, default=2, help="length of the film for copy, audio and keyframes")
    parser.add_argument("--clips", type=int, default=250, help="clips of it")
    parser.add_argument("--sound-minutes", type=float, default=24, help="length of the film for align")
    parser.add_argument("--sound-hours", type=float, default=3, help="length of align's long film; 0 leaves it out")
    parser.add_argument("--tier", choices=["fingerprint", "audio", "all"], default="all", help="what align measures")
    parser.add_argument("--dialogues", type=int, default=54_700)
    options = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    for name, run in BENCHES.items():
        if {name, "all"} & set(options.names):
            run(options)


if __name__ == "__main__":
    main()

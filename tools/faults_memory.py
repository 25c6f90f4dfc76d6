"""Memory and open files of rebuilds, from few clips to many and from short films to long ones: for tools/faults.py."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
from faults_rebuilds import OPTIONS

from tests.support import films, worlds

__all__ = ["campaign_memory"]

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
_MINUTES, _TIMES = 10, 18  # ten minutes, and three hours of the same
_FEW, _MANY = 10, 1000
_LENGTH_MS = 500  # so that 1,000 follow each other in ten minutes: what overlaps is encoded at once
_MOST_GROWTH = 1.25  # noise of an allocator, and the lines of the manifest
MEASURED = """
import json, os, sys, mmdia_dataset
most = 0
def note(*_):
    global most
    most = max(most, len(os.listdir("/proc/self/fd")))
report = mmdia_dataset.rebuild(*sys.argv[1:4], as_is=True, progress=note, **json.loads(sys.argv[4]))
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps([report.made, dict(report.refused), int(status["VmHWM"].split()[0]) / 1000, most]))
"""


def campaign_memory(work: Path, rounds: int, seed: int, mode: str) -> int:
    """Peak memory and open files: 10 and 1,000 clips of ten minutes, and as many of three hours."""
    short, long = work.parent / "short.mkv", work.parent / "long.mkv"  # for all modes
    if not long.exists():
        films.make_film(short, seconds=_MINUTES * 60)
        (work / "parts.txt").write_text(f"file '{short}'\n" * _TIMES)
        join = ["-f", "concat", "-safe", "0", "-i", str(work / "parts.txt"), "-c", "copy", str(long)]
        subprocess.run([FFMPEG, "-v", "error", "-y", *join], check=True)
    rnd, results = random.Random(seed), {}  # noqa: S311
    for film, minutes, count in (
        (short, _MINUTES, _FEW),
        (short, _MINUTES, _MANY),
        (long, _MINUTES * _TIMES, _FEW),
        (long, _MINUTES * _TIMES, _MANY),
    ):
        world = work / "world"
        shutil.rmtree(world, ignore_errors=True)
        (world / "media").mkdir(parents=True)
        (world / "media" / "tt0000001.mkv").symlink_to(film)
        apart = (minutes * 60_000 - 2 * _LENGTH_MS) // count
        starts = [number * apart + rnd.randrange(apart - _LENGTH_MS) for number in range(count)]
        worlds.write_movie(world, "tt0000001", [(start, start + _LENGTH_MS) for start in starts])
        options = json.dumps({"mode": mode, **OPTIONS[mode]})
        arguments = [str(world / "release"), str(world / "media"), str(world / "built"), options]
        done = subprocess.run([sys.executable, "-c", MEASURED, *arguments], capture_output=True, text=True, check=True)
        finished, refused, megabytes, files = json.loads(done.stdout)
        results[minutes, count] = finished, megabytes, files
        print(
            f"  {mode}, {count:>5} clips of {minutes:>3} min: {finished} made, {refused or 'none'} refused, "
            f"at most {megabytes:.0f} MB and {files} open files",
            flush=True,
        )
    least = results[_MINUTES, _FEW]
    return sum(
        finished != count or megabytes > least[1] * _MOST_GROWTH or files > least[2] + 2
        for (_, count), (finished, megabytes, files) in results.items()
    )

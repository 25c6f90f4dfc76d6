"""What becomes of clips when films, disks and processes fail: campaigns of random faults, counted.

python tools/faults.py films|kills|disk|all [--rounds 50] [--seed 0] [--work FOLDER]

films   truncated, bit-flipped, zeroed, without index, garbage, under a wrong extension, still growing, unreadable in
        the middle (needs a C compiler). Every clip that was made is read back: it must show the frames of its span.
kills   a rebuild by one and by two processes, killed with -9 at random moments together with its workers, or one worker
        alone, then run again: the same bytes as an undisturbed run, and nothing else in the folder.
disk    a rebuild onto a disk that fills up at a random moment, then gets room: likewise (needs `unshare`).

Exit code 1 if anything wrong was made.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import av  # noqa: E402 - the generators of films and worlds are the tests' own

import mmdia_dataset  # noqa: E402
from mmdia_dataset.clips import CopySettings, Made, Wanted, cut  # noqa: E402
from mmdia_dataset.timing import Span, TimeMap  # noqa: E402
from tests import films, worlds  # noqa: E402

SECONDS = 12
SPANS = [(200 + 700 * n, 200 + 700 * n + 600) for n in range(15)]
FILMS: dict[str, dict[str, object]] = {
    "film.mp4": {},
    "open.mkv": {"options": films.OPEN_GOP, "tracks": [films.Track("ac3")]},
    "film.ts": {"rate": Fraction(25), "codec": "mpeg2video", "options": films.MPEG2, "tracks": [films.Track("mp2")]},
}

# --- films -------------------------------------------------------------------------------------------------------

Damage = Callable[[bytearray, random.Random], None]


def truncated(data: bytearray, rnd: random.Random) -> None:
    """Cut off anywhere."""
    del data[rnd.randrange(len(data)) :]


def flipped(data: bytearray, rnd: random.Random) -> None:
    """A few bits turned, anywhere."""
    for _ in range(rnd.choice([1, 5, 50])):
        data[rnd.randrange(len(data))] ^= 1 << rnd.randrange(8)


def zeroed(data: bytearray, rnd: random.Random) -> None:
    """A region overwritten with zeros, as a disk leaves a hole."""
    size = rnd.choice([512, 4096, 65536])
    at = rnd.randrange(max(1, len(data) - size))
    data[at : at + size] = bytes(min(size, len(data) - at))


def removed(data: bytearray, rnd: random.Random) -> None:
    """A region lost, so that everything after it lies elsewhere."""
    at = rnd.randrange(len(data))
    del data[at : at + rnd.choice([188, 4096, 65536])]


def overwritten(data: bytearray, rnd: random.Random) -> None:
    """A region of garbage."""
    size = rnd.choice([16, 4096, 65536])
    at = rnd.randrange(max(1, len(data) - size))
    data[at : at + size] = rnd.randbytes(min(size, len(data) - at))


def no_index(data: bytearray, rnd: random.Random) -> None:
    """Cut off before the last tenth, where MP4 has its index."""
    del data[rnd.randrange(len(data) // 2, len(data) * 9 // 10) :]


def garbage(data: bytearray, rnd: random.Random) -> None:
    """Nothing of it left."""
    data[:] = rnd.randbytes(len(data))


DAMAGES: dict[str, Damage] = {
    one.__name__.replace("_", " "): one for one in (truncated, flipped, zeroed, removed, overwritten, no_index, garbage)
}


def original_frames(path: Path) -> list[Fraction]:
    """Recording time of each frame."""
    with av.open(str(path)) as source:
        video = source.streams.video[0]
        starts = [one.start_time * one.time_base for one in source.streams if one.start_time and one.time_base]
        origin = min([start for start in starts if start > 0], default=Fraction(0)) if source.start_time > 0 else 0
        clock = video.time_base or Fraction(1)
        return sorted(p.pts * clock - origin for p in source.demux(video) if p.size and p.pts is not None)


def judged(path: Path, times: list[Fraction], folder: Path, count: Counter[str]) -> None:
    """Cut clips of a damaged film and count what they are."""
    wanted = [Wanted(str(n), Span(*span), folder / f"{n}.mp4") for n, span in enumerate(SPANS)]
    for result in cut(path, TimeMap.linear(), wanted, CopySettings()):
        count[verdict(result, times, path)] += 1
    count["left behind"] += sum(1 for file in folder.rglob(".*"))
    shutil.rmtree(folder, ignore_errors=True)


def itself(film: Path, span: Span) -> set[int]:
    """The numbers that a film shows in a span, whatever a decoder makes of its damage."""
    found = set()
    with av.open(str(film)) as source:
        start = Fraction(max(0, source.start_time or 0), 1_000_000)
        try:
            for frame in source.decode(video=0):
                time = ((frame.pts or 0) * (frame.time_base or 1) - start) * 1000
                if span.start_ms - 1 <= time < span.end_ms:
                    found.add(films.number_of(frame.to_ndarray(format="gray")))
        except av.error.FFmpegError:
            return found
    return found


def verdict(result: object, times: list[Fraction], film: Path) -> str:
    """Whether a clip shows what it should: its frames by number; some may be unreadable where the film is broken."""
    if not isinstance(result, Made):
        return "refused"
    span = result.wanted.span
    want = [n for n, at in enumerate(times) if Fraction(span.start_ms, 1000) <= at < Fraction(span.end_ms, 1000)]
    try:
        shown = films.numbers_av(result.wanted.file)
    except av.error.FFmpegError:
        return "made, with broken pictures"
    if shown == want:
        return "made, right"
    strange = set(shown) - {-1} - set(want)
    return "made, with broken pictures" if strange <= itself(film, span) else "made, WRONG"


def campaign_films(work: Path, rounds: int, seed: int) -> int:
    """All kinds of damage to all films."""
    wrong = 0
    av.logging.set_level(av.logging.PANIC)
    for name, making in FILMS.items():
        made = films.make_film(work / name, seconds=SECONDS, **making)  # type: ignore[arg-type]
        data, times = made.path.read_bytes(), original_frames(made.path)
        for what, damage in DAMAGES.items():
            rnd, count = random.Random(f"{seed} {name} {what}"), Counter[str]()  # noqa: S311
            for _ in range(rounds if what != "garbage" else 3):
                broken = bytearray(data)
                damage(broken, rnd)
                path = work / f"broken-{name}"
                path.write_bytes(broken)
                judged(path, times, work / "clips", count)
            wrong += told(f"{name}, {what}", count)
        wrong += told(f"{name}, wrong extension", renamed(made.path, times, work))
        wrong += told(f"{name}, still growing", growing(made.path, times, work, max(3, rounds // 10)))
        wrong += told(f"{name}, read errors in the middle", unreadable(made.path, times, work))
    return wrong


def told(what: str, count: Counter[str]) -> int:
    """Print a line; how much of it is wrong."""
    bad = count["made, WRONG"] + count["left behind"]
    parts = ", ".join(f"{number} {kind}" for kind, number in sorted(count.items()) if number)
    print(f"  {what:<34} {parts}{'   <---' if bad else ''}", flush=True)
    return bad


def renamed(path: Path, times: list[Fraction], work: Path) -> Counter[str]:
    """The film under names of other containers."""
    count = Counter[str]()
    for suffix in (".avi", ".mkv", ".mp4", ".ts", ".txt"):
        other = work / f"renamed{suffix}"
        shutil.copy(path, other)
        judged(other, times, work / "clips", count)
    return count


def growing(path: Path, times: list[Fraction], work: Path, rounds: int) -> Counter[str]:
    """The film while another program writes it."""
    count, data = Counter[str](), path.read_bytes()
    for number in range(rounds):
        other = work / f"growing-{path.name}"
        other.write_bytes(data[: len(data) * (number + 1) // (rounds + 2)])

        def append(other: Path = other) -> None:
            with other.open("ab", buffering=0) as out:
                for at in range(out.tell(), len(data), 20_000):
                    out.write(data[at : at + 20_000])
                    time.sleep(0.002)

        writer = threading.Thread(target=append)
        writer.start()
        judged(other, times, work / "clips", count)
        writer.join()
    return count


# Fails every read that touches a stretch of one file, as a bad sector does.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int bad(int file, long long at, size_t size) {
  char link[64], path[4096];
  const char *name = getenv("BAD_FILE"), *from = getenv("BAD_FROM"), *to = getenv("BAD_TO");
  if (!name || !from || !to) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return !strcmp(path, name) && at < atoll(to) && at + (long long)size > atoll(from);
}
ssize_t read(int file, void *data, size_t size) {
  static ssize_t (*real)(int, void *, size_t);
  if (!real) real = dlsym(RTLD_NEXT, "read");
  off_t at = lseek(file, 0, SEEK_CUR);
  if (at >= 0 && bad(file, at, size)) { errno = EIO; return -1; }
  return real(file, data, size);
}
ssize_t pread(int file, void *data, size_t size, off_t at) {
  static ssize_t (*real)(int, void *, size_t, off_t);
  if (!real) real = dlsym(RTLD_NEXT, "pread");
  if (bad(file, at, size)) { errno = EIO; return -1; }
  return real(file, data, size, at);
}
ssize_t pread64(int file, void *data, size_t size, off_t at) { return pread(file, data, size, at); }
"""
CUT = """
import json, sys
from pathlib import Path
from mmdia_dataset.clips import CopySettings, Made, Wanted, cut
from mmdia_dataset.timing import Span, TimeMap
path, folder, spans = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
wanted = [Wanted(str(n), Span(*span), folder / f"{n}.mp4") for n, span in enumerate(spans)]
for result in cut(path, TimeMap.linear(), wanted, CopySettings()):
    print(result.wanted.id, isinstance(result, Made), getattr(result, "detail", ""), flush=True)
"""


def unreadable(path: Path, times: list[Fraction], work: Path) -> Counter[str]:
    """The film on a disk with bad sectors in its middle."""
    compiler, count = shutil.which("cc") or shutil.which("gcc"), Counter[str]()
    if compiler is None:
        return Counter({"not tried, no C compiler": 1})
    (work / "shim.c").write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", "shim.so", "shim.c", "-ldl"], cwd=work, check=True)
    middle, folder = path.stat().st_size // 2, work / "clips"
    bad = {"LD_PRELOAD": str(work / "shim.so"), "BAD_FILE": str(path.resolve())}
    bad |= {"BAD_FROM": str(middle), "BAD_TO": str(middle + 4096), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CUT, str(path.resolve()), str(folder), json.dumps(SPANS)]
    done = subprocess.run(command, env={**os.environ, **bad}, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return Counter({"made, WRONG": 1})
    for line in done.stdout.splitlines():
        number, made, _ = line.split(" ", 2)
        want = [n for n, at in enumerate(times) if SPANS[int(number)][0] <= at * 1000 < SPANS[int(number)][1]]
        right = made == "True" and films.numbers_av(folder / f"{number}.mp4") == want
        count["made, right" if right else "made, WRONG" if made == "True" else "refused"] += 1
    count["left behind"] += sum(1 for file in folder.rglob(".*"))
    shutil.rmtree(folder, ignore_errors=True)
    return count


# --- rebuilds ----------------------------------------------------------------------------------------------------

REBUILD = """
import sys, mmdia_dataset
if __name__ == "__main__":
    try:
        report = mmdia_dataset.rebuild(*sys.argv[1:4], jobs=int(sys.argv[4]))
    except mmdia_dataset.MmdiaError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    sys.exit(report.exit_code if report.faults else 0)
"""


def small_world(work: Path) -> worlds.World:
    """Two films with 40 dialogues each."""
    made = {}
    shutil.rmtree(work, ignore_errors=True)
    (work / "media").mkdir(parents=True)
    lines = []
    for movie, name in (("tt0000001", "one.mp4"), ("tt0000002", "two.mkv")):
        made[movie] = films.make_film(work / "media" / name, seconds=20)
        worlds.write_movie(work, movie, [(400 * n, 400 * n + 2500) for n in range(40)])
        lines.append(f'{movie} = {{ path = "{name}", offset_ms = 0 }}\n')
    (work / "media" / "media.toml").write_text("".join(lines))
    return worlds.World(work, made)


def rebuild_command(world: worlds.World, out: Path, jobs: int) -> list[str]:
    """A rebuild as a process of its own."""
    return [sys.executable, "-c", REBUILD, str(world.release), str(world.media), str(out), str(jobs)]


def processes_below(pid: int) -> Iterator[int]:
    """A process's children, and theirs."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        yield child
        yield from processes_below(child)


def campaign_kills(work: Path, rounds: int, seed: int) -> int:
    """Kill rebuilds at random moments and finish them."""
    world, rnd, wrong = small_world(work / "world"), random.Random(seed), 0  # noqa: S311
    undisturbed = work / "undisturbed"
    started = time.monotonic()
    subprocess.run(rebuild_command(world, undisturbed, 1), check=True)
    length = time.monotonic() - started
    want = worlds.tree(undisturbed)
    for jobs, whom in ((1, "all"), (2, "all"), (2, "one worker")):
        count, kept = Counter[str](), []
        for _ in range(rounds):
            out = work / "killed"
            shutil.rmtree(out, ignore_errors=True)
            run = subprocess.Popen(rebuild_command(world, out, jobs), stderr=subprocess.DEVNULL)
            # Most of a short run is starting up; most kills should hit the cutting.
            while not (out / ".mmdia").exists() and run.poll() is None:
                time.sleep(0.005)
            time.sleep(rnd.uniform(0, length * (0.6 if jobs == 1 else 1.6)))
            below = list(processes_below(run.pid))
            victims = [run.pid, *below] if whom == "all" else below[-1:]
            if run.poll() is None:
                for victim in victims:
                    try:
                        os.kill(victim, signal.SIGKILL)
                    except ProcessLookupError:
                        continue
            else:
                count["finished before"] += 1
            run.wait()
            if whom == "all":
                kept.append(sum(1 for _ in out.rglob("*.mp4")))
                subprocess.run(rebuild_command(world, out, jobs), check=True)
            count["the same bytes" if worlds.tree(out) == want else "DIFFERENT"] += 1
        wrong += count["DIFFERENT"]
        parts = ", ".join(f"{number} {kind}" for kind, number in sorted(count.items()))
        note = f"; {min(kept)} to {max(kept)} of 80 clips were there" if kept else ""
        print(f"  --jobs {jobs}, {whom} killed {rounds} times: {parts}{note}", flush=True)
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
from tests import worlds
import json
print(json.dumps(worlds.tree(Path(command[5]))))
"""


def campaign_disk(work: Path, rounds: int, seed: int) -> int:
    """Let the disk fill up at random moments, then make room."""
    enter = ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*enter, "true"], capture_output=True).returncode:
        print("  not tried: no user namespace with mounts here")
        return 0
    world, rnd = small_world(work / "world"), random.Random(seed)  # noqa: S311
    undisturbed, disk = work / "undisturbed", work / "disk"
    subprocess.run(rebuild_command(world, undisturbed, 1), check=True)
    want, size = worlds.tree(undisturbed), sum(file.stat().st_size for file in undisturbed.rglob("*") if file.is_file())
    disk.mkdir()
    count = Counter[str]()
    for number in range(rounds):
        room = str(rnd.randrange(8192, size + 20_000) // 4096 * 4096)
        command = rebuild_command(world, disk / "built", 1 + number % 2)
        code = ON_DISK.replace("ROOT", repr(str(ROOT)))
        done = subprocess.run(
            [*enter, sys.executable, "-c", code, str(disk), room, str(4 * size), *command],
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
    print("  " + ", ".join(f"{number} {kind}" for kind, number in sorted(count.items()) if number), flush=True)
    return count["DIFFERENT"]


CAMPAIGNS = {"films": campaign_films, "kills": campaign_kills, "disk": campaign_disk}


def main() -> int:
    """Run one or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[*CAMPAIGNS, "all"])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help="an empty folder to work in; a temporary one by default")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="faults-"))
    wrong = 0
    for name, run in CAMPAIGNS.items():
        if options.name in (name, "all"):
            print(f"{name}:", flush=True)
            folder = work / name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            wrong += run(folder, options.rounds, options.seed)
            shutil.rmtree(folder)
    print(f"mmdia_dataset {mmdia_dataset.__version__}: " + (f"{wrong} WRONG" if wrong else "nothing wrong was made"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

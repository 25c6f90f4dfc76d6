"""Mode `copy` on a film of hours, against ffmpeg (a process per clip) and `cp`; and its memory."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from bench_films import FFMPEG, FFMPEGS, exactness, large, repeated, spans
from bench_report import Cost, Run, Show, busy, goal, python

from tests.support import films

CUT = """
import json, os, sys
from pathlib import Path
from mmdia_dataset.clips import CopySettings, MadeClip, Wish, cut
from mmdia_dataset.timing import Span, TimeMap
film, out, spans = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
wishes = (Wish(id=str(n), movie="film", span=Span(a, b)) for n, (a, b) in enumerate(spans))
files = 0
for result in cut(film, TimeMap.linear(), wishes, CopySettings(), lambda wish: out / f"{wish.id}.mp4"):
    assert isinstance(result, MadeClip), result
    files = max(files, len(os.listdir("/proc/self/fd"))) if os.path.isdir("/proc/self/fd") else 0
print(files)
"""

HASH = """
import hashlib, sys
from pathlib import Path
for file in Path(sys.argv[1]).iterdir():
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while part := content.read(1 << 20):
            digest.update(part)
"""


def per_clip(
    film: Path, cuts: list[tuple[int, int]], folder: Path, options: list[str], suffix: str, peer: str = FFMPEG
) -> list[list[str]]:
    """An ffmpeg command for each clip, seeking on the input side."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    commands = []
    for n, (a, b) in enumerate(cuts):
        seek = ["-ss", f"{a / 1000}", "-t", f"{(b - a) / 1000}", "-i", str(film)]
        commands.append([peer, "-v", "error", "-y", *seek, *options, str(folder / f"{n}{suffix}")])
    return commands


def compare(work: Path, short: films.Film, hours: float, clips: int, cost: Run, show: Show) -> None:
    """`copy` against its peers on one film in two containers, and on one of full size."""
    minutes = float(short.times[-1] + 1) / 60
    turns = max(1, round(hours * 60 / minutes))
    for suffix in (".mkv", ".mp4"):
        film = repeated(short, turns, work / f"film-{hours:g}h{suffix}")
        cuts = spans(turns * minutes - 1, clips)
        size = film.stat().st_size / 1e6
        print(f"copy: {clips} clips of {turns * minutes / 60:.1f} h ({suffix[1:]}, {size:.0f} MB, 640x360, H.264, AAC)")
        ours_at, stream_at = work / "copy-ours", work / "copy-ffmpeg"
        shutil.rmtree(ours_at, ignore_errors=True)
        started = busy()
        ours = cost(python(CUT, film, ours_at, json.dumps(cuts)))
        show("mmdia copy", ours, note=f"{exactness(film, len(short.times), short.size, ours_at, cuts)} {started}")
        show("of these: starting Python, imports", cost(python("import mmdia_dataset.clips")), ours)
        few = cuts[:: max(1, len(cuts) // 2)]
        for name, peer in FFMPEGS.items():
            stream = cost(*per_clip(film, cuts, stream_at, ["-c", "copy"], ".mp4", peer))
            show(f"{name}, -c copy", stream, ours, exactness(film, len(short.times), short.size, stream_at, cuts))
            show("of these: starting the processes", cost(*[[peer, "-v", "error", "-version"]] * len(cuts)), ours)
            encoded = cost(*per_clip(film, few, work / "copy-x264", ["-c:v", "libx264", "-c:a", "aac"], ".mp4", peer))
            goal(f"against {name}, -c copy", stream.cpu / ours.cpu, least=10)
            goal(f"against x264 (from {len(few)} clips)", encoded.cpu / len(few) * len(cuts) / ours.cpu, least=100)
        _against_cp(work, ours, ours_at, cost, show)
    minute = large(short, work / "film-large.mkv")
    film = repeated(minute, round(hours * 60), work / f"film-large-{hours:g}h.mp4")
    cuts = spans(hours * 60 - 1, clips)
    print(f"copy: {clips} clips of {hours:g} h (mp4, {film.stat().st_size / 1e6:.0f} MB, 1920x1080, H.264, AAC)")
    shutil.rmtree(ours_at, ignore_errors=True)
    ours = cost(python(CUT, film, ours_at, json.dumps(cuts)))
    show("mmdia copy", ours, note=busy())
    _against_cp(work, ours, ours_at, cost, show)
    for folder in (ours_at, stream_at, work / "copy-x264"):
        shutil.rmtree(folder)


def _against_cp(work: Path, ours: Cost, ours_at: Path, cost: Run, show: Show) -> None:
    """What the bytes alone cost: copying them, and hashing them for the manifest."""
    copied_at = work / "copy-cp"
    shutil.rmtree(copied_at, ignore_errors=True)
    copied = cost(["cp", "-r", str(ours_at), str(copied_at)])
    hashed = cost(python(HASH, ours_at))
    size = sum(file.stat().st_size for file in ours_at.iterdir()) / 1e6
    show(f"cp -r of mmdia's output ({size:.0f} MB)", copied, ours)
    show("SHA-256 of it, which the manifest has", hashed, ours)
    goal("against cp", ours.cpu / copied.cpu, most=2)
    print(f"  cp and SHA-256 together: {(copied.cpu + hashed.cpu) / copied.cpu:.2f}x of cp")
    shutil.rmtree(copied_at)


def memory(work: Path, short: films.Film, cost: Run, show: Show) -> None:
    """Peak memory from 10 to 1,000 clips, and from 10 minutes to 3 hours."""
    minutes = float(short.times[-1] + 1) / 60
    print("copy: peak memory")
    for hours, clips in ((minutes / 60, 10), (minutes / 60, 1000), (3.0, 10), (3.0, 1000)):
        turns = max(1, round(hours * 60 / minutes))
        film = short.path if turns == 1 else repeated(short, turns, work / f"film-{hours:g}h.mkv")
        out = work / "copy-memory"
        shutil.rmtree(out, ignore_errors=True)
        show(
            f"{clips} clips of {turns * minutes:.0f} min",
            cost(python(CUT, film, out, json.dumps(spans(turns * minutes - 1, clips)))),
        )
    shutil.rmtree(work / "copy-memory", ignore_errors=True)

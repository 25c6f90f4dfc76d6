"""Mode `copy` on a film of hours, against ffmpeg per clip and `cp`; and its memory over clips and hours."""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import imageio_ffmpeg

from tests import films

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
READERS: dict[str, Callable[[Path, tuple[int, int]], list[int]]] = {
    "PyAV": lambda path, _: films.numbers_av(path),
    "ffmpeg": lambda path, size: films.numbers_ffmpeg(path, FFMPEG, size),
    "OpenCV": lambda path, _: films.numbers_opencv(path),
}

_SAMPLES, _DELAY = 1024, 5  # samples in a packet of AAC, and more frames than x264's B-frames are late

CUT = """
import json, os, sys
from pathlib import Path
from mmdia_dataset.clips import CopySettings, Made, Wanted, cut
from mmdia_dataset.timing import Span, TimeMap
film, out, spans = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
wanted = (Wanted(str(n), Span(a, b), out / f"{n}.mp4") for n, (a, b) in enumerate(spans))
files = 0
for result in cut(film, TimeMap.linear(), wanted, CopySettings()):
    assert isinstance(result, Made), result
    files = max(files, len(os.listdir("/proc/self/fd"))) if os.path.isdir("/proc/self/fd") else 0
print(files)
"""


class Cost(Protocol):
    """What running something took."""

    @property
    def cpu(self) -> float:
        """CPU seconds."""

    @property
    def wall(self) -> float:
        """Seconds by the clock."""

    @property
    def peak(self) -> float:
        """Memory in MB."""


Run = Callable[..., Cost]
Show = Callable[..., None]


def repeated(short: films.Film, times: int, path: Path) -> Path:
    """A film over and over, packet by packet: hours without drawing them. Frame n shows n modulo the short one's."""
    if path.exists():
        return path
    temporary = path.with_name(f"temporary{path.suffix}")
    with av.open(str(short.path)) as source, av.open(str(temporary), "w") as out:
        tracks = {one.index: out.add_stream_from_template(one) for one in source.streams}
        # A whole number of frames and of sound packets, so that neither track shows a seam.
        lengths = {
            "video": Fraction(len(short.times)) / films.FILM,
            "audio": Fraction(round(len(short.times) / films.FILM * films.RATE / _SAMPLES) * _SAMPLES, films.RATE),
        }
        numbers = dict.fromkeys(tracks, 0)
        for turn in range(times):
            source.seek(0)
            for packet in source.demux():
                kind, clock = packet.stream.type, packet.time_base or Fraction(1, 1000)
                full = (
                    kind == "audio"
                    and numbers[packet.stream_index] * _SAMPLES >= (turn + 1) * lengths[kind] * films.RATE
                )
                if not packet.size or full:
                    continue
                packet.pts = (packet.pts or 0) + round(turn * lengths[kind] / clock)
                number = numbers[packet.stream_index]
                numbers[packet.stream_index] += 1
                # Decoding times are lost at the end of Matroska files, so all are made anew.
                packet.dts = packet.pts if kind == "audio" else round((number - _DELAY) / films.FILM / clock)
                packet.stream = tracks[packet.stream_index]
                out.mux(packet)
    temporary.replace(path)
    return path


def spans(minutes: float, clips: int) -> list[tuple[int, int]]:
    """Random spans of 5 to 40 s, as dialogues have."""
    rnd = random.Random(1)  # noqa: S311
    last = int(minutes * 60_000) - 41_000
    starts = sorted(rnd.randrange(0, last) for _ in range(clips))
    return [(start, start + rnd.randrange(5_000, 40_000)) for start in starts]


def python(code: str, *arguments: object) -> list[str]:
    """A command that runs code in a fresh interpreter."""
    return [sys.executable, "-c", code, *map(str, arguments)]


def per_clip(film: Path, cuts: list[tuple[int, int]], folder: Path, options: list[str]) -> list[list[str]]:
    """An ffmpeg command for each clip, seeking on the input side."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    commands = []
    for n, (a, b) in enumerate(cuts):
        seek = ["-ss", f"{a / 1000}", "-t", f"{(b - a) / 1000}", "-i", str(film)]
        commands.append([FFMPEG, "-v", "error", "-y", *seek, *options, str(folder / f"{n}.mp4")])
    return commands


def compare(work: Path, short: films.Film, hours: float, clips: int, cost: Run, show: Show) -> None:
    """`copy` against its peers on one film in two containers."""
    minutes = float(short.times[-1] + 1) / 60
    turns = max(1, round(hours * 60 / minutes))
    for suffix in (".mkv", ".mp4"):
        film = repeated(short, turns, work / f"film-{hours:g}h{suffix}")
        cuts = spans(turns * minutes - 1, clips)
        size = film.stat().st_size / 1e6
        print(f"copy: {clips} clips of {turns * minutes / 60:.1f} h ({suffix[1:]}, {size:.0f} MB, 640x360, H.264, AAC)")
        ours_at, stream_at, copied_at = (work / f"copy-{name}" for name in ("ours", "ffmpeg", "cp"))
        for folder in (ours_at, stream_at, copied_at):
            shutil.rmtree(folder, ignore_errors=True)
        ours = cost(python(CUT, film, ours_at, json.dumps(cuts)))
        stream = cost(*per_clip(film, cuts, stream_at, ["-c", "copy"]))
        few = cuts[:: max(1, len(cuts) // 6)]
        encoded = cost(*per_clip(film, few, work / "copy-x264", ["-c:v", "libx264", "-c:a", "aac"]))
        copied = cost(["cp", "-r", str(ours_at), str(copied_at)])
        one = cost(python(CUT, film, work / "copy-one", json.dumps(cuts[:1])))
        show("mmdia copy", ours, note=exactness(film, len(short.times), short.size, ours_at, cuts))
        show(
            "ffmpeg -c copy, one per clip", stream, ours, exactness(film, len(short.times), short.size, stream_at, cuts)
        )
        ratio = encoded.cpu / len(few) * len(cuts) / ours.cpu
        print(f"  ffmpeg libx264, one per clip: {ratio:.0f}x CPU, from {len(few)} clips")
        show("cp -r of mmdia's output", copied, ours)
        show("of ours: one clip of the same film", one, ours)


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


def exactness(
    film: Path, count: int, size: tuple[int, int], folder: Path, cuts: list[tuple[int, int]], sample: int = 20
) -> str:
    """How many of some clips show exactly the frames of their span, in three readers."""
    with av.open(str(film)) as source:
        video = source.streams.video[0]
        clock = video.time_base or Fraction(1)
        origin = max(0, video.start_time or 0)
        times = sorted((p.pts - origin) * clock for p in source.demux(video) if p.pts is not None)
    chosen = random.Random(2).sample(range(len(cuts)), min(sample, len(cuts)))  # noqa: S311
    right = dict.fromkeys(READERS, 0)
    for n in chosen:
        start, end = (Fraction(ms, 1000) for ms in cuts[n])
        want = [number % count % (1 << films.BITS) for number, at in enumerate(times) if start <= at < end]
        for name, read in READERS.items():
            right[name] += read(folder / f"{n}.mp4", size) == want
    return "frame-exact: " + ", ".join(f"{name} {number}/{len(chosen)}" for name, number in right.items())

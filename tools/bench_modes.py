"""Modes `encode` and `keyframes` against ffmpeg's own command, a process per clip or picture, at the same settings."""

from __future__ import annotations

import json
import random
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
from bench_copy import READERS, Cost, Run, Show
from PIL import Image

from tests import films

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
SIZES: tuple[tuple[str, int | None], ...] = (("as it is", None), ("180 lines", 180))

ENCODE = """
import json, sys
from pathlib import Path
from mmdia_dataset.clips import EncodeSettings, Made, Wanted, cut
from mmdia_dataset.timing import Span, TimeMap
film, out, spans = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
settings = EncodeSettings(**json.loads(sys.argv[4]))
wanted = [Wanted(str(n), Span(a, b), out / f"{n}.mp4") for n, (a, b) in enumerate(spans)]
for result in cut(film, TimeMap.linear(), wanted, settings):
    assert isinstance(result, Made), result
"""
DRAW = """
import json, sys
from pathlib import Path
from mmdia_dataset.clips import KeyframeSettings, Made, Moment, Wanted, cut
from mmdia_dataset.timing import Span, TimeMap
film, out, spans, nearest = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4] == "nearest"
wanted = [
    Wanted(str(n), Span(a, b), out / str(n), tuple(Moment(ms, None) for ms in times))
    for n, (a, b, times) in enumerate(spans)
]
for result in cut(film, TimeMap.linear(), wanted, KeyframeSettings(nearest=nearest)):
    assert isinstance(result, Made), result
"""


def _python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


def _ffmpeg(film: films.Film, since: int, *options: str) -> list[str]:
    """The command that seeks in a film, without what it makes of it."""
    return [FFMPEG, "-v", "error", "-y", *options, "-ss", f"{since / 1000}", "-i", str(film.path)]


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _times(path: Path) -> list[Fraction]:
    """Recording time of each frame."""
    with av.open(str(path)) as source:
        video = source.streams.video[0]
        origin = max(Fraction(0), Fraction(source.start_time or 0, 1_000_000))
        clock = Fraction(video.time_base or 0)
        return [pts * clock - origin for pts in sorted(p.pts for p in source.demux(video) if p.pts is not None)]


def encode(work: Path, film: films.Film, cuts: list[tuple[int, int]], cost: Run, show: Show) -> None:
    """`encode` with x264 at veryfast, as large as the film and smaller, the sound encoded alike."""
    times = _times(film.path)
    for words, height in SIZES:
        ours_at, peer_at = _fresh(work / "encode"), _fresh(work / "encode-ffmpeg")
        print(f"encode: {len(cuts)} clips, {film.size[0]}x{film.size[1]} {words}, libx264 veryfast crf 20, AAC")
        settings = {"crf": 20, "preset": "veryfast", "height": height}
        ours = cost(_python(ENCODE, film.path, ours_at, json.dumps(cuts), json.dumps(settings)))
        options = [
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-crf",
            "20",
            *(["-vf", f"scale=-2:{height}"] if height else []),
        ]
        sound = ["-c:a", "aac", "-b:a", "192k", "-aac_coder", "fast"]
        peer = cost(
            *(
                [*_ffmpeg(film, a, "-t", f"{(b - a) / 1000}"), *options, *sound, str(peer_at / f"{n}.mp4")]
                for n, (a, b) in enumerate(cuts)
            )
        )
        chosen = random.Random(2).sample(range(len(cuts)), min(20, len(cuts)))  # noqa: S311
        for name, found, against, folder in (
            ("mmdia encode", ours, None, ours_at),
            ("ffmpeg, one per clip", peer, ours, peer_at),
        ):
            show(name, found, against, "" if height else _exactness(folder, chosen, cuts, times, film.size))


def _exactness(
    folder: Path, chosen: list[int], cuts: list[tuple[int, int]], times: list[Fraction], size: tuple[int, int]
) -> str:
    right = dict.fromkeys(READERS, 0)
    for n in chosen:
        want = [k for k, at in enumerate(times) if cuts[n][0] <= at * 1000 < cuts[n][1]]
        for name, read in READERS.items():
            right[name] += read(folder / f"{n}.mp4", size) == want
    return "frame-exact: " + ", ".join(f"{name} {count}/{len(chosen)}" for name, count in right.items())


def keyframes(work: Path, film: films.Film, cuts: list[tuple[int, int]], cost: Run, show: Show) -> None:
    """`keyframes`, a picture every three seconds of each dialogue as turns have, exact and nearest."""
    times = _times(film.path)
    spans = [(a, b, list(range(a + 1500, b, 3000))) for a, b in cuts]
    moments = [(n, k, ms) for n, (_, _, several) in enumerate(spans) for k, ms in enumerate(several)]
    print(f"keyframes: {len(moments)} pictures of {len(spans)} dialogues, {film.size[0]}x{film.size[1]}, JPEG")
    picked = moments[:: max(1, len(moments) // 60)]
    for mode, skip in (("exact", []), ("nearest", ["-skip_frame", "nokey", "-noaccurate_seek"])):
        ours_at, peer_at = _fresh(work / "keyframes"), _fresh(work / "keyframes-ffmpeg")
        ours: Cost = cost(_python(DRAW, film.path, ours_at, json.dumps(spans), mode))
        peer = cost(
            *(
                [*_ffmpeg(film, ms, *skip), "-frames:v", "1", "-q:v", "2", str(peer_at / f"{n}-{k}.jpg")]
                for n, k, ms in picked
            )
        )
        each = len(moments) / len(picked)
        peer = type(peer)(peer.cpu * each, peer.wall * each, peer.peak)  # type: ignore[call-arg]
        note = ""
        if mode == "exact":
            right = sum(_number(ours_at / str(n) / f"{k:03}.jpg") == _shown(times, ms) for n, k, ms in picked)
            note = f"the frame shown: {right}/{len(picked)}"
        show(f"mmdia keyframes, {mode}", ours, note=note)
        show("ffmpeg, one per picture", peer, ours, f"(from {len(picked)} pictures)")


def _number(file: Path) -> int:
    with Image.open(file) as picture:
        return films.number_of(np.asarray(picture.convert("L")))


def _shown(times: list[Fraction], ms: int) -> int:
    return max(n for n, at in enumerate(times) if at * 1000 <= ms)

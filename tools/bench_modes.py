"""Modes `audio` and `keyframes` on a film of hours, against ffmpeg's own command, a process per clip or picture."""

from __future__ import annotations

import json
import shutil
import subprocess
from bisect import bisect_right
from fractions import Fraction
from pathlib import Path

import numpy as np
from bench_copy import per_clip
from bench_films import FFMPEGS, repeated, sound_offsets, spans, stored_times
from bench_report import Run, Show, busy, goal, python
from PIL import Image

from tests.support import films

HEAR = """
import json, sys
from pathlib import Path
from mmdia_dataset.clips import AudioSettings, MadeClip, Wish, cut
from mmdia_dataset.timing import Span, TimeMap
film, out, spans = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
wishes = [Wish(id=str(n), movie="film", span=Span(a, b)) for n, (a, b) in enumerate(spans)]
for result in cut(film, TimeMap.linear(), wishes, AudioSettings(), lambda wish: out / f"{wish.id}.wav"):
    assert isinstance(result, MadeClip), result
"""
# What nobody can do without: decoding the sound of all clips once. Reading its packets comes before, unmeasured.
DECODE = """
import json, resource, sys
import av
def used():
    now = resource.getrusage(resource.RUSAGE_SELF)
    return now.ru_utime + now.ru_stime
spans, wanted = json.loads(sys.argv[2]), []
with av.open(sys.argv[1]) as film:
    sound = film.streams.audio[0]
    packets = [packet for packet in film.demux(sound) if packet.size]
    at = 0
    for packet in packets:
        ms = packet.pts * packet.time_base * 1000
        while at < len(spans) and spans[at][1] <= ms:
            at += 1
        if at < len(spans) and spans[at][0] <= ms:
            wanted.append(packet)
    begun = used()
    for packet in wanted:
        sound.codec_context.decode(packet)
    print(used() - begun)
"""
WRITE = """
import hashlib, sys
from pathlib import Path
for file in Path(sys.argv[1]).iterdir():
    content = file.read_bytes()
    hashlib.sha256(content)
    (Path(sys.argv[2]) / file.name).write_bytes(content)
"""
DRAW = """
import json, sys
from pathlib import Path
from mmdia_dataset.clips import KeyframeSettings, MadeClip, Moment, Wish, cut
from mmdia_dataset.timing import Span, TimeMap
film, out, spans, nearest = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4] == "nearest"
wishes = [
    Wish(id=str(n), movie="film", span=Span(a, b), moments=tuple(Moment(ms, None) for ms in times))
    for n, (a, b, times) in enumerate(spans)
]
for result in cut(film, TimeMap.linear(), wishes, KeyframeSettings(nearest=nearest), lambda wish: out / wish.id):
    assert isinstance(result, MadeClip), result
"""


def _film(work: Path, short: films.Film, hours: float, suffix: str) -> tuple[Path, float]:
    """The film of hours that `copy` is measured on too, and its minutes."""
    minutes = float(short.times[-1] + 1) / 60
    turns = max(1, round(hours * 60 / minutes))
    return repeated(short, turns, work / f"film-{hours:g}h{suffix}"), turns * minutes


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def audio(work: Path, short: films.Film, hours: float, clips: int, cost: Run, show: Show) -> None:
    """`audio` to 16-bit WAV."""
    for suffix in (".mkv", ".mp4"):
        film, minutes = _film(work, short, hours, suffix)
        cuts = spans(minutes - 1, clips)
        print(f"audio: {clips} clips of {minutes / 60:.1f} h ({suffix[1:]}, AAC, stereo, 48 kHz) to 16-bit WAV")
        ours_at, peer_at, again_at = work / "audio", work / "audio-ffmpeg", work / "audio-again"
        shutil.rmtree(ours_at, ignore_errors=True)
        started = busy()
        ours = cost(python(HEAR, film, ours_at, json.dumps(cuts)))
        show("mmdia audio", ours, note=f"{sound_offsets(short, film, ours_at, cuts)} {started}")
        show("our part: starting Python, imports", cost(python("import mmdia_dataset.clips")), ours)
        show("our part: SHA-256, writing the files", cost(python(WRITE, ours_at, _fresh(again_at))), ours)
        decoding = subprocess.run(
            python(DECODE, film, json.dumps(cuts)), capture_output=True, check=True, text=True
        ).stdout
        print(f"  our part: decoding every packet once {float(decoding):8.2f} s CPU")
        for name, exe in FFMPEGS.items():
            peer = cost(*per_clip(film, cuts, peer_at, ["-vn", "-c:a", "pcm_s16le"], ".wav", exe))
            show(f"{name}, one per clip", peer, ours, sound_offsets(short, film, peer_at, cuts))
            goal(f"against {name}", peer.cpu / ours.cpu, least=4)
        for folder in (ours_at, peer_at, again_at):
            shutil.rmtree(folder)


def keyframes(work: Path, short: films.Film, hours: float, clips: int, cost: Run, show: Show) -> None:
    """`keyframes`, a picture every three seconds of each dialogue as turns have, exact and nearest."""
    film, minutes = _film(work, short, hours, ".mkv")
    times, count = stored_times(film), len(short.times)
    requests = [(a, b, list(range(a + 1500, b, 3000))) for a, b in spans(minutes - 1, clips)]
    moments = [(n, k, ms) for n, (_, _, several) in enumerate(requests) for k, ms in enumerate(several)]
    print(f"keyframes: {len(moments)} pictures of {clips} dialogues of {minutes / 60:.1f} h, 640x360, JPEG")
    picked = moments[:: max(1, len(moments) // 60)]
    each = len(moments) / len(picked)
    for mode, skip, least in (("exact", [], 2), ("nearest", ["-skip_frame", "nokey", "-noaccurate_seek"], 7)):
        ours_at, peer_at = _fresh(work / "keyframes"), _fresh(work / "keyframes-ffmpeg")
        started = busy()
        ours = cost(python(DRAW, film, ours_at, json.dumps(requests), mode))
        note = ""
        if mode == "exact":
            right = 0
            for n, k, ms in picked:
                shown = bisect_right(times, Fraction(ms, 1000)) - 1
                right += _number(ours_at / str(n) / f"{k:03}.jpg") == shown % count
            note = f"the frame shown: {right}/{len(picked)} "
        show(f"mmdia keyframes, {mode}", ours, note=note + started)
        for name, exe in FFMPEGS.items():
            commands = []
            for n, k, ms in picked:
                seek = [*skip, "-ss", f"{ms / 1000}", "-i", str(film)]
                out = ["-frames:v", "1", "-q:v", "2", str(peer_at / f"{n}-{k}.jpg")]
                commands.append([exe, "-v", "error", "-y", *seek, *out])
            peer = cost(*commands)
            print(f"  {name}, one per picture: {peer.cpu * each:.2f} s CPU (from {len(picked)} pictures)")
            goal(f"{mode}, against {name}", peer.cpu * each / ours.cpu, least=least)


def _number(file: Path) -> int:
    with Image.open(file) as picture:
        return films.number_of(np.asarray(picture.convert("L")))

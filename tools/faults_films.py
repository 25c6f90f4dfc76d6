"""Films that are damaged, renamed, still being written, or on a bad disk, cut in every mode: for tools/faults.py."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from PIL import Image

from mmdia_dataset.clips import (
    AudioSettings,
    CopySettings,
    EncodeSettings,
    KeyframeSettings,
    MadeClip,
    Moment,
    Settings,
    Wish,
    cut,
)
from mmdia_dataset.media.probe import best_video, open_media
from mmdia_dataset.timing import Span, TimeMap
from tests.support import films
from tests.support.wishes import into, wish

__all__ = ["SETTINGS", "campaign_films"]

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 12
SPANS = [(200 + 700 * n, 200 + 700 * n + 600) for n in range(15)]
FILMS: dict[str, dict[str, object]] = {
    "film.mp4": {},
    "open.mkv": {"options": films.OPEN_GOP, "tracks": [films.Track("ac3")]},
    "film.ts": {"rate": Fraction(25), "codec": "mpeg2video", "options": films.MPEG2, "tracks": [films.Track("mp2")]},
}
SETTINGS: dict[str, Settings] = {
    "copy": CopySettings(),
    "encode": EncodeSettings(preset="ultrafast"),
    "audio": AudioSettings(),
    "keyframes": KeyframeSettings(),
}

_NOISE = 0.02  # a sample's difference that AC-3's own noise comes to
_PIECE, _ALIKE, _OFF = 2400, 0.8, 48  # samples compared; more alike than by chance; Matroska's millisecond

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
    offset = rnd.randrange(max(1, len(data) - size))
    data[offset : offset + size] = bytes(min(size, len(data) - offset))


def removed(data: bytearray, rnd: random.Random) -> None:
    """A region lost, so that everything after it lies elsewhere."""
    offset = rnd.randrange(len(data))
    del data[offset : offset + rnd.choice([188, 4096, 65536])]


def overwritten(data: bytearray, rnd: random.Random) -> None:
    """A region of garbage."""
    size = rnd.choice([16, 4096, 65536])
    offset = rnd.randrange(max(1, len(data) - size))
    data[offset : offset + size] = rnd.randbytes(min(size, len(data) - offset))


def no_index(data: bytearray, rnd: random.Random) -> None:
    """Cut off before the last tenth, where MP4 has its index."""
    del data[rnd.randrange(len(data) // 2, len(data) * 9 // 10) :]


def garbage(data: bytearray, rnd: random.Random) -> None:
    """Nothing of it left."""
    data[:] = rnd.randbytes(len(data))


def turned_outside(path: Path) -> Damage:
    """One bit turned outside the packets of a film: in its index, its times, its heads."""
    data, outside = path.read_bytes(), np.ones(path.stat().st_size, bool)
    with av.open(str(path)) as source:
        for packet in source.demux():
            if packet.size and packet.pos is not None:
                offset = data.find(bytes(packet)[:64], packet.pos)
                outside[offset : offset + packet.size] = False
    places = np.flatnonzero(outside)

    def turned(data: bytearray, rnd: random.Random) -> None:
        data[int(rnd.choice(places))] ^= 1 << rnd.randrange(8)

    return turned


DAMAGES: dict[str, Damage] = {
    damage.__name__.replace("_", " "): damage
    for damage in (truncated, flipped, zeroed, removed, overwritten, no_index, garbage)
}


@dataclass(frozen=True)
class Whole:
    """What the undamaged film shows and sounds like: the time of each frame, and the samples of each clip."""

    times: list[Fraction]
    sounds: dict[int, np.ndarray]

    @classmethod
    def of(cls, path: Path, work: Path) -> Whole:
        """Of a film."""
        with av.open(str(path)) as source:
            video = source.streams.video[0]
            starts = [
                stream.start_time * stream.time_base
                for stream in source.streams
                if stream.start_time and stream.time_base
            ]
            origin = min([start for start in starts if start > 0], default=Fraction(0)) if source.start_time > 0 else 0
            clock = video.time_base or Fraction(1)
            times = sorted(p.pts * clock - origin for p in source.demux(video) if p.size and p.pts is not None)
        settings = SETTINGS["audio"]
        sounds = {
            int(clip.wish.id): soundfile.read(clip.file)[0]
            for clip in cut(path, TimeMap.linear(), wishes(settings), settings, into(work / "whole", settings.suffix))
            if isinstance(clip, MadeClip)
        }
        shutil.rmtree(work / "whole")
        return cls(times, sounds)

    def inside(self, span: Span) -> list[int]:
        """The numbers of the frames of a span."""
        return [n for n, time_s in enumerate(self.times) if span.start_ms <= time_s * 1000 < span.end_ms]


def wishes(settings: Settings) -> list[Wish]:
    """The clips wanted of every film; of pictures two."""
    still = isinstance(settings, KeyframeSettings)
    return [
        wish(str(n), start, end, (Moment(start + 50, None), Moment(end - 50, None)) if still else ())
        for n, (start, end) in enumerate(SPANS)
    ]


def judged(path: Path, whole: Whole, mode: str, folder: Path, count: Counter[str]) -> None:
    """Cut clips of a damaged film and count what they are."""
    settings = SETTINGS[mode]
    for result in cut(path, TimeMap.linear(), wishes(settings), settings, into(folder, settings.suffix)):
        count[verdict(result, whole, mode, path) if isinstance(result, MadeClip) else "refused"] += 1
    count["left behind"] += sum(1 for file in folder.rglob(".*"))
    shutil.rmtree(folder, ignore_errors=True)


def itself(film: Path, span: Span) -> set[int]:
    """The numbers that a film shows in a span, whatever a decoder makes of its damage."""
    numbers = set()
    with open_media(film) as source:
        start, video = Fraction(max(0, source.start_time or 0), 1_000_000), best_video(source)
        try:
            for frame in source.decode(video) if video is not None else ():
                time = ((frame.pts or 0) * (frame.time_base or 1) - start) * 1000
                if span.start_ms - 1 <= time < span.end_ms:
                    numbers.add(films.number_of(frame.to_ndarray(format="gray")))
        except av.error.FFmpegError:
            return numbers
    return numbers


def verdict(clip: MadeClip, whole: Whole, mode: str, film: Path) -> str:
    """Whether a clip is what it should be; parts of it may be broken where the film is, but none may be another's."""
    span = clip.wish.span
    if mode == "audio":
        return sound_verdict(soundfile.read(clip.file)[0], whole.sounds[int(clip.wish.id)])
    want = whole.inside(span)
    if mode == "keyframes":
        moments = [still.moment.ms for still in clip.stills]
        want = [max(n for n in want if n == want[0] or whole.times[n] * 1000 <= moment) for moment in moments]
        shown = []
        for still in clip.stills:
            with Image.open(clip.file / still.file) as picture:
                shown.append(films.number_of(np.asarray(picture.convert("L"))))
    else:
        try:
            shown = films.numbers_av(clip.file)
        except av.error.FFmpegError:
            return "made, with broken pictures"
    if shown == want:
        return "made, right"
    strange = set(shown) - {-1} - set(want)
    return "made, with broken pictures" if strange <= itself(film, span) else "made, WRONG"


def sound_verdict(heard: np.ndarray, want: np.ndarray) -> str:
    """Whether sound is what it should be, or is at least not that of another moment."""
    if len(heard) != len(want):
        return "made, WRONG"
    if np.array_equal(heard, want):
        return "made, right"
    ours, truth = (side.reshape(len(side), -1)[:, 0] for side in (heard, want))
    if np.abs(ours - truth).max() < _NOISE:
        return "made, right"  # but for noise that the decoder fills in
    pieces = range(0, len(ours) - _PIECE, _PIECE)
    elsewhere = any(_elsewhere(ours[n : n + _PIECE], truth, n) for n in pieces)
    return "made, WRONG" if elsewhere or _elsewhere(ours, truth, 0) else "made, with broken sound"


def _elsewhere(piece: np.ndarray, want: np.ndarray, expected: int) -> bool:
    """Whether a piece of sound is plainly that of another moment than the one where it lies."""
    size = 1 << (len(want) + len(piece)).bit_length()
    match = np.fft.irfft(np.fft.rfft(want, size) * np.conj(np.fft.rfft(piece, size)), size)
    lag = int(np.argmax(match))
    lag -= size if lag >= len(want) else 0
    stretch = want[max(0, lag) : max(0, lag) + len(piece)]
    alike = match[lag] / (np.linalg.norm(piece) * np.linalg.norm(stretch) + 1e-9)
    return bool(alike > _ALIKE and abs(lag - expected) > _OFF)


def campaign_films(work: Path, rounds: int, seed: int, mode: str) -> int:
    """All kinds of damage to all films."""
    wrong = 0
    av.logging.set_level(av.logging.PANIC)
    for name, making in FILMS.items():
        film = films.make_film(work / name, seconds=SECONDS, **making)  # type: ignore[arg-type]
        data, whole = film.path.read_bytes(), Whole.of(film.path, work)
        outside = {"one bit outside packets": turned_outside(film.path)} if not name.endswith(".ts") else {}
        for what, damage in {**DAMAGES, **outside}.items():
            rnd, count = random.Random(f"{seed} {name} {what}"), Counter[str]()  # noqa: S311
            for _ in range(rounds if what != "garbage" else 3):
                broken = bytearray(data)
                damage(broken, rnd)
                path = work / f"broken-{name}"
                path.write_bytes(broken)
                judged(path, whole, mode, work / "clips", count)
            wrong += printed(f"{name}, {what}", count)
        wrong += printed(f"{name}, wrong extension", renamed(film.path, whole, mode, work))
        wrong += printed(f"{name}, still growing", growing(film.path, whole, mode, work, max(3, rounds // 10)))
        wrong += printed(f"{name}, read errors in the middle", unreadable(film.path, whole, mode, work))
    return wrong


def printed(what: str, count: Counter[str]) -> int:
    """Print a line; how much of it is wrong."""
    bad = count["made, WRONG"] + count["left behind"]
    parts = ", ".join(f"{number} {kind}" for kind, number in sorted(count.items()) if number)
    print(f"  {what:<34} {parts}{'   <---' if bad else ''}", flush=True)
    return bad


def renamed(path: Path, whole: Whole, mode: str, work: Path) -> Counter[str]:
    """The film under names of other containers."""
    count = Counter[str]()
    for suffix in (".avi", ".mkv", ".mp4", ".ts", ".txt"):
        copy = work / f"renamed{suffix}"
        shutil.copy(path, copy)
        judged(copy, whole, mode, work / "clips", count)
    return count


def growing(path: Path, whole: Whole, mode: str, work: Path, rounds: int) -> Counter[str]:
    """The film while another program writes it."""
    count, data = Counter[str](), path.read_bytes()
    for number in range(rounds):
        copy = work / f"growing-{path.name}"
        copy.write_bytes(data[: len(data) * (number + 1) // (rounds + 2)])

        def append(copy: Path = copy) -> None:
            with copy.open("ab", buffering=0) as out:
                for offset in range(out.tell(), len(data), 20_000):
                    out.write(data[offset : offset + 20_000])
                    time.sleep(0.002)

        writer = threading.Thread(target=append)
        writer.start()
        judged(copy, whole, mode, work / "clips", count)
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
JUDGE = """
import json, sys
sys.path[:0] = [ROOT, ROOT + "/tools"]
from collections import Counter
from fractions import Fraction
from pathlib import Path
import numpy as np
import faults_films as faults
path, folder, mode, kept = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], np.load(sys.argv[4])
times = [Fraction(int(one), int(other)) for one, other in zip(kept["up"], kept["down"])]
whole = faults.Whole(times, {n: kept[f"sound{n}"] for n in range(len(faults.SPANS))})
count = Counter()
faults.judged(path, whole, mode, folder, count)
print(json.dumps(count))
"""


def unreadable(path: Path, whole: Whole, mode: str, work: Path) -> Counter[str]:
    """The film on a disk with bad sectors in its middle."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return Counter({"not tried, no C compiler": 1})
    (work / "shim.c").write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", "shim.so", "shim.c", "-ldl"], cwd=work, check=True)
    kept = {f"sound{n}": samples for n, samples in whole.sounds.items()}
    kept["up"] = np.array([time_s.numerator for time_s in whole.times])
    kept["down"] = np.array([time_s.denominator for time_s in whole.times])
    np.savez(work / "whole.npz", **kept)  # type: ignore[arg-type]
    middle = path.stat().st_size // 2
    bad = {"LD_PRELOAD": str(work / "shim.so"), "BAD_FILE": str(path.resolve())}
    bad |= {"BAD_FROM": str(middle), "BAD_TO": str(middle + 4096)}
    code = JUDGE.replace("ROOT", repr(str(ROOT)))
    command = [sys.executable, "-c", code, str(path.resolve()), str(work / "clips"), mode, str(work / "whole.npz")]
    done = subprocess.run(command, env={**os.environ, **bad}, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return Counter({"made, WRONG": 1})
    return Counter(json.loads(done.stdout.splitlines()[-1]))

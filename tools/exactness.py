"""Whether copied clips show exactly their frames and sound: films of many kinds x readers, counted clip by clip.

python tools/exactness.py [--clips 100] [--films NAME...] [--readers NAME...] [--work FOLDER]

Draws small films that identify each frame and sample (tests/films.py) in every codec and container that `copy` takes,
cuts random spans, reads the clips back through strangers, and prints how many show exactly what they should. Readers
that are not installed are left out. Exit code 1 if a reader that honours edit lists was wrong once.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import av  # noqa: E402 - the generators of films are the tests' own
import imageio_ffmpeg  # noqa: E402
import numpy as np  # noqa: E402

from mmdia_dataset.clips import CopySettings, Made, Wanted, cut  # noqa: E402
from mmdia_dataset.timing import Span, TimeMap  # noqa: E402
from tests import films  # noqa: E402
from tests.films import FILM, MPEG2, OPEN_GOP, RATE, X264, Film, Track  # noqa: E402

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
SECONDS = 20
_SOUND_EVERY = 4  # clips whose sound is listened to: correlation takes its time
PAL = Fraction(25)
X265 = {"preset": "ultrafast", "x265-params": "log-level=error:keyint=96:bframes=4:open-gop=1"}
VP9 = {"deadline": "realtime", "cpu-used": "8", "g": "120"}
AV1 = {"preset": "12", "crf": "40", "g": "120"}
DEEP = {**X264, "x264-params": "open-gop=1:scenecut=0:keyint=120:bframes=8:b-adapt=2:b-pyramid=normal"}
INTERLACED = {**MPEG2, "flags": "+ildct+ilme"}
UNEVEN = [Fraction(n * 3000 + (n * n * 7 % 5) * 900, 90000) for n in range(SECONDS * 30)]


@dataclass(frozen=True)
class Kind:
    """A film to be made: a file name, what `films.make_film` takes, and what the ffmpeg command then does to it."""

    name: str
    making: dict[str, Any]
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    language: str | None = None
    seed: int = 1


def sound(codec: str, **more: Any) -> list[Track]:
    """One sound track."""
    return [Track(codec, **more)]


LOSSLESS = {"tracks": sound("flac")}
KINDS: dict[str, Kind] = {
    "H.264 closed GOP, AAC, MP4": Kind("a.mp4", {}),
    "H.264 closed GOP, AAC, MKV": Kind("a.mkv", {}),
    "H.264 open GOP, AC-3 5.1, MKV": Kind("a.mkv", {"options": OPEN_GOP, "tracks": sound("ac3", layout="5.1")}),
    "H.264 8 B-frames, open GOP, AAC, MP4": Kind("a.mp4", {"options": DEEP}),
    "H.264 8 B-frames, open GOP, E-AC-3, MKV": Kind("a.mkv", {"options": DEEP, "tracks": sound("eac3")}),
    "H.264 high 10 bit, FLAC, MKV": Kind("a.mkv", {"pix_fmt": "yuv420p10le", **LOSSLESS}),
    "H.264, AAC, TS": Kind("a.ts", {}),
    "H.264, AC-3, TS, starts at 26 h": Kind("a.ts", {"rate": PAL, "tracks": sound("ac3"), "start": Fraction(95000)}),
    "H.264, AC-3, TS, clock wraps": Kind("a.ts", {"rate": PAL, "tracks": sound("ac3"), "start": Fraction(95436)}),
    "H.264, MP3, AVI": Kind("a.avi", {"tracks": sound("libmp3lame"), "options": {**X264, "bf": "0"}}),
    "H.264, PCM 16 bit, MOV": Kind("a.mov", {"tracks": sound("pcm_s16le")}),
    "H.264, PCM 24 bit, MKV": Kind("a.mkv", {"tracks": sound("pcm_s24le")}),
    "H.264, Vorbis, MKV": Kind("a.mkv", LOSSLESS, ("-c:v", "copy", "-c:a", "libvorbis")),
    "H.264, DTS, MKV": Kind("a.mkv", LOSSLESS, ("-c:v", "copy", "-c:a", "dca", "-strict", "-2")),
    "H.264, ALAC, MOV": Kind("a.mov", {"tracks": sound("alac")}),
    "H.264, MP2, MKV": Kind("a.mkv", {"tracks": sound("mp2")}),
    "H.264, Opus, MKV": Kind("a.mkv", {"tracks": sound("libopus")}),
    "H.264, Opus, MP4": Kind("a.mp4", {"tracks": sound("libopus")}),
    "H.264, no sound, MP4": Kind("a.mp4", {"tracks": []}),
    "H.264 interlaced, AAC, MKV": Kind(
        "a.mkv", {"rate": PAL, "options": {**X264, "flags": "+ildct+ilme"}, "size": (160, 96)}
    ),
    "H.264 variable rate, AAC, MKV": Kind("a.mkv", {"times": UNEVEN}),
    "H.264 variable rate, AAC, MP4": Kind("a.mp4", {"times": UNEVEN}),
    "H.264 later start, AAC, MKV": Kind("a.mkv", {"start": 250 / FILM}),
    "H.264 rotated, AAC, MP4": Kind("a.mp4", {}, ("-c", "copy"), ("-display_rotation", "180")),
    "H.264 16:11 pixels, AAC, MKV": Kind("a.mkv", {}, ("-c", "copy", "-aspect", "2.35")),
    "H.264 fragmented MP4": Kind("a.mp4", {}, ("-c", "copy", "-movflags", "frag_keyframe+empty_moov")),
    "HEVC 8 bit open GOP, AAC, MKV": Kind("a.mkv", {"codec": "libx265", "options": X265}),
    "HEVC 10 bit open GOP, E-AC-3 5.1, MKV": Kind(
        "a.mkv",
        {
            "codec": "libx265",
            "options": X265,
            "pix_fmt": "yuv420p10le",
            "tracks": sound("eac3", layout="5.1"),
        },
    ),
    "HEVC 10 bit, AAC, MP4": Kind("a.mp4", {"codec": "libx265", "options": X265, "pix_fmt": "yuv420p10le"}),
    "HEVC, AC-3, TS": Kind("a.ts", {"codec": "libx265", "options": X265, "tracks": sound("ac3")}),
    "VP9, Opus, WebM": Kind("a.webm", {"codec": "libvpx-vp9", "options": VP9, "tracks": sound("libopus")}),
    "AV1, Opus, MKV": Kind("a.mkv", {"codec": "libsvtav1", "options": AV1, "tracks": sound("libopus")}),
    "AV1, AAC, MP4": Kind("a.mp4", {"codec": "libsvtav1", "options": AV1}),
    "MPEG-2 interlaced, MP2, TS": Kind(
        "a.ts", {"rate": PAL, "codec": "mpeg2video", "options": INTERLACED, "tracks": sound("mp2")}
    ),
    "MPEG-2 interlaced, AC-3, VOB": Kind(
        "a.vob", {"rate": PAL, "codec": "mpeg2video", "options": INTERLACED, "tracks": sound("ac3")}
    ),
    "MPEG-2, AC-3, MKV": Kind("a.mkv", {"rate": PAL, "codec": "mpeg2video", "options": MPEG2, "tracks": sound("ac3")}),
    "MPEG-4 ASP, MP3, AVI": Kind(
        "a.avi", {"codec": "mpeg4", "options": {"b": "800k", "bf": "0", "g": "100"}, "tracks": sound("libmp3lame")}
    ),
    "MPEG-4 ASP 2 B-frames, AC-3, MKV": Kind(
        "a.mkv", {"codec": "mpeg4", "options": {"b": "800k", "bf": "2", "g": "100"}, "tracks": sound("ac3")}
    ),
    "MPEG-4 ASP 2 B-frames, MP3, AVI": Kind(
        "a.avi", {"codec": "mpeg4", "options": {"b": "800k", "bf": "2", "g": "100"}, "tracks": sound("libmp3lame")}
    ),
    "three languages, H.264, MKV": Kind(
        "a.mkv",
        {
            "tracks": [
                Track(seed=1, language="fra"),
                Track("ac3", seed=2, language="eng", layout="5.1"),
                Track(seed=3, language="deu", default=True),
            ]
        },
        language="en",
        seed=2,
    ),
}


def make(name: str, folder: Path) -> Film:
    """The film of a kind."""
    kind = KINDS[name]
    folder.mkdir(parents=True)
    path = folder / kind.name
    if not kind.after:
        return films.make_film(path, seconds=SECONDS, **kind.making)
    plain = films.make_film(
        folder / f"plain.{'mkv' if 'tracks' in kind.making else 'mp4'}", seconds=SECONDS, **kind.making
    )
    command = [FFMPEG, "-v", "error", *kind.before, "-i", str(plain.path), "-map", "0", *kind.after, str(path)]
    subprocess.run(command, check=True)
    plain.path.unlink()
    return replace(plain, path=path)


def stored_times(path: Path) -> list[Fraction]:
    """Recording time of each frame as the file has it, frame n at place n; by demuxing alone."""
    with av.open(str(path)) as source:
        video = source.streams.best("video")
        assert video is not None  # noqa: S101 - every film here has a picture
        starts = [s.start_time * s.time_base for s in source.streams if s.start_time and s.time_base]
        positive = [start for start in starts if start > 0]
        origin = min(positive) if (source.start_time or 0) > 0 and positive else Fraction(0)
        clock = video.time_base or Fraction(1)
        return sorted(p.pts * clock - origin for p in source.demux(video) if p.size and p.pts is not None)


def opencv(path: Path) -> list[int]:
    """Frames as OpenCV shows them, not turned."""
    import cv2

    numbers: list[int] = []
    clip = cv2.VideoCapture(str(path))
    clip.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    while True:
        good, frame = clip.read()
        if not good:
            return numbers
        numbers.append(films.number_of(frame[:, :, 1]))


def torchcodec(path: Path) -> list[int]:
    """Frames as torchcodec shows them in its exact mode."""
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(str(path), seek_mode="exact")
    return [films.number_of(decoder.get_frame_at(n).data.numpy()[1]) for n in range(len(decoder))]


def decord(path: Path) -> list[int]:
    """Frames as decord shows them."""
    import decord as library

    reader = library.VideoReader(str(path))
    return [films.number_of(reader[n].asnumpy()[:, :, 1]) for n in range(len(reader))]


def ffmpeg(path: Path) -> list[int]:
    """Frames as the ffmpeg command shows them, not turned."""
    with av.open(str(path)) as clip:
        size = clip.streams.video[0].width, clip.streams.video[0].height
    return films.numbers_ffmpeg(path, FFMPEG, size, turn=False)


Reader = Callable[[Path], list[int]]
READERS: dict[str, Reader] = {
    "PyAV": films.numbers_av,
    "ffmpeg": ffmpeg,
    "OpenCV": opencv,
    "torchcodec": torchcodec,
    "decord": decord,
}
HONEST = ("PyAV", "ffmpeg")
MODULES = {"OpenCV": "cv2", "torchcodec": "torchcodec.decoders", "decord": "decord"}


def installed(name: str) -> bool:
    """Whether a reader can be used here."""
    try:
        __import__(MODULES.get(name, "av"))
    except (ImportError, RuntimeError, OSError):
        return False
    return True


def spans(count: int, times: list[Fraction], seed: int) -> Iterator[Span]:
    """Random spans of 0.2 to 1.5 s, the first at the very beginning."""
    rnd = random.Random(seed)  # noqa: S311
    end = int(times[-1] * 1000) - 1600
    for n in range(count):
        start = 0 if n == 0 else rnd.randrange(0, end)
        yield Span(start, start + rnd.randrange(200, 1500))


def own_delay(film: Path, seed: int) -> int:
    """How many samples a film's own sound lies from where it was given to the encoder."""
    reference = films.noise(seed, SECONDS + 2).astype(float)
    with av.open(str(film)) as source:
        start = Fraction(max(0, source.start_time or 0), 1_000_000)
        for frame in source.decode(audio=0):
            time = (frame.pts or 0) * (frame.time_base or Fraction(1, RATE)) - start
            if time >= 1 and frame.samples > 500:
                piece = frame.to_ndarray()[0].astype(float)
                return int(np.argmax(np.correlate(reference, piece, "valid"))) - round(time * RATE)
    return 0


def off(clip: Path, seed: int, at: int) -> int | None:
    """How many samples the sound near the clip's beginning lies from where it should; None where it is not found."""
    heard = films.sound_ffmpeg(clip, FFMPEG)
    skip = min(2400, len(heard) // 4)
    piece = heard[skip : skip + 4800].astype(float)
    reach = min(9600, at + skip)
    begin = at + skip - reach
    around = films.noise(seed, SECONDS + 2)[begin : begin + reach + len(piece) + 9600].astype(float)
    match = np.correlate(around, piece, "valid")
    best = int(np.argmax(match))
    norm = float(np.linalg.norm(piece) * np.linalg.norm(around[best : best + len(piece)])) + 1e-9
    return best - reach if match[best] / norm > 0.8 else None


@dataclass
class Row:
    """What was found of one kind of film."""

    made: int
    refused: Counter[str]
    exact: dict[str, int]
    worst_sound: str


def examine(name: str, clips: int, readers: list[str], folder: Path) -> Row:
    """Cut clips from a film of a kind and read them back."""
    kind = KINDS[name]
    film = make(name, folder)
    times = stored_times(film.path)
    wanted = [Wanted(str(n), span, folder / f"{n}.mp4") for n, span in enumerate(spans(clips, times, 1))]
    results = list(cut(film.path, TimeMap.linear(), wanted, CopySettings(language=kind.language)))
    row = Row(0, Counter(), dict.fromkeys(readers, 0), "")
    offs: list[int | None] = []
    # What an encoder's delay adds is the film's own.
    own = bool(film.tracks) and (bool(kind.after) or film.path.suffix == ".avi")
    shift = own_delay(film.path, kind.seed) if own else 0
    for result in results:
        if not isinstance(result, Made):
            row.refused[f"{result.rule}: {result.detail}"] += 1
            continue
        row.made += 1
        span = result.wanted.span
        inside = [n for n, at in enumerate(times) if Fraction(span.start_ms, 1000) <= at < Fraction(span.end_ms, 1000)]
        for reader in readers:
            row.exact[reader] += READERS[reader](result.wanted.file) == inside
        if film.tracks and row.made % _SOUND_EVERY == 1:
            given = times[inside[0]] if own else film.times[inside[0]] - film.times[0]
            found = off(result.wanted.file, kind.seed, round(given * RATE))
            offs.append(None if found is None else found - shift)
        result.wanted.file.unlink()
    if offs:
        lost = sum(one is None for one in offs)
        row.worst_sound = f"{max((abs(one) for one in offs if one is not None), default=0)}" + (
            f", {lost} not found" if lost else ""
        )
    return row


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--films", nargs="*", default=[], help="parts of names; all by default")
    parser.add_argument("--readers", nargs="*", choices=READERS, default=list(READERS))
    parser.add_argument("--work", type=Path, help="folder for films and clips; a temporary one by default")
    options = parser.parse_args()
    readers = [name for name in options.readers if installed(name)]
    chosen = [name for name in KINDS if not options.films or any(part in name for part in options.films)]
    work = options.work or Path(tempfile.mkdtemp(prefix="exactness-"))
    wrong = 0
    print(f"| film | made of {options.clips} | " + " | ".join(readers) + " | sound off by at most [samples] |")
    print("|---" * (len(readers) + 3) + "|")
    for number, name in enumerate(chosen):
        started = time.monotonic()
        folder = work / str(number)
        shutil.rmtree(folder, ignore_errors=True)
        row = examine(name, options.clips, readers, folder)
        shutil.rmtree(folder)
        cells = " | ".join(str(row.exact[reader]) for reader in readers)
        print(f"| {name} | {row.made} | {cells} | {row.worst_sound or '-'} |", flush=True)
        for what, count in row.refused.most_common(3):
            print(f"  ({count} refused: {what})", file=sys.stderr)
        print(f"  ({time.monotonic() - started:.0f} s)", file=sys.stderr, flush=True)
        wrong += sum(row.exact[reader] != row.made for reader in readers if reader in HONEST)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

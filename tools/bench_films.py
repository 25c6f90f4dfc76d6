"""Films of hours and of full size, the dialogues to cut from them, and whether their clips show the right frames."""

from __future__ import annotations

import random
import shutil
import subprocess
from bisect import bisect_left
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import soundfile

from mmdia_dataset.media import clock_of
from tests.support import films

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


def _ffmpegs() -> dict[str, str]:
    """Peers by name: the machine's own `ffmpeg` if it has one, and a static build, which starts sooner."""
    paths = [path for path in (shutil.which("ffmpeg"), FFMPEG) if path]
    reports = [subprocess.run([path, "-version"], capture_output=True, check=True, text=True).stdout for path in paths]
    versions = [text.split()[2].split("-")[0].lstrip("n") for text in reports]
    words = [
        f"{'static' if path == FFMPEG else 'own'} ffmpeg {version}"
        for version, path in zip(versions, paths, strict=True)
    ]
    return dict(zip(words, paths, strict=True))


FFMPEGS = _ffmpegs()
READERS: dict[str, Callable[[Path, tuple[int, int]], list[int]]] = {
    "PyAV": lambda path, _: films.numbers_av(path),
    "ffmpeg": lambda path, size: films.numbers_ffmpeg(path, FFMPEG, size),
    "OpenCV": lambda path, _: films.numbers_opencv(path),
}

_SAMPLES, _DELAY = 1024, 5  # samples in a packet of AAC, and more frames than x264's B-frames are late


def repeated(short: films.Film, times: int, path: Path) -> Path:
    """A film over and over, packet by packet: hours without drawing them. Frame n shows n modulo the short one's."""
    if path.exists():
        return path
    temporary = path.with_name(f"temporary{path.suffix}")
    with av.open(str(short.path)) as source, av.open(str(temporary), "w") as out:
        tracks = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        # A whole number of frames and of sound packets, so that neither track shows a seam.
        lengths = {
            "video": Fraction(len(short.times)) / films.FILM,
            "audio": Fraction(_packets_in(short) * _SAMPLES, films.RATE),
        }
        numbers, first = dict.fromkeys(tracks, 0), 0
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
                number = numbers[packet.stream_index]
                numbers[packet.stream_index] += 1
                # Matroska files lose decoding times at their end, so all are computed again.
                if kind == "audio":  # to the sample, where the container can
                    first = first if number else round((packet.pts or 0) * clock * films.RATE / _SAMPLES) * _SAMPLES
                    packet.time_base = Fraction(1, films.RATE)
                    packet.pts = packet.dts = first + number * _SAMPLES
                else:
                    packet.pts = (packet.pts or 0) + round(turn * lengths[kind] / clock)
                    packet.dts = round((number - _DELAY) / films.FILM / clock)
                packet.stream = tracks[packet.stream_index]
                out.mux(packet)
    temporary.replace(path)
    return path


def _packets_in(short: films.Film) -> int:
    return round(len(short.times) / films.FILM * films.RATE / _SAMPLES)


def spans(minutes: float, clips: int) -> list[tuple[int, int]]:
    """Random spans of 5 to 40 s, as dialogues have."""
    rnd = random.Random(1)  # noqa: S311
    last = int(minutes * 60_000) - 41_000
    starts = sorted(rnd.randrange(0, last) for _ in range(clips))
    return [(start, start + rnd.randrange(5_000, 40_000)) for start in starts]


def large(short: films.Film, path: Path) -> films.Film:
    """A minute of a film at 1920x1080 with grain, at a few Mbit/s as films of that size have; made once."""
    count = int(60 * films.FILM)
    if not path.exists():
        print("  (drawing a minute of 1920x1080)", flush=True)
        temporary = path.with_name(f"temporary{path.suffix}")
        look = "scale=1920:1080:flags=bicubic,noise=alls=6:allf=t"
        codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "22", "-g", "250", "-bf", "3", "-refs", "3"]
        command = [FFMPEG, "-v", "error", "-y", "-i", str(short.path), "-frames:v", str(count), "-t", "60.1"]
        subprocess.run([*command, "-vf", look, *codec, "-c:a", "copy", str(temporary)], check=True)
        temporary.replace(path)
    return films.Film(path, short.times[:count], short.tracks, (1920, 1080))


@lru_cache(maxsize=8)
def stored_times(path: Path) -> tuple[Fraction, ...]:
    """Recording time of each frame of a film."""
    with av.open(str(path)) as source:
        video = source.streams.video[0]
        origin = max(Fraction(0), Fraction(source.start_time or 0, 1_000_000))
        clock = clock_of(video)
        return tuple(sorted(p.pts * clock - origin for p in source.demux(video) if p.pts is not None))


def exactness(
    film: Path, count: int, size: tuple[int, int], folder: Path, cuts: list[tuple[int, int]], sample: int = 10
) -> str:
    """How many of some clips of a size show exactly the frames of their span, in three readers."""
    times = stored_times(film)
    chosen = random.Random(2).sample(range(len(cuts)), min(sample, len(cuts)))  # noqa: S311
    right = dict.fromkeys(READERS, 0)
    for n in chosen:
        start, end = (Fraction(ms, 1000) for ms in cuts[n])
        want = [number % count for number in range(bisect_left(times, start), bisect_left(times, end))]
        for name, read in READERS.items():
            right[name] += read(folder / f"{n}.mp4", size) == want
    return "frame-exact: " + ", ".join(f"{name} {number}/{len(chosen)}" for name, number in right.items())


def sound_offsets(short: films.Film, film: Path, folder: Path, cuts: list[tuple[int, int]]) -> str:
    """Largest distance in samples between where clips begin and where their first frame is, by correlation.

    Of the clips in the first turn of a repeated film.
    """
    with av.open(str(film)) as source:
        origin = max(Fraction(0), Fraction(source.start_time or 0, 1_000_000))
    times, worst = stored_times(film), 0
    noise = films.noise(short.tracks[0].seed, int(short.times[-1]) + 4)
    compared = 0
    for n, (start, end) in enumerate(cuts):
        if end / 1000 > short.times[-1]:
            continue
        heard, rate = soundfile.read(folder / f"{n}.wav", dtype="float32", always_2d=True)
        # Where the clip's first sample belongs in the noise; the origin hides the encoder's priming.
        first = round((times[bisect_left(times, Fraction(start, 1000))] + origin) * rate)
        reach = min(first, 4800)
        piece = heard[:9600, 0].astype(float)
        match = np.correlate(noise[first - reach : first + len(piece) + 4800].astype(float), piece, "valid")
        worst, compared = max(worst, abs(int(np.argmax(match)) - reach)), compared + 1
    return f"first sample off by at most {worst} in {compared} clips"

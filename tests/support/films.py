"""Films that identify themselves, made on the spot: every frame carries its number, every sound can be placed.

A frame's number stands in its top rows as 16 black or white blocks, with the opposite block below each, so that a
number survives lossy coding and a broken picture is never mistaken for a number. Every audio track is noise drawn from
a seed, the same on all channels, so that a stretch of it is found again to the sample. Sizes are tiny: a few seconds
of 160x90 take about a tenth of a second.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np

FILM = Fraction(24000, 1001)
RATE = 48000
BITS = 16
X264 = {"preset": "veryfast", "crf": "23", "bf": "3", "g": "48", "threads": "1"}
OPEN_GOP = {**X264, "x264-params": "open-gop=1:scenecut=0:keyint=24:min-keyint=24:bframes=5:b-adapt=0:b-pyramid=normal"}
MPEG2 = {"b": "800k", "bf": "2", "g": "12", "threads": "1"}


@dataclass(frozen=True)
class Track:
    """One audio track to be made."""

    codec: str = "aac"
    seed: int = 1
    language: str | None = None
    layout: str = "stereo"
    rate: int = RATE
    default: bool = False
    title: str | None = None
    starts: Fraction = Fraction(0)
    shorter: Fraction = Fraction(0)


@dataclass(frozen=True)
class Film:
    """What was made: `times[n]` is the moment frame n was given, in seconds on the clock of the encoder."""

    path: Path
    times: tuple[Fraction, ...]
    tracks: tuple[Track, ...]
    size: tuple[int, int] = field(default=(160, 90))


@lru_cache(maxsize=8)
def noise(seed: int, seconds: int) -> np.ndarray:
    """Low-passed noise at 48 kHz, mono, float32 within [-1, 1]: any two calls agree where both have samples."""
    blocks = [np.random.default_rng([seed, k]).standard_normal(RATE, dtype=np.float32) for k in range(seconds)]
    white = np.concatenate(blocks)
    smooth = white.copy()
    for shift in range(1, 5):
        smooth[shift:] += white[:-shift]
    return np.clip(smooth * np.float32(0.08), -1, 1)


def picture(number: int, size: tuple[int, int]) -> np.ndarray:
    """The luma plane of a frame: its number in the top rows, a slowly moving texture below."""
    width, height = size
    x, y = np.arange(width)[None], np.arange(height)[:, None]
    luma = (110 + 40 * np.sin((x + 2 * number) / 9) + 30 * np.cos((y - number) / 7)).astype(np.uint8)
    block, row = width // (BITS + 2), height // 6
    luma[: 2 * row + 4] = 120
    for bit in range(BITS):
        left = block * (bit + 1)
        one = bool(number >> bit & 1)
        luma[2 : 2 + row, left : left + block] = 235 if one else 16
        luma[2 + row : 2 + 2 * row, left : left + block] = 16 if one else 235
    return luma


def number_of(luma: np.ndarray) -> int:
    """The number a frame carries, or -1 where the picture is broken."""
    height, width = luma.shape[:2]
    block, row = width // (BITS + 2), height // 6
    number = 0
    for bit in range(BITS):
        columns = slice(block * (bit + 1) + 2, block * (bit + 2) - 2)
        above = float(luma[4:row, columns].mean())
        below = float(luma[4 + row : 2 * row, columns].mean())
        if abs(above - below) < 60:
            return -1
        number |= int(above > below) << bit
    return number


def make_film(
    path: Path,
    *,
    seconds: float = 4,
    rate: Fraction = FILM,
    codec: str | None = "libx264",
    options: dict[str, str] | None = None,
    tracks: Sequence[Track] = (Track(),),
    times: Sequence[Fraction] | None = None,
    start: Fraction = Fraction(0),
    size: tuple[int, int] = (160, 90),
    container: dict[str, str] | None = None,
    pix_fmt: str = "yuv420p",
) -> Film:
    """Write a film; `times` overrides the even spacing by `rate`, codec None leaves the picture out.

    `start` shifts everything: the first frame and the first sample lie there. It is a whole number of frames.
    """
    assert start * rate % 1 == 0
    width, height = size
    if times is None:
        times = [n / rate for n in range(int(seconds * rate))]
    length = Fraction(times[-1]) + 1 / rate
    with av.open(str(path), "w", container_options=container or {}) as out:
        video = None
        if codec is not None:
            video = out.add_stream(codec, rate=rate, options=X264 if options is None else options)
            video.width, video.height, video.pix_fmt = width, height, pix_fmt
            video.codec_context.time_base = tick = (
                1 / rate if all(t * rate % 1 == 0 for t in times) else Fraction(1, 90000)
            )
            video.codec_context.thread_count = 1
        sounds = []
        for track in tracks:
            # Without invented noise, so that decoding twice gives the same samples.
            options = {"aac_pns": "0"} if track.codec == "aac" else {}
            stream = out.add_stream(track.codec, rate=track.rate, layout=track.layout, options=options)
            if not track.codec.startswith(("pcm", "flac")):
                stream.bit_rate = 160000
            if track.language:
                stream.metadata["language"] = track.language
            if track.title:
                stream.metadata["title"] = track.title
            stream.disposition = av.stream.Disposition.default if track.default else av.stream.Disposition(0)
            sounds.append((stream, track, av.AudioFifo(), [0]))

        def hear(until: Fraction) -> None:
            for stream, track, _, done in sounds:
                end = min(until, length - track.shorter)
                source = noise(track.seed, int(length) + 2)
                while (begin := done[0]) < (stop := int((end - track.starts) * track.rate)):
                    count = min(1024, stop - begin)
                    first = begin + int(track.starts * track.rate)
                    mono = source[first : first + count]
                    planes = np.ascontiguousarray(np.repeat(mono[None], stream.codec_context.layout.nb_channels, 0))
                    frame = av.AudioFrame.from_ndarray(planes, "fltp", track.layout)
                    frame.sample_rate, frame.time_base = track.rate, Fraction(1, track.rate)
                    frame.pts = first + int(start * track.rate)
                    done[0] += count
                    out.mux(stream.encode(frame))

        for number, time in enumerate(times):
            if video is not None:
                frame = av.VideoFrame(width, height, "yuv420p")
                for plane, values in zip(frame.planes, (picture(number, size), None, None), strict=True):
                    padded = np.full((plane.height, plane.line_size), 128, np.uint8)
                    if values is not None:
                        padded[:, :width] = values
                    plane.update(padded)
                frame.pts, frame.time_base = round((time + start) / tick), tick
                out.mux(video.encode(frame if pix_fmt == "yuv420p" else frame.reformat(format=pix_fmt)))
            if number % 12 == 0:
                hear(time)
        hear(length)
        for stream in out.streams:
            out.mux(stream.encode(None))
    return Film(path, tuple(t + start for t in times), tuple(tracks), size)


def add_cover(film: Film, path: Path, ffmpeg: str) -> Film:
    """The film with a cover picture as its first stream, as tagging programs write it."""
    cover = path.with_suffix(".png")
    frame = av.VideoFrame.from_ndarray(np.full((120, 120, 3), 200, np.uint8), "rgb24")
    with av.open(str(cover), "w", format="image2", options={"update": "1"}) as out:
        stream = out.add_stream("png", rate=1)
        stream.width = stream.height = 120
        stream.pix_fmt = "rgb24"
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    command = [
        ffmpeg,
        "-v",
        "error",
        "-y",
        "-i",
        str(cover),
        "-i",
        str(film.path),
        "-map",
        "0:v",
        "-map",
        "1",
        "-c",
        "copy",
    ]
    subprocess.run([*command, "-disposition:v:0", "attached_pic", str(path)], check=True)
    cover.unlink()
    return Film(path, film.times, film.tracks, film.size)


def numbers_av(path: Path) -> list[int]:
    """The numbers of all frames PyAV shows."""
    with av.open(str(path)) as clip:
        video = clip.streams.best("video")
        return [number_of(frame.to_ndarray(format="gray")) for frame in clip.decode(video)]


def numbers_ffmpeg(path: Path, ffmpeg: str, size: tuple[int, int] = (160, 90), turn: bool = True) -> list[int]:
    """The numbers of all frames the ffmpeg command shows; as they are stored, if they are not to be turned."""
    turned = [] if turn else ["-noautorotate"]
    command = [ffmpeg, "-v", "error", *turned, "-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough"]
    raw = subprocess.run(
        [*command, "-pix_fmt", "gray", "-f", "rawvideo", "-"], stdout=subprocess.PIPE, check=True
    ).stdout
    return [number_of(luma) for luma in np.frombuffer(raw, np.uint8).reshape(-1, size[1], size[0])]


def numbers_opencv(path: Path) -> list[int]:
    """The numbers of all frames OpenCV shows."""
    import cv2

    clip, numbers = cv2.VideoCapture(str(path)), []
    while True:
        good, frame = clip.read()
        if not good:
            return numbers
        numbers.append(number_of(frame[:, :, 1]))


def sound_ffmpeg(path: Path, ffmpeg: str, track: int = 0) -> np.ndarray:
    """What the ffmpeg command plays from the moment the picture begins: mono, 48 kHz.

    `async=1:first_pts=0` puts each sample at its timestamp, as a player does, instead of all in a row.
    """
    command = [ffmpeg, "-v", "error", "-i", str(path), "-map", f"0:a:{track}", "-af", "aresample=async=1:first_pts=0"]
    raw = subprocess.run(
        [*command, "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"], stdout=subprocess.PIPE, check=True
    )
    return np.frombuffer(raw.stdout, np.float32)


def place(samples: np.ndarray, seed: int, seconds: int, window: int = 9600) -> list[tuple[int, float]]:
    """Where in the noise of `seed` samples[0] lies, told by the beginning, middle and end: (sample index, peak)."""
    reference, found = noise(seed, seconds).astype(np.float64), []
    window = min(window, len(samples))
    for at in (0, (len(samples) - window) // 2, len(samples) - window):
        piece = samples[at : at + window].astype(np.float64)
        length = 1 << (len(reference) + window).bit_length()
        spectrum = np.fft.rfft(reference, length) * np.conj(np.fft.rfft(piece, length))
        match = np.fft.irfft(spectrum, length)[: len(reference) - window + 1]
        best = int(np.argmax(match))
        scale = np.linalg.norm(piece) * np.linalg.norm(reference[best : best + window]) + 1e-9
        found.append((best - at, float(match[best] / scale)))
    return found


def stamps(film: Film) -> list[tuple[int, bool]]:
    """Timestamp of each picture in order of time, and whether it is a keyframe."""
    with av.open(str(film.path)) as source:
        video = source.streams.best("video")
        return sorted((packet.pts, packet.is_keyframe) for packet in source.demux(video) if packet.size)


def times_of(film: Film) -> list[Fraction]:
    """Recording time of each picture, as the file has it."""
    with av.open(str(film.path)) as source:
        starts = [one.start_time * one.time_base for one in source.streams if one.start_time]
        late = (source.start_time or 0) > 0
        origin = min([start for start in starts if start > 0], default=Fraction(0)) if late else Fraction(0)
        clock = source.streams.best("video").time_base
    return [pts * clock - origin for pts, _ in stamps(film)]

"""Films of many kinds that identify each frame and sample, and what exactly is in them: for tools/exactness.py."""

from __future__ import annotations

import subprocess
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np

from mmdia_dataset.timing import Span
from tests.support import films
from tests.support.films import FILM, MPEG2, OPEN_GOP, RATE, X264, Film, Track

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
SECONDS = 20
PAL = Fraction(25)
X265 = {"preset": "ultrafast", "x265-params": "log-level=error:keyint=96:bframes=4:open-gop=1"}
VP9 = {"deadline": "realtime", "cpu-used": "8", "g": "120"}
AV1 = {"preset": "12", "crf": "40", "g": "120"}
DEEP = {**X264, "x264-params": "open-gop=1:scenecut=0:keyint=120:bframes=8:b-adapt=2:b-pyramid=normal"}
INTERLACED = {**MPEG2, "flags": "+ildct+ilme"}
DVD = {**INTERLACED, "qmin": "1", "qmax": "3"}  # pictures larger than a block of the stream
UNEVEN = [Fraction(n * 3000 + (n * n * 7 % 5) * 900, 90000) for n in range(SECONDS * 30)]


@dataclass(frozen=True)
class Kind:
    """A film to be made: a file name, what `films.make_film` takes, and what the ffmpeg command then does to it.

    `seed` and `language` say which of its tracks is to be heard, `turned` that it is to be shown upside down.
    """

    name: str
    making: dict[str, Any]
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    language: str | None = None
    seed: int = 1
    turned: bool = False


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
    "H.264 rotated, AAC, MP4": Kind("a.mp4", {}, ("-c", "copy"), ("-display_rotation", "180"), turned=True),
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
        "a.vob",
        {"rate": PAL, "codec": "mpeg2video", "options": DVD, "size": (352, 288), "tracks": sound("ac3")},
    ),
    "MPEG-2, MP2, VOB": Kind(
        "a.vob", {"rate": PAL, "codec": "mpeg2video", "options": DVD, "size": (352, 288), "tracks": sound("mp2")}
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
    "VP8, Vorbis, WebM": Kind(
        "a.webm",
        {"codec": "libvpx", "options": {"deadline": "realtime", "g": "100"}, "tracks": sound("libopus")},
        ("-c:v", "copy", "-c:a", "libvorbis"),
    ),
    "WMV2, MP3, AVI": Kind(
        "a.avi", {"codec": "wmv2", "options": {"b": "800k", "g": "100"}, "tracks": sound("libmp3lame")}
    ),
    "Theora, Vorbis, MKV": Kind("a.mkv", LOSSLESS, ("-c:v", "libtheora", "-q:v", "9", "-c:a", "libvorbis")),
    "WMV2, WMA, ASF": Kind("a.wmv", {"codec": "wmv2", "options": {"b": "800k", "g": "100"}, "tracks": sound("wmav2")}),
    "ProRes, PCM 24 bit, MOV": Kind(
        "a.mov", {"codec": "prores_ks", "options": {}, "pix_fmt": "yuv422p10le", "tracks": sound("pcm_s24le")}
    ),
    "H.264, TrueHD, MKV": Kind("a.mkv", LOSSLESS, ("-c:v", "copy", "-c:a", "truehd", "-strict", "-2")),
    "H.264, TrueHD 5.1, TS": Kind(
        "a.m2ts", {"tracks": sound("flac", layout="5.1")}, ("-c:v", "copy", "-c:a", "truehd", "-strict", "-2")
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


@dataclass(frozen=True)
class Truth:
    """What a film shows by demuxing and decoding all of it from the beginning.

    Attributes:
        times: recording time of each frame, in seconds, rising.
        keys: the same of its keyframes.
        numbers: what each frame shows itself to be, -1 where the film's own picture is too broken to tell.
    """

    times: list[Fraction]
    keys: list[Fraction]
    numbers: list[int]

    @classmethod
    def of(cls, path: Path) -> Truth:
        """Of a film."""
        with av.open(str(path)) as source:
            video = source.streams.best("video")
            assert video is not None  # noqa: S101 - every film here has a picture
            starts = [s.start_time * s.time_base for s in source.streams if s.start_time and s.time_base]
            positive = [start for start in starts if start > 0]
            origin = min(positive) if (source.start_time or 0) > 0 and positive else Fraction(0)
            clock = video.time_base or Fraction(1)
            packets = [p for p in source.demux(video) if p.size and p.pts is not None]
            times = sorted((p.pts or 0) * clock - origin for p in packets)
            keys = sorted((p.pts or 0) * clock - origin for p in packets if p.is_keyframe)
        shown = films.numbers_av(path)
        return cls(times, keys, shown if len(shown) == len(times) else list(range(len(times))))

    def inside(self, span: Span) -> list[int]:
        """What the frames of a span show."""
        first, last = (bisect_left(self.times, Fraction(ms, 1000)) for ms in (span.start_ms, span.end_ms))
        return self.numbers[first:last]

    def start(self, span: Span) -> int:
        """The place of the first frame of a span."""
        return bisect_left(self.times, Fraction(span.start_ms, 1000))

    def shown_at(self, ms: int, span: Span) -> int:
        """What a clip of a span shows at a moment; it begins with the first frame of the span."""
        return self.numbers[max(self.start(span), bisect_right(self.times, Fraction(ms, 1000)) - 1)]

    def nearest_key(self, ms: int) -> int:
        """What the keyframe nearest to a moment shows, of two equally near ones the earlier."""
        time = min(self.keys, key=lambda key: abs(key - Fraction(ms, 1000)))
        return self.numbers[bisect_left(self.times, time)]


def own_delay(film: Path, seed: int) -> int:
    """How many samples a film's own sound lies from where it was given to the encoder."""
    reference = films.noise(seed, SECONDS + 2).astype(float)
    with av.open(str(film)) as source:
        start = Fraction(max(0, source.start_time or 0), 1_000_000)
        for frame in source.decode(audio=0):
            time = (frame.pts or 0) * (frame.time_base or Fraction(1, RATE)) - start
            if time >= 1 and frame.samples > 500:
                piece = frame.to_ndarray()
                piece = (piece[0] if piece.shape[0] > 1 else piece.reshape(frame.samples, -1)[:, 0]).astype(float)
                low = max(0, round(time * RATE) - RATE // 2)
                around = reference[low : low + RATE + len(piece)]
                return low + int(np.argmax(np.correlate(around, piece, "valid"))) - round(time * RATE)
    return 0


def off(heard: np.ndarray, seed: int, expected: int) -> int | None:
    """How many samples a clip's sound lies from sample `at` of the noise; None where it is not found nearby."""
    skip = min(2400, len(heard) // 4)
    piece = heard[skip : skip + 4800].astype(float)
    reach = min(4800, expected + skip)
    begin = expected + skip - reach
    around = films.noise(seed, SECONDS + 2)[begin : begin + reach + len(piece) + 4800].astype(float)
    match = np.correlate(around, piece, "valid")
    best = int(np.argmax(match))
    norm = float(np.linalg.norm(piece) * np.linalg.norm(around[best : best + len(piece)])) + 1e-9
    return best - reach if match[best] / norm > 0.8 else None

"""Other programs that read clips back, each as its users would: for tools/exactness.py."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import exactness_chromium as chromium
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from tests.support import films

__all__ = ["FRAMES", "HONEST", "PICTURES", "SOUND", "frame_numbers", "missing", "number"]

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
Luma = NDArray[np.uint8]


def number(luma: Luma, size: tuple[int, int], turned: bool) -> int:
    """The number that a picture of a film shows, also if it was made wider or turned; -1 if it can't be read."""
    if turned:
        luma = luma[::-1, ::-1]
    width, height = size
    if luma.shape[:2] != (height, width):  # the middles of what each pixel became
        rows = (np.arange(height) * 2 + 1) * luma.shape[0] // (2 * height)
        columns = (np.arange(width) * 2 + 1) * luma.shape[1] // (2 * width)
        luma = luma[rows][:, columns]
    return films.number_of(luma)


def _pyav(path: Path) -> Iterator[Luma]:
    with av.open(str(path)) as clip:
        for frame in clip.decode(clip.streams.video[0]):
            yield np.asarray(frame.to_ndarray(format="gray"), np.uint8)


def _ffmpeg(path: Path) -> Iterator[Luma]:
    with av.open(str(path)) as clip:
        width, height = clip.streams.video[0].width, clip.streams.video[0].height
    command = [FFMPEG, "-v", "error", "-noautorotate", "-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough"]
    raw = subprocess.run([*command, "-pix_fmt", "gray", "-f", "rawvideo", "-"], stdout=subprocess.PIPE, check=True)
    yield from np.frombuffer(raw.stdout, np.uint8).reshape(-1, height, width)


def _opencv(path: Path) -> Iterator[Luma]:
    import cv2

    clip = cv2.VideoCapture(str(path))
    clip.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    while True:
        good, frame = clip.read()
        if not good:
            return
        yield np.asarray(frame[:, :, 1], np.uint8)


def _torchcodec(path: Path) -> Iterator[Luma]:
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(str(path), seek_mode="exact")
    for number in range(len(decoder)):
        yield decoder.get_frame_at(number).data.numpy()[1]


def _decord(path: Path) -> Iterator[Luma]:
    import decord as library

    reader = library.VideoReader(str(path))
    for number in range(len(reader)):
        yield reader[number].asnumpy()[:, :, 1]


FRAMES: dict[str, Callable[[Path], Iterator[Luma]]] = {
    "PyAV": _pyav,
    "ffmpeg": _ffmpeg,
    "OpenCV": _opencv,
    "torchcodec": _torchcodec,
    "decord": _decord,
}
HONEST = ("PyAV", "ffmpeg")
"""Readers that honour edit lists and read every kind of film here."""


def frame_numbers(reader: str, path: Path, size: tuple[int, int], turned: bool) -> list[int] | None:
    """What the frames a reader shows show; None where it gives up."""
    try:
        return [number(luma, size, turned) for luma in FRAMES[reader](path)]
    except Exception:
        return None


def _soundfile(path: Path) -> NDArray[np.float32]:
    import soundfile

    samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
    return np.asarray(samples[:, 0], np.float32)


def _sound_pyav(path: Path) -> NDArray[np.float32]:
    with av.open(str(path)) as clip:
        to_floats = av.AudioResampler("fltp")
        planes = [block.to_ndarray()[0] for frame in clip.decode(audio=0) for block in to_floats.resample(frame)]
    return np.concatenate(planes)


SOUND: dict[str, Callable[[Path], NDArray[np.float32]]] = {
    "PyAV": _sound_pyav,
    "ffmpeg": lambda path: films.sound_ffmpeg(path, FFMPEG),
    "soundfile": _soundfile,
}


def _pillow(path: Path) -> Luma:
    from PIL import Image

    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"))


def _picture_opencv(path: Path) -> Luma:
    import cv2

    picture = cv2.imread(str(path))
    assert picture is not None  # noqa: S101 - it was written a moment ago
    return np.asarray(picture[:, :, 1], np.uint8)


PICTURES: dict[str, Callable[[Path], Luma]] = {"Pillow": _pillow, "OpenCV": _picture_opencv}

_MODULES = {"OpenCV": "cv2", "torchcodec": "torchcodec.decoders", "decord": "decord"}


def missing(reader: str) -> str:
    """Why a reader can't be used here, empty if it can."""
    if reader == chromium.NAME:
        return "" if chromium.program() else "not found"
    try:
        __import__(_MODULES.get(reader, "av"))
    except (ImportError, RuntimeError, OSError):
        return "not installed"
    return ""

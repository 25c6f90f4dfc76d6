"""Pictures and samples -> an MP4 film: H.264 with B-frames and long groups of pictures, AAC sound.

Written for films we make ourselves. The same input gives the same bytes: the encoders run with a fixed number of
threads (x264's output depends on it), and neither dates nor library versions are stored in the container.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from mmdia_dataset.files import whole_file

__all__ = ["write_film"]

_THREADS = 2
_AAC_FRAME = 1024
_LAYOUTS = {1: "mono", 2: "stereo"}


def write_film(
    path: Path,
    *,
    frame_rate: Fraction,
    frames: Iterable[npt.NDArray[np.uint8]],
    samples: npt.NDArray[np.float32],
    sample_rate: int,
    language: str | None = None,
    title: str | None = None,
    keyframe_interval: int = 240,
    crf: int = 21,
    preset: str = "veryfast",
) -> None:
    """Encode a film and put it in place in one step; a run that is killed leaves no file under the final name.

    Args:
        path: the MP4 to write; its folder is created if it is missing.
        frame_rate: frames per second, exactly.
        frames: pictures in order, each (height, width, 3) uint8 RGB, all of one size, sides even. Read one at a time.
        samples: (samples,) or (channels, samples) float32, -1 to 1, one or two channels.
        sample_rate: samples per second.
        language: the sound's language as in ISO 639-2, such as ``eng``.
        title: the film's title, stored as the container's metadata.
        keyframe_interval: frames from one keyframe to the next. Cuts between shots get no keyframe of their own, so
            that nothing can be cut out at a keyframe by luck.
        crf: x264's quality; smaller is better.
        preset: x264's preset.

    Raises:
        ValueError: there are no frames, or frames or samples have another shape.
        OutputError: the film cannot be written there.
    """
    sound = np.ascontiguousarray(np.atleast_2d(np.clip(samples, -1.0, 1.0)), dtype=np.float32)
    if sound.ndim != 2 or sound.shape[0] not in _LAYOUTS:
        raise ValueError(f"samples have the shape {samples.shape}, not (samples,) or (1 or 2, samples)")
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise ValueError("a film needs at least one frame")
    with (
        whole_file(path) as temporary,
        av.open(str(temporary), "w", format="mp4", options={"fflags": "+bitexact"}) as container,
    ):
        if title is not None:
            container.metadata["title"] = title
        video = _video_stream(container, first, frame_rate, keyframe_interval, crf, preset)
        audio = _audio_stream(container, sound.shape[0], sample_rate, language)
        _encode(container, video, audio, itertools.chain([first], pictures), sound)


def _video_stream(
    container: OutputContainer,
    first: npt.NDArray[np.uint8],
    frame_rate: Fraction,
    keyframe_interval: int,
    crf: int,
    preset: str,
) -> VideoStream:
    _check_picture(first, first.shape)
    video = container.add_stream("libx264", rate=frame_rate)
    video.height, video.width = first.shape[:2]
    video.pix_fmt = "yuv420p"
    video.codec_context.time_base = 1 / frame_rate
    video.codec_context.options = {
        "preset": preset,
        "crf": str(crf),
        "g": str(keyframe_interval),
        "keyint_min": str(keyframe_interval),
        "sc_threshold": "0",
        "bf": "3",
        "threads": str(_THREADS),
        "x264-params": "cpu-independent=1",  # without, small pictures differ from run to run
    }
    return video


def _audio_stream(container: OutputContainer, channels: int, sample_rate: int, language: str | None) -> AudioStream:
    audio = container.add_stream("aac", rate=sample_rate, layout=_LAYOUTS[channels])
    audio.format = "fltp"
    audio.bit_rate = 64_000 * channels
    audio.codec_context.options = {"flags": "+bitexact", "aac_coder": "fast"}  # half the time of the usual search
    if language is not None:
        audio.metadata["language"] = language
    return audio


def _encode(
    container: OutputContainer,
    video: VideoStream,
    audio: AudioStream,
    pictures: Iterator[npt.NDArray[np.uint8]],
    sound: npt.NDArray[np.float32],
) -> None:
    """Feed both encoders side by side, so that the muxer never has to hold much back."""
    frame_rate = video.codec_context.framerate
    shape: tuple[int, ...] | None = None
    heard = 0
    for number, picture in enumerate(pictures):
        shape = shape or picture.shape
        _check_picture(picture, shape)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame.pts, frame.time_base = number, 1 / frame_rate
        container.mux(video.encode(frame))
        heard = _sound_until(container, audio, sound, heard, int((number + 1) / frame_rate * audio.rate))
    container.mux(video.encode(None))
    _sound_until(container, audio, sound, heard, sound.shape[1])
    container.mux(audio.encode(None))


def _sound_until(
    container: OutputContainer, audio: AudioStream, sound: npt.NDArray[np.float32], heard: int, until: int
) -> int:
    """Encode the sound from sample `heard` up to about sample `until`, in the encoder's own blocks."""
    until = min(until, sound.shape[1])
    while heard < until:
        block = np.ascontiguousarray(sound[:, heard : heard + _AAC_FRAME])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=_LAYOUTS[sound.shape[0]])
        frame.sample_rate, frame.pts, frame.time_base = audio.rate, heard, Fraction(1, audio.rate)
        container.mux(audio.encode(frame))
        heard += block.shape[1]
    return heard


def _check_picture(picture: npt.NDArray[np.uint8], shape: tuple[int, ...]) -> None:
    if picture.shape != shape or picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(
            f"a frame is {picture.dtype} {picture.shape}, but must be uint8 (height, width, 3) like the first"
        )
    if picture.shape[0] % 2 or picture.shape[1] % 2:
        raise ValueError(f"a frame is {picture.shape[1]}x{picture.shape[0]}; H.264 in 4:2:0 needs even sides")

"""What a media file is: its tracks, its clock, its identity."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
from av.audio.stream import AudioStream
from av.container import Container, InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from mmdia_dataset.errors import MediaUnreadable
from mmdia_dataset.media.reading.clock import clock_of, exact

__all__ = [
    "AudioInfo",
    "MediaInfo",
    "VideoInfo",
    "best_audio",
    "best_video",
    "can_decode",
    "fingerprint",
    "open_media",
    "origin_of",
    "probe",
    "same_language",
    "tag",
]

_MICROSECONDS = 1_000_000
_BLOCK = 64 * 1024
_BLOCKS = 16

# What libavformat opens although it is not a film: single pictures, text, and lists that lead to other files or hosts.
_NOT_FILMS = ("image2", "tty", "hls", "dash", "concat", "concatf", "imf", "ffmetadata", "rawvideo", "webvtt")

# Tags of films need not be UTF-8. PyAV up to 18 raises at those unless told otherwise; from 19 on it keeps their bytes
# as surrogates, and `tag` makes both the same.
_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if hasattr(Container, "metadata_errors") else {}

# The codes ISO 639 has two of, and the two-letter ones of the languages most films carry.
_LANGUAGES = (
    "en eng|fr fra fre|de deu ger|es spa|it ita|pt por|nl nld dut|cs ces cze|sk slk slo|pl pol|ru rus|uk ukr|ja jpn|"
    "zh zho chi|ko kor|sv swe|no nor|nb nob|da dan|fi fin|el ell gre|tr tur|hu hun|ro ron rum|fa fas per|he heb|ar ara|"
    "hi hin|th tha|vi vie|id ind|is isl ice|ka kat geo|hy hye arm|mk mkd mac|sq sqi alb|eu eus baq|cy cym wel"
)
_TWINS = {code: group.split()[-1] for group in _LANGUAGES.split("|") for code in group.split()}


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """The picture track a player would choose; never cover art."""

    index: int
    codec: str
    width: int
    height: int
    frame_rate: Fraction | None
    time_base: Fraction
    pixel_format: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioInfo:
    """One sound track; `language` is the file's own tag in lower case, None if it is missing or undetermined."""

    index: int
    codec: str
    sample_rate: int
    channels: int
    layout: str
    language: str | None
    title: str | None
    default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """One recording.

    Attributes:
        path: the file.
        format: libavformat's name of the container, such as ``matroska,webm``.
        origin: the timestamp [s] of recording time 0: the container's start if that is positive, else 0.
        duration_s: seconds that the container claims; None if it claims nothing.
        size: bytes.
        video: the picture track; None if there is none.
        audio: all sound tracks.
    """

    path: Path
    format: str
    origin: Fraction
    duration_s: Fraction | None
    size: int
    video: VideoInfo | None
    audio: tuple[AudioInfo, ...]


def probe(path: str | os.PathLike[str]) -> MediaInfo:
    """Read what a recording contains; decodes no more than libavformat needs to name the codecs.

    Raises:
        MediaUnreadable: the file is missing, not readable, empty, cut off before its index, or not a film.
    """
    with open_media(path) as container:
        video = best_video(container)
        duration = container.duration
        return MediaInfo(
            path=Path(path),
            format=container.format.name,
            origin=origin_of(container),
            duration_s=Fraction(duration, _MICROSECONDS) if duration and duration > 0 else None,
            size=Path(path).stat().st_size,
            video=None if video is None else _video_info(video),
            audio=tuple(_audio_info(stream) for stream in container.streams.audio),
        )


def open_media(path: str | os.PathLike[str]) -> InputContainer:
    """Open a film for reading; only local files are read, even if the file or its name refers to other addresses.

    Raises:
        MediaUnreadable: as `probe` says.
    """
    _require_file(path)
    try:
        # "file:" keeps a name such as "http:x" from being taken for an address, the whitelist a list from fetching.
        container: InputContainer = av.open(
            "file:" + os.fspath(path), "r", options={"protocol_whitelist": "file"}, **_LENIENT
        )
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise _unreadable(path, error) from error
    name = container.format.name
    if name in _NOT_FILMS or name.endswith("_pipe") or not (best_video(container) or container.streams.audio):
        container.close()
        raise MediaUnreadable(
            f"this is not a film (it reads as {name!r}, without picture or sound)",
            where=path,
            hint="give the path of an audio or video file",
        )
    return container


def best_video(container: InputContainer) -> VideoStream | None:
    """The picture track a player would choose; never a cover picture."""
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:
        films = [track for track in container.streams.video if not track.disposition & Disposition.attached_pic]
        return films[0] if films else None
    return stream


def best_audio(container: InputContainer, language: str | None = None, track: int | None = None) -> AudioStream | None:
    """The sound track to use: of the language if given and present, else any; the default one, else the first.

    Among tracks of the language, commentary and audio description come last. If `track` is given, it is the number of
    the sound track to use.
    """
    if track is not None:
        tracks = container.streams.audio
        return tracks[track] if 0 <= track < len(tracks) else None
    ranked = _ranked(container, language)
    return ranked[0] if ranked else None


def audio_order(path: str | os.PathLike[str], language: str | None = None) -> tuple[int, ...]:
    """The numbers of all sound tracks, the one that `best_audio` chooses first.

    Raises:
        MediaUnreadable: as `probe`.
    """
    with open_media(path) as container:
        tracks = list(container.streams.audio)
        chosen = _ranked(container, language)
        return tuple(tracks.index(track) for track in [*chosen, *(track for track in tracks if track not in chosen)])


def _ranked(container: InputContainer, language: str | None) -> list[AudioStream]:
    tracks = list(container.streams.audio)
    spoken = [track for track in tracks if language and same_language(tag(track, "language"), language)]
    aside = Disposition.comment | Disposition.visual_impaired | Disposition.descriptions
    return sorted(
        spoken or tracks,
        key=lambda track: (
            bool(spoken) and bool(track.disposition & aside),
            not track.disposition & Disposition.default,
            track.index,
        ),
    )


def tag(stream: Stream, name: str) -> str | None:
    """A track's metadata under a name; bytes that are not UTF-8 become U+FFFD. None if there is none."""
    text: str | None = stream.metadata.get(name)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if text else None


def same_language(tag: str | None, other_tag: str | None) -> bool:
    """Whether two language tags mean the same: ``en``, ``eng`` and ``en-US`` do, as do ``ger`` and ``deu``."""

    def key(text: str | None) -> str:
        base = (text or "").replace("_", "-").split("-")[0].strip().lower()
        return _TWINS.get(base, base)

    return key(tag) == key(other_tag) != ""


def origin_of(container: InputContainer) -> Fraction:
    """The timestamp in seconds that is recording time 0.

    This is the container's start if it is positive, else 0. libavformat rounds the start to microseconds. The start of
    one of the tracks gives it exactly, so that a frame on the edge of a span stays there.
    """
    start: int | None = container.start_time  # the stubs forget that it may be unknown
    if start is None or start <= 0:
        return Fraction(0)
    exact = [
        stream.start_time * clock_of(stream)
        for stream in container.streams
        if stream.start_time is not None and stream.time_base
    ]
    return min(
        (time for time in exact if abs(time * _MICROSECONDS - start) <= 1), default=Fraction(start, _MICROSECONDS)
    )


def fingerprint(path: str | os.PathLike[str]) -> str:
    """The identity of a file for resuming: ``sha256:`` over its size and 16 evenly spaced blocks of 64 KiB.

    The first and the last block are always included. At most 1 MiB is read, so films on network disks cost little. Two
    films that differ only between the blocks get the same fingerprint.

    Raises:
        MediaUnreadable: the file can't be read.
    """
    _require_file(path)
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest.update(size.to_bytes(8, "big"))
            last = max(0, size - _BLOCK)
            for place in sorted({last * k // (_BLOCKS - 1) for k in range(_BLOCKS)}):
                file.seek(place)
                digest.update(file.read(_BLOCK))
    except OSError as error:
        raise _unreadable(path, error) from error
    return f"sha256:{digest.hexdigest()}"


def can_decode(codec: str) -> bool:
    """Whether a codec, by its name in libavcodec such as ``hevc``, can be decoded here."""
    return codec in av.codecs_available


def _video_info(stream: VideoStream) -> VideoInfo:
    context = stream.codec_context
    rate = exact(stream.average_rate or stream.guessed_rate)
    return VideoInfo(
        index=stream.index,
        codec=_codec_name(stream),
        width=context.width,
        height=context.height,
        frame_rate=rate if rate and rate > 0 else None,
        time_base=clock_of(stream),
        pixel_format=context.pix_fmt,
    )


def _audio_info(stream: AudioStream) -> AudioInfo:
    context = stream.codec_context
    language = (tag(stream, "language") or "").lower()
    return AudioInfo(
        index=stream.index,
        codec=_codec_name(stream),
        sample_rate=context.sample_rate,
        channels=context.channels,
        layout=context.layout.name,
        language=language if language not in ("", "und") else None,
        title=tag(stream, "title"),
        default=bool(stream.disposition & Disposition.default),
    )


def _codec_name(stream: VideoStream | AudioStream) -> str:
    """The codec's name, not the decoder's: av1, not libdav1d."""
    return str(stream.codec_context.codec.canonical_name)


def _require_file(path: str | os.PathLike[str]) -> None:
    try:
        status = os.stat(path)  # noqa: PTH116 - takes any path-like
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if stat.S_ISDIR(status.st_mode):
        raise MediaUnreadable("this is a folder, not a file", where=path, hint="give the path of the film inside it")
    if not stat.S_ISREG(status.st_mode):
        raise MediaUnreadable("this is not a regular file", where=path, hint="give the path of a film on disk")
    if status.st_size == 0:
        raise MediaUnreadable("the file is empty", where=path, hint="copy it again from the source")


def _unreadable(path: str | os.PathLike[str], error: Exception) -> MediaUnreadable:
    """One sentence for each way in which opening fails."""
    if isinstance(error, FileNotFoundError):
        return MediaUnreadable(
            "the file does not exist", where=path, hint="check the path, and that the disk is connected"
        )
    if isinstance(error, PermissionError):
        return MediaUnreadable("you may not read this file", where=path, hint="change the file's permissions")
    if _lacks_index(path):
        return MediaUnreadable("the file is cut off before its index", where=path, hint="copy or download it again")
    if isinstance(error, av.error.InvalidDataError):
        return MediaUnreadable("this is not a film, or it is damaged at the start", where=path, hint="try to play it")
    reason = getattr(error, "strerror", None) or str(error)
    return MediaUnreadable(f"the file can't be read ({reason})", where=path, hint="check the disk and the file")


def _lacks_index(path: str | os.PathLike[str]) -> bool:
    """Whether this is an MP4 without a `moov` box: recording or copying it was broken off."""
    try:
        with Path(path).open("rb") as file:
            size, offset = os.fstat(file.fileno()).st_size, 0
            kinds: list[bytes] = []
            while offset + 8 <= size and len(kinds) < 1000:
                file.seek(offset)
                head = file.read(16)
                kinds.append(head[4:8])
                length = int.from_bytes(head[:4], "big")
                offset += int.from_bytes(head[8:16], "big") if length == 1 else length if length >= 8 else size
    except OSError:
        return False
    return kinds[:1] == [b"ftyp"] and b"moov" not in kinds

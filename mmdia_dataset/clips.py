"""Recording + time map + spans -> clips: right to the frame and the sample, or refused with a reason.

What exactly is cut: the time map leads from movie time to recording time. The frames of a clip are those with a
timestamp in [start, end); t0 is the time of the first of them, t1 that of the frame after the last, and the sound is
[t0, t1). At the end of a recording t1 is the end of its last frame, and a span may run over it by at most one frame.

- ``copy``: an MP4 file with the recording's own packets, not re-encoded. It begins at the keyframe before t0 and holds
  sound from about 100 ms earlier; edit lists hide both. The hidden frames are still in the file.
- ``audio``: a WAV file, 16 bits, sample-exact.

Every copied clip is read back before it counts as made: exactly the expected frames at the expected times, full length.
What can be noticed without decoding is described in `mmdia_dataset.media.packets`.

A file appears under its name only when it is whole. At most one clip is in memory, once as packets and once as a file.
"""

from __future__ import annotations

import hashlib
import io
import wave
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np

from mmdia_dataset.errors import (
    MediaError,
    MediaUnreadable,
    NoAudio,
    NoVideo,
    SpanOutside,
    UnsupportedCodec,
)
from mmdia_dataset.files import whole_file
from mmdia_dataset.media import EmptySpan, Recording, check_clip, preroll, remux, samples_of
from mmdia_dataset.media.decode import LEAD, TAIL
from mmdia_dataset.timing import Span, TimeMap

__all__ = [
    "REFUSAL_RULES",
    "AudioSettings",
    "CopySettings",
    "Made",
    "RefusalRule",
    "Refused",
    "Settings",
    "SettingsDict",
    "Wanted",
    "cut",
]

RefusalRule = Literal[
    "damaged",
    "empty-span",
    "no-audio",
    "no-video",
    "outside-recording",
    "splice-inside",
    "unreadable-recording",
    "unsupported-codec",
]
REFUSAL_RULES: tuple[RefusalRule, ...] = get_args(RefusalRule)

SettingsDict: TypeAlias = dict[str, str | int | bool | None]

_RULES: tuple[tuple[type[MediaError], RefusalRule], ...] = (
    (EmptySpan, "empty-span"),
    (SpanOutside, "outside-recording"),
    (NoVideo, "no-video"),
    (NoAudio, "no-audio"),
    (UnsupportedCodec, "unsupported-codec"),
    (MediaUnreadable, "unreadable-recording"),
    (MediaError, "damaged"),
)


@dataclass(frozen=True)
class CopySettings:
    """Clips of the recording's own packets.

    Attributes:
        language: the sound track to take, as a tag such as ``eng`` or ``en``; if there is none of it, or None is
            given, the recording's default track, else its first.
        track: the track's number among the sound tracks instead.
    """

    language: str | None = None
    track: int | None = None
    mode: Literal["copy"] = "copy"

    @property
    def suffix(self) -> str:
        """How the names of these clips end."""
        return ".mp4"

    def as_dict(self) -> SettingsDict:
        """All settings, for the manifest: equal dicts make equal bytes from equal recordings."""
        return {"mode": self.mode, "language": self.language, "track": self.track}


@dataclass(frozen=True)
class AudioSettings:
    """The sound of clips alone, as 16-bit WAV.

    Attributes:
        language: as in `CopySettings`.
        track: likewise.
        sample_rate: samples per second; None keeps the recording's.
        mono: mix all channels into one; else they are kept.
    """

    language: str | None = None
    track: int | None = None
    sample_rate: int | None = None
    mono: bool = False
    mode: Literal["audio"] = "audio"

    def __post_init__(self) -> None:
        if self.sample_rate is not None and not 1000 <= self.sample_rate <= 768_000:
            raise ValueError(f"a sample rate of {self.sample_rate} is outside 1000 to 768000")

    @property
    def suffix(self) -> str:
        """How the names of these clips end."""
        return ".wav"

    def as_dict(self) -> SettingsDict:
        """All settings, for the manifest: equal dicts make equal bytes from equal recordings."""
        return {
            "mode": self.mode,
            "language": self.language,
            "track": self.track,
            "sample_rate": self.sample_rate,
            "mono": self.mono,
        }


Settings: TypeAlias = CopySettings | AudioSettings


@dataclass(frozen=True)
class Wanted:
    """A clip to be made: the dialogue's id, its span of movie time, and the file to write."""

    id: str
    span: Span
    file: Path


@dataclass(frozen=True)
class Made:
    """A clip that was made.

    Attributes:
        wanted: what was asked for.
        start: t0, recording seconds of the first frame and sample.
        end: t1, recording seconds where the last frame is over.
        frames: frames shown; None for sound alone.
        samples: samples heard, per channel; None without sound.
        sha256: of the file, in hexadecimal.
        bytes: size of the file.
    """

    wanted: Wanted
    start: Fraction
    end: Fraction
    frames: int | None
    samples: int | None
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Refused:
    """A clip that was not made: by which rule, and why in one sentence."""

    wanted: Wanted
    rule: RefusalRule
    detail: str


def cut(recording: Path, time_map: TimeMap, wanted: Iterable[Wanted], settings: Settings) -> Iterator[Made | Refused]:
    """Cut clips out of a recording, in order of time; spans may overlap.

    Args:
        recording: the media file.
        time_map: from movie time to recording time.
        wanted: the clips; folders of their files are made as needed, existing files replaced.
        settings: what kind of clip.

    Yields:
        One result per clip wanted. Nothing that is wrong with one clip, or with the recording, is raised.

    Raises:
        OutputError: a file can't be written: disk full, folder read-only. Nothing further could be.
    """
    placed: list[tuple[Fraction, Fraction, Wanted]] = []
    for item in wanted:
        place = time_map.place(item.span) if item.span.duration_ms > 0 else None
        if place is not None:
            placed.append((*place, item))
        elif item.span.duration_ms <= 0:
            yield Refused(item, "empty-span", f"The span {item.span.start_ms} to {item.span.end_ms} ms is empty.")
        else:
            yield Refused(item, "splice-inside", "The recording has a cut inside the span, or lacks it.")
    if not placed:
        return
    placed.sort(key=lambda one: (one[0], one[1], one[2].id))
    try:
        source = Recording(recording, settings.language, settings.track)
    except MediaUnreadable as error:
        for _, _, item in placed:
            yield _refusal(item, error)
        return
    make = _copy if isinstance(settings, CopySettings) else _extract
    with source:
        for start, end, item in placed:
            try:
                yield make(source, start, end, item, settings)  # type: ignore[arg-type]  # chosen by its class
            except MediaError as error:
                yield _refusal(item, error)


def _refusal(item: Wanted, error: MediaError) -> Refused:
    rule = next(rule for kind, rule in _RULES if isinstance(error, kind))
    detail = error.what[:1].upper() + error.what[1:]
    return Refused(item, rule, f"{detail}; {error.hint}." if error.hint else f"{detail}.")


def _copy(source: Recording, start: Fraction, end: Fraction, item: Wanted, settings: CopySettings) -> Made:
    if source.video is None:
        raise NoVideo("the recording has no picture track", hint="cut it with mode 'audio'")
    stretch = source.stretch(start, end, lead=preroll(source))
    zero, finish = stretch.start, stretch.end
    times = [pts - stretch.shown[0] for pts in stretch.shown]
    clock = source.video.time_base or Fraction(1)
    front, media = remux(source, stretch)

    def check(file: Path) -> None:
        check_clip(file, times, clock, finish - zero, sound=source.audio is not None)

    digest, size = _write(item.file, (front, media), check)
    rate = None if source.audio is None else source.audio.codec_context.sample_rate
    samples = None if rate is None else round(finish * rate) - round(zero * rate)
    return Made(item, zero, finish, len(times), samples, digest, size)


def _extract(source: Recording, start: Fraction, end: Fraction, item: Wanted, settings: AudioSettings) -> Made:
    if source.audio is None:
        raise NoAudio("the recording has no sound track", hint="cut it with mode 'copy'")
    stretch = source.stretch(start, end, lead=LEAD, tail=TAIL, pictures=False)
    values, rate = samples_of(source, stretch, rate=settings.sample_rate, mono=settings.mono)
    if not len(values):
        raise EmptySpan("the span is shorter than a sample")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(values.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.ascontiguousarray(values, dtype="<i2").tobytes())
    digest, size = _write(item.file, (buffer.getbuffer(),), lambda _: None)
    return Made(item, stretch.start, stretch.end, None, len(values), digest, size)


def _write(file: Path, parts: Iterable[bytes | memoryview], check: Callable[[Path], None]) -> tuple[str, int]:
    """Write a file so that it appears whole or not at all; its SHA-256 and size.

    Raises:
        OutputError: the disk or the folder does not take it.
        MediaError: whatever `check` finds in the written file.
    """
    digest, size = hashlib.sha256(), 0
    with whole_file(file) as temporary:
        with temporary.open("wb") as out:
            for part in parts:
                out.write(part)
                digest.update(part)
                size += len(part)
        check(temporary)
    return digest.hexdigest(), size

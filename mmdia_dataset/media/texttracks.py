"""Subtitles as cues, and the text tracks inside a recording."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

import av.error
from av.codec.context import CodecContext
from av.container import InputContainer
from av.stream import Discard
from av.subtitles.stream import SubtitleStream

from mmdia_dataset.media.probe import open_media, origin_of, tag
from mmdia_dataset.media.reading.clock import exact

__all__ = ["Cue", "SubtitleTrack", "text_tracks"]

_PICTURES = ("hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", "xsub")
_MOST_TRACKS = 64
_MOST_CUES = 100_000
_LONGEST_TEXT = 10_000
_UNTIMED_MS = 3_000  # how long a cue without an end is shown, if no other follows
_LONGEST_CUE_MS = 3_600_000

# A line as libavcodec's decoders give it: nine fields before the words.
_FIELDS = re.compile(r"(?:[^,]*,){8}")


@dataclass(frozen=True, slots=True)
class Cue:
    """One timed subtitle: half-open, in whole milliseconds of recording time."""

    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class SubtitleTrack:
    """Subtitles of a recording.

    Attributes:
        name: the file's name, or the track's number and title, for messages.
        language: its tag in lower case; None if it has none.
        cues: in order of their starts.
    """

    name: str
    language: str | None
    cues: tuple[Cue, ...]


def text_tracks(path: str | os.PathLike[str], problems: Callable[[str], None] | None = None) -> list[SubtitleTrack]:
    """The text tracks in a recording: SubRip, ASS, WebVTT, MP4 timed text and the like.

    Args:
        path: the recording.
        problems: called with a sentence for each track that can't be used: pictures of text, damage.

    Raises:
        MediaUnreadable: the recording can't be opened.
    """
    with open_media(path) as container:
        usable: dict[int, SubtitleStream] = {}
        for number, stream in enumerate(islice(container.streams.subtitles, _MOST_TRACKS)):
            codec = _codec(stream)
            if codec is None or codec in _PICTURES:
                if problems:
                    content = "pictures, not text" if codec else "an unknown format"
                    problems(f"{_name(number, stream)} contains {content}, so its words can't be read")
            else:
                usable[stream.index] = stream
        if not usable:
            return []
        return _read(container, usable, problems)


def _read(
    container: InputContainer, usable: dict[int, SubtitleStream], problems: Callable[[str], None] | None
) -> list[SubtitleTrack]:
    for stream in container.streams:
        if stream.index not in usable:
            stream.discard = Discard.all
    origin = origin_of(container)
    lines: dict[int, list[tuple[int, int | None, str]]] = {index: [] for index in usable}
    broken: dict[int, int] = dict.fromkeys(usable, 0)
    try:
        for packet in container.demux(list(usable.values())):
            index = packet.stream.index
            if packet.pts is None or not packet.size or len(lines[index]) >= _MOST_CUES:
                continue
            clock = exact(packet.time_base) or Fraction(1, 1000)
            start = _ms(packet.pts * clock - origin)
            end = _ms((packet.pts + packet.duration) * clock - origin) if packet.duration else None
            try:
                decoded = packet.decode()
            except (av.error.FFmpegError, ValueError):
                broken[index] += 1
                continue
            words = "\n".join(
                _words(rect.ass)
                for subtitle in decoded
                for rect in getattr(subtitle, "rects", (subtitle,))
                if hasattr(rect, "ass")
            )
            if words.strip() and start > -_LONGEST_CUE_MS:
                lines[index].append((max(0, start), end, words[:_LONGEST_TEXT]))
    except av.error.FFmpegError as error:
        if problems:
            problems(f"the subtitles can be read only up to a damaged place ({error.strerror})")
    tracks = []
    for number, stream in enumerate(container.streams.subtitles):
        if stream.index not in usable:
            continue
        name = _name(number, stream)
        if broken[stream.index] and problems:
            problems(f"{broken[stream.index]} cues of {name} can't be read")
        if lines[stream.index]:
            tracks.append(SubtitleTrack(name, _language(stream), _ended(lines[stream.index])))
    return tracks


def _ended(lines: list[tuple[int, int | None, str]]) -> tuple[Cue, ...]:
    """Cues in order, each with an end: where it has none, the next one's start."""
    lines.sort(key=lambda line: line[0])
    cues = []
    for number, (start, end, words) in enumerate(lines):
        if end is None or not start < end <= start + _LONGEST_CUE_MS:
            following = lines[number + 1][0] if number + 1 < len(lines) else start + _UNTIMED_MS
            end = min(following, start + _UNTIMED_MS)
        cues.append(Cue(start, max(end, start + 1), words))
    return tuple(cues)


def _words(line: bytes) -> str:
    """The words of one line of ASS, line breaks as such; markup stays, for those who read words to leave out."""
    text = line.decode("utf-8", "replace").replace("\x00", "")
    return _FIELDS.sub("", text, count=1).replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")


def _ms(seconds: Fraction) -> int:
    return round(seconds * 1000)


def _codec(stream: SubtitleStream) -> str | None:
    context: CodecContext | None = stream.codec_context  # the stubs forget that libavcodec may not know it
    return None if context is None else str(context.codec.canonical_name)


def _language(stream: SubtitleStream) -> str | None:
    language = (tag(stream, "language") or "").lower()
    return language if language not in ("", "und") else None


def _name(number: int, stream: SubtitleStream) -> str:
    words = [f"text track {number}", *(part for part in (_language(stream), tag(stream, "title")) if part)]
    return " ".join(words)

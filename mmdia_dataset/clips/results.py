"""What is asked of cutting, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

from mmdia_dataset.errors import (
    MediaError,
    MediaUnreadable,
    NoAudio,
    NoVideo,
    SpanOutside,
    UnsupportedCodec,
)
from mmdia_dataset.media import EmptySpan
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema import Split
from mmdia_dataset.timing import Span

__all__ = [
    "Fallback",
    "MadeClip",
    "Moment",
    "PlacedClip",
    "RefusedClip",
    "SettingsDict",
    "Still",
    "Wish",
    "each",
    "refusal",
]

SettingsDict: TypeAlias = dict[str, str | int | bool | None]

_RULES: tuple[tuple[type[MediaError], Refusal], ...] = (
    (EmptySpan, Refusal.EMPTY_SPAN),
    (SpanOutside, Refusal.OUTSIDE_RECORDING),
    (NoVideo, Refusal.NO_VIDEO),
    (NoAudio, Refusal.NO_AUDIO),
    (UnsupportedCodec, Refusal.UNSUPPORTED_CODEC),
    (MediaUnreadable, Refusal.UNREADABLE_RECORDING),
    (MediaError, Refusal.DAMAGED),
)


@dataclass(frozen=True, slots=True)
class Moment:
    """When a picture is wanted, in movie milliseconds, and which of the dialogue's turns it belongs to, if any."""

    ms: int
    turn: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A dialogue whose clip is wanted: no more of it than cutting needs, so that 54,700 fit in memory.

    Attributes:
        id: the dialogue's.
        movie: the movie's id.
        span: of the dialogue.
        placed: whether the span is movie time; some releases count a dialogue's times from itself.
        splits: that the dialogue is in.
        moments: when pictures are wanted, for mode `keyframes`.
    """

    id: str
    movie: str
    span: Span
    placed: bool = True
    splits: tuple[Split, ...] = ()
    moments: tuple[Moment, ...] = ()

    def at(self, span: Span) -> Wish:
        """The same with a span of the movie, which was found where the release has none."""
        if self.placed:
            return self
        moved_ms = span.start_ms - self.span.start_ms
        moments = tuple(replace(moment, ms=max(0, moment.ms + moved_ms)) for moment in self.moments)
        return replace(self, span=span, placed=True, moments=moments)


@dataclass(frozen=True, kw_only=True)
class PlacedClip:
    """A clip wanted, its place in the recording [s], and the file to write; for pictures, a folder and their places."""

    wish: Wish
    file: Path
    start: Fraction
    end: Fraction
    moments: tuple[Fraction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """A picture that was made.

    Attributes:
        moment: what was asked for.
        at: recording seconds of the picture itself.
        file: its name in the folder; pictures of several moments may be one.
        sha256: of the file, in hexadecimal.
        bytes: size of the file.
    """

    moment: Moment
    at: Fraction
    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Fallback:
    """How a clip was made that could not be made as asked: the settings used, and why, in one sentence."""

    settings: SettingsDict
    detail: str


@dataclass(frozen=True, kw_only=True)
class MadeClip:
    """A clip that was made.

    Attributes:
        wish: what was asked for.
        file: the clip, or the folder of its pictures.
        start: t0, recording seconds of the first frame and sample.
        end: t1, recording seconds where the last frame is over.
        frames: frames shown; None for sound alone.
        samples: samples heard, per channel; None without sound.
        sha256: of the file, in hexadecimal; of pictures, over a line of hash and name for each file.
        bytes: size of the file, or of all pictures.
        stills: the pictures, one for each moment.
        fallback: how it was made where it could not be made as asked.
    """

    wish: Wish
    file: Path
    start: Fraction
    end: Fraction
    frames: int | None = None
    samples: int | None = None
    sha256: str
    bytes: int
    stills: tuple[Still, ...] = ()
    fallback: Fallback | None = None


@dataclass(frozen=True)
class RefusedClip:
    """A clip that was not made: the rule, and why in one sentence."""

    wish: Wish
    rule: Refusal
    detail: str


def refusal(wish: Wish, error: MediaError) -> RefusedClip:
    """The result of a clip that an error kept from being made."""
    rule = next(rule for kind, rule in _RULES if isinstance(error, kind))
    detail = error.what[:1].upper() + error.what[1:]
    return RefusedClip(wish, rule, f"{detail}; {error.hint}." if error.hint else f"{detail}.")


def each(placed: Iterable[PlacedClip], make: Callable[[PlacedClip], MadeClip]) -> Iterator[MadeClip | RefusedClip]:
    """Make clips one after the other; what is wrong with one is its result. Raises OutputError."""
    for clip in placed:
        try:
            yield make(clip)
        except MediaError as error:
            yield refusal(clip.wish, error)

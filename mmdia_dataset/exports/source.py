"""What is exported: one split of a built directory or of a release, with paths as they are written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import soundfile

from mmdia_dataset.built.clipset import ClipSet
from mmdia_dataset.errors import MediaUnreadable
from mmdia_dataset.schema import Clip, Media, Split, Turn
from mmdia_dataset.views import TaskOptions, speaking_order, tag_of

__all__ = ["ExportedSound", "SplitSource", "SpokenSegment"]


_NOT_SNDFILE = (".mp4", ".mkv", ".webm", ".mov", ".m4a")


@dataclass(frozen=True, slots=True)
class ExportedSound:
    """A sound file as its header describes it."""

    path: str
    rate: int
    samples: int
    channels: int

    @property
    def ms(self) -> int:
        """Whole milliseconds in it."""
        return self.samples * 1000 // self.rate


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenSegment:
    """A turn with words, at its time in the clip [ms]."""

    turn: Turn
    place: int
    tag: str
    start_ms: int
    end_ms: int


@dataclass(kw_only=True)
class SplitSource:
    """One split. ``left_out`` counts what could not be exported, by reason."""

    clipset: ClipSet
    split: Split
    out: Path
    absolute: bool
    task: str
    options: TaskOptions
    left_out: Counter[str] = field(default_factory=Counter)

    def clips(self) -> Iterator[Clip]:
        """Its clips."""
        return self.clipset.clips(self.split)

    @cached_property
    def _base(self) -> str:
        return os.path.relpath(self.clipset.media.resolve(), self.out.resolve())

    def path(self, media: Media) -> str:
        """A media file's path as it is written: from the output folder, or absolute."""
        file = self.clipset.file(media)
        if self.absolute:
            return file.resolve().as_posix()
        return os.path.normpath(f"{self._base}/{media.path}").replace(os.sep, "/")

    def sound(self, clip: Clip) -> ExportedSound | None:
        """A clip's sound; counts those without any.

        Raises:
            MediaUnreadable: the file is gone or damaged.
        """
        if clip.audio is None:
            self.left_out["no audio"] += 1
            return None
        file = self.clipset.file(clip.audio)
        if file.suffix.lower() in _NOT_SNDFILE:
            return self._in_film(clip.audio, file)
        try:
            info = soundfile.info(file)
        except (OSError, soundfile.LibsndfileError) as error:
            raise MediaUnreadable(
                f"the sound can't be read: {str(error).splitlines()[0]}", where=file, hint=self.clipset.again
            ) from None
        return ExportedSound(self.path(clip.audio), info.samplerate, info.frames, info.channels)

    def _in_film(self, media: Media, file: Path) -> ExportedSound:
        """The sound of a video, which a release may have where it has no other."""
        from mmdia_dataset.media import probe

        info = probe(file)
        track = next((track for track in info.audio if track.default), None) or next(iter(info.audio), None)
        if track is None or info.duration_s is None:
            raise MediaUnreadable("the video has no sound", where=file, hint=self.clipset.again)
        return ExportedSound(
            self.path(media), track.sample_rate, round(info.duration_s * track.sample_rate), track.channels
        )

    def segments(self, clip: Clip, end_ms: int | None = None) -> Iterator[SpokenSegment]:
        """Turns with words, none beyond `end_ms`; counts those that take no time in the clip."""
        time = self.clipset.time(clip)
        places = {speaker: place for place, speaker in enumerate(speaking_order(clip))}
        for place, turn in enumerate(clip.turns):
            if not turn.text:
                continue
            span = time.span(turn.span)
            end = span.end_ms if end_ms is None else min(span.end_ms, end_ms)
            if end <= span.start_ms:
                self.left_out["turns that take no time"] += 1
                continue
            tag = tag_of(None if turn.speaker is None else places.get(turn.speaker))
            yield SpokenSegment(turn=turn, place=place, tag=tag, start_ms=span.start_ms, end_ms=end)

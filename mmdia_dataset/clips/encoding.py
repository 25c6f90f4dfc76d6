"""Mode `encode`: re-encoded clips with the frame rate, size and codec asked for, and without hidden frames.

The recording is decoded once for all clips: each picture goes to every clip that shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmdia_dataset.clips.clip_writer import write
from mmdia_dataset.clips.results import MadeClip, PlacedClip, RefusedClip, refusal
from mmdia_dataset.clips.settings import EncodeSettings
from mmdia_dataset.errors import MediaDamaged, MediaError
from mmdia_dataset.media import (
    ClipEncoder,
    Frame,
    OpenRecording,
    Pictures,
    Sound,
    SpanFinder,
    Stretch,
    Upright,
    aac_rate,
    check_clip,
    clock_of,
    steady,
    verify,
)
from mmdia_dataset.media.sound.samples import LEAD, TAIL

__all__ = ["encoded"]

# Bytes that encoders may hold back at a time, and how many pictures one does: a long look ahead, and references.
_HELD_BYTES, _HELD_PICTURES = 400e6, 60
_MOST_OPEN = 8
_MOST_CHANNELS = 8
# SVT-AV1 writes broken streams at some extreme settings and says nothing; its clips are decoded before they count.
_DOUBTED = ("libsvtav1",)


def encoded(
    recording: Path, placed: Iterable[PlacedClip], settings: EncodeSettings
) -> Iterator[MadeClip | RefusedClip]:
    """Clips of a recording, in the order in which they end.

    Raises:
        MediaUnreadable, NoVideo: before the first clip.
        OutputError: a file can't be written.
    """
    language, track = settings.language, settings.track
    with (
        OpenRecording(recording, language, track) as source,
        SpanFinder(source) as finder,
        Pictures(recording) as pictures,
    ):
        work = _Work(finder, _sound(finder), pictures, settings)
        for clip in placed:
            yield from work.go_on_for(clip)
        yield from work.go_on()


def _sound(finder: SpanFinder) -> Sound | None:
    source = finder.recording
    if source.audio is None:
        return None
    context = source.audio.codec_context
    rate = aac_rate(context.sample_rate)
    many = context.channels > _MOST_CHANNELS
    new_rate = None if rate == context.sample_rate else rate
    return Sound(source, rate=new_rate, mono=many, floats=True, lookup=finder.lookup)


@dataclass(eq=False, slots=True, kw_only=True)
class _Open:
    """A clip under way: the timestamps of the pictures it shows, in order, its encoder, and how many samples it has."""

    placed: PlacedClip
    stretch: Stretch
    needed: Sequence[int]
    encoder: ClipEncoder
    samples: int | None

    @property
    def next(self) -> int:
        """The picture it needs next."""
        return self.needed[self.encoder.given]

    @property
    def done(self) -> bool:
        """Whether it has all."""
        return self.encoder.given == len(self.needed)


class _Work:
    """All clips of a recording that are under way."""

    def __init__(self, finder: SpanFinder, sound: Sound | None, pictures: Pictures, settings: EncodeSettings) -> None:
        self.finder, self.source = finder, finder.recording
        self.sound, self.pictures, self.settings = sound, pictures, settings
        self.look = Upright.of(pictures.video, settings.height, even=True, form="yuv420p")
        self.open: list[_Open] = []
        width, height = self.look.size(pictures.video.width, pictures.video.height, 0)
        self.most = max(1, min(_MOST_OPEN, int(_HELD_BYTES / (width * height * 1.5 * _HELD_PICTURES))))

    def go_on_for(self, placed: PlacedClip) -> Iterator[MadeClip | RefusedClip]:
        """Begin a clip; others go on up to its first picture, or until one is done where too many are under way."""
        try:
            begun = self._begin(placed)
        except MediaError as error:
            yield refusal(placed.wish, error)
            return
        yield from self.go_on(begun.next)
        while len(self.open) >= self.most:
            yield from self._step()
        self.open.append(begun)

    def go_on(self, until: int | None = None) -> Iterator[MadeClip | RefusedClip]:
        """Encode up to a timestamp, or to the end of all clips under way."""
        while self.open and (until is None or min(clip.next for clip in self.open) < until):
            yield from self._step()

    def _step(self) -> Iterator[MadeClip | RefusedClip]:
        """The next picture that a clip needs, for all that need it."""
        pts = min(clip.next for clip in self.open)
        waiting = [clip for clip in self.open if clip.next == pts]
        try:
            frame = self.look(self.pictures.take(pts))
        except MediaError as error:
            for clip in waiting:
                self.open.remove(clip)
                yield refusal(clip.placed.wish, error)
            return
        for clip in waiting:
            try:
                finished = self._add(clip, frame, pts)
            except MediaError as error:
                self.open.remove(clip)
                yield refusal(clip.placed.wish, error)
                continue
            if finished is not None:
                self.open.remove(clip)
                yield finished

    def _begin(self, placed: PlacedClip) -> _Open:
        stretch = self.finder.stretch(placed.start, placed.end, lead=LEAD, tail=TAIL)
        clock = clock_of(self.pictures.video)
        length = stretch.end - stretch.start
        needed, times = stretch.shown, [pts - stretch.shown[0] for pts in stretch.shown]
        rate = self.settings.rate
        if rate is not None:
            needed = steady(stretch.shown, clock, length, rate)
            times, clock, length = list(range(len(needed))), 1 / rate, len(needed) / rate
        samples, sampled = None, 48_000
        if self.sound is not None:
            values, sampled = self.sound.of(stretch)
            samples = values.astype(np.float32, copy=False)
        encoder = ClipEncoder(
            times,
            clock,
            length,
            codec=self.settings.codec,
            crf=self.settings.quality,
            preset=self.settings.effort,
            samples=samples,
            rate=sampled,
            source=self.source,
        )
        return _Open(
            placed=placed,
            stretch=stretch,
            needed=needed,
            encoder=encoder,
            samples=None if samples is None else len(samples),
        )

    def _add(self, clip: _Open, frame: Frame, pts: int) -> MadeClip | None:
        """Give a clip the picture it needs next, as often as it shows it; the clip where that completes it."""
        encoder = clip.encoder
        if encoder.size not in (None, (frame.width, frame.height)):
            seconds = float(self.source.seconds(self.pictures.video, pts))
            raise MediaDamaged(f"the picture changes its size at {seconds:.3f} s", where=self.source.path)
        while not clip.done and clip.next == pts:
            encoder.add(frame)
        if not clip.done:
            return None

        def check(file: Path) -> None:
            check_clip(file, encoder.times, encoder.clock, encoder.end, sound=clip.samples is not None)
            if self.settings.codec in _DOUBTED and (faults := verify(file)):
                raise MediaDamaged(
                    f"the clip that {self.settings.codec} encoded can't be decoded ({faults[0]})",
                    where=self.source.path,
                    hint="choose another crf or preset",
                )

        digest, size = write(clip.placed.file, encoder.finish(), check)
        return MadeClip(
            wish=clip.placed.wish,
            file=clip.placed.file,
            start=clip.stretch.start,
            end=clip.stretch.end,
            frames=encoder.given,
            samples=clip.samples,
            sha256=digest,
            bytes=size,
        )

"""Decodes rows that name a place in a recording: exactly the frames and samples of the clip; or whole media files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.errors import MediaError, MediaUnreadable, UsageError
from mmdia_dataset.timing import rate_from_text

if TYPE_CHECKING:
    from mmdia_dataset.media import Pictures, Sound, SpanFinder, Stretch, Upright

__all__ = ["Decode"]


class Decode:
    """A transform of rows with a `source`, for `with_transform` or `map` of `datasets`, or for a single row.

    Rows without a `source`, but with paths in `audio` or `video`, have these files decoded whole: sounds of a release,
    or clips. Their sound is that of `audio` where there is one.

    It adds to each row ``frames``, uint8 [T, H, W, 3], RGB; ``times_s``, float64 [T], the time of each frame after the
    first; ``audio``, float32 [C, S], full scale 1; ``frame_rate`` and ``sample_rate``. A field is None if the recording
    does not have it. Frames are upright and deinterlaced, with square pixels.

    It can be pickled. Each process keeps the recording that it read last open.

    Args:
        pictures: decode frames.
        sound: decode samples.
        fps: frames per second, such as ``5`` or ``24000/1001``: the frames shown at these moments; None for all frames.
        height: height in pixels, the width follows; None for the recording's own.
        sample_rate: samples per second; None for the recording's own.
        mono: mix all channels into one.
        errors: ``raise`` an error if a recording can't be used, or set all fields to None with ``none``.

    Raises:
        UsageError: a value is not valid.
    """

    def __init__(
        self,
        *,
        pictures: bool = True,
        sound: bool = True,
        fps: str | float | None = None,
        height: int | None = None,
        sample_rate: int | None = None,
        mono: bool = False,
        errors: Literal["raise", "none"] = "raise",
    ) -> None:
        try:
            self.rate = None if fps is None else Fraction(str(fps))
        except (ValueError, ZeroDivisionError):
            raise UsageError(
                f"fps={fps!r} is not a frame rate", hint="give frames per second, such as 5 or 24000/1001"
            ) from None
        if (self.rate is not None and self.rate <= 0) or (height is not None and height < 1):
            raise UsageError("fps and height must be above 0", hint="leave them out to keep the recording's own")
        if errors not in ("raise", "none"):
            raise UsageError(f"unknown errors={errors!r}", hint="choose raise or none")
        self.pictures, self.sound, self.height = pictures, sound, height
        self.sample_rate, self.mono, self.errors = sample_rate, mono, errors
        self._open: _Open | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": None}

    def __call__(self, rows: Mapping[str, Any]) -> dict[str, Any]:
        """Decode a row, or a batch of rows as a dict of lists.

        Raises:
            UsageError: the rows have neither a column `source` nor one of media that are not decoded.
            MediaError: a recording can't be used, does not contain the span, or is damaged there.
        """
        places = {name: rows[name] for name in ("source", "audio", "video") if name in rows}
        if "source" in places:
            places = {"source": places["source"]}
        if not places:
            raise UsageError(
                "the rows have no column `source`, `audio` or `video`",
                hint='load them with mode="access" and media_dir, or with audio="release"',
            )
        columns = list(places.values())
        if not isinstance(columns[0], list):
            return {**rows, **self._row(places)}
        decoded = [self._row(dict(zip(places, row, strict=True))) for row in zip(*columns, strict=True)]
        return {**rows, **{name: [row[name] for row in decoded] for name in _FIELDS}}

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._decoded(row["source"]) if "source" in row else self._files(row)
        except MediaError:
            self.close()
            if self.errors == "raise":
                raise
            return dict.fromkeys(_FIELDS)

    def _decoded(self, source: Mapping[str, Any]) -> dict[str, Any]:
        rate = rate_from_text(source.get("rate") or "1")
        offset = Fraction(round((source.get("offset_ms") or 0) * 1000), 1000)
        start, end = ((source[name] + offset) / rate / 1000 for name in ("start_ms", "end_ms"))
        return self._stretch(self._of(os.fspath(source["recording"]), source.get("track")), start, end)

    def _files(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The pictures of a row's video, and the sound of its audio, else of its video."""
        decoded: dict[str, Any] = dict.fromkeys(_FIELDS)
        for name in ("video", "audio"):
            media = row.get(name)
            if media is not None and not isinstance(media, Mapping):
                raise UsageError(f"the column `{name}` is decoded already", hint="load the rows without decode=True")
            if media is None or media.get("path") is None or (name == "audio" and not self.sound):
                continue
            opened = self._of(os.fspath(media["path"]), None)
            length = opened.finder.recording.claimed_end
            if length is None:
                raise MediaUnreadable("the file does not say how long it plays", where=media["path"])
            decoded |= {
                field: value for field, value in self._stretch(opened, Fraction(0), length).items() if value is not None
            }
        return decoded

    def _stretch(self, opened: _Open, start: Fraction, end: Fraction) -> dict[str, Any]:
        from mmdia_dataset.media.sound.samples import LEAD, TAIL

        stretch = opened.finder.stretch(start, end, lead=LEAD, tail=TAIL)
        row: dict[str, Any] = dict.fromkeys(_FIELDS)
        if opened.pictures is not None and opened.look is not None:
            row["frames"], row["times_s"], row["frame_rate"] = self._frames(opened.pictures, opened.look, stretch)
        if opened.sound is not None:
            samples, row["sample_rate"] = opened.sound.of(stretch)
            row["audio"] = np.ascontiguousarray(samples.T, dtype=np.float32)
        return row

    def _frames(
        self, pictures: Pictures, look: Upright, stretch: Stretch
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64], float]:
        from mmdia_dataset.media import clock_of, rgb_of, steady

        length, clock = stretch.end - stretch.start, clock_of(pictures.video)
        if self.rate is None:
            shown = list(stretch.shown)
            times = [(pts - shown[0]) * clock for pts in shown]
        else:
            shown = steady(stretch.shown, clock, length, self.rate)
            times = [n / self.rate for n in range(len(shown))]
        frames: NDArray[np.uint8] | None = None
        for n, pts in enumerate(shown):
            picture = rgb_of(look(pictures.take(pts)))
            if frames is None:
                frames = np.empty((len(shown), *picture.shape), np.uint8)
            frames[n] = picture
        assert frames is not None  # noqa: S101 - a stretch shows at least one
        return frames, np.array([float(time) for time in times]), float(self.rate or len(shown) / length)

    def _of(self, path: str, track: int | None) -> _Open:
        """The recording, opened if it is not the one open."""
        key = (path, track, os.getpid())
        if self._open is not None and self._open.key != key:
            self.close()
        if self._open is None:
            self._open = self._opened(key, path, track)
        return self._open

    def _opened(self, key: tuple[str, int | None, int], path: str, track: int | None) -> _Open:
        from mmdia_dataset.media import OpenRecording, Pictures, Sound, SpanFinder, Upright

        with ExitStack() as stack:
            recording = stack.enter_context(OpenRecording(path, track=track))
            finder = stack.enter_context(SpanFinder(recording))
            pictures, look, sound = None, None, None
            if self.pictures and recording.video is not None:
                pictures = stack.enter_context(Pictures(path))
                look = Upright.of(pictures.video, self.height)
            if self.sound and recording.audio is not None:
                rate, mono, lookup = self.sample_rate, self.mono, finder.lookup
                sound = Sound(recording, rate=rate, mono=mono, floats=True, lookup=lookup)
            return _Open(key=key, finder=finder, pictures=pictures, look=look, sound=sound, files=stack.pop_all())

    def close(self) -> None:
        """Close the open recording; the next row opens its own."""
        opened, self._open = self._open, None
        if opened is not None and opened.key[2] == os.getpid():  # what a fork inherited is its parent's
            opened.files.close()


_FIELDS = ("frames", "times_s", "audio", "frame_rate", "sample_rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """A recording open in a process."""

    key: tuple[str, int | None, int]
    finder: SpanFinder
    pictures: Pictures | None
    look: Upright | None
    sound: Sound | None
    files: ExitStack

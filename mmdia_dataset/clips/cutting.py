"""Cutting: clips wanted of a recording, in order of time, by whichever mode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import assert_never

from mmdia_dataset.clips.copying import copied
from mmdia_dataset.clips.encoding import encoded
from mmdia_dataset.clips.results import MadeClip, PlacedClip, RefusedClip, Wish, refusal
from mmdia_dataset.clips.settings import AudioSettings, CopySettings, EncodeSettings, KeyframeSettings, Settings
from mmdia_dataset.clips.sounding import extracted
from mmdia_dataset.clips.stills import drawn
from mmdia_dataset.errors import MediaError
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.timing import TimeMap

__all__ = ["cut"]


def cut(
    recording: Path, time_map: TimeMap, wishes: Iterable[Wish], settings: Settings, file_of: Callable[[Wish], Path]
) -> Iterator[MadeClip | RefusedClip]:
    """Cut clips out of a recording, in order of time; spans may overlap.

    Args:
        recording: the media file.
        time_map: from movie time to recording time.
        wishes: the clips wanted.
        settings: what kind of clip.
        file_of: the file of a clip, or the folder of its pictures; folders are made as needed, existing files replaced.

    Yields:
        One result per clip wanted. Problems of a clip or of the recording are results, not errors.

    Raises:
        OutputError: a file can't be written: the disk is full, or the folder read-only.
    """
    placed: list[PlacedClip] = []
    for wish in wishes:
        span = wish.span
        piece = time_map.piece_of(span) if span.duration_ms > 0 else None
        if piece is not None:
            placed.append(
                PlacedClip(
                    wish=wish,
                    file=file_of(wish),
                    start=piece.recording_s(span.start_ms),
                    end=piece.recording_s(span.end_ms),
                    moments=tuple(piece.recording_s(moment.ms) for moment in wish.moments),
                )
            )
        elif span.duration_ms <= 0:
            yield RefusedClip(
                wish,
                Refusal.EMPTY_SPAN,
                f"It starts at {span.start_ms} ms and ends at {span.end_ms} ms: nothing lies between.",
            )
        else:
            yield RefusedClip(wish, Refusal.SPLICE, "Part of this dialogue is cut or missing in your recording.")
    if not placed:
        return
    placed.sort(key=lambda clip: (clip.start, clip.end, clip.wish.id))
    try:
        yield from _results(recording, placed, settings)
    except MediaError as error:  # the recording can't even be opened
        for clip in placed:
            yield refusal(clip.wish, error)


def _results(recording: Path, placed: list[PlacedClip], settings: Settings) -> Iterator[MadeClip | RefusedClip]:
    match settings:
        case CopySettings():
            return copied(recording, placed, settings)
        case EncodeSettings():
            return encoded(recording, placed, settings)
        case AudioSettings():
            return extracted(recording, placed, settings)
        case KeyframeSettings():
            return drawn(recording, placed, settings)
        case _:
            assert_never(settings)

"""Cutting: clips wanted of a recording, in order of time, by whichever mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import assert_never

from mmdia_dataset.clips.copying import copied
from mmdia_dataset.clips.encoding import encoded
from mmdia_dataset.clips.results import MadeClip, PlacedClip, RefusedClip, Wanted, refusal
from mmdia_dataset.clips.settings import AudioSettings, CopySettings, EncodeSettings, KeyframeSettings, Settings
from mmdia_dataset.clips.sounding import extracted
from mmdia_dataset.clips.stills import drawn
from mmdia_dataset.errors import MediaError
from mmdia_dataset.timing import TimeMap

__all__ = ["cut"]


def cut(
    recording: Path, time_map: TimeMap, wanted: Iterable[Wanted], settings: Settings
) -> Iterator[MadeClip | RefusedClip]:
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
    placed: list[PlacedClip] = []
    for item in wanted:
        piece = time_map.piece_of(item.span) if item.span.duration_ms > 0 else None
        if piece is not None:
            start, end = piece.recording_s(item.span.start_ms), piece.recording_s(item.span.end_ms)
            placed.append(PlacedClip(start, end, item, tuple(piece.recording_s(moment.ms) for moment in item.moments)))
        elif item.span.duration_ms <= 0:
            yield RefusedClip(item, "empty-span", f"The span {item.span.start_ms} to {item.span.end_ms} ms is empty.")
        else:
            yield RefusedClip(item, "splice-inside", "The recording has a cut inside the span, or lacks it.")
    if not placed:
        return
    placed.sort(key=lambda one: (one.start, one.end, one.wanted.id))
    try:
        yield from _results(recording, placed, settings)
    except MediaError as error:  # the recording can't even be opened
        for one in placed:
            yield refusal(one.wanted, error)


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

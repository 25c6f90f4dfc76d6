"""Cutting: clips wanted of a recording, in order of time, by whichever mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

from mmdia_dataset.clips.copying import copy
from mmdia_dataset.clips.results import Made, Refused, Wanted, refusal
from mmdia_dataset.clips.settings import CopySettings, Settings
from mmdia_dataset.clips.sounding import extract
from mmdia_dataset.errors import MediaError, MediaUnreadable
from mmdia_dataset.media import Recording
from mmdia_dataset.timing import TimeMap

__all__ = ["cut"]


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
            yield refusal(item, error)
        return
    make = copy if isinstance(settings, CopySettings) else extract
    with source:
        for start, end, item in placed:
            try:
                yield make(source, start, end, item, settings)  # type: ignore[arg-type]  # chosen by its class
            except MediaError as error:
                yield refusal(item, error)

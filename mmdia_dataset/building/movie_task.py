"""A movie's work, or a part of it, from its recording to the lines of its clips: what a process does at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from pathlib import Path

from mmdia_dataset import clips
from mmdia_dataset.alignment.decision import UNTIMED
from mmdia_dataset.building.wishes import Wish
from mmdia_dataset.built.directory import BuiltDirectory
from mmdia_dataset.schema import Edition, Evidence, MadeLine, Mode, Picture, Place, Reason, RecordingInfo, RefusedLine
from mmdia_dataset.timing import TimeMap, rate_from_text, rate_text

__all__ = ["CuttingTask", "Line", "foretold", "halves", "movie_lines", "parts", "refused_line"]

Line = MadeLine | RefusedLine

# Parts per process, so that none waits long for the last; and clips in a part, so that opening a recording pays.
_PARTS_PER_JOB = 4
_LEAST_CLIPS = 16


@dataclass(frozen=True, slots=True)
class CuttingTask:
    """One movie's work, or a part of it, as it is sent to a process."""

    out: Path
    path: Path
    edition: Edition
    wishes: tuple[Wish, ...]
    settings: clips.Settings
    known: tuple[Line, ...]


def parts(tasks: Sequence[CuttingTask], jobs: int) -> list[CuttingTask]:
    """Work for several processes: long movies in parts, each a stretch of movie time."""
    clips_in_part = max(_LEAST_CLIPS, ceil(sum(len(task.wishes) for task in tasks) / (jobs * _PARTS_PER_JOB)))
    return [part for task in tasks for part in _split(task, ceil(len(task.wishes) / clips_in_part))]


def halves(task: CuttingTask) -> list[CuttingTask]:
    """Two tasks out of one that ended its process, to close in on the clip that does; none if it is a single clip's."""
    return [] if len(task.wishes) < 2 else _split(task, 2)


def _split(task: CuttingTask, count: int) -> list[CuttingTask]:
    wishes = sorted(task.wishes, key=lambda wish: (wish.span.start_ms, wish.id))
    size = ceil(len(wishes) / count)
    return [replace(task, wishes=tuple(wishes[at : at + size])) for at in range(0, len(wishes), size)]


def movie_lines(task: CuttingTask) -> Iterator[tuple[Line, bool]]:
    """The line of every clip wanted of one movie, and whether the clip was kept from an earlier run.

    Each new clip's line is in the movie's journal before it is given. What the journal holds already, of a process that
    died in this run, is not made again.
    """
    directory = BuiltDirectory(task.out)
    edition = task.edition
    time_map = edition.time_map()
    cutting = task.settings.on_track(edition.track)
    mode, settings = cutting.mode, cutting.as_dict()
    evidence = {one.id: one.evidence for one in edition.placed}
    journal = directory.journal(edition.movie)
    earlier = {line.id: line for line in task.known}
    known = earlier | {line.id: line for line in journal.lines() if line.mode == mode}
    wanted: list[clips.Wanted] = []
    wishes: dict[str, Wish] = {}
    for wish, line in foretold(task, known):
        if isinstance(line, RefusedLine):
            yield line, False
            continue
        if line is not None and directory.holds(line):
            same = earlier.get(wish.id)
            yield line, isinstance(same, MadeLine) and same.sha256 == line.sha256
            continue
        wishes[wish.id] = wish
        file = directory.clip_file(wish.movie, wish.id, cutting.suffix)
        wanted.append(clips.Wanted(wish.id, wish.span, directory.root / file, wish.moments))
    try:
        for result in clips.cut(task.path, time_map, wanted, cutting):
            wish = wishes[result.wanted.id]
            if isinstance(result, clips.RefusedClip):
                reason = Reason(rule=result.rule, detail=result.detail)
                yield refused_line(wish, mode, reason, edition.recording), False
                continue
            why = evidence.get(wish.id, edition.evidence)
            line = _made(result, wish, directory, edition.recording, mode, settings, time_map, why)
            journal.add(line)
            yield line, False
    finally:
        journal.close()


def foretold(task: CuttingTask, known: Mapping[str, Line]) -> Iterator[tuple[Wish, Line | None]]:
    """The line that each clip wanted has before any is cut: refused by the edition, or of a clip made of the same.

    Args:
        task: what is wanted of a recording.
        known: lines of earlier runs, by dialogue. Whether their clips are still there is not looked at.
    """
    edition = task.edition
    time_map = edition.time_map()
    cutting = task.settings.on_track(edition.track)
    settings = (cutting.as_dict(), *(cutting.fallbacks() if isinstance(cutting, clips.CopySettings) else ()))
    evidence = {one.id: one.evidence for one in edition.placed}
    refused = {one.id: one.reasons for one in edition.refused}
    for wish in task.wishes:
        reasons = refused.get(wish.id) or ((UNTIMED,) if not wish.placed else ())
        old = known.get(wish.id)
        if reasons:
            yield wish, refused_line(wish, cutting.mode, reasons[0], edition.recording)
        elif isinstance(old, MadeLine) and _same(old, wish, edition, settings, time_map):
            why = evidence.get(wish.id, edition.evidence)
            update = {"splits": wish.splits, "recording": edition.recording, "evidence": why}
            yield wish, old.model_copy(update=update)
        else:
            yield wish, None


def _piece(time_map: TimeMap, wish: Wish) -> tuple[str, float] | None:
    piece = time_map.piece_of(wish.span)
    return None if piece is None else (rate_text(piece.rate), float(piece.offset_ms))


def _same(
    old: MadeLine, wish: Wish, edition: Edition, settings: tuple[clips.SettingsDict, ...], time_map: TimeMap
) -> bool:
    """Whether a clip made earlier is what would be made now; the recording decides by which of the settings."""
    return (
        old.span == wish.span
        and old.recording.fingerprint == edition.recording.fingerprint
        and old.settings in settings
        and (old.rate, old.offset_ms) == _piece(time_map, wish)
        and [(one.asked_ms, one.turn) for one in old.pictures] == [(one.ms, one.turn) for one in wish.moments]
    )


def refused_line(wish: Wish, mode: Mode, reason: Reason, recording: RecordingInfo | None = None) -> RefusedLine:
    """The manifest line of a clip that was not made, for one reason."""
    return RefusedLine(
        id=wish.id,
        movie=wish.movie,
        splits=wish.splits,
        mode=mode,
        span=wish.span,
        status="refused",
        reasons=(reason,),
        recording=recording,
    )


def _made(
    result: clips.MadeClip,
    wish: Wish,
    directory: BuiltDirectory,
    recording: RecordingInfo,
    mode: Mode,
    settings: clips.SettingsDict,
    time_map: TimeMap,
    evidence: Evidence,
) -> MadeLine:
    rate, offset_ms = _piece(time_map, wish) or ("1/1", 0.0)
    file = result.wanted.file.relative_to(directory.root).as_posix()
    pictures = [
        Picture(
            file=f"{file}/{still.file}",
            sha256=still.sha256,
            size=still.bytes,
            asked_ms=still.moment.ms,
            time_ms=max(0, round(still.at * 1000 * rate_from_text(rate) - Fraction(offset_ms))),
            at_s=max(0.0, round(float(still.at), 6)),
            turn=still.moment.turn,
        )
        for still in result.stills
    ]
    return MadeLine(
        id=wish.id,
        movie=wish.movie,
        splits=wish.splits,
        mode=mode,
        span=wish.span,
        status="made",
        settings=dict(settings if result.fallback is None else result.fallback.settings),
        file=file,
        sha256=result.sha256,
        size=result.bytes,
        recording=recording,
        rate=rate,
        offset_ms=offset_ms,
        at=Place(start_s=round(float(result.start), 6), end_s=round(float(result.end), 6)),
        frames=result.frames,
        samples=result.samples,
        evidence=evidence,
        pictures=tuple(pictures),
        fallback=None if result.fallback is None else Reason(rule="unsupported-codec", detail=result.fallback.detail),
    )

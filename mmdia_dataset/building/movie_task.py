"""A movie's work, or a part of it, from its recording to the lines of its clips: what a process does at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from pathlib import Path

from mmdia_dataset import clips
from mmdia_dataset.alignment.decision import UNTIMED
from mmdia_dataset.built.directory import BuiltDirectory
from mmdia_dataset.clips import Wish
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema import Edition, Evidence, MadeLine, Mode, Picture, Place, Reason, RecordingInfo, RefusedLine
from mmdia_dataset.timing import rate_from_text, rate_text

__all__ = ["Cutting", "CuttingTask", "Line", "halves", "movie_lines", "parts", "refused_line"]

Line = MadeLine | RefusedLine

# Parts per process, so that none waits long for the last; and clips in a part, so that opening a recording pays.
_PARTS_PER_JOB = 4
_LEAST_CLIPS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
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
    return [replace(task, wishes=tuple(wishes[start : start + size])) for start in range(0, len(wishes), size)]


def movie_lines(task: CuttingTask) -> Iterator[tuple[Line, bool]]:
    """The line of every clip wanted of one movie, and whether the clip was kept from an earlier run.

    Each new clip's line is in the movie's journal before it is given. What the journal holds already, of a process that
    died in this run, is not made again.
    """
    cutting = Cutting(task)
    mode = cutting.settings.mode
    journal = cutting.directory.journal(task.edition.movie)
    earlier = {line.id: line for line in task.known}
    lines = earlier | {line.id: line for line in journal.lines() if line.mode == mode}
    wishes: list[Wish] = []
    for wish, line in cutting.foretold(lines):
        if isinstance(line, RefusedLine):
            yield line, False
        elif line is not None and cutting.directory.holds(line):
            same = earlier.get(wish.id)
            yield line, isinstance(same, MadeLine) and same.sha256 == line.sha256
        else:
            wishes.append(wish)
    try:
        for clip in clips.cut(task.path, cutting.time_map, wishes, cutting.settings, cutting.file_of):
            if isinstance(clip, clips.RefusedClip):
                reason = Reason(rule=clip.rule, detail=clip.detail)
                yield refused_line(clip.wish, mode, reason, task.edition.recording), False
            else:
                made_line = cutting.made_line(clip)
                journal.add(made_line)
                yield made_line, False
    finally:
        journal.close()


class Cutting:
    """A task with all that the lines of its clips share.

    Attributes:
        directory: where clips go.
        settings: how they are made, of the sound track that the edition names.
        time_map: of the edition.
    """

    def __init__(self, task: CuttingTask) -> None:
        self.directory = BuiltDirectory(task.out)
        self.settings = task.settings.on_track(task.edition.track)
        self.time_map = task.edition.time_map()
        placed = {dialogue.id: dialogue for dialogue in task.edition.placed}
        self._edition = task.edition
        self._wishes = [wish.at(placed[wish.id].span) if wish.id in placed else wish for wish in task.wishes]
        self._evidence = {id_: dialogue.evidence for id_, dialogue in placed.items()}

    def file_of(self, wish: Wish) -> Path:
        """Where a clip goes."""
        return self.directory.root / self.directory.clip_file(wish.movie, wish.id, self.settings.suffix)

    def foretold(self, earlier: Mapping[str, Line]) -> Iterator[tuple[Wish, Line | None]]:
        """The line each clip wanted has before any is cut: refused by the edition, or of a clip made of the same.

        Args:
            earlier: lines of earlier runs, by dialogue. It is not checked whether their clips are still there.
        """
        refused = {dialogue.id: dialogue.reasons for dialogue in self._edition.refused}
        settings = [self.settings.as_dict()]
        if isinstance(self.settings, clips.CopySettings):  # the recording decides which of these it is
            settings += self.settings.fallbacks()
        for wish in self._wishes:
            reasons = refused.get(wish.id) or (() if wish.placed else (UNTIMED,))
            old = earlier.get(wish.id)
            if reasons:
                yield wish, refused_line(wish, self.settings.mode, reasons[0], self._edition.recording)
            elif isinstance(old, MadeLine) and old.settings in settings and self._same(old, wish):
                update = {"splits": wish.splits, "recording": self._edition.recording, "evidence": self._why(wish)}
                yield wish, old.model_copy(update=update)
            else:
                yield wish, None

    def made_line(self, clip: clips.MadeClip) -> MadeLine:
        """The line of a clip that was made."""
        wish, fallback = clip.wish, clip.fallback
        rate, offset_ms = self._speed(wish) or ("1/1", 0.0)
        file = clip.file.relative_to(self.directory.root).as_posix()
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
            for still in clip.stills
        ]
        return MadeLine(
            id=wish.id,
            movie=wish.movie,
            splits=wish.splits,
            mode=self.settings.mode,
            span=wish.span,
            status="made",
            settings=dict(self.settings.as_dict() if fallback is None else fallback.settings),
            file=file,
            sha256=clip.sha256,
            size=clip.bytes,
            recording=self._edition.recording,
            rate=rate,
            offset_ms=offset_ms,
            at=Place(start_s=round(float(clip.start), 6), end_s=round(float(clip.end), 6)),
            frames=clip.frames,
            samples=clip.samples,
            evidence=self._why(wish),
            pictures=tuple(pictures),
            fallback=None if fallback is None else Reason(rule=Refusal.UNSUPPORTED_CODEC, detail=fallback.detail),
        )

    def _same(self, old: MadeLine, wish: Wish) -> bool:
        """Whether a clip made earlier by the same settings is what would be made now."""
        return (
            old.span == wish.span
            and old.recording.fingerprint == self._edition.recording.fingerprint
            and (old.rate, old.offset_ms) == self._speed(wish)
            and [(picture.asked_ms, picture.turn) for picture in old.pictures]
            == [(moment.ms, moment.turn) for moment in wish.moments]
        )

    def _speed(self, wish: Wish) -> tuple[str, float] | None:
        """Rate and offset [ms] of the recording where a dialogue lies; None at a cut."""
        piece = self.time_map.piece_of(wish.span)
        return None if piece is None else (rate_text(piece.rate), float(piece.offset_ms))

    def _why(self, wish: Wish) -> Evidence:
        return self._evidence.get(wish.id, self._edition.evidence)


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

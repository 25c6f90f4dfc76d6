"""Make what a plan asks for: clips, annotations, manifest, card."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import get_args

from mmdia_dataset import publishing as cards
from mmdia_dataset.building.editions import Timing
from mmdia_dataset.building.movie_task import Line
from mmdia_dataset.building.plan import Plan
from mmdia_dataset.building.work import cut_all, find_timings, tasks_of
from mmdia_dataset.built.directory import BuiltDirectory
from mmdia_dataset.processes import Progress
from mmdia_dataset.refusals import Refusal, faults_in
from mmdia_dataset.reports import Report
from mmdia_dataset.schema import Clip, Dialogue, Keyframe, MadeLine, Media, Mode, Split

__all__ = ["RebuildReport", "build"]

# In the order the manifest has them, and those that a row has a column for.
_MODES: tuple[Mode, ...] = tuple(sorted(get_args(Mode)))


_ROW_MODES: tuple[Mode, ...] = ("copy", "encode", "audio", "keyframes")


# Where both are, the encoded clip has the column: nobody makes it without wanting it.
_COLUMNS = {"copy": "video", "encode": "video", "audio": "audio"}


@dataclass(slots=True, kw_only=True)
class RebuildReport(Report):
    """What a rebuild did.

    ``refused`` counts the refused clips by rule; ``examples`` has one of each rule and movie.
    ``editions`` describes in one line the recording used for each movie; ``notes`` has further sentences about it.
    ``unreadable`` has a sentence for each manifest line that could not be read; its clip was made again.
    ``fallbacks`` counts, for each recording, the clips that could not be made as asked, by what was done and why.
    """

    out: Path
    mode: Mode
    wanted: int = 0
    made: int = 0
    kept: int = 0
    refused: Counter[Refusal] = field(default_factory=Counter)
    missing: dict[str, str] = field(default_factory=dict)
    editions: dict[str, str] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    examples: dict[Refusal, dict[str, str]] = field(default_factory=dict)
    fallbacks: dict[str, Counter[str]] = field(default_factory=dict)
    splits: dict[Split, int] = field(default_factory=dict)
    bytes: int = 0
    hours: float = 0.0
    issues: int = 0
    swept: int = 0
    unreadable: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def faults(self) -> int:
        """Clips refused although the recording should have them: damage, spans outside it, and the like."""
        return faults_in(self.refused)

    @property
    def exit_code(self) -> int:
        """0 if all went well or only recordings are missing; 1 if there were faults, or no clip at all was made."""
        return 1 if self.faults or not self.made + self.kept else 0


def build(plan: Plan, out: Path | str, *, jobs: int = 1, progress: Progress | None = None) -> RebuildReport:
    """Make what a plan asks for. Clips that an earlier run made from the same input are kept.

    Args:
        plan: from `plan`.
        out: the built directory, new or from an earlier run.
        jobs: processes; each works on one movie at a time, or on a part of a long one.
        progress: called with the number of clips done.

    Raises:
        UsageError: `out` holds something else, or another run is using it.
        OutputError: `out` can't be written. Run again to go on.
    """
    started = time.monotonic()
    directory = BuiltDirectory(Path(out))
    report = RebuildReport(out=directory.root, mode=plan.settings.mode, issues=plan.issues)
    report.missing = {movie: missing.reason.detail for movie, missing in plan.missing.items()}
    with directory.open():
        earlier = directory.lines(report.unreadable)
        total = report.wanted = plan.wanted
        timings: dict[str, Timing] = {}
        for timing in find_timings(plan, directory.root / "editions", jobs, progress):
            timings[timing.movie] = timing
            if timing.edition is not None:
                directory.write_edition(timing.edition)
            report.missing.pop(timing.movie, None)
        report.editions = {movie: timing.description for movie, timing in timings.items() if timing.description}
        report.notes = {movie: timing.notes for movie, timing in timings.items() if timing.notes}
        fresh: dict[tuple[str, str], Line] = {}
        tasks, refused = tasks_of(plan, timings, directory.root, earlier)
        for line, kept in chain(((line, False) for line in refused), cut_all(tasks, jobs)):
            fresh[line.id, line.mode] = line
            _count(report, line, kept)
            if progress:
                progress("cutting clips", len(fresh), total)
        lines: list[Line] = []

        def rows() -> Iterator[tuple[Clip, tuple[Split, ...]]]:
            for dialogue in plan.release.dialogues():
                splits = plan.release.splits_of(dialogue.id)
                mine = _lines_of(dialogue, splits, earlier, fresh)
                lines.extend(mine)
                clip = _clip(dialogue, mine)
                if clip is not None:
                    yield clip, splits

        report.splits = directory.write_annotations(rows())
        report.swept = directory.sweep(lines)
        total = len({line.id for line in lines if isinstance(line, MadeLine)})
        cards.write_built_card(directory.root, report.splits, total)
        directory.write_manifest(lines)
        directory.finish()
    report.seconds = time.monotonic() - started
    return report


def _count(report: RebuildReport, line: Line, kept: bool) -> None:
    if isinstance(line, MadeLine):
        report.kept += kept
        report.made += not kept
        report.bytes += line.size
        report.hours += (line.at.end_s - line.at.start_s) / 3600
        if line.fallback is not None:
            report.fallbacks.setdefault(line.recording.name, Counter())[line.fallback.detail] += 1
    else:
        reason = line.reasons[0]
        report.refused[reason.rule] += 1
        report.examples.setdefault(reason.rule, {}).setdefault(line.movie, f"{line.id}: {reason.detail}")


def _lines_of(
    dialogue: Dialogue,
    splits: tuple[Split, ...],
    earlier: dict[tuple[str, str], Line],
    fresh: dict[tuple[str, str], Line],
) -> list[Line]:
    """A dialogue's lines, by mode: this run's, else those of earlier runs whose span is still the dialogue's."""
    lines = []
    for mode in _MODES:
        line = fresh.get((dialogue.id, mode)) or earlier.get((dialogue.id, mode))
        if line is not None and dialogue.may_lie_at(line.span):
            lines.append(line if line.splits == splits else line.model_copy(update={"splits": splits}))
    return lines


def _clip(dialogue: Dialogue, lines: list[Line]) -> Clip | None:
    """A dialogue's row, None without a clip; those of several modes share it."""
    made_lines = [line for mode in _ROW_MODES for line in lines if line.mode == mode and isinstance(line, MadeLine)]
    if not made_lines:
        return None
    files = {_COLUMNS[line.mode]: Media(path=line.file) for line in made_lines if line.mode in _COLUMNS}
    pictures = [picture for line in made_lines for picture in line.pictures]
    return Clip(
        **dialogue.at(made_lines[0].span).__dict__,
        video=files.get("video"),
        audio=files.get("audio"),
        audio_kind="film" if "audio" in files else None,
        keyframes=tuple(
            Keyframe(image=Media(path=picture.file), time_ms=picture.time_ms, turn=picture.turn) for picture in pictures
        ),
        frames=next((line.frames for line in reversed(made_lines) if line.frames is not None), None),
        samples=next((line.samples for line in reversed(made_lines) if line.samples is not None), None),
        error_ms=made_lines[0].evidence.error_ms,
    )

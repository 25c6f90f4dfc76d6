"""Rows that give the recording and the time of each dialogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmdia_dataset.alignment.decision import UNTIMED
from mmdia_dataset.building.editions import Timed, Timing
from mmdia_dataset.building.plan import Plan, plan
from mmdia_dataset.building.work import find_timings
from mmdia_dataset.built.directory import BuiltDirectory
from mmdia_dataset.processes import Progress
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema import Dialogue, LocatedDialogue, Reason, SourceSpan, Split
from mmdia_dataset.timing import rate_text

__all__ = ["FindingReport", "find"]


@dataclass(slots=True)
class FindingReport:
    """Rows per split, refused dialogues by rule, one example, and the number of issues of the release."""

    splits: dict[Split, int] = field(default_factory=dict)
    refused: Counter[Refusal] = field(default_factory=Counter)
    example: str = ""
    issues: int = 0


def find(
    release: Path | str,
    media: Path | str,
    out: Path | str,
    *,
    splits: Sequence[str] | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> FindingReport:
    """Find each dialogue in the films, and write a row for each one found: `out/annotations/<split>.parquet`.

    Args:
        release: folder or file of annotations.
        media: the folder of films.
        out: a folder for the rows; it also keeps the editions that were found, for the next run.
        splits: the splits to find; all by default.
        jobs: processes.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        UsageError: `out` holds something else, or another run is using it.
        OutputError: `out` can't be written.
    """
    only = splits[0] if splits and len(splits) == 1 else None
    planned = plan(release, media, split=only, jobs=jobs, progress=progress)
    directory = BuiltDirectory(Path(out))
    report = FindingReport(issues=planned.issues)
    with directory.open():
        timings: dict[str, Timing] = {}
        for timing in find_timings(planned, directory.root / "editions", jobs, progress):
            timings[timing.movie] = timing
            if timing.edition is not None:
                directory.write_edition(timing.edition)
        report.splits = directory.write_annotations(_rows(planned, timings, splits, report), LocatedDialogue)
    return report


def _rows(
    planned: Plan, timings: dict[str, Timing], splits: Sequence[str] | None, report: FindingReport
) -> Iterator[tuple[LocatedDialogue, tuple[Split, ...]]]:
    wanted_ids = {wish.id for wishes in planned.wishes.values() for wish in wishes}
    for dialogue in planned.release.dialogues():
        mine = tuple(split for split in planned.release.splits_of(dialogue.id) if splits is None or split in splits)
        if dialogue.id not in wanted_ids or not mine:
            continue
        row = _located(dialogue, planned, timings.get(dialogue.movie))
        if isinstance(row, Reason):
            report.refused[row.rule] += 1
            report.example = report.example or f"{dialogue.id}: {row.detail}"
        else:
            yield row, mine


def _located(dialogue: Dialogue, planned: Plan, timing: Timing | None) -> LocatedDialogue | Reason:
    """A dialogue's row, or why there is none."""
    if not isinstance(timing, Timed):
        return planned.missing[dialogue.movie].reason if timing is None else timing.reason
    edition = timing.edition
    refused = next((refusal.reasons for refusal in edition.refused if refusal.id == dialogue.id), ())
    placed = next((placed for placed in edition.placed if placed.id == dialogue.id), None)
    if refused:
        return refused[0]
    if dialogue.timeline != "movie" and placed is None:
        return UNTIMED
    if placed is not None:
        dialogue = dialogue.at(placed.span)
    if dialogue.span.duration_ms <= 0:
        return Reason(rule=Refusal.EMPTY_SPAN, detail="it does not end after it starts")
    piece = edition.time_map().piece_of(dialogue.span)
    if piece is None:
        return Reason(rule=Refusal.SPLICE, detail="part of this dialogue is cut or missing in your recording")
    evidence = edition.evidence if placed is None else placed.evidence
    source = SourceSpan(
        recording=str(timing.located.path.absolute()),
        start_ms=dialogue.span.start_ms,
        end_ms=dialogue.span.end_ms,
        rate=rate_text(piece.rate),
        offset_ms=float(piece.offset_ms),
        track=edition.track,
    )
    return LocatedDialogue(**dialogue.__dict__, source=source, error_ms=evidence.error_ms)

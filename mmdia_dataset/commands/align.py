"""`align`: which edition each recording is, and where its dialogues are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mmdia_dataset.files import check_folder, file_name, write_text
from mmdia_dataset.refusals import Refusal, faults_in
from mmdia_dataset.reports import Report

if TYPE_CHECKING:
    from mmdia_dataset.building.editions import Timing
    from mmdia_dataset.library import Missing
    from mmdia_dataset.processes import Progress

__all__ = ["AlignReport", "align"]


@dataclass(slots=True, kw_only=True)
class AlignReport(Report):
    """How each movie's recording runs; ``wanted`` counts its dialogues, ``reasons`` those without a place, by why."""

    NOT_JSON: ClassVar = ("timings",)
    JSON_TOO: ClassVar = ("editions", "placed", "refused")

    out: Path
    timings: dict[str, Timing] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)
    reasons: Counter[Refusal] = field(default_factory=Counter)

    @property
    def placed(self) -> int:
        """Dialogues whose place is known."""
        return sum(len(timing.edition.placed) for timing in self.timings.values() if timing.edition)

    @property
    def refused(self) -> int:
        """Dialogues of the recordings that they lack, or of which too little is known."""
        return sum(self.wanted[movie] for movie in self.timings) - self.placed

    @property
    def editions(self) -> dict[str, dict[str, Any]]:
        """By movie: its recording, the edition in a line, how many dialogues are placed, and what to know."""
        from mmdia_dataset.building.editions import Untimed

        return {
            movie: {
                "recording": timing.located.path if timing.located else None,
                "description": timing.description,
                "placed": len(timing.edition.placed) if timing.edition else 0,
                "refused": len(timing.edition.refused) if timing.edition else self.wanted[movie],
                "reason": timing.reason if isinstance(timing, Untimed) else None,
                "notes": timing.notes,
            }
            for movie, timing in self.timings.items()
        }

    @property
    def exit_code(self) -> int:
        """1 if there were faults, such as a recording that can't be opened, or no dialogue could be placed."""
        return 1 if faults_in(self.reasons) or not self.placed else 0


def _reasons(report: AlignReport, missing: Mapping[str, Missing]) -> Counter[Refusal]:
    from mmdia_dataset.building.editions import Untimed

    reasons: Counter[Refusal] = Counter()
    for movie, timing in report.timings.items():
        if timing.edition is not None:
            reasons.update(dialogue.reasons[0].rule for dialogue in timing.edition.refused)
        elif isinstance(timing, Untimed):
            reasons[timing.reason.rule] += report.wanted[movie]
    for movie in report.missing:
        reasons[missing[movie].reason.rule] += report.wanted[movie]
    return reasons


def align(
    release: Path | str,
    media: Path | str,
    out: Path | str,
    *,
    language: str | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> AlignReport:
    """Find out which edition each recording is; write an edition file and a plot for each. Cuts nothing.

    Args:
        release: the annotations, with passports if it has them.
        media: the folder of films.
        out: folder for `<movie>.json` and `<movie>.png`; what is there of the same input is kept.
        language: of the sound track to take.
        jobs: processes.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        OutputError: a file can't be written.
    """
    from mmdia_dataset.building.editions import unpack_dialogue
    from mmdia_dataset.building.plan import plan
    from mmdia_dataset.building.work import find_timings
    from mmdia_dataset.built.directory import edition_text
    from mmdia_dataset.clips.settings import settings_for
    from mmdia_dataset.plots import plot_edition

    folder = Path(out)
    check_folder(folder)  # before hours of listening, find out whether it can be written
    planned = plan(release, media, settings=settings_for("copy", language=language), jobs=jobs, progress=progress)
    report = AlignReport(out=folder, wanted={movie: len(wishes) for movie, wishes in planned.wishes.items()})
    for timing in find_timings(planned, folder, jobs, progress):
        report.timings[timing.movie] = timing
        if timing.edition is not None:
            file = folder / f"{file_name(timing.movie)}.json"
            text, picture = edition_text(timing.edition), file.with_suffix(".png")
            if not (picture.is_file() and file.is_file() and file.read_text(encoding="utf-8") == text):
                dialogues = [unpack_dialogue(packed) for packed in planned.transcripts.get(timing.movie, ())]
                plot_edition(timing.edition, dialogues, f"{timing.movie}: {timing.description}", picture)
            write_text(file, text)
    report.missing = {m: absent.reason.detail for m, absent in planned.missing.items() if m not in report.timings}
    report.reasons = _reasons(report, planned.missing)
    return report

"""`locate`: which recording is which movie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmdia_dataset.reports import Report, plain

if TYPE_CHECKING:
    from mmdia_dataset.building.forecast import Forecast
    from mmdia_dataset.building.plan import Plan
    from mmdia_dataset.library import Claimant, Missing
    from mmdia_dataset.processes import Progress

__all__ = ["LocateReport", "locate"]


@dataclass(frozen=True, slots=True)
class LocateReport(Report):
    """Which recordings may be which movie, which are missing and why, and what a rebuild will cost."""

    located: dict[str, tuple[Claimant, ...]]
    missing: dict[str, Missing]
    wanted: dict[str, int]
    forecast: Forecast

    @property
    def exit_code(self) -> int:
        """1 if no movie was found at all."""
        return 0 if self.located else 1

    def as_json(self) -> dict[str, Any]:
        """By movie its candidates, with path and reason, or why it is missing; and the forecast."""
        located = {
            movie: {
                "dialogues": self.wanted[movie],
                "candidates": [{"path": str(claimant.path), "how": claimant.how} for claimant in candidates],
            }
            for movie, candidates in self.located.items()
        }
        missing = {movie: plain(absent.reason) for movie, absent in self.missing.items()}
        return {"located": located, "missing": missing, "forecast": plain(self.forecast)}


def locate(release: Path | str, media: Path | str, *, jobs: int = 1, progress: Progress | None = None) -> LocateReport:
    """Find the recordings of a release's movies in a folder; cuts nothing."""
    from mmdia_dataset.building.plan import plan

    planned: Plan = plan(release, media, jobs=jobs, progress=progress)
    dialogues = {movie: len(wishes) for movie, wishes in planned.wishes.items()}
    return LocateReport(planned.located, planned.missing, dialogues, planned.forecast)

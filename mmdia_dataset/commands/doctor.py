"""`doctor`: what works here, what is missing, and the next step."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mmdia_dataset.errors import MmdiaError
from mmdia_dataset.release import open_release

__all__ = ["Check", "DoctorReport", "doctor"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing `doctor` looked at."""

    name: str
    state: Literal["good", "missing", "bad"]
    detail: str


@dataclass(slots=True)
class DoctorReport:
    """What works, what is missing, and the one next step."""

    checks: list[Check] = field(default_factory=list)
    next_step: str = ""

    @property
    def exit_code(self) -> int:
        """1 if something is bad, else 0."""
        return 1 if any(check.state == "bad" for check in self.checks) else 0


def doctor(release: Path | str | None = None, media: Path | str | None = None) -> DoctorReport:
    """What works here, what is missing, and one next step. Changes nothing."""
    from mmdia_dataset.media import can_decode

    report = DoctorReport()
    add = report.checks.append
    add(Check("python", "good", sys.version.split()[0]))
    for name in ("mmdia-dataset", "datasets", "pyarrow", "av", "pydantic", "huggingface_hub"):
        try:
            add(Check(name, "good", importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            add(Check(name, "bad", "not installed"))
    lacking = [name for name in ("h264", "hevc", "aac", "ac3") if not can_decode(name)]
    add(Check("codecs", "bad" if lacking else "good", f"lacks {', '.join(lacking)}" if lacking else "all common ones"))
    free = shutil.disk_usage(Path.cwd()).free
    add(Check("disk", "good" if free > 10**9 else "missing", f"{free / 1e9:.0f} GB free in {Path.cwd()}"))
    home = release or os.environ.get("MMDIA_HOME")
    if not home:
        add(Check("release", "missing", "no --release given and MMDIA_HOME is not set"))
        report.next_step = "mmdia demo"
        return report
    try:
        if media is None:
            opened = open_release(home)
            add(Check("release", "good", f"{len(opened.files)} files ({opened.dialect}) in {opened.root}"))
            add(Check("media", "missing", "no --media given"))
            report.next_step = f"mmdia locate --release {home} --media FOLDER_OF_YOUR_FILMS"
            return report
        from mmdia_dataset.building.plan import plan

        found = plan(home, media)
    except MmdiaError as error:
        add(Check("release" if media is None else "release and media", "bad", str(error)))
        report.next_step = "correct what is marked bad above"
        return report
    add(Check("release", "good", f"{found.wanted} dialogues of {len(found.wishes)} movies"))
    some = bool(found.located)
    add(Check("media", "good" if some else "missing", f"{len(found.located)} of {len(found.wishes)} movies found"))
    verb = "rebuild" if some else "locate"
    report.next_step = f"mmdia {verb} --release {home} --media {media}" + (" --out built" if some else "")
    return report

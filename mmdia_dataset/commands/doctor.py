"""`doctor`: what works here, found out by doing it.

Everything outside the standard library is checked before it is imported: a missing package is reported, not raised.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from mmdia_dataset.errors import MmdiaError
from mmdia_dataset.reports import Report, count_text

__all__ = ["Check", "DoctorReport", "doctor"]

_OURS = "mmdia-dataset"
_SHOWN = ("datasets", "pyarrow", "av", "pydantic", "huggingface_hub")  # the others only where they are bad
_CODECS = ("h264", "hevc", "aac", "ac3")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing `doctor` looked at."""

    name: str
    state: Literal["good", "missing", "bad"]
    detail: str


@dataclass(slots=True)
class DoctorReport(Report):
    """What works, what is missing, and the one next step."""

    NOT_JSON: ClassVar = ("next_step",)

    checks: list[Check] = field(default_factory=list)
    next_step: str = ""

    @property
    def exit_code(self) -> int:
        """1 if something is bad, else 0."""
        return 1 if any(check.state == "bad" for check in self.checks) else 0

    def as_json(self) -> dict[str, Any]:
        """The checks, and the next step as `next`."""
        return {**Report.as_json(self), "next": self.next_step}


def doctor(release: Path | str | None = None, media: Path | str | None = None) -> DoctorReport:
    """What works here, what is missing, and one next step. Leaves nothing behind."""
    report = DoctorReport()
    add = report.checks.append
    add(Check("python", "good", sys.version.split()[0]))
    report.checks += _packages()
    add(_film())
    add(_codecs())
    free = shutil.disk_usage(Path.cwd()).free
    add(Check("disk", "good" if free > 10**9 else "missing", f"{free / 1e9:.0f} GB free in {Path.cwd()}"))
    step = _own(report, release or os.environ.get("MMDIA_HOME"), media)
    report.next_step = "correct what is marked BAD above" if report.exit_code else step
    return report


def _packages() -> Iterator[Check]:
    """Ourselves, and what we need in the versions that we ask for; of most packages only what is wrong."""
    try:
        yield Check(_OURS, "good", importlib.metadata.version(_OURS))
        needed = importlib.metadata.requires(_OURS) or []
    except importlib.metadata.PackageNotFoundError:
        yield Check(_OURS, "bad", "not installed; in a checkout: pip install --editable .")
        return
    others = 0
    for line in needed:
        asked = re.fullmatch(r"([\w.-]+)>=([\d.]+)", line)
        if asked is None:
            continue  # those of extras have a condition
        name, least = asked.groups()
        state, detail = _version(name, least)
        if state == "bad" or name.replace("-", "_") in _SHOWN:
            yield Check(name, state, detail)
        else:
            others += 1
    yield Check("other packages", "good", f"{others} checked, none is too old")


def _version(name: str, least: str) -> tuple[Literal["good", "bad"], str]:
    try:
        installed = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "bad", f"not installed; pip install '{name}>={least}'"
    if _release(installed) < _release(least):
        return "bad", f"{installed} is too old; pip install '{name}>={least}'"
    return "good", installed


def _release(version: str) -> list[int]:
    """The numbers of a version, without zeros at its end: 17.1 and 17.1.0 are the same."""
    whole = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(part) for part in whole[0].split(".")] if whole else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers


def _film() -> Check:
    """Cut a second of the demo's film by encoding it, and decode the clip."""
    try:
        faults = _trial()
    except Exception as error:  # whatever it is: that is what is asked here
        message = " ".join(str(error).split())
        faults = [message if isinstance(error, MmdiaError) else f"{type(error).__name__}: {message}"]
    if not faults:
        return Check("film", "good", "a second of film can be written, opened and decoded")
    least = next((line for line in _requires() if line.startswith("av>=")), "av")
    return Check("film", "bad", f"{faults[0]}; pip install --force-reinstall --no-deps '{least}'")


def _requires() -> list[str]:
    try:
        return importlib.metadata.requires(_OURS) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def _trial() -> list[str]:
    from mmdia_dataset.clips import EncodeSettings, MadeClip, Wish, cut
    from mmdia_dataset.demofilm import DATA, MOVIE_ID
    from mmdia_dataset.media import verify
    from mmdia_dataset.timing import Span, TimeMap

    with tempfile.TemporaryDirectory(prefix="mmdia-doctor-") as folder:
        clip = Path(folder, "clip.mp4")
        wish = Wish(id="doctor", movie=MOVIE_ID, span=Span(4000, 5000))
        (result,) = cut(DATA / "film.mp4", TimeMap.linear(), [wish], EncodeSettings(), lambda _: clip)
        return verify(clip) if isinstance(result, MadeClip) else [result.detail]


def _codecs() -> Check:
    try:
        from mmdia_dataset.media import can_decode
    except ImportError as error:
        return Check("codecs", "bad", f"PyAV can't be imported ({error})")
    if lacking := [name for name in _CODECS if not can_decode(name)]:
        return Check("codecs", "bad", f"missing: {', '.join(lacking)}")
    return Check("codecs", "good", "all common codecs are there")


def _own(report: DoctorReport, home: Path | str | None, media: Path | str | None) -> str:
    """The user's own release and films. Gives the next step."""
    add = report.checks.append
    if not home:
        add(Check("release", "missing", "no --release given and MMDIA_HOME is not set"))
        return "mmdia demo"
    try:
        if media is None:
            from mmdia_dataset.release import open_release

            opened = open_release(home)
            add(
                Check("release", "good", f"{count_text(len(opened.files), 'file')} ({opened.dialect}) in {opened.root}")
            )
            step = _sound(report, home)
            add(Check("media", "missing", "no --media given"))
            return step or f"mmdia locate --release {home} --media FOLDER_OF_YOUR_FILMS"
        from mmdia_dataset.building.plan import plan

        planned = plan(home, media)
    except (MmdiaError, ImportError) as error:
        add(Check("release" if media is None else "release and media", "bad", str(error)))
        return ""
    movies = count_text(len(planned.wishes), "movie")
    add(Check("release", "good", f"{count_text(planned.wanted, 'dialogue')} of {movies}"))
    some = bool(planned.located)
    step = _sound(report, home)
    add(
        Check(
            "media",
            "good" if some else "missing",
            f"{len(planned.located):,} of {movies} found",
        )
    )
    verb = "rebuild" if some else "locate"
    return step or f"mmdia {verb} --release {home} --media {media}" + (" --out built" if some else "")


def _sound(report: DoctorReport, home: Path | str) -> str:
    """The sound of the user's release, if it has any. Gives the next step where it was not decoded yet."""
    from mmdia_dataset.release import ReleaseAudio

    audio = ReleaseAudio.of(Path(home))
    if audio.undecoded:
        dialogues = count_text(audio.undecoded, "dialogue")
        report.checks.append(Check("sound", "missing", f"the encoded sound of {dialogues} was not decoded yet"))
        return f"mmdia decode {home} --weights FILE"
    if audio:
        report.checks.append(Check("sound", "good", f"{count_text(len(audio), 'file')} of sound and video"))
    return ""

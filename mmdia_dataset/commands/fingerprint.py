"""`fingerprint`: a movie's passport, made from the copy that was annotated."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import TimingFingerprint
from mmdia_dataset.alignment.soundtrack import hear
from mmdia_dataset.errors import MediaError, shown
from mmdia_dataset.files import check_folder
from mmdia_dataset.library import Claimant, Strength
from mmdia_dataset.media import audio_order, probe
from mmdia_dataset.release import open_release
from mmdia_dataset.reports import Report
from mmdia_dataset.schema import Passport

if TYPE_CHECKING:
    from mmdia_dataset.processes import Progress

__all__ = ["FingerprintReport", "MadePassport", "PassportTask", "fingerprint", "make_passport"]


@dataclass(frozen=True, slots=True)
class PassportTask:
    """A movie, the recordings that may be the annotated copy, and the language of the track to hear."""

    movie: str
    candidates: tuple[Claimant, ...]
    language: str | None


@dataclass(frozen=True, slots=True)
class MadePassport:
    """A passport, and how many bytes its fingerprint has."""

    passport: Passport
    bytes: int


def make_passport(task: PassportTask) -> MadePassport | str:
    """The passport of a movie, or a sentence that says why it has none."""
    best = task.candidates[0]
    equal = [candidate for candidate in task.candidates if candidate.strength == best.strength]
    if len(equal) > 1 or best.strength is Strength.TITLE:
        names = ", ".join(shown(candidate.path.name, 60) for candidate in equal[:3])
        return f"several files may be the one that was annotated ({names}); name it in media.toml"
    try:
        info = probe(best.path)
        soundtrack = hear(best.path, task.language)
        if not soundtrack.levels.any():
            return f"{shown(best.path)}: the sound track is silent"
        order = audio_order(best.path, task.language)
    except MediaError as error:
        return str(error)
    fingerprint = TimingFingerprint.of(soundtrack)
    rate = info.video.frame_rate if info.video else None
    passport = Passport(
        movie=task.movie,
        duration_ms=round((info.duration_s or soundtrack.duration_s) * 1000),
        frame_rate=None if rate is None else f"{rate.numerator}/{rate.denominator}",
        language=info.audio[order[0]].language,
        fingerprint=fingerprint.to_schema(),
    )
    return MadePassport(passport, len(fingerprint.to_bytes()))


@dataclass(slots=True, kw_only=True)
class FingerprintReport(Report):
    """Passports made, by movie, and why there are none of others; ``bytes`` are those of the fingerprints alone."""

    out: Path
    made: dict[str, Path] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    hours: float = 0.0

    @property
    def exit_code(self) -> int:
        """1 if a recording could not be used, or no passport was made."""
        return 1 if self.failed or not self.made else 0


def fingerprint(
    release: Path | str,
    media: Path | str,
    out: Path | str,
    *,
    language: str | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> FingerprintReport:
    """Make the passports of a release's movies from the copies that were annotated.

    Args:
        release: the annotations.
        media: the folder of those copies; names must tell which is which.
        out: folder for the passports; in a release it is called `passports`.
        language: of the sound track to take.
        jobs: processes.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        OutputError: a passport can't be written.
    """
    from mmdia_dataset.library import locate as find
    from mmdia_dataset.processes import in_processes
    from mmdia_dataset.release import write_passport

    check_folder(Path(out))  # before hours of listening, find out whether it can be written
    opened = open_release(release)
    library = find(opened.movies(), Path(media))
    report = FingerprintReport(
        out=Path(out), missing={m: absent.reason.detail for m, absent in library.missing.items()}
    )
    tasks = [PassportTask(movie, candidates, language) for movie, candidates in library.located.items()]
    for done, (task, result) in enumerate(in_processes(make_passport, tasks, jobs), 1):
        if result is None or isinstance(result, str):
            report.failed[task.movie] = result or "the process that listened to it was killed; run the command again"
        else:
            report.made[task.movie] = write_passport(report.out, result.passport)
            report.bytes += result.bytes
            report.hours += result.passport.duration_ms / 3_600_000
        if progress:
            progress("listening", done, len(tasks))
    return report

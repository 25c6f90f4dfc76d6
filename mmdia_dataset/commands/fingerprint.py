"""`fingerprint`: a movie's passport, made from the copy that was annotated, or from the release's own sound."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mmdia_dataset.alignment.by_fingerprint.from_dialogues import LaidSound, fingerprint_of_dialogues
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import FRAMES_PER_SECOND, TimingFingerprint
from mmdia_dataset.alignment.soundtrack import hear
from mmdia_dataset.errors import MediaError, UsageError, shown
from mmdia_dataset.files import check_folder
from mmdia_dataset.library import Claimant, Strength
from mmdia_dataset.media import audio_order, probe
from mmdia_dataset.release import HEARD_BEST, Release, ReleaseAudio, open_release
from mmdia_dataset.reports import Report
from mmdia_dataset.schema import Dialogue, Passport

if TYPE_CHECKING:
    from mmdia_dataset.processes import Progress

__all__ = [
    "FingerprintReport",
    "MadePassport",
    "PassportTask",
    "SoundsTask",
    "fingerprint",
    "make_passport",
]


@dataclass(frozen=True, slots=True)
class PassportTask:
    """A movie, the recordings that may be the annotated copy, and the language of the track to hear."""

    movie: str
    candidates: tuple[Claimant, ...]
    language: str | None


@dataclass(frozen=True, slots=True)
class SoundsTask:
    """A movie, the sounds that the release has of its dialogues, when the last one ends, and their language."""

    movie: str
    sounds: tuple[LaidSound, ...]
    duration_ms: int
    language: str | None


@dataclass(frozen=True, slots=True)
class MadePassport:
    """A passport, how many bytes its fingerprint has, and of how much sound; by dialogue, why its sound is not used."""

    passport: Passport
    bytes: int
    heard_s: float
    left_out: dict[str, str] = field(default_factory=dict)


def make_passport(task: PassportTask | SoundsTask) -> MadePassport | str:
    """The passport of a movie, or a sentence that says why it has none."""
    return _of_sounds(task) if isinstance(task, SoundsTask) else _of_copy(task)


def _of_copy(task: PassportTask) -> MadePassport | str:
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
    duration_s = float(info.duration_s or soundtrack.duration_s)
    passport = Passport(
        movie=task.movie,
        duration_ms=round(duration_s * 1000),
        frame_rate=None if rate is None else f"{rate.numerator}/{rate.denominator}",
        language=info.audio[order[0]].language,
        fingerprint=fingerprint.to_schema(),
    )
    return MadePassport(passport, len(fingerprint.to_bytes()), duration_s)


def _of_sounds(task: SoundsTask) -> MadePassport | str:
    """From the release's sounds: neither length nor frame rate of the copy are known, and the fingerprint has gaps."""
    fingerprint, left_out = fingerprint_of_dialogues(task.sounds, task.duration_ms)
    heard_s = len(fingerprint.times) / FRAMES_PER_SECOND
    if not heard_s:
        id_, why = next(iter(left_out.items()))
        return f"the release's sound of its dialogues can't be used; of {shown(id_)}: {why}"
    passport = Passport(
        movie=task.movie,
        duration_ms=task.duration_ms,
        language=task.language,
        fingerprint=fingerprint.to_schema(),
    )
    return MadePassport(passport, len(fingerprint.to_bytes()), heard_s, left_out)


@dataclass(slots=True, kw_only=True)
class FingerprintReport(Report):
    """Passports made, by movie, and why there are none of others; ``bytes`` are those of the fingerprints alone.

    ``left_out`` says by dialogue why the release's sound of it is not in its movie's passport, ``hours`` how much sound
    is in all of them.
    """

    out: Path
    made: dict[str, Path] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    hours: float = 0.0

    @property
    def exit_code(self) -> int:
        """1 if a recording or a sound could not be used, or no passport was made."""
        return 1 if self.failed or self.left_out or not self.made else 0


def fingerprint(
    release: Path | str,
    media: Path | str | None = None,
    out: Path | str = "passports",
    *,
    language: str | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> FingerprintReport:
    """Make the passports of a release's movies, from the copies that were annotated or from the release's own sound.

    Args:
        release: the annotations.
        media: the folder of those copies; names must tell which is which. None: from the release's sound, which knows
            of each movie only what is said in its dialogues.
        out: folder for the passports; in a release it is called `passports`.
        language: of the sound track to take; without copies, of the dialogues.
        jobs: processes.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        OutputError: a passport can't be written.
        UsageError: there are neither copies nor sound.
    """
    from mmdia_dataset.library import locate as find
    from mmdia_dataset.processes import in_processes
    from mmdia_dataset.release import write_passport

    check_folder(Path(out))  # before hours of listening, find out whether it can be written
    opened = open_release(release)
    report = FingerprintReport(out=Path(out))
    tasks: list[PassportTask | SoundsTask] = []
    if media is None:
        tasks += _sounds_tasks(opened, language, report.missing)
    else:
        library = find(opened.movies(), Path(media))
        report.missing.update({movie: absent.reason.detail for movie, absent in library.missing.items()})
        tasks += [PassportTask(movie, candidates, language) for movie, candidates in library.located.items()]
    for done, (task, result) in enumerate(in_processes(make_passport, tasks, jobs), 1):
        if result is None or isinstance(result, str):
            report.failed[task.movie] = result or "the process that listened to it was killed; run the command again"
        else:
            report.made[task.movie] = write_passport(report.out, result.passport)
            report.left_out.update(result.left_out)
            report.bytes += result.bytes
            report.hours += result.heard_s / 3600
        if progress:
            progress("listening", done, len(tasks))
    return report


def _sounds_tasks(release: Release, language: str | None, missing: dict[str, str]) -> list[SoundsTask]:
    """The movies of which the release has sound; why the others are missing."""
    audio = ReleaseAudio.of(release.root)
    if not audio:
        encoded = ", decoded with `mmdia decode`" if audio.undecoded else ""
        raise UsageError(
            "the release has no sound of its dialogues to make passports from",
            where=release.root,
            hint=f"give the annotated copies with --media, or put the release's audio{encoded} into it",
        )
    by_movie: dict[str, list[Dialogue]] = {}
    for dialogue in release.dialogues():
        by_movie.setdefault(dialogue.movie, []).append(dialogue)
    tasks: list[SoundsTask] = []
    for movie, dialogues in by_movie.items():
        timed = [dialogue for dialogue in dialogues if dialogue.timeline == "movie"]
        sounds = tuple(
            LaidSound(dialogue.id, dialogue.span, sound.path)
            for dialogue in timed
            if (sound := audio.sound_of(dialogue, HEARD_BEST)) is not None
        )
        if not timed:
            missing[movie] = (
                "the release does not say when in the movie its dialogues are; `mmdia align` finds them in a copy of "
                "the film by their sound, and --media makes the passport of that copy"
            )
        elif not sounds:
            missing[movie] = "the release has no sound of its dialogues"
        else:
            languages = {dialogue.language for dialogue in timed}
            spoken = language or (languages.pop() if len(languages) == 1 else None)
            tasks.append(SoundsTask(movie, sounds, max(dialogue.span.end_ms for dialogue in timed), spoken))
    return tasks

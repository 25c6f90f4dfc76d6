"""Which of a movie's recordings to use, and how its time runs: taken from a file, or measured.

In this order: what the user says in `media.toml`; an edition file given, if it was made of the same recording; the
edition of an earlier run, if nothing changed that it rests on; else the recording is listened to.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from mmdia_dataset.alignment.decision import align_recording, basis_of
from mmdia_dataset.alignment.description import describe
from mmdia_dataset.building.recognition import recognised
from mmdia_dataset.errors import MediaError, NoAudio, ReleaseError, shown
from mmdia_dataset.library import Claimant, Strength
from mmdia_dataset.media import fingerprint, probe
from mmdia_dataset.processes import in_processes
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.release import read_passport
from mmdia_dataset.reports import count_text
from mmdia_dataset.schema import (
    AudioKind,
    Dialogue,
    Edition,
    EditionPiece,
    FormatError,
    Passport,
    Reason,
    RecordingInfo,
    read_versioned,
)
from mmdia_dataset.timing import rate_text

__all__ = [
    "EditionTask",
    "Timed",
    "Timing",
    "Untimed",
    "pack_dialogue",
    "recording_of",
    "timings",
    "unpack_dialogue",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionTask:
    """One movie's recordings and all that is known of its times: what a process receives.

    Attributes:
        movie: its id.
        candidates: recordings that may be the movie, likeliest first.
        transcript: all its dialogues, from `pack_dialogue`.
        release: the release's folder, for the passport.
        language: of the sound track wanted.
        files: the sounds that the release has of the dialogues, by id.
        given: an edition file to use, which need not exist.
        kept: the edition file of an earlier run, which need not exist.
        as_is: take the likeliest recording for the annotated edition, without checking the timing.
    """

    movie: str
    candidates: tuple[Claimant, ...]
    transcript: tuple[bytes, ...]
    release: Path
    language: str | None = None
    files: Mapping[str, Mapping[AudioKind, str]] = field(default_factory=dict)
    given: Path | None = None
    kept: Path | None = None
    as_is: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A movie of which dialogues can be cut.

    Attributes:
        movie: its id.
        located: the recording to use.
        edition: how its time runs, and the verdict on each dialogue.
        notes: sentences a user should read.
        description: the edition in one line.
    """

    movie: str
    located: Claimant
    edition: Edition
    notes: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Untimed:
    """A movie of which no dialogue can be cut.

    Attributes:
        movie: its id.
        reason: why.
        located: the recording that was tried, if one was.
        edition: what was measured of it, if it could be heard; with nothing placed.
        notes: sentences a user should read.
        description: the edition in one line.
    """

    movie: str
    reason: Reason
    located: Claimant | None = None
    edition: Edition | None = None
    notes: tuple[str, ...] = ()
    description: str = ""


Timing: TypeAlias = Timed | Untimed
"""What was decided for a movie."""

_UNMEASURED = {
    "given": "timing not checked: it was set in a media.toml",
    "identity": "timing not checked: the file is taken for the annotated edition",
}


def pack_dialogue(dialogue: Dialogue) -> bytes:
    """What alignment needs of a dialogue, compressed: 54,700 of them fit in 40 MB."""
    slim = dialogue.model_copy(update={"extra": {}, "description": None, "triplet": None})
    return zlib.compress(slim.model_dump_json(exclude_defaults=True).encode("utf-8", "surrogatepass"), 1)


def unpack_dialogue(packed: bytes) -> Dialogue:
    """A dialogue from `pack_dialogue`."""
    return Dialogue.model_validate_json(zlib.decompress(packed))


def timings(
    tasks: Sequence[EditionTask],
    jobs: int,
    sought: Sequence[EditionTask] = (),
    unnamed: Sequence[Path] = (),
) -> Iterator[Timing]:
    """The timing of each movie, as soon as it is found. Problems of a recording are results, not errors.

    If a recording turns out to be another movie than its name says, names are no longer trusted. Such recordings, and
    those without a name, are then compared with the movies that have no recording yet.

    Args:
        tasks: movies with candidates.
        jobs: processes.
        sought: movies without any; they may be in recordings with wrong names.
        unnamed: recordings that no movie claims.
    """
    wrong: dict[str, Timing] = {}
    for task, timing in in_processes(_timing, tasks, jobs):
        if timing is None:
            reason = Reason(
                rule=Refusal.WORKER_DIED,
                detail="the process that listened to it was killed; run the command again",
            )
            yield Untimed(movie=task.movie, reason=reason)
        elif isinstance(timing, Untimed) and timing.reason.rule == Refusal.OTHER_MOVIE:
            wrong[task.movie] = timing
        else:
            yield timing
    if wrong:
        waiting = {task.movie: task for task in tasks if task.movie in wrong} | {task.movie: task for task in sought}
        paths = {claimant.path for task in tasks if task.movie in wrong for claimant in task.candidates} | set(unnamed)
        by_movie: dict[str, list[Claimant]] = {}
        for claimant in recognised(sorted(paths), waiting, tasks[0].release, jobs=jobs):
            if claimant.path not in {candidate.path for candidate in waiting[claimant.movie].candidates}:
                by_movie.setdefault(claimant.movie, []).append(claimant)
        again = [replace(waiting[movie], candidates=tuple(candidates)) for movie, candidates in by_movie.items()]
        for task, timing in in_processes(_timing, again, jobs):
            if isinstance(timing, Timed):
                wrong.pop(task.movie, None)
                note = f"file names are wrong: this movie is in {shown(timing.located.path.name)}"
                yield replace(timing, notes=(*timing.notes, note))
    yield from wrong.values()


def recording_of(path: Path) -> RecordingInfo:
    """A recording's name, identity and length.

    Raises:
        MediaUnreadable: it can't be read.
    """
    duration = probe(path).duration_s
    name = path.name.encode("utf-8", "replace").decode("utf-8")  # bytes that are not UTF-8 can't be written to JSON
    return RecordingInfo(
        name=name, fingerprint=fingerprint(path), duration_ms=None if duration is None else round(duration * 1000)
    )


def _timing(task: EditionTask) -> Timing:
    recordings: list[tuple[Claimant, RecordingInfo]] = []
    refusals: list[Untimed] = []
    for located in task.candidates:
        try:
            recordings.append((located, recording_of(located.path)))
        except MediaError as error:
            reason = Reason(rule=Refusal.UNREADABLE_RECORDING, detail=str(error))
            refusals.append(Untimed(movie=task.movie, reason=reason, located=located))
    if not recordings:
        return refusals[0]
    first, recording = recordings[0]
    if first.evidence.tier == "given" or (task.as_is and len(_equals(recordings)) == 1):
        edition = _unmeasured(first, recording, task.movie)
        return _described(Timed(movie=task.movie, located=first, edition=edition))
    if task.as_is:
        names = ", ".join(shown(located.path.name, 60) for located, _ in _equals(recordings))
        detail = f"the file names do not tell which of these is the movie: {names}; name it in media.toml"
        return Untimed(movie=task.movie, reason=Reason(rule=Refusal.AMBIGUOUS_NAME, detail=detail))
    dialogues = [unpack_dialogue(packed) for packed in task.transcript]
    notes: list[str] = []
    passport = _passport(task, notes)
    basis = basis_of(
        dialogues, passport, task.language, [recording.fingerprint for _, recording in recordings], task.files
    )
    ready = _from_file(task, recordings, dialogues, notes) or _from_earlier(task, recordings, basis)
    if ready is not None:
        return replace(_described(ready, dialogues), notes=tuple(notes))
    tried = [_measured(task, located, recording, dialogues, passport, basis) for located, recording in recordings]
    best = max(tried, key=_worth)
    if len(tried) > 1 and best.edition is not None and best.located is not None:
        fits = ", ".join(_fit(timing) for timing in tried if timing.located is not best.located)
        notes.append(f"{shown(best.located.path.name)} is used, not {fits}")
    notes += [
        f"{shown(untimed.located.path.name)} can't be read" for untimed in refusals if untimed.located is not None
    ]
    return replace(_described(best, dialogues), notes=(*notes, *best.notes))


def _fit(timing: Timing) -> str:
    name = shown(timing.located.path.name) if timing.located else "?"
    if timing.edition is None:
        return f"{name} (its sound can't be read)"
    return f"{name} ({count_text(len(timing.edition.placed), 'dialogue')} placed)"


def _equals(recordings: list[tuple[Claimant, RecordingInfo]]) -> list[tuple[Claimant, RecordingInfo]]:
    """The candidates with the strongest names. A title without a year does not make one stronger than the others."""
    best = recordings[0][0].strength
    if best is Strength.TITLE:
        return recordings
    return [(located, recording) for located, recording in recordings if located.strength == best]


def _worth(timing: Timing) -> tuple[int, float]:
    """How well a recording fits: dialogues placed, then how exactly."""
    if timing.edition is None:
        return -1, 0.0
    bound = timing.edition.evidence.error_ms
    return len(timing.edition.placed), -(bound if bound is not None else 1e9)


def _measured(
    task: EditionTask,
    located: Claimant,
    recording: RecordingInfo,
    dialogues: list[Dialogue],
    passport: Passport | None,
    basis: str,
) -> Timing:
    try:
        decision = align_recording(
            located.path, recording, task.movie, dialogues, passport, task.language, basis, task.files
        )
    except NoAudio as error:
        reason = Reason(rule=Refusal.NO_AUDIO, detail=str(error))
    except MediaError as error:
        reason = Reason(rule=Refusal.UNREADABLE_RECORDING, detail=str(error))
    else:
        return _decided(located, decision.edition, decision.reason, decision.notes)
    return Untimed(movie=task.movie, reason=reason, located=located)


def _decided(located: Claimant, edition: Edition, reason: Reason | None, notes: tuple[str, ...] = ()) -> Timing:
    if reason is None:
        return Timed(movie=edition.movie, located=located, edition=edition, notes=notes)
    return Untimed(movie=edition.movie, reason=reason, located=located, edition=edition, notes=notes)


def _passport(task: EditionTask, notes: list[str]) -> Passport | None:
    try:
        return read_passport(task.release, task.movie)
    except ReleaseError as error:
        notes.append(f"its passport is not used: {error}")
        return None


def _from_file(
    task: EditionTask, recordings: list[tuple[Claimant, RecordingInfo]], dialogues: list[Dialogue], notes: list[str]
) -> Timed | None:
    """The edition given, if it was made of one of the recordings and of these dialogues."""
    if task.given is None or not task.given.is_file():
        return None
    try:
        edition = _read(task.given)
    except FormatError as newer:
        notes.append(f"{task.given.name} is not used: {newer.what}; {newer.hint}")
        return None
    if edition is None or edition.movie != task.movie:
        notes.append(f"{task.given.name} is not used: it is not an edition of {task.movie}")
        return None
    unknown = _unknown_to(edition, dialogues)
    for located, recording in recordings:
        if edition.recording.fingerprint == recording.fingerprint:
            if not unknown:
                return Timed(movie=task.movie, located=located, edition=_edition_on(recording, edition))
            dialogues_text = count_text(unknown, "dialogue")
            notes.append(f"{task.given.name} says nothing about {dialogues_text}: the timing is measured again")
            return None
    notes.append(
        f"{task.given.name} was made from another file ({edition.recording.name}): the timing is measured again"
    )
    return None


def _unknown_to(edition: Edition, dialogues: list[Dialogue]) -> int:
    """How many dialogues an edition lacks, or has with another span; 0 for an edition that was not measured."""
    if not edition.measured:
        return 0
    placed = {dialogue.id: dialogue.span for dialogue in edition.placed}
    refused = {dialogue.id for dialogue in edition.refused}
    return sum(
        dialogue.id not in refused and not (dialogue.id in placed and dialogue.may_lie_at(placed[dialogue.id]))
        for dialogue in dialogues
    )


def _from_earlier(task: EditionTask, recordings: list[tuple[Claimant, RecordingInfo]], basis: str) -> Timing | None:
    """The edition of an earlier run, if all it rests on is the same."""
    try:
        edition = _read(task.kept) if task.kept is not None and task.kept.is_file() else None
    except FormatError:  # measured again
        return None
    if edition is None or edition.basis != basis or edition.movie != task.movie:
        return None
    for located, recording in recordings:
        if edition.recording.fingerprint == recording.fingerprint:
            reason = edition.refused[0].reasons[0] if edition.measured and not edition.placed else None
            return _decided(located, _edition_on(recording, edition), reason)
    return None


def _edition_on(recording: RecordingInfo, edition: Edition) -> Edition:
    """An edition of the same recording, which may have another name by now."""
    return edition.model_copy(update={"recording": recording})


def _read(file: Path) -> Edition | None:
    """An edition, None if the file holds something else. Raises FormatError: a newer program made it."""
    try:
        edition = read_versioned(Edition.model_validate_json, file.read_bytes())
        time_map = edition.time_map()
    except FormatError as error:
        if error.hint is not None:
            raise
        return None
    except (ValueError, OSError):
        return None
    return edition if all(time_map.piece_of(dialogue.span) for dialogue in edition.placed) else None


def _described(timing: Timing, dialogues: Sequence[Dialogue] = ()) -> Timing:
    if timing.edition is None or timing.located is None:
        return timing
    if not timing.edition.measured:
        return replace(timing, description=_UNMEASURED.get(timing.edition.evidence.tier, "timing not checked"))
    video = probe(timing.located.path).video
    numbers = {dialogue.id: dialogue.number for dialogue in dialogues}
    return replace(timing, description=describe(timing.edition, numbers, video.frame_rate if video else None))


def _unmeasured(located: Claimant, recording: RecordingInfo, movie: str) -> Edition:
    """An edition that was not measured: by `media.toml`, or the file is taken for the annotated edition."""
    pieces = tuple(
        EditionPiece(
            from_ms=piece.from_ms, to_ms=piece.to_ms, rate=rate_text(piece.rate), offset_ms=float(piece.offset_ms)
        )
        for piece in located.time_map.pieces
    )
    return Edition(movie=movie, recording=recording, pieces=pieces, evidence=located.evidence)

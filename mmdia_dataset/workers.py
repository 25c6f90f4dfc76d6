"""One movie's work, from its recording to the lines of its clips; a process of its own where there are several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from mmdia_dataset import clips
from mmdia_dataset.built import BuiltDirectory
from mmdia_dataset.errors import MediaError
from mmdia_dataset.library import Located
from mmdia_dataset.media import fingerprint, probe
from mmdia_dataset.plans import Wish
from mmdia_dataset.schema import (
    Edition,
    EditionPiece,
    Evidence,
    MadeLine,
    Mode,
    Place,
    Reason,
    Recording,
    RefusedDialogue,
    RefusedLine,
)
from mmdia_dataset.timing import MAX_MS, Piece, TimeMap, rate_text

__all__ = ["Line", "Task", "movie_lines", "refused_line"]

Line = MadeLine | RefusedLine


@dataclass(frozen=True, slots=True)
class Task:
    """One movie's work, as it is sent to a process."""

    out: Path
    located: Located
    wishes: tuple[Wish, ...]
    settings: clips.Settings
    edition: Path | None
    known: tuple[Line, ...]


def movie_lines(task: Task) -> Iterator[tuple[Line, bool]]:
    """The line of every clip wanted of one movie, and whether the clip was kept from an earlier run.

    Each new clip's line is in the movie's journal before it is given; the edition file is written at the end.
    """
    path = task.located.path
    try:
        info = probe(path)
        duration = None if info.duration_s is None else round(info.duration_s * 1000)
        recording = Recording(name=_printable(path.name), fingerprint=fingerprint(path), duration_ms=duration)
        time_map, evidence = _timing(task, recording)
    except (MediaError, _EditionUnfitError) as error:
        rule = error.rule if isinstance(error, _EditionUnfitError) else "unreadable-recording"
        for wish in task.wishes:
            yield refused_line(wish, task.settings.mode, Reason(rule=rule, detail=str(error))), False
        return
    refused: list[RefusedLine] = []
    made = 0
    for line, kept in _cut_lines(task, recording, time_map, evidence):
        if isinstance(line, RefusedLine):
            refused.append(line)
        else:
            made += 1
        yield line, kept
    if made:
        edition = _edition(task.located.movie, recording, time_map, evidence, refused)
        BuiltDirectory(task.out).write_edition(edition)


def _cut_lines(task: Task, recording: Recording, time_map: TimeMap, evidence: Evidence) -> Iterator[tuple[Line, bool]]:
    directory = BuiltDirectory(task.out)
    mode, settings = task.settings.mode, task.settings.as_dict()
    known = {line.id: line for line in task.known}
    wanted: list[clips.Wanted] = []
    wishes: dict[str, Wish] = {}
    for wish in task.wishes:
        if not wish.placed:
            detail = "the release does not say when in the movie this dialogue is"
            yield refused_line(wish, mode, Reason(rule="no-movie-time", detail=detail), recording), False
            continue
        old = known.get(wish.id)
        if isinstance(old, MadeLine) and _same(old, wish, recording, settings, time_map) and directory.holds(old):
            yield old.model_copy(update={"splits": wish.splits, "recording": recording, "evidence": evidence}), True
            continue
        wishes[wish.id] = wish
        file = directory.clip_file(wish.movie, wish.id, task.settings.suffix)
        wanted.append(clips.Wanted(wish.id, wish.span, directory.root / file))
    journal = directory.journal(task.located.movie)
    try:
        for result in clips.cut(task.located.path, time_map, wanted, task.settings):
            wish = wishes[result.wanted.id]
            if isinstance(result, clips.Refused):
                yield refused_line(wish, mode, Reason(rule=result.rule, detail=result.detail), recording), False
                continue
            line = _made(result, wish, directory, recording, mode, settings, time_map, evidence)
            journal.add(line)
            yield line, False
    finally:
        journal.close()


class _EditionUnfitError(Exception):
    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule


def _timing(task: Task, recording: Recording) -> tuple[TimeMap, Evidence]:
    """The time map to cut by: of the edition file, if one was given for this movie, else as the library says."""
    if task.edition is None or not task.edition.is_file():
        return task.located.time_map, task.located.evidence
    try:
        edition = Edition.model_validate_json(task.edition.read_bytes())
        time_map = edition.time_map()
    except (ValidationError, ValueError, OSError) as error:
        first = str(error).splitlines()[0]
        raise _EditionUnfitError("bad-edition", f"{task.edition.name} is no edition file: {first}") from None
    if edition.recording.fingerprint != recording.fingerprint:
        detail = f"{task.edition.name} was made for another file ({_printable(edition.recording.name)})"
        raise _EditionUnfitError("other-edition", detail)
    return time_map, edition.evidence


def _printable(name: str) -> str:
    """A file name as JSON can hold it: bytes that are no UTF-8 are replaced."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _piece(time_map: TimeMap, wish: Wish) -> tuple[str, float] | None:
    piece = time_map.piece_of(wish.span)
    return None if piece is None else (rate_text(piece.rate), float(piece.offset_ms))


def _same(old: MadeLine, wish: Wish, recording: Recording, settings: clips.SettingsDict, time_map: TimeMap) -> bool:
    """Whether a clip made earlier is what would be made now."""
    return (
        old.span == wish.span
        and old.recording.fingerprint == recording.fingerprint
        and old.settings == settings
        and (old.rate, old.offset_ms) == _piece(time_map, wish)
    )


def refused_line(wish: Wish, mode: Mode, reason: Reason, recording: Recording | None = None) -> RefusedLine:
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


def _made(
    result: clips.Made,
    wish: Wish,
    directory: BuiltDirectory,
    recording: Recording,
    mode: Mode,
    settings: clips.SettingsDict,
    time_map: TimeMap,
    evidence: Evidence,
) -> MadeLine:
    rate, offset_ms = _piece(time_map, wish) or ("1/1", 0.0)
    return MadeLine(
        id=wish.id,
        movie=wish.movie,
        splits=wish.splits,
        mode=mode,
        span=wish.span,
        status="made",
        settings=dict(settings),
        file=result.wanted.file.relative_to(directory.root).as_posix(),
        sha256=result.sha256,
        size=result.bytes,
        recording=recording,
        rate=rate,
        offset_ms=offset_ms,
        at=Place(start_s=round(float(result.start), 6), end_s=round(float(result.end), 6)),
        frames=result.frames,
        samples=result.samples,
        evidence=evidence,
    )


def _edition(
    movie: str, recording: Recording, time_map: TimeMap, evidence: Evidence, refused: list[RefusedLine]
) -> Edition:
    """What was found of this recording, for its owner and for others who own the same file."""
    return Edition(
        movie=movie,
        recording=recording,
        pieces=tuple(
            EditionPiece(
                from_ms=piece.from_ms,
                to_ms=min(piece.to_ms, _end_ms(piece, recording)),
                rate=rate_text(piece.rate),
                offset_ms=float(piece.offset_ms),
            )
            for piece in time_map.pieces
            if piece.from_ms < _end_ms(piece, recording)
        ),
        evidence=evidence,
        refused=tuple(RefusedDialogue(id=line.id, reasons=line.reasons) for line in refused),
    )


def _end_ms(piece: Piece, recording: Recording) -> int:
    """Movie time at which the recording ends, if it ended in this piece, rounded up."""
    if recording.duration_ms is None:
        return MAX_MS
    return min(MAX_MS, -int(-(recording.duration_ms * piece.rate - piece.offset_ms) // 1))

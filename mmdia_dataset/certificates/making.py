"""A certificate of a built directory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmdia_dataset.built.annotations import WantedDialogue, wanted_of
from mmdia_dataset.errors import ConfigError
from mmdia_dataset.release import open_release
from mmdia_dataset.schema import SPLITS, Certificate, ErrorBounds, IdList, Mode, MovieSpans, Split, SplitCoverage
from mmdia_dataset.schema.certificate import hash_of

__all__ = ["certificate_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dialogue:
    """A dialogue of the release, and the clips of it."""

    id: str
    movie: str
    splits: tuple[Split, ...]
    start_ms: int
    end_ms: int
    clips: WantedDialogue | None

    @property
    def line(self) -> str:
        return f"{self.id}\t{self.start_ms}\t{self.end_ms}"

    def bound(self, modes: Iterable[str]) -> float | None:
        """The widest bound of its clips [ms], infinite where one was not measured; None if a clip is missing."""
        widest = 0.0
        for mode in modes:
            line = None if self.clips is None else self.clips.modes.get(mode)
            if line is None:
                return None
            error = line.evidence.error_ms
            widest = max(widest, float("inf") if error is None else error)
        return widest


def certificate_of(
    built: Path | str, *, release: Path | str | None = None, modes: Sequence[str] | None = None
) -> Certificate:
    """The certificate of a built directory.

    Args:
        built: the built directory.
        release: the release, if only a part of it was rebuilt. Without it, the manifest stands for the release; it is
            complete if neither `--split` nor `--ids` was given.
        modes: a dialogue counts if it has a clip in each of these modes; default: all modes present. A clip does not
            count if it was cut for another span than the release says.

    Raises:
        ReleaseUnreadable, ReleaseNotFound: a folder can't be read, or is of another kind.
        ConfigError: there are no clips of a mode.
    """
    wanted = wanted_of(Path(built))
    present = sorted({mode for dialogue in wanted.values() for mode in dialogue.modes})
    chosen = sorted(set(present if modes is None else modes))
    for mode in chosen:
        if mode not in present:
            raise ConfigError(
                f"there are no clips of mode {mode!r}", where=built, hint=f"present modes are {', '.join(present)}"
            )
    dialogues = (
        _of_release(release, wanted)
        if release is not None
        else [
            _Dialogue(
                id=clips.id,
                movie=clips.movie,
                splits=clips.splits,
                start_ms=clips.start_ms,
                end_ms=clips.end_ms,
                clips=clips,
            )
            for clips in wanted.values()
        ]
    )
    bounds = {dialogue.id: bound for dialogue in dialogues if (bound := dialogue.bound(chosen)) is not None}
    movies: dict[str, list[str]] = {}
    for dialogue in dialogues:
        movies.setdefault(dialogue.movie, []).append(dialogue.line)
    return Certificate(
        made_by="mmdia coverage",
        modes=tuple(_mode(mode) for mode in chosen),
        release=hash_of(dialogue.line for dialogue in dialogues),
        wanted=len(dialogues),
        made=len(bounds),
        hours=_hours(dialogue for dialogue in dialogues if dialogue.id in bounds),
        splits=tuple(_split(split, dialogues, bounds) for split in SPLITS if any(split in d.splits for d in dialogues)),
        movies=tuple(MovieSpans(movie=movie, sha256=hash_of(lines)) for movie, lines in sorted(movies.items())),
        bounds=_bounds(bounds.values()),
    )


def _mode(mode: str) -> Mode:
    return mode  # type: ignore[return-value]  # it is one of the manifest's, which are of the schema


def _of_release(release: Path | str, wanted: dict[str, WantedDialogue]) -> list[_Dialogue]:
    opened = open_release(release)
    members = []
    for dialogue in opened.dialogues():
        span = dialogue.span
        clips = wanted.get(dialogue.id)
        if clips is not None and (clips.start_ms, clips.end_ms) != (span.start_ms, span.end_ms):
            clips = None
        splits = opened.splits_of(dialogue.id)
        members.append(
            _Dialogue(
                id=dialogue.id,
                movie=dialogue.movie,
                splits=splits,
                start_ms=span.start_ms,
                end_ms=span.end_ms,
                clips=clips,
            )
        )
    return members


def _split(split: Split, dialogues: list[_Dialogue], bounds: dict[str, float]) -> SplitCoverage:
    members = [dialogue for dialogue in dialogues if split in dialogue.splits]
    present = [dialogue for dialogue in members if dialogue.id in bounds]
    return SplitCoverage(
        split=split,
        wanted=len(members),
        listed=hash_of(dialogue.id for dialogue in members),
        made=IdList.of(dialogue.id for dialogue in present),
        hours=_hours(present),
    )


def _hours(dialogues: Iterable[_Dialogue]) -> float:
    """Rounded to a second's part of an hour, so that the order of adding up makes no difference."""
    return round(sum(max(0, dialogue.end_ms - dialogue.start_ms) for dialogue in dialogues) / 3_600_000, 4)


def _bounds(errors_ms: Iterable[float]) -> ErrorBounds:
    names = (("within_5_ms", 5.0), ("within_40_ms", 40.0), ("within_160_ms", 160.0), ("above_160_ms", 1e12))
    counts: Counter[str] = Counter()
    for bound in errors_ms:
        counts[next((name for name, limit in names if bound <= limit), "unmeasured")] += 1
    return ErrorBounds(**counts)

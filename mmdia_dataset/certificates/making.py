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


@dataclass(frozen=True, slots=True)
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
    """What a built directory has.

    Args:
        built: the built directory.
        release: the release, where the rebuild was asked for a part of it. Without, the release is what the manifest
            speaks of: all of it, if neither `--split` nor `--ids` was given.
        modes: a dialogue counts if it has a clip of each; by default of all modes there are. A clip cut for another
            span than the release says counts as none.

    Raises:
        ReleaseUnreadable, ReleaseNotFound: one of the folders can't be read, or is something else.
        ConfigError: there is no clip of a mode.
    """
    wanted = wanted_of(Path(built))
    present = sorted({mode for one in wanted.values() for mode in one.modes})
    chosen = sorted(set(present if modes is None else modes))
    for mode in chosen:
        if mode not in present:
            raise ConfigError(
                f"there are no clips of mode {mode!r}", where=built, hint=f"present: {', '.join(present)}"
            )
    dialogues = _of_release(release, wanted) if release is not None else [
        _Dialogue(one.id, one.movie, one.splits, one.start_ms, one.end_ms, one) for one in wanted.values()
    ]  # fmt: skip
    bounds = {one.id: bound for one in dialogues if (bound := one.bound(chosen)) is not None}
    movies: dict[str, list[str]] = {}
    for one in dialogues:
        movies.setdefault(one.movie, []).append(one.line)
    return Certificate(
        made_by="mmdia coverage",
        version="1",
        modes=tuple(_mode(mode) for mode in chosen),
        release=hash_of(one.line for one in dialogues),
        wanted=len(dialogues),
        made=len(bounds),
        hours=_hours(one for one in dialogues if one.id in bounds),
        splits=tuple(_split(split, dialogues, bounds) for split in SPLITS if any(split in d.splits for d in dialogues)),
        movies=tuple(MovieSpans(movie=movie, sha256=hash_of(lines)) for movie, lines in sorted(movies.items())),
        bounds=_bounds(bounds.values()),
    )


def _mode(mode: str) -> Mode:
    return mode  # type: ignore[return-value]  # it is one of the manifest's, which are of the schema


def _of_release(release: Path | str, wanted: dict[str, WantedDialogue]) -> list[_Dialogue]:
    opened = open_release(release)
    found = []
    for dialogue in opened.dialogues():
        span = dialogue.span
        clips = wanted.get(dialogue.id)
        if clips is not None and (clips.start_ms, clips.end_ms) != (span.start_ms, span.end_ms):
            clips = None
        splits = opened.splits_of(dialogue.id)
        found.append(_Dialogue(dialogue.id, dialogue.movie, splits, span.start_ms, span.end_ms, clips))
    return found


def _split(split: Split, dialogues: list[_Dialogue], made: dict[str, float]) -> SplitCoverage:
    members = [one for one in dialogues if split in one.splits]
    there = [one for one in members if one.id in made]
    return SplitCoverage(
        split=split,
        wanted=len(members),
        listed=hash_of(one.id for one in members),
        made=IdList.of(one.id for one in there),
        hours=_hours(there),
    )


def _hours(dialogues: Iterable[_Dialogue]) -> float:
    """Rounded to a second's part of an hour, so that the order of adding up makes no difference."""
    return round(sum(max(0, one.end_ms - one.start_ms) for one in dialogues) / 3_600_000, 4)


def _bounds(found: Iterable[float]) -> ErrorBounds:
    names = (("within_5_ms", 5.0), ("within_40_ms", 40.0), ("within_160_ms", 160.0), ("above_160_ms", 1e12))
    counts: Counter[str] = Counter()
    for bound in found:
        counts[next((name for name, limit in names if bound <= limit), "unmeasured")] += 1
    return ErrorBounds(**counts)

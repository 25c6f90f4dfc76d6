"""Annotations wherever they are: of a release, or of the clips in a built directory. Opened once, read as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mmdia_dataset.built.manifest import is_built, read_manifest, unfinished
from mmdia_dataset.errors import ReleaseUnreadable
from mmdia_dataset.release import Release, open_release
from mmdia_dataset.schema import Dialogue, MadeLine, RefusedLine, Split
from mmdia_dataset.splitting.benchmark import Selection

__all__ = ["Annotations", "WantedDialogue", "manifest_lines", "open_annotations", "wanted_of"]


@dataclass(slots=True, kw_only=True)
class WantedDialogue:
    """A dialogue that a rebuild was asked for, and the lines of its clips: one of every mode."""

    id: str
    movie: str
    splits: tuple[Split, ...]
    start_ms: int
    end_ms: int
    modes: dict[str, MadeLine | None] = field(default_factory=dict)

    @property
    def duration_ms(self) -> int:
        """Of its span, at least 0."""
        return max(0, self.end_ms - self.start_ms)

    @property
    def made(self) -> bool:
        """Whether there is a clip of any mode."""
        return any(line is not None for line in self.modes.values())


@dataclass(frozen=True, slots=True)
class Annotations:
    """The dialogues of a release, or those of a built directory that have a clip.

    Attributes:
        root: the folder or file opened.
        release: what is read; in a built directory its `annotations/`.
        built: whether it is a built directory.
    """

    root: Path
    release: Release
    built: bool
    _splits: dict[str, tuple[Split, ...]] = field(default_factory=dict)

    @property
    def official_bench(self) -> bool:
        """Whether the data says which dialogues are the benchmark."""
        if self.built:
            return any("bench" in splits for splits in self._splits.values())
        return self.release.splits is not None and bool(self.release.splits.bench)

    def bench(self, selection: Selection) -> Callable[[Dialogue], bool]:
        """Which dialogues are the benchmark: those listed as such, else those selected.

        A selection takes no dialogue of train or validation, unless there are no splits.
        """
        if self.official_bench:
            return lambda dialogue: "bench" in self.splits_of(dialogue.id)
        if self.built:
            divided = any(split not in ("train", "unassigned") for splits in self._splits.values() for split in splits)
        else:
            divided = self.release.splits is not None
        return lambda dialogue: selection.takes(dialogue, self.splits_of(dialogue.id) if divided else ())

    def dialogues(self, progress: Callable[[int, int], None] | None = None) -> Iterator[Dialogue]:
        """Every dialogue once. Raises ReleaseUnreadable: not one could be read."""
        return self.release.dialogues(progress=progress)

    def splits_of(self, dialogue_id: str) -> tuple[Split, ...]:
        """The splits a dialogue is in: by the splits file, or of a built directory by its manifest."""
        if not self.built:
            return self.release.splits_of(dialogue_id)
        return self._splits.get(dialogue_id, ("unassigned",))


def open_annotations(path: Path | str) -> Annotations:
    """Open a release or a built directory.

    Raises:
        ReleaseNotFound: there are no annotations.
        ReleaseUnreadable: it is a built directory whose rebuild did not finish, or that holds no clip.
    """
    root = Path(path)
    if not (root.is_dir() and is_built(root)):
        return Annotations(root, open_release(root), built=False)
    splits = {line.id: line.splits for line in manifest_lines(root)}
    if not any((root / "annotations").glob("*.parquet")):
        raise ReleaseUnreadable("the rebuild made no clip", where=root, hint="its manifest.jsonl says why")
    return Annotations(root, open_release(root / "annotations"), built=True, _splits=splits)


def manifest_lines(root: Path) -> Iterator[MadeLine | RefusedLine]:
    """The lines of a finished built directory's manifest.

    Raises:
        ReleaseUnreadable: the rebuild did not finish, or a line can't be understood.
    """
    problem = unfinished(root)
    if problem is not None:
        raise problem
    yield from read_manifest(root)


def wanted_of(root: Path) -> dict[str, WantedDialogue]:
    """Every dialogue that a built directory's manifest speaks of, by id. Raises ReleaseUnreadable."""
    dialogues: dict[str, WantedDialogue] = {}
    for line in manifest_lines(root):
        dialogue = dialogues.get(line.id)
        if dialogue is None:
            span = line.span
            dialogue = dialogues[line.id] = WantedDialogue(
                id=line.id, movie=line.movie, splits=line.splits, start_ms=span.start_ms, end_ms=span.end_ms
            )
        dialogue.modes[line.mode] = line if isinstance(line, MadeLine) else None
    return dialogues

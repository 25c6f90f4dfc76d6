"""Samples cut from films on their way into shards: a clip lies on the disk until its last shard is done."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mmdia_dataset.building.editions import Timing
from mmdia_dataset.building.forecast import clip_bytes
from mmdia_dataset.building.movie_task import Cutting, CuttingTask, Line
from mmdia_dataset.building.plan import Plan
from mmdia_dataset.building.work import cut_all, find_timings, tasks_of
from mmdia_dataset.built.directory import BuiltDirectory, edition_text
from mmdia_dataset.clips import Wish
from mmdia_dataset.errors import MediaError
from mmdia_dataset.files import write_text
from mmdia_dataset.media import MediaInfo, probe
from mmdia_dataset.processes import Progress
from mmdia_dataset.schema import SPLITS, Dialogue, MadeLine, RefusedLine, Split
from mmdia_dataset.shards.clip_stock import Item, LeftOut, PackedClips, item_of
from mmdia_dataset.shards.keys import key_of
from mmdia_dataset.shards.planning import Sized, in_order
from mmdia_dataset.shards.shard_set import ShardSetWriter
from mmdia_dataset.shards.shard_writer import PackedSample
from mmdia_dataset.shards.tar_samples import JSON

__all__ = ["Films"]

_LEAST_AT_ONCE = 16  # clips for a process, so that opening films pays


@dataclass(frozen=True, slots=True)
class _Entry:
    """A dialogue wanted: what cutting needs of it, and all of it as compressed JSON."""

    wish: Wish
    packed: bytes

    def dialogue(self) -> Dialogue:
        return Dialogue.model_validate_json(zlib.decompress(self.packed))


class Films:
    """The samples of a plan, in the order they are packed. Clips are cut as they are asked for, some at a time.

    Args:
        plan: what is wanted.
        split: the split to pack alone, if any.
        work: a folder on this machine, for clips.
        making: the set of shards that they are for.
        max_bytes: of a shard: no more are cut ahead than it has room for, but for a few.
        jobs: processes.
        progress: called with the number of clips known.
    """

    def __init__(
        self,
        plan: Plan,
        split: Split | None,
        work: Path,
        making: ShardSetWriter,
        *,
        max_bytes: int,
        jobs: int,
        progress: Progress | None,
    ) -> None:
        self._plan, self._split, self._jobs, self._progress = plan, split, jobs, progress
        self._max_bytes = max_bytes
        self._directory = BuiltDirectory(work)
        for name, text in making.editions():
            if not (work / name).exists():
                write_text(work / name, text.decode("utf-8", "replace"))
        self.timings: dict[str, Timing] = {}
        for timing in find_timings(plan, work / "editions", jobs, progress):
            self.timings[timing.movie] = timing
            if timing.edition is not None:  # to the shards too, for a run that follows a kill on another machine
                self._directory.write_edition(timing.edition)
                making.store.write_text(self._directory.edition_file(timing.movie), edition_text(timing.edition))
        known: dict[tuple[str, str], Line] = {(line.id, line.mode): line for line in making.lines()}
        tasks, refused = tasks_of(plan, self.timings, work, known)
        self._tasks: dict[str, CuttingTask] = {task.edition.movie: task for task in tasks}
        self._lines: dict[str, Line] = {line.id: line for line in refused}
        for task in tasks:
            for wish, line in Cutting(task).foretold({line.id: line for line in task.known}):
                if line is not None:
                    self._lines[wish.id] = line
        self._entries = list(self._read())
        self._items: dict[int, tuple[Item, int]] = {}
        self.members = {JSON}
        self._cut_now: set[str] = set()
        self._infos: dict[str, MediaInfo | None] = {}

    def _read(self) -> Iterator[_Entry]:
        wishes = {wish.id: wish for mine in self._plan.wishes.values() for wish in mine}
        for dialogue in self._plan.release.dialogues():
            wish = wishes.pop(dialogue.id, None)
            if wish is not None:
                yield _Entry(wish, zlib.compress(dialogue.model_dump_json(round_trip=True).encode(), 1))

    # --- samples ---

    def splits(self) -> list[Split]:
        """Those that are packed."""
        present = {split for entry in self._entries for split in entry.wish.splits}
        return [split for split in SPLITS if split in present and self._split in (None, split)]

    def samples(self, split: Split, shuffle: int | None) -> Iterator[Sized]:
        """The samples of a split as they are packed, each when its clip is known."""
        # As in a built directory, which is read split by split: a dialogue comes with the first that it is in.
        first = [min(map(SPLITS.index, entry.wish.splits)) for entry in self._entries]
        mine = [number for number, entry in enumerate(self._entries) if split in entry.wish.splits]
        mine.sort(key=lambda number: 0 if self._split else first[number])
        order = in_order(mine, shuffle, lambda number: key_of(self._entries[number].wish.id))
        at = filled = 0
        while at < len(order):
            stop = self._ahead(order, at, self._max_bytes - filled % self._max_bytes)
            self._cut(number for number in order[at:stop] if self._line(number) is None)
            for number in order[at:stop]:
                item = self._item(number)
                if item is not None:
                    filled += item[1]
                    yield Sized(number, item[0].key, self._entries[number].wish.splits, item[1])
            at = stop

    def items(self, numbers: Iterable[int]) -> list[Item]:
        """What samples are made of, as far as they are known."""
        return [item[0] for number in numbers if (item := self._item(number)) is not None]

    def ready(self, numbers: Sequence[int]) -> list[Item]:
        """The same, with their clips on the disk: those that an earlier run knew of are cut again if need be."""
        self._cut(number for number in numbers if self._entries[number].wish.id not in self._cut_now)
        return self.items(numbers)

    def packed(self, items: Sequence[Item]) -> Iterator[PackedSample | LeftOut]:
        """Samples, with their media read."""
        return PackedClips(self._directory.root).packed(items)

    def lines_of(self, numbers: Iterable[int]) -> list[Line]:
        """The lines of samples."""
        return [line for number in numbers if (line := self._line(number)) is not None]

    def drop(self, numbers: Iterable[int], split: Split) -> None:
        """A shard of a split is done: remove clips that no later one needs."""
        last = self.splits()
        for number in numbers:
            line, splits = self._line(number), self._entries[number].wish.splits
            if isinstance(line, MadeLine) and split == next(one for one in reversed(last) if one in splits):
                for name in line.stored():
                    file = self._directory.root / name
                    file.unlink(missing_ok=True)
                    with suppress(OSError):  # others are in it
                        file.parent.rmdir()

    # --- what is told of them ---

    def manifest(self) -> Iterator[Line]:
        """The line of each clip wanted."""
        return (self._lines[entry.wish.id] for entry in self._entries)

    def edition(self, movie: str) -> bytes | None:
        """How a movie's recording runs, as its file holds it."""
        timing = self.timings.get(movie)
        return None if timing is None or timing.edition is None else edition_text(timing.edition).encode()

    def refused(self) -> Iterator[LeftOut]:
        """The dialogues that are in no shard, and why."""
        for line in self.manifest():
            if isinstance(line, RefusedLine):
                yield LeftOut(line.id, line.reasons[0].rule, line.reasons[0].detail)

    # --- cutting ---

    def _line(self, number: int) -> Line | None:
        return self._lines.get(self._entries[number].wish.id)

    def _item(self, number: int) -> tuple[Item, int] | None:
        line = self._line(number)
        if not isinstance(line, MadeLine):
            return None
        if number not in self._items:
            item, size = item_of(self._entries[number].dialogue().at(line.span), [line])
            self._items[number] = item, size
            self.members.update(member for member, *_ in item.files)
        return self._items[number]

    def _ahead(self, order: Sequence[int], at: int, room: float) -> int:
        """Up to where clips are cut at once: as many as a shard has room for, and no fewer than pay."""
        unknown = 0
        for stop in range(at, len(order)):
            line, wish = self._line(order[stop]), self._entries[order[stop]].wish
            unknown += line is None
            room -= self._forecast(wish) if line is None else line.size if isinstance(line, MadeLine) else 0
            if room <= 0 and (not unknown or unknown >= _LEAST_AT_ONCE * self._jobs):
                return stop + 1
        return len(order)

    def _forecast(self, wish: Wish) -> float:
        if wish.movie not in self._infos:
            try:
                self._infos[wish.movie] = probe(self._tasks[wish.movie].path)
            except MediaError:  # said when it is cut
                self._infos[wish.movie] = None
        info = self._infos[wish.movie]
        return 0.0 if info is None else clip_bytes(wish, info, self._plan.settings)

    def _cut(self, numbers: Iterable[int]) -> None:
        """Cut clips, if they are not there already; afterwards each has its line."""
        wanted: dict[str, list[Wish]] = {}
        again = {}
        for number in numbers:
            wish = self._entries[number].wish
            wanted.setdefault(wish.movie, []).append(wish)
            again[wish.id] = number
        known = [line for id_ in again if (line := self._lines.get(id_)) is not None]
        tasks = [
            replace(
                self._tasks[movie],
                wishes=tuple(wishes),
                known=tuple(line for line in known if line.movie == movie),
            )
            for movie, wishes in wanted.items()
        ]
        for line, _ in cut_all(tasks, self._jobs):
            if self._lines.get(line.id) != line:
                self._items.pop(again[line.id], None)
            self._lines[line.id] = line
            self._cut_now.add(line.id)
            if self._progress:
                self._progress("cutting clips", len(self._lines), len(self._entries))

    def close(self) -> None:
        """Remove what is left of the clips."""
        shutil.rmtree(self._directory.root, ignore_errors=True)

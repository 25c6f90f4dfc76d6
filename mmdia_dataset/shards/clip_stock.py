"""Where samples come from: the clips of a built directory."""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmdia_dataset.built.clipset import ClipSet
from mmdia_dataset.built.directory import BuiltDirectory
from mmdia_dataset.built.manifest import is_built, read_manifest, unfinished
from mmdia_dataset.errors import UsageError
from mmdia_dataset.files import content_of
from mmdia_dataset.refusals import Refusal
from mmdia_dataset.schema import Clip, Dialogue, MadeLine, Mode, RefusedLine, Split
from mmdia_dataset.shards.keys import key_of
from mmdia_dataset.shards.planning import Sized, member_bytes
from mmdia_dataset.shards.shard_writer import PackedSample
from mmdia_dataset.shards.tar_samples import JSON, member_of, sample_bytes, sample_of

__all__ = ["Item", "LeftOut", "PackedClips", "Stock", "basis_of", "item_of", "stock"]


@dataclass(frozen=True, slots=True)
class Item:
    """A planned sample: key, dialogue as compressed JSON, and its media as (member, file, size, sha256)."""

    id: str
    key: str
    text: bytes
    files: tuple[tuple[str, str, int, str], ...]

    def digest(self) -> str:
        """Of all it will hold."""
        content = [self.key, hashlib.sha256(zlib.decompress(self.text)).hexdigest()]
        content += [f"{member} {sha256}" for member, _, _, sha256 in self.files]
        return hashlib.sha256("\n".join(content).encode()).hexdigest()


def item_of(dialogue: Dialogue, lines: Sequence[MadeLine]) -> tuple[Item, int]:
    """The sample of a dialogue with these clips, and the bytes it takes in a tar."""
    text = sample_bytes(sample_of(dialogue, lines[0].splits, lines))
    stored = [(line.mode, file, facts) for line in lines for file, facts in line.stored().items()]
    files = tuple(sorted((member_of(file, mode), file, *facts) for mode, file, facts in stored))
    size = member_bytes(len(text)) + sum(member_bytes(file[2]) for file in files)
    return Item(dialogue.id, key_of(dialogue.id), zlib.compress(text, 1), files), size


def basis_of(items: Iterable[Item]) -> str:
    """Hash of all that a shard of these is made from."""
    return hashlib.sha256("\n".join(item.digest() for item in items).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A dialogue that is in no shard: the rule, and the reason in one sentence."""

    id: str
    rule: Refusal
    detail: str


@dataclass(frozen=True, slots=True)
class PackedClips:
    """A built directory, to read clips from."""

    root: Path

    def packed(self, items: Sequence[Item]) -> Iterator[PackedSample | LeftOut]:
        """The samples, with their media read; those whose clips are not what was made are left out."""
        for item in items:
            members = {JSON: zlib.decompress(item.text)}
            for member, file, size, sha256 in item.files:
                try:
                    data = content_of(f"{self.root}/{file}", size)
                except OSError as error:
                    yield LeftOut(item.id, Refusal.CLIP_UNREADABLE, f"{file} can't be read ({error.strerror})")
                    break
                if hashlib.sha256(data).hexdigest() != sha256:
                    yield LeftOut(
                        item.id,
                        Refusal.CLIP_ALTERED,
                        f"{file} has changed since it was made; run `mmdia rebuild` to make it again",
                    )
                    break
                members[member] = data
            else:
                yield PackedSample(item.key, members)


@dataclass(slots=True, kw_only=True)
class Stock:
    """All that can be packed: items, what laying out needs of them, the members they have, and what is left out."""

    source: PackedClips
    modes: tuple[Mode, ...]
    split: Split | None
    items: list[Item] = field(default_factory=list)
    sized: list[Sized] = field(default_factory=list)
    members: tuple[str, ...] = (JSON,)
    left_out: Counter[Refusal] = field(default_factory=Counter)
    examples: dict[Refusal, LeftOut] = field(default_factory=dict)

    def manifest(self) -> Iterator[MadeLine | RefusedLine]:
        """What was cut, and what was refused and why, of the modes and the split that are packed."""
        for line in _lines(self.source.root):
            if line.mode in self.modes and self.split in (None, *line.splits):
                yield line

    def edition(self, movie: str) -> bytes | None:
        """How the recording of a movie runs, as its file holds it."""
        directory = BuiltDirectory(self.source.root)
        file = directory.root / directory.edition_file(movie)
        return file.read_bytes() if file.is_file() else None

    def leave_out(self, dialogue: LeftOut) -> None:
        """Count a dialogue that is in no shard."""
        self.left_out[dialogue.rule] += 1
        self.examples.setdefault(dialogue.rule, dialogue)


def stock(built: Path, modes: Sequence[str] | None = None, split: Split | None = None) -> Stock:
    """What a built directory has to pack: every dialogue with clips of all modes.

    Args:
        built: the built directory.
        modes: modes of the clips to pack; all by default.
        split: split of the dialogues to pack; all by default.

    Raises:
        UsageError: this is not a built directory, lacks a mode, or has clips that can't be in one sample.
        ReleaseUnreadable: its rebuild did not finish, or its annotations can't be read.
    """
    if not is_built(built):
        raise UsageError("this is not a built directory", where=built, hint="run `mmdia rebuild` to make one")
    problem = unfinished(built)
    if problem is not None:
        raise problem
    lines_by_id: dict[str, dict[Mode, MadeLine]] = {}
    for line in _lines(built):
        if isinstance(line, MadeLine):
            lines_by_id.setdefault(line.id, {})[line.mode] = line
    present = sorted({mode for lines in lines_by_id.values() for mode in lines})
    if lacking := [mode for mode in modes or () if mode not in present]:
        hint = f"it has {', '.join(present)}" if present else "run `mmdia rebuild` to make them"
        raise UsageError(f"there are no clips of mode {lacking[0]}", where=built, hint=hint)
    chosen_modes = [mode for mode in present if not modes or mode in modes]
    _check_kinds(lines_by_id, chosen_modes, built)
    packable = Stock(source=PackedClips(built), modes=tuple(chosen_modes), split=split)
    members = {JSON}
    seen: set[str] = set()
    for clip in _clips(built, split):
        if clip.id in seen:
            continue
        seen.add(clip.id)
        mine = lines_by_id.get(clip.id, {})
        if any(mode not in mine for mode in chosen_modes):
            missing = next(mode for mode in chosen_modes if mode not in mine)
            packable.leave_out(
                LeftOut(clip.id, Refusal.NO_CLIP, f"the dialogue has no clip of mode {missing}, but others have")
            )
            continue
        lines = [mine[mode] for mode in chosen_modes]
        item, size = item_of(clip, lines)
        packable.sized.append(Sized(len(packable.items), item.key, lines[0].splits, size))
        packable.items.append(item)
        members.update(member for member, *_ in item.files)
    packable.members = tuple(sorted(members))
    return packable


def _lines(built: Path) -> Iterable[MadeLine | RefusedLine]:
    """The last line of each dialogue and mode. Raises ReleaseUnreadable."""
    return {(line.id, line.mode): line for line in read_manifest(built)}.values()


def _check_kinds(lines_by_id: dict[str, dict[Mode, MadeLine]], chosen_modes: Sequence[Mode], built: Path) -> None:
    """Clips of one mode are of one kind, and no two modes of the same. Raises UsageError."""
    mode_of_kind: dict[str, str] = {}
    for mode in chosen_modes:
        lines = [line for lines in lines_by_id.values() for line in lines.values() if line.mode == mode]
        kinds = {member_of(file, mode).rsplit(".", 1)[-1] for line in lines for file in line.stored()}
        if len(kinds) > 1:
            raise UsageError(
                f"clips of mode {mode} have several file types ({', '.join(sorted(kinds))}), but need one",
                where=built,
                hint=f"rebuild all clips of mode {mode} with the same settings",
            )
        for kind in kinds:
            if kind in mode_of_kind:
                raise UsageError(
                    f"clips of modes {mode_of_kind[kind]} and {mode} are both {kind}, but a sample can hold only one",
                    where=built,
                    hint=f"choose one with --modes {mode}",
                )
            mode_of_kind[kind] = mode


def _clips(built: Path, chosen_split: Split | None) -> Iterator[Clip]:
    """The rows of a split, or of all; a dialogue that is in two comes twice. Raises ReleaseUnreadable."""
    clipset = ClipSet(built)
    for split in clipset.splits():
        if chosen_split in (None, split):
            yield from clipset.clips(split)

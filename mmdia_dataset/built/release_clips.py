"""A release with its own sound, read as clips: what a built directory has, without a film."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from mmdia_dataset.built.clipset import ClipSet
from mmdia_dataset.built.manifest import is_built
from mmdia_dataset.errors import ReleaseNotFound
from mmdia_dataset.release import LISTENED_TO, Release, ReleaseAudio, first_kind, open_release
from mmdia_dataset.release.own import ParquetFiles
from mmdia_dataset.schema import AudioKind, Clip, Split, arrow

__all__ = ["ReleaseReading", "open_clips", "write_clips"]


@dataclass(slots=True)
class ReleaseReading:
    """What was met while a release was read: the dialogues that can't be, issues by severity, and how many are silent.

    `silent` are those that have neither sound nor video.
    """

    refused: int = 0
    issues: Counter[str] = field(default_factory=Counter)
    silent: int = 0


def write_clips(
    release: Release,
    audio: ReleaseAudio,
    folder: Path,
    *,
    kinds: Sequence[AudioKind] = LISTENED_TO,
    heard_only: bool = False,
) -> ReleaseReading:
    """Write `annotations/<split>.parquet` with the rows of a release, each with its sound and its video.

    Paths in the rows are relative to the release. Of two dialogues of one id, the first counts.

    Args:
        release: the annotations.
        audio: its sounds.
        folder: where to write.
        kinds: the sounds that will do, the preferred one first.
        heard_only: leave out dialogues with neither sound nor video.
    """
    reading = ReleaseReading(issues=Counter(issue.severity for issue in release.issues))
    files = ParquetFiles(folder / "annotations", Clip)
    seen: set[str] = set()
    for batch in release.tables():
        reading.refused += batch.refused
        reading.issues.update(issue.severity for issue in batch.issues)
        table, heard = _with_media(batch.table, audio, kinds)
        rows: dict[Split, list[int]] = {}
        for number, id_ in enumerate(table.column("id").to_pylist()):
            if id_ not in seen:
                seen.add(id_)
                reading.silent += not heard[number]
                if heard[number] or not heard_only:
                    for split in release.splits_of(id_):
                        rows.setdefault(split, []).append(number)
        for split, numbers in rows.items():
            files.add(split, table if len(numbers) == len(table) else table.take(numbers))
    files.close()
    return reading


def _with_media(table: pa.Table, audio: ReleaseAudio, kinds: Sequence[AudioKind]) -> tuple[pa.Table, list[bool]]:
    """A table of dialogues as one of clips; and whether each row has a file."""
    names = [table.column(name).to_pylist() for name in ("movie", "batch", "number")]
    files = [audio.names_at(*place) for place in zip(*names, strict=True)]
    chosen = [first_kind(mine, kinds) for mine in files]
    sounds = [mine[kind] if kind else None for mine, kind in zip(files, chosen, strict=True)]
    made = {
        "video": _media([mine.get("film") for mine in files], audio),
        "audio": _media(sounds, audio),
        "audio_kind": pa.array(chosen, pa.string()),
        "keyframes": [[]] * len(table),
    }
    columns = []
    for item in arrow.arrow_schema(Clip):
        if item.name in table.column_names:
            columns.append(table.column(item.name))
        else:
            column = made.get(item.name, [None] * len(table))
            columns.append(pa.array(column, item.type) if isinstance(column, list) else column)
    return pa.Table.from_arrays(columns, schema=arrow.arrow_schema(Clip)), [
        kind is not None or "film" in mine for kind, mine in zip(chosen, files, strict=True)
    ]


def _media(names: Sequence[str | None], audio: ReleaseAudio) -> pa.Array:
    paths = [None if name is None else audio.inside(name) for name in names]
    fields = list(arrow.arrow_schema(Clip).field("audio").type)
    absent = pa.array([path is None for path in paths], pa.bool_())
    content = [pa.nulls(len(paths), pa.binary()), pa.array(paths, pa.string())]
    return pa.StructArray.from_arrays(content, fields=fields, mask=absent)


@contextmanager
def open_clips(path: Path | str) -> Iterator[ClipSet]:
    """The clips of a built directory, or the sounds of a release; empty where there are neither.

    The rows of a release are kept in a temporary folder meanwhile.

    Raises:
        ReleaseUnreadable: a newer program made it.
    """
    root = Path(path).absolute()
    try:
        release = None if is_built(root) or ClipSet(root).splits() else open_release(root)
    except ReleaseNotFound:
        release = None
    audio = None if release is None else ReleaseAudio.of(release.root)
    if release is None or not audio:
        yield ClipSet(path)
        return
    with tempfile.TemporaryDirectory(prefix="mmdia-release-") as folder:
        write_clips(release, audio, Path(folder))
        yield ClipSet(folder, audio.root)

"""A built directory read back: its clips by split, when in each what is said, and the voices in it.

The sounds of a release are read in the same way (`release_clips`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ConfigDict, TypeAdapter, ValidationError

from mmdia_dataset.built.manifest import has_manifest, read_manifest
from mmdia_dataset.errors import ReleaseUnreadable, shown
from mmdia_dataset.schema import SPLITS, AffectiveTriplet, Clip, FormatError, MadeLine, Media, Split, TaskRow, arrow
from mmdia_dataset.schema.base import RelativeFile
from mmdia_dataset.views import MADE_BY, ClipTime, Facts, Task, TaskOptions, Voices, controls_of, lacking, task_row

__all__ = ["ClipSet"]

_BATCH = 500
_UNHEARD = ("triplet", "description", "extra", "video", "keyframes")
_FILE: TypeAdapter[str] = TypeAdapter(RelativeFile, config=ConfigDict(regex_engine="python-re"))


class ClipSet:
    """The clips of a built directory, or of a release with sound.

    Args:
        root: the folder of `annotations/`.
        media: the folder that paths of media count from: the release; the same folder if None.

    Raises, wherever it reads:
        ReleaseUnreadable: a file holds something else.
    """

    def __init__(self, root: Path | str, media: Path | str | None = None) -> None:
        self.root = Path(root)
        self.media = self.root if media is None else Path(media)
        self.again = "run `mmdia rebuild` again" if media is None else "put the release's own file back"
        self._voices: dict[Split, Voices] = {}

    def splits(self) -> dict[Split, Path]:
        """The annotation file of each split there is."""
        files = {split: self.root / "annotations" / f"{split}.parquet" for split in SPLITS}
        return {split: file for split, file in files.items() if file.is_file()}

    def clips(self, split: Split, without: Container[str] = ()) -> Iterator[Clip]:
        """The clips of a split, in the file's order; `without` some fields, which then have their defaults."""
        names = [name for name in arrow.arrow_schema(Clip).names if name not in without]
        _ = self._times  # whether or not somebody asks for a time: rows that no line vouches for are not given
        with self._opened(split) as stored:
            for batch in stored.iter_batches(_BATCH, columns=names):
                yield from arrow.from_arrow(batch, Clip)

    def facts(self, split: Split) -> Counter[Facts]:
        """How many clips of a split have what tasks need. Reads a few columns, and makes no clip of any."""
        counted: Counter[Facts] = Counter()
        with self._opened(split) as stored:
            paths = [stored.schema.column(place).path for place in range(len(stored.schema.names))]
            texts = [path for path in paths if path.startswith("turns.") and path.endswith(".text")]
            columns = [*MADE_BY, "triplet", "description", *texts]
            for batch in stored.iter_batches(_BATCH, columns=columns):
                counted.update(
                    Facts(*facts) for facts in zip(_media(batch), _words(batch), _controls(batch), strict=True)
                )
        return counted

    @contextmanager
    def _opened(self, split: Split) -> Iterator[pq.ParquetFile]:
        file = self.splits()[split]
        try:
            with pq.ParquetFile(file) as stored:
                arrow.check_version(stored)
                yield stored
        except FormatError as newer:
            raise ReleaseUnreadable(newer.what, where=file, hint=newer.hint) from None
        except (pa.ArrowException, OSError, ValidationError, KeyError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise ReleaseUnreadable(
                f"can't be read as a Parquet file of clips: {reason}", where=file, hint="run `mmdia rebuild` again"
            ) from error

    def file(self, media: Media) -> Path:
        """Where a clip's file is.

        Raises:
            ReleaseUnreadable: it is named by no path, or by one that leads out of the folder.
        """
        try:
            return self.media / _FILE.validate_python(media.path)
        except ValidationError:
            raise ReleaseUnreadable(
                f"{shown(str(media.path))} is not a file in the folder", where=self.media, hint=self.again
            ) from None

    @cached_property
    def _times(self) -> dict[str, tuple[str, int, int, int]]:
        """By clip file, when in it a moment of the movie comes; none where there is no manifest."""
        if not has_manifest(self.root):
            return {}
        lines = (line for line in read_manifest(self.root) if isinstance(line, MadeLine))
        return {line.file: ClipTime.plain(line) for line in lines if line.mode != "keyframes"}

    def time(self, clip: Clip) -> ClipTime:
        """When in a clip's sound, else in its picture, a moment of the movie comes."""
        media = clip.audio or clip.video
        plain = self._times.get(media.path) if media and media.path else None
        return ClipTime.of_plain(plain) if plain else ClipTime.of(clip, None)

    def voices(self, split: Split) -> Voices:
        """The voices of a split: never those of another, whose sound a model must not have heard."""
        if split not in self._voices:
            self._voices.clear()  # splits are read one after the other
            voices = Voices()
            for clip in self.clips(split, without=_UNHEARD):
                voices.add(clip, self.time(clip))
            self._voices[split] = voices
        return self._voices[split]

    def row(self, task: Task, options: TaskOptions, clip: Clip, split: Split) -> TaskRow:
        """A clip that lacks nothing as a row of a task; see `views.lacking`."""
        voices = self.voices(split) if task.voices else Voices()
        return task_row(task, options, clip, self.time(clip), voices)

    def rows(self, task: Task, options: TaskOptions, split: Split) -> Iterator[TaskRow]:
        """The rows of a task, without the clips that lack something."""
        for clip in self.clips(split):
            if lacking(task, options, clip) is None:
                yield self.row(task, options, clip, split)


def _media(batch: pa.RecordBatch) -> list[frozenset[str]]:
    """The kinds of media of each row."""
    present = {}
    for name in MADE_BY:
        if name in batch.schema.names:  # key frames came later than the rest
            column = batch.column(name)
            listed = pa.types.is_list(column.type)
            present[name] = (pc.greater(pc.list_value_length(column), 0) if listed else column.is_valid()).to_pylist()
    return [frozenset(name for name, rows in present.items() if rows[place]) for place in range(len(batch))]


def _words(batch: pa.RecordBatch) -> list[bool]:
    """Whether any turn of each row has a word."""
    turns = batch.column("turns")
    spoken = pc.not_equal(pc.list_flatten(turns).field("text"), "")
    rows = set(pc.filter(pc.list_parent_indices(turns), spoken).to_pylist())
    return [row in rows for row in range(len(batch))]


def _controls(batch: pa.RecordBatch) -> list[frozenset[str]]:
    """The fields that prompts can speak of, of each row."""
    controls = []
    for triplet, description in zip(
        batch.column("triplet").to_pylist(), batch.column("description").to_pylist(), strict=True
    ):
        parsed = None if triplet is None else AffectiveTriplet.model_validate(triplet)
        controls.append(frozenset(controls_of(parsed, description)))
    return controls

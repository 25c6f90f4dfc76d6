"""`export`: the clips of a built directory in another program's form."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from mmdia_dataset.built.clipset import ClipSet
from mmdia_dataset.errors import ConfigError, DataNotFound
from mmdia_dataset.exports.formats import FORMATS
from mmdia_dataset.exports.source import SplitSource
from mmdia_dataset.files import check_folder, whole_file
from mmdia_dataset.reports import Report
from mmdia_dataset.views import TASKS, TaskOptions

__all__ = ["ExportReport", "export"]


@dataclass(slots=True)
class ExportReport(Report):
    """What was written: lines by file, and how many rows were left out for want of what."""

    out: Path
    to: str
    files: dict[str, int] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def exit_code(self) -> int:
        """1 if nothing was written."""
        return 0 if self.files else 1


def export(
    built: Path | str,
    *,
    to: str,
    out: Path | str,
    split: str | None = None,
    task: str = "style_speech",
    absolute: bool = False,
) -> ExportReport:
    """Write a built directory's annotations for another program. Media stay where they are.

    Args:
        built: the built directory.
        to: of `FORMATS`.
        out: folder for the files, one or two per split; files of these names are replaced, others left alone.
        split: this one alone.
        task: whose rows `messages` has.
        absolute: write absolute paths of media; else they are relative to `out`.

    Raises:
        ConfigError: an unknown format, task or split.
        DataNotFound: there are no clips.
        MediaUnreadable: a sound file is gone or damaged.
        OutputError: a file can't be written.
    """
    for kind, value, choices in (("format", to, tuple(FORMATS)), ("task", task, tuple(TASKS))):
        if value not in choices:
            raise ConfigError(f"unknown {kind} {value!r}", hint=f"known are {', '.join(choices)}")
    clipset, folder = ClipSet(built), Path(out)
    splits = clipset.splits()
    if not splits:
        raise DataNotFound("there are no clips in this folder", where=clipset.root, hint="run `mmdia rebuild` first")
    if split is not None and split not in splits:
        raise ConfigError(f"there is no split {split!r} in this data", hint=f"present are {', '.join(splits)}")
    check_folder(folder)
    report = ExportReport(folder, to)
    for name in splits:
        if split in (None, name):
            source = SplitSource(
                clipset=clipset, split=name, out=folder, absolute=absolute, task=task, options=TaskOptions()
            )
            with ExitStack() as stack:
                files: dict[str, IO[bytes]] = {}
                for file, line in FORMATS[to](source):
                    if file not in files:
                        temporary = stack.enter_context(whole_file(folder / file))
                        files[file] = stack.enter_context(_opened(temporary, file))
                    files[file].write(line.encode("utf-8", "surrogatepass") + b"\n")
                    report.files[file] = report.files.get(file, 0) + 1
            report.left_out += source.left_out
    return report


@contextmanager
def _opened(path: Path, name: str) -> Iterator[IO[bytes]]:
    """A file to write to; one whose name ends in .gz is packed, with no time in it: same input, same bytes."""
    with path.open("wb") as file:
        if name.endswith(".gz"):
            with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
                yield packed  # type: ignore[misc]  # it writes bytes, and that is all we do
        else:
            yield file

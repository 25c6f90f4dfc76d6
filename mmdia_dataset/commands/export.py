"""`export`: clips in another program's form."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from mmdia_dataset.built.release_clips import open_clips
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
    """Write annotations for another program, with the paths of media. Media stay where they are.

    Args:
        built: the built directory, or a release with sound.
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
    folder = Path(out)
    report = ExportReport(folder, to)
    with open_clips(built) as clipset:
        splits = clipset.splits()
        if not splits:
            raise DataNotFound(
                "there are no clips in this folder, and no sound", where=built, hint="run `mmdia rebuild` first"
            )
        if split is not None and split not in splits:
            raise ConfigError(f"there is no split {split!r} in this data", hint=f"present are {', '.join(splits)}")
        check_folder(folder)
        for name in splits:
            if split in (None, name):
                source = SplitSource(
                    clipset=clipset, split=name, out=folder, absolute=absolute, task=task, options=TaskOptions()
                )
                _write(source, report)
    return report


def _write(source: SplitSource, report: ExportReport) -> None:
    """Write the files of a split."""
    with ExitStack() as stack:
        files: dict[str, IO[bytes]] = {}
        for file, line in FORMATS[report.to](source):
            if file not in files:
                temporary = stack.enter_context(whole_file(report.out / file))
                files[file] = stack.enter_context(_opened(temporary, file))
            files[file].write(line.encode("utf-8", "surrogatepass") + b"\n")
            report.files[file] = report.files.get(file, 0) + 1
    report.left_out += source.left_out


@contextmanager
def _opened(path: Path, name: str) -> Iterator[IO[bytes]]:
    """A file to write to; one whose name ends in .gz is packed, with no time in it: same input, same bytes."""
    with path.open("wb") as file:
        if name.endswith(".gz"):
            with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
                yield packed  # type: ignore[misc]  # it writes bytes, and that is all we do
        else:
            yield file

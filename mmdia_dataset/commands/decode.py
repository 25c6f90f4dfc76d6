"""`decode`: a release's encoded sound becomes sound files, beside it or in another folder."""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mmdia_dataset.codec import (
    DecodedFile,
    DecoderChoice,
    EncodedFiles,
    FileTask,
    Loader,
    decode_file,
    encoded_files,
    forget_decoder,
    load_decoder,
)
from mmdia_dataset.errors import ReleaseNotFound, UsageError, WeightsUnreadable, shown
from mmdia_dataset.files import check_folder, only_run
from mmdia_dataset.processes import in_processes
from mmdia_dataset.reports import Report
from mmdia_dataset.schema import AUDIO_KINDS, AudioKind

if TYPE_CHECKING:
    from mmdia_dataset.processes import Progress

__all__ = ["DecodeForecast", "DecodeReport", "decode"]

_KINDS: tuple[AudioKind, ...] = tuple(kind for kind in AUDIO_KINDS if kind != "film")
_SOUNDS = ("flac", "wav")
_STATE = ".mmdia-decode"
_TRIED = 3
"""Files by which the rest is forecast; the first is not counted where there are more, for it warms the device up."""

_KILLED = "the process that decoded it was killed; run the command again with fewer --jobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeForecast:
    """What there is to do, from the first few files.

    Attributes:
        files: to decode.
        kept: decoded before.
        encoded_bytes: size of the files to decode.
        hours: of sound that they are; about.
        bytes: size of the decoded files; about.
        seconds: that it will take; about.
    """

    files: int
    kept: int
    encoded_bytes: int
    hours: float
    bytes: int
    seconds: float


@dataclass(slots=True, kw_only=True)
class DecodeReport(Report):
    """What was decoded.

    Attributes:
        out: the folder that holds `audio`.
        made: files decoded; none on a dry run.
        kept: decoded before.
        failed: files that could not be decoded, and why.
        hours: of sound made.
        bytes: of the files made.
        seconds: that it took.
        forecast: what there was to do, None if nothing.
    """

    out: Path
    made: int = 0
    kept: int = 0
    failed: dict[Path, str] = field(default_factory=dict)
    hours: float = 0.0
    bytes: int = 0
    seconds: float = 0.0
    forecast: DecodeForecast | None = None

    @property
    def exit_code(self) -> int:
        """1 if a file could not be decoded."""
        return 1 if self.failed else 0

    def add(self, path: Path, result: DecodedFile | str | None) -> None:
        """Count what became of a file."""
        if isinstance(result, DecodedFile):
            self.made += 1
            self.hours += result.duration_s / 3600
            self.bytes += result.bytes
        else:
            self.failed[path] = result or _KILLED


def decode(
    release: Path | str,
    weights: Path | str,
    *,
    out: Path | str | None = None,
    kinds: Sequence[str] | None = None,
    sound: str = "flac",
    device: Sequence[str] | None = None,
    jobs: int = 1,
    dry_run: bool = False,
    loader: Loader = load_decoder,
    before: Callable[[DecodeForecast], None] | None = None,
    progress: Progress | None = None,
) -> DecodeReport:
    """Make sound of a release's encoded sound (`audio_encoded/…/*.dac`), under the same names in `audio`.

    Nothing in the encoded files is run. Each decoded file is whole or absent; a stopped run goes on where it was.

    Args:
        release: the folder that holds `audio_encoded`.
        weights: the codec's weights, a file that you have; nothing is downloaded.
        out: the folder in which `audio` is made; by default the release.
        kinds: of sound: `voice`, `voice_44k`, `mix`, `background`; by default all.
        sound: `flac` or `wav`, of 16 bits.
        device: where to compute: `cpu` (default), `cuda:0`, or several of them, each with processes of its own.
        jobs: processes for each device.
        dry_run: decode a few files to say what it would take; write nothing.
        loader: loads another model than the codec's own decoder; a function of a module.
        before: called with the forecast, once the first few files are decoded.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        UsageError: an unknown kind, sound or device; or another run is writing there.
        ReleaseNotFound: no such folder, or no encoded sound in it.
        WeightsUnreadable: the weights are missing, damaged, or another model's.
        ExtraMissing: a library that decoding needs is not installed.
        OutputError: a file can't be written. Run again to go on.
    """
    started = time.monotonic()
    root, target = Path(release), Path(out) if out is not None else Path(release)
    wanted = _kinds(kinds)
    if sound not in _SOUNDS:
        raise UsageError(f"unknown sound {shown(sound)!r}", hint=f"choose {' or '.join(_SOUNDS)}")
    if not Path(weights).is_file():
        raise WeightsUnreadable("there is no such file of weights", where=weights, hint="check the path")
    files = _files(root, target, wanted, f".{sound}")
    report = DecodeReport(out=target, kept=files.kept, failed=dict(files.failed))
    state = target / _STATE
    devices = tuple(name for name in device or ("cpu",) for _ in range(jobs))
    choice = DecoderChoice(loader, Path(weights), devices, state)
    tasks = deque(FileTask(file.path, file.target, choice, keep=not dry_run) for file in files.wanted)
    try:
        if dry_run:
            report.forecast = _try_some(tasks, files, report, before)
        elif tasks:
            check_folder(target)
            if state.is_symlink():
                raise UsageError("a link leads out of the folder", where=state, hint="remove it")
            with only_run(state, target):
                report.forecast = _try_some(tasks, files, report, before)
                _decode_all(tasks, report, progress)
                shutil.rmtree(state, ignore_errors=True)
    finally:
        forget_decoder()
    report.seconds = time.monotonic() - started
    return report


def _kinds(asked: Sequence[str] | None) -> tuple[AudioKind, ...]:
    for name in asked or ():
        if name not in _KINDS:
            raise UsageError(f"unknown kind of sound {shown(name)!r}", hint=f"choose from {', '.join(_KINDS)}")
    return tuple(kind for kind in _KINDS if not asked or kind in asked)


def _files(root: Path, out: Path, kinds: tuple[AudioKind, ...], suffix: str) -> EncodedFiles:
    if not root.is_dir():
        raise ReleaseNotFound("there is no such folder", where=root, hint="check the path")
    files = encoded_files(root, out, kinds, suffix)
    if not files.wanted and not files.kept and not files.failed:
        hint = "download audio_encoded/ of the release into it, or check --kinds"
        raise ReleaseNotFound("no encoded sound is in it (audio_encoded/…/*.dac)", where=root, hint=hint)
    return files


def _try_some(
    tasks: deque[FileTask],
    files: EncodedFiles,
    report: DecodeReport,
    before: Callable[[DecodeForecast], None] | None,
) -> DecodeForecast | None:
    """Decode the first few files in this process, and say what all of them will take."""
    sizes = {file.path: file.bytes for file in files.wanted}
    tried: list[tuple[int, DecodedFile]] = []
    devices = tasks[0].choice.devices if tasks else ()
    while tasks and len(tried) < _TRIED:
        task = tasks.popleft()
        result = decode_file(replace(task, choice=replace(task.choice, devices=devices[:1])))
        if task.keep or isinstance(result, str):
            report.add(task.path, result)
        if isinstance(result, DecodedFile):
            tried.append((sizes[task.path], result))
    if len(devices) > 1:
        forget_decoder()
    if not tried:
        return None
    measured = tried[1:] or tried
    scale = sum(sizes.values()) / sum(size for size, _ in measured)
    forecast = DecodeForecast(
        files=len(sizes),
        kept=files.kept,
        encoded_bytes=sum(sizes.values()),
        hours=scale * sum(result.duration_s for _, result in measured) / 3600,
        bytes=round(scale * sum(result.bytes for _, result in measured)),
        seconds=scale * sum(result.seconds for _, result in measured) / len(set(devices)),
    )
    if before is not None:
        before(forecast)
    return forecast


def _decode_all(tasks: deque[FileTask], report: DecodeReport, progress: Progress | None) -> None:
    done = report.made + len(report.failed)
    total = done + len(tasks)
    processes = len(tasks[0].choice.devices) if tasks else 1
    for number, (task, result) in enumerate(in_processes(decode_file, list(tasks), processes), done + 1):
        report.add(task.path, result)
        if progress:
            progress("decoding", number, total)

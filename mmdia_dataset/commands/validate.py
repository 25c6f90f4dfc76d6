"""`validate`: whatever a path holds, checked: a release, a built directory, a manifest, an edition file.

Each issue is handed out at once, so memory does not grow with the number of issues.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from mmdia_dataset.built.directory import BuiltDirectory
from mmdia_dataset.built.manifest import MANIFEST, has_manifest, is_built, read_lines
from mmdia_dataset.errors import BadFingerprint, UsageError
from mmdia_dataset.publishing import card_faults
from mmdia_dataset.release import Release, ReleaseAudio, open_release, passport_issues, splits_of_file
from mmdia_dataset.release.checks import Checker
from mmdia_dataset.release.sound_checks import SoundChecker
from mmdia_dataset.reports import Report
from mmdia_dataset.schema import SPLITS, Edition, FormatError, Issue, MadeLine, Passport, read_versioned
from mmdia_dataset.splitting import Leakage, issues_of_leaks

if TYPE_CHECKING:
    from mmdia_dataset.processes import Progress

__all__ = [
    "ValidationReport",
    "issues_of",
    "validate",
]

Seen = Callable[[int, int, int], None]
"""Called as ``seen(dialogues, done, total)`` while reading; done and total are bytes."""
Hear = Callable[[SoundChecker], Iterator[Issue]]
"""Ends the checks of sound, with the options for it."""


@dataclass(slots=True)
class ValidationReport(Report):
    """What was found: counts and the first few issues of each rule. All issues went to the caller as they came."""

    NOT_JSON: ClassVar = ("counts", "examples")
    JSON_TOO: ClassVar = ("errors", "warnings", "notes")

    dialogues: int = 0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[str, list[Issue]] = field(default_factory=dict)

    def add(self, issue: Issue, keep: int = 3) -> None:
        """Count an issue, and keep it if it is among the first of its rule."""
        self.counts[issue.severity, issue.rule] += 1
        examples = self.examples.setdefault(issue.rule, [])
        if len(examples) < keep:
            examples.append(issue)

    @property
    def errors(self) -> int:
        """Number of errors."""
        return sum(count for (severity, _), count in self.counts.items() if severity == "error")

    @property
    def warnings(self) -> int:
        """Number of warnings."""
        return sum(count for (severity, _), count in self.counts.items() if severity == "warning")

    @property
    def notes(self) -> int:
        """Number of notes: not faults, but good to know."""
        return sum(count for (severity, _), count in self.counts.items() if severity == "note")

    @property
    def exit_code(self) -> int:
        """1 if there are errors, else 0."""
        return 1 if self.errors else 0

    def as_json(self) -> dict[str, Any]:
        """The counts; the issues were handed out as they were found."""
        counts = [{"severity": s, "rule": rule, "count": count} for (s, rule), count in sorted(self.counts.items())]
        return {**Report.as_json(self), "counts": counts}


def issues_of(
    path: Path, seen: Seen | None = None, splits: Path | None = None, hear: Hear = SoundChecker.finish
) -> Iterator[Issue]:
    """Every issue of what a path holds.

    Args:
        path: a release, a built directory, a manifest, an edition file.
        seen: called while annotations are read.
        splits: of a release: the splits file to check instead of its own.
        hear: of a release: reads its sound.

    Raises:
        UsageError: there is no such path.
        ReleaseNotFound: nothing there is of any kind known.
    """
    if not path.exists():
        raise UsageError("there is no such file or folder", where=path, hint="check the path")
    if path.is_dir() and is_built(path):
        yield from _built(path)
    elif path.is_file() and path.name == MANIFEST:
        yield from (issue for _, issue in _manifest(path, path.name) if issue)
    elif path.is_file() and (edition := _edition_text(path)) is not None:
        yield from _edition(edition, path.name)
    else:
        yield from _release(open_release(path), seen or (lambda *_: None), splits, hear)


def _release(release: Release, seen: Seen, other_splits: Path | None, hear: Hear) -> Iterator[Issue]:
    yield from release.issues
    splits, name = release.splits, release.splits_file
    if other_splits is not None:
        splits, wrong = splits_of_file(other_splits)
        name = other_splits.name
        yield from wrong
    checker = Checker(splits, name)
    leakage = None if splits is None else Leakage()
    sounds = SoundChecker(ReleaseAudio.of(release.path))  # of a single file none: others may have what lies around it
    total = max(1, sum(file.size for file in release.files))
    done = dialogues = 0
    for file in release.files:
        for reading in release.read([file]):
            yield from reading.issues
            if reading.dialogue is not None:
                dialogues += 1
                if leakage is not None:
                    leakage.add(reading.dialogue)
                sounds.add(reading.dialogue)
                yield from checker.check(
                    reading.dialogue, file=reading.file, path=reading.path, path_of=reading.path_of
                )
        done += file.size
        seen(dialogues, done, total)
    yield from checker.finish()
    if leakage is not None and splits is not None:
        yield from issues_of_leaks(leakage.leaks_of(splits), name)
    yield from passport_issues(release.root, _fingerprint_fault)
    yield from hear(sounds)


def _fingerprint_fault(passport: Passport) -> str | None:
    from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import (
        TimingFingerprint,  # imports av, which a look at words does without
    )

    try:
        if passport.fingerprint is not None:
            TimingFingerprint.from_schema(passport.fingerprint)
    except BadFingerprint as error:
        return error.what
    return None


def _error(rule: str, file: str, path: str, message: str, hint: str) -> Issue:
    return Issue(severity="error", rule=rule, file=file, path=path, message=message, hint=hint)


def _manifest(file: Path, name: str) -> Iterator[tuple[MadeLine | None, Issue | None]]:
    seen: set[tuple[str, str]] = set()
    again = "run the same `mmdia rebuild` again; it makes the clip again"
    for number, line, fault in read_lines(file):
        if line is None:
            what, hint = (fault.what, fault.hint) if fault else ("nothing", None)
            yield None, _error("bad-line", name, f"line {number}", what, hint or again)
            continue
        if (line.id, line.mode) in seen:
            message = f"{line.id} has two lines of mode {line.mode}"
            yield None, _error("duplicate-id", name, f"line {number}", message, "run `mmdia rebuild` again")
        seen.add((line.id, line.mode))
        if isinstance(line, MadeLine):
            yield line, None


def _built(root: Path) -> Iterator[Issue]:
    """A built directory: manifest against clips, byte for byte, and against the annotations; editions."""
    directory = BuiltDirectory(root)
    again = "run `mmdia rebuild` again with the same arguments"
    if directory.state.is_dir():
        yield _error("unfinished", ".", "$", "a rebuild was stopped before it ended", again)
    if not has_manifest(root):
        if not directory.state.is_dir():
            yield _error("unfinished", MANIFEST, "$", "the file is missing", again)
        return
    made_lines: dict[str, MadeLine] = {}
    expected: dict[str, set[str]] = {split: set() for split in SPLITS}
    for line, issue in _manifest(root / MANIFEST, MANIFEST):
        if issue:
            yield issue
        if line is None:
            continue
        made_lines.update(dict.fromkeys(line.stored(), line))
        for split in line.splits:
            expected[split].add(line.id)
        if not directory.holds(line):
            complete = all((root / file).is_file() for file in line.stored())
            message = "the clip was changed after it was made" if complete else "the clip is missing"
            yield _error("clip-changed" if complete else "clip-missing", line.file, "$", message, again)
    for file in sorted((root / "clips").rglob("*")):
        name = file.relative_to(root).as_posix()
        if file.is_file() and name not in made_lines:
            yield _error("clip-unknown", name, "$", "this file is not in the manifest", again)
    yield from _card(root)
    for split in SPLITS:
        yield from _annotations(root, f"annotations/{split}.parquet", expected[split], again)
    for file in sorted((root / "editions").glob("*.json")):
        text = _edition_text(file)
        name = file.relative_to(root).as_posix()
        if text is None:
            yield _error("bad-edition", name, "$", "not an edition file", again)
        else:
            yield from _edition(text, name)


def _card(root: Path) -> Iterator[Issue]:
    """What the Hub, or plain `load_dataset`, would refuse of README.md."""
    hint = "write it again with `mmdia card`"
    try:
        text = (root / "README.md").read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        yield _error("bad-card", "README.md", "$", f"it can't be read: {error}", hint)
        return
    names = [file.relative_to(root).as_posix() for file in root.rglob("*.parquet")]
    for sentence in card_faults(text, names):
        yield _error("bad-card", "README.md", "$", sentence, hint)


def _annotations(root: Path, name: str, expected: set[str], again: str) -> Iterator[Issue]:
    try:
        ids = pq.read_table(root / name, columns=["id"]).column("id").to_pylist() if (root / name).is_file() else []
    except (pa.ArrowException, OSError) as error:
        first = str(error).splitlines()[0]
        yield _error("bad-parquet", name, "$", f"can't be read: {first}", again)
        return
    if set(ids) != expected or len(ids) != len(set(ids)):
        message = f"its {len(ids)} rows are not the {len(expected)} dialogues with clips in the manifest"
        yield _error("rows-differ", name, "$", message, again)


def _edition_text(file: Path) -> bytes | None:
    """The bytes of a file that means to be an edition, else None."""
    if file.suffix != ".json" or file.stat().st_size > 50_000_000:
        return None
    text = file.read_bytes()
    try:
        edition = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return text if isinstance(edition, dict) and {"movie", "recording", "pieces"} <= set(edition) else None


def _edition(text: bytes, name: str) -> Iterator[Issue]:
    hint = "make it again with `mmdia rebuild`"
    try:
        read_versioned(Edition.model_validate_json, text).time_map()
    except FormatError as error:
        if not isinstance(error.__cause__, ValidationError):
            yield _error("bad-edition", name, "$", error.what, error.hint or hint)
            return
        for fault in error.__cause__.errors(include_url=False):
            place = "$" + "".join(f"[{x}]" if isinstance(x, int) else f".{x}" for x in fault["loc"])
            yield _error("bad-edition", name, place, fault["msg"], error.hint or hint)
    except ValueError as error:
        yield _error("bad-edition", name, "$.pieces", str(error), hint)


def validate(
    *paths: Path | str,
    splits: Path | str | None = None,
    listen: bool = False,
    jobs: int = 1,
    on_issue: Callable[[Issue], None] | None = None,
    progress: Progress | None = None,
) -> ValidationReport:
    """Check releases, built directories, manifests and edition files.

    Args:
        paths: what to check; its kind is found by content.
        splits: of releases: a splits file to check instead of their own.
        listen: of releases: read their sound to its end; else its headers, and sound until something is heard.
        jobs: processes that read sound.
        on_issue: called with every issue at once; the report keeps only counts and examples.
        progress: called as ``progress(stage, done, total)``.
    """
    report = ValidationReport()
    hear = partial(SoundChecker.finish, listen=listen, jobs=jobs, progress=progress)
    for path in paths:
        before = report.dialogues

        def seen(dialogues: int, done: int, total: int, before: int = before) -> None:
            report.dialogues = before + dialogues
            if progress:
                progress("checking", done, total)

        for issue in issues_of(Path(path), seen, None if splits is None else Path(splits), hear):
            report.add(issue)
            if on_issue:
                on_issue(issue)
    return report

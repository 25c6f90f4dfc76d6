"""The check of one shard: every member of every sample, in one pass over the tar."""

from __future__ import annotations

import hashlib
import re
import tempfile
from array import array
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO

from pydantic import ValidationError
from pydantic_core import from_json

from mmdia_dataset.errors import MmdiaError
from mmdia_dataset.schema import Sample, SampleFile, Severity
from mmdia_dataset.shards.faults import Fault
from mmdia_dataset.shards.keys import is_key, key_of
from mmdia_dataset.shards.lengths import lengths_for
from mmdia_dataset.shards.stores import Store
from mmdia_dataset.shards.tar_samples import JSON
from mmdia_dataset.shards.tarscan import Entry, Flaw, TarScan
from mmdia_dataset.timing import rate_from_text

__all__ = ["ShardResult", "ShardTask", "check_shard", "key_hash"]

_MOST_JSON = 16 << 20
_MOST_FAULTS = 1000  # of one rule in one shard are listed one by one
_LENGTH_SLACK_S = 0.1
_RELEASE_SLACK_S = 1.0
_HOSTILE = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
# A key of ours and an ending in small letters: with nothing to say of the name.
_GOOD = re.compile(r"([a-z0-9_-]{1,80})\.([a-z0-9]+(?:\.[a-z0-9]+)*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardTask:
    """A shard to check, as it is sent to a process. `members` are the names that the index allows, if there is one."""

    store: Store
    file: str
    ours: bool
    members: tuple[str, ...] | None
    split: str | None
    deep: bool


@dataclass(slots=True, kw_only=True)
class ShardResult:
    """What was found.

    `keys` and `places` have a hash of each sample's key and the offset of its first header, to compare shards by.
    """

    file: str
    faults: list[Fault] = field(default_factory=list)
    more: Counter[tuple[str, Severity]] = field(default_factory=Counter)
    samples: int = 0
    members: int = 0
    bytes: int = 0
    sha256: str = ""
    shape: tuple[str, ...] | None = None
    keys: array[int] = field(default_factory=lambda: array("Q"))
    places: array[int] = field(default_factory=lambda: array("Q"))


@dataclass(slots=True, kw_only=True)
class _Member:
    """What a member turned out to be."""

    size: int
    sha256: str
    seconds: float | None
    fault: str
    decoded: tuple[int | None, int | None] | None = None


@dataclass(slots=True, kw_only=True)
class _Open:
    """The sample that is being read."""

    key: str
    offset: int
    members: dict[str, _Member] = field(default_factory=dict)
    sample: Sample | None = None
    spoilt: bool = False


def key_hash(key: str) -> int:
    """64 bits of a key: enough to tell millions apart."""
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "little")


def check_shard(task: ShardTask) -> ShardResult:
    """Check one shard. Runs in a process of its own; nothing in the shard makes it raise."""
    check = _Check(task)
    try:
        size = task.store.size(task.file)
        with task.store.open(task.file) as file:
            check.run(file, size)
    except (OSError, MmdiaError) as error:
        check.fault("unreadable", str(error).rstrip("."))
    return check.result


class _Check:
    def __init__(self, task: ShardTask) -> None:
        self.task = task
        self.result = ShardResult(file=task.file)
        self._counts: Counter[str] = Counter()
        self._seen: set[str] = set()
        self._open: _Open | None = None
        self._declared: dict[str, tuple[str, str]] = {}  # whose file has which hash
        self._altered: list[tuple[str, str, str]] = []  # key, member, hash

    def fault(
        self,
        rule: str,
        text: str,
        key: str | None = None,
        member: str | None = None,
        offset: int | None = None,
        severity: Severity = "error",
    ) -> None:
        self._counts[rule] += 1
        if self._counts[rule] <= _MOST_FAULTS:
            self.result.faults.append(
                Fault(
                    rule=rule, text=text, shard=self.task.file, key=key, member=member, offset=offset, severity=severity
                )
            )
        else:
            self.result.more[rule, severity] += 1

    def run(self, file: IO[bytes], size: int) -> None:
        scan = TarScan(file, size, plain=self.task.ours, hashing=True)
        for item in scan:
            if isinstance(item, Flaw):
                self._flaw(item)
            else:
                self._entry(item)
        self._close()
        self.result.bytes, self.result.sha256 = size, scan.sha256
        for key, member, sha256 in self._altered:
            owner = self._declared.get(sha256)
            if owner is not None and owner != (key, member):
                self.fault("media-of-another", f"the file belongs to {'.'.join(owner)}", key, member)
            else:
                self.fault("media-altered", "the bytes differ from those that were packed", key, member)

    # --- members ---

    def _flaw(self, flaw: Flaw) -> None:
        key, member = _parted(flaw.name.rstrip("/"))
        # Others' tars may hold folders, which readers pass over, and end carelessly.
        mild = not self.task.ours and flaw.rule in ("folder", "padding")
        self.fault(flaw.rule, flaw.text, key, member, flaw.offset, "warning" if mild else "error")
        if self._open is not None and key == self._open.key:
            self._open.spoilt = True

    def _entry(self, entry: Entry) -> None:
        self.result.members += 1
        good = _GOOD.fullmatch(entry.name)
        if good is not None and (not self.task.members or good[2] in self.task.members):
            self._in_sample(entry, good[1], good[2])
            return
        key, member = _parted(entry.name)
        if why := _hostile(entry.name):
            self.fault("name", f"the name {entry.name!r} {why}", key, member, entry.offset)
            return
        if not key or not member:
            self.fault("no-ending", f"the name {entry.name!r} has no key and ending", offset=entry.offset)
            return
        if member != member.lower():
            self.fault(
                "upper-case", "the ending has upper case, which readers treat differently", key, member, entry.offset
            )
            member = member.lower()
        if self.task.ours:
            if not is_key(key):
                self.fault("key-form", "the key has characters other than a-z 0-9 _ -", key, member, entry.offset)
            allowed = self.task.members
            if allowed and member not in allowed and "." in member and member.rsplit(".", 1)[1] in allowed:
                whole, ending = entry.name.rsplit(".", 1)
                text = f"the key has a dot, so readers take {key!r} as the key"
                self.fault("dotted-key", text, whole, ending, entry.offset)
                return
            if allowed and member not in allowed:
                self.fault("extra-member", "the index does not list this member", key, member, entry.offset)
        self._in_sample(entry, key, member)

    def _in_sample(self, entry: Entry, key: str, member: str) -> None:
        """Check a member whose name is valid."""
        if self._open is None or self._open.key != key:
            self._close()
            if key in self._seen:
                text = "the sample's members are not next to each other, so readers see two samples"
                self.fault("split-sample", text, key, member, entry.offset)
            self._seen.add(key)
            self._open = _Open(key=key, offset=entry.offset)
        if member in self._open.members:
            self.fault("duplicate-member", "the sample has this member twice", key, member, entry.offset)
            return
        if member.rsplit(".", 1)[-1] == JSON:
            self._json(entry, member)
        else:
            self._media(entry, member)

    def _json(self, entry: Entry, member: str) -> None:
        assert self._open is not None  # noqa: S101 - the caller opened it
        key = self._open.key
        self._open.members[member] = _Member(size=entry.size, sha256="", seconds=None, fault="")
        if entry.size > _MOST_JSON:
            self.fault("json-size", f"the JSON is too large to check ({entry.size:,} bytes)", key, member, entry.offset)
            return
        data = b"".join(entry.chunks())
        if not self.task.ours or member != JSON:
            try:
                from_json(data)
            except ValueError as error:
                self.fault("json", f"this is not valid JSON ({error})", key, member, entry.offset)
            return
        try:
            self._open.sample = Sample.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            text = (
                f"the JSON does not match the schema: {place}: {first['msg']}"
                if place
                else f"this is not valid JSON ({first['msg']})"
            )
            self.fault("json-schema" if place else "json", text, key, member, entry.offset)

    def _media(self, entry: Entry, member: str) -> None:
        if self.task.deep:
            with tempfile.NamedTemporaryFile(suffix=f".{member.rsplit('.', 1)[-1]}") as copy:
                self._listen(entry, member, copy)
        else:
            self._listen(entry, member, None)

    def _listen(self, entry: Entry, member: str, copy: IO[bytes] | None) -> None:
        """What a member's bytes are, as they go by; and once they are all in a file, what decoding it shows."""
        assert self._open is not None  # noqa: S101 - the caller opened it
        lengths = lengths_for(member, entry.size)
        digest = hashlib.sha256() if self.task.ours else None
        for piece in entry.chunks():
            if digest is not None:
                digest.update(piece)
            if lengths is not None:
                lengths.feed(piece)
            if copy is not None:
                copy.write(piece)
        decoded = None
        if copy is not None:
            copy.flush()
            decoded = _decoded(Path(copy.name), member)
        seconds, fault = None, ""
        if lengths is not None:
            try:
                seconds = lengths.seconds()
            except ValueError as error:
                fault = str(error)
        result = _Member(size=entry.size, sha256=digest.hexdigest() if digest else "", seconds=seconds, fault=fault)
        self._open.members[member] = result
        if fault:
            self.fault("media-unreadable", fault, self._open.key, member, entry.offset)
        elif decoded is not None:
            result.decoded = (decoded.frames, decoded.samples)
            for text in decoded.faults[:10]:
                self.fault("media-damaged", text, self._open.key, member, entry.offset)

    # --- samples ---

    def _close(self) -> None:
        """Check a sample after its last member."""
        sample, self._open = self._open, None
        if sample is None:
            return
        self.result.samples += 1
        self.result.keys.append(key_hash(sample.key))
        self.result.places.append(sample.offset)
        if not self.task.ours:
            self._close_foreign(sample)
            return
        if JSON not in sample.members:
            self.fault("missing-member", "the sample lacks this member", sample.key, JSON, sample.offset)
        dialogue = sample.sample
        if dialogue is None:
            return
        if key_of(dialogue.id) != sample.key:
            self.fault("id-unlike-key", f"the JSON belongs to {dialogue.id!r}", sample.key, JSON, sample.offset)
        if self.task.split is not None and self.task.split not in dialogue.splits:
            text = f"the dialogue is in {', '.join(dialogue.splits) or 'no split'}, but its shard in {self.task.split}"
            self.fault("wrong-split", text, sample.key, JSON, sample.offset)
        declared = {file.member: file for file in dialogue.files}
        for member, file in declared.items():
            self._declared.setdefault(file.sha256, (sample.key, member))
            if member not in sample.members:
                self.fault("missing-member", "the sample lacks this member", sample.key, member, sample.offset)
            else:
                self._compare(sample, dialogue, file, sample.members[member])
        for member in sample.members:
            expected = member in declared or member == JSON
            if not expected and (
                self.task.members is None or member in self.task.members
            ):  # else it is reported already
                self.fault("extra-member", "the JSON does not list this member", sample.key, member, sample.offset)

    def _close_foreign(self, sample: _Open) -> None:
        shape = tuple(sorted(sample.members))
        if self.result.shape is None:
            self.result.shape = shape
        elif shape != self.result.shape:
            missing = sorted(set(self.result.shape) - set(shape))
            extra = sorted(set(shape) - set(self.result.shape))
            parts = [f"{verb} {', '.join(what)}" for verb, what in (("lacks", missing), ("adds", extra)) if what]
            text = f"unlike the first sample of the shard, it {' and '.join(parts)}"
            self.fault("other-members", text, sample.key, (missing or extra)[0], sample.offset)

    def _compare(self, sample: _Open, dialogue: Sample, file: SampleFile, member: _Member) -> None:
        key, offset = sample.key, sample.offset
        if member.sha256 != file.sha256:
            self._altered.append((key, file.member, member.sha256))
        if file.length_s is None:
            return
        slack = _LENGTH_SLACK_S + (2 * file.length_s / file.frames if file.frames else 0)
        expected_s = dialogue.span.duration_ms / 1000 / _speed(file.rate)
        if dialogue.audio_kind not in (None, "film"):  # nobody cut it: as its release has it, a little longer
            if abs(file.length_s - expected_s) > _RELEASE_SLACK_S:
                text = f"the release's sound lasts {file.length_s:.3f} s, but the span {expected_s:.3f} s"
                self.fault("media-length", text, key, file.member, offset, "warning")
        elif abs(file.length_s - expected_s) > slack:
            text = f"the clip was cut to {file.length_s:.3f} s, but the span lasts {expected_s:.3f} s"
            self.fault("media-length", text, key, file.member, offset)
        if member.seconds is not None and abs(member.seconds - file.length_s) > _LENGTH_SLACK_S:
            text = f"the file plays {member.seconds:.3f} s instead of {file.length_s:.3f} s"
            self.fault("media-length", text, key, file.member, offset)
        if member.decoded and (wrong := _miscounted(file, member.decoded)):
            self.fault("media-damaged", wrong, key, file.member, offset)


@lru_cache(1024)
def _speed(rate: str) -> float:
    return float(rate_from_text(rate))


@dataclass(frozen=True, slots=True)
class _Decoded:
    frames: int | None
    samples: int | None
    faults: tuple[str, ...]


def _decoded(path: Path, member: str) -> _Decoded | None:
    """What decoding a member shows; None for what is neither picture in motion nor sound."""
    if member.rsplit(".", 1)[-1] not in ("mp4", "mkv", "mov", "webm", "avi", "wav", "flac", "mp3", "ogg", "opus"):
        return None
    from mmdia_dataset import media

    try:
        return _Decoded(*media.counts(path), tuple(media.verify(path)))
    except MmdiaError as error:
        return _Decoded(None, None, (error.what,))


def _miscounted(file: SampleFile, decoded: tuple[int | None, int | None]) -> str:
    frames, samples = decoded
    if file.frames is not None and frames != file.frames:
        return f"the file shows {frames} frames instead of {file.frames}"
    if file.frames is None and file.samples is not None and samples != file.samples:
        return f"the file plays {samples} samples instead of {file.samples}"
    return ""


def _parted(name: str) -> tuple[str | None, str | None]:
    """Key and member of a name, as WebDataset parts it: at the first dot of its last part."""
    folder, slash, last = name.rpartition("/")
    stem, dot, member = last.partition(".")
    if not dot:
        return name or None, None
    return f"{folder}{slash}{stem}" if stem else None, member or None


def _hostile(name: str) -> str:
    """Why a name must not be given to anything that writes files; empty for a good one."""
    if not name:
        return "is empty"
    if name.startswith("/") or re.match(r"[A-Za-z]:[\\/]", name):
        return "is an absolute path"
    if ".." in name.split("/"):
        return "leads out of the folder"
    return "has control characters or backslashes, or is not UTF-8" if _HOSTILE.search(name) else ""

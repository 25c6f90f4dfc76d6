"""`check`: every fault of a set of shards, in one pass over each, several at a time.

Sets of this package are checked against their index, the schema, and what each sample says of its media. Of others it
checks what holds for any WebDataset, and says what it could not check.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic_core import from_json

from mmdia_dataset.errors import MmdiaError, ShardsUnreadable, UsageError
from mmdia_dataset.processes import in_processes
from mmdia_dataset.schema import FormatError, Sample, Shard, ShardIndex
from mmdia_dataset.shards.faults import CheckReport, Fault
from mmdia_dataset.shards.index import INDEX, index_digest, parse_index
from mmdia_dataset.shards.shard_card import README, columns_fit
from mmdia_dataset.shards.shardcheck import ShardResult, ShardTask, check_shard
from mmdia_dataset.shards.stores import Store
from mmdia_dataset.shards.tar_samples import JSON
from mmdia_dataset.shards.tarscan import Entry, TarScan

if TYPE_CHECKING:
    from mmdia_dataset.processes import Progress

__all__ = ["check"]

_NAME = re.compile(r"(?:.*/)?(?P<split>[a-z]+)-(?P<number>[0-9]{5})-of-(?P<count>[0-9]{5})\.tar")
_PREFIX = re.compile(r"^(.*?)[-_.]?[0-9]*(?:-of-[0-9]+)?\.tar$")
_MOST_CARD = 4 << 20
_SNIFFED = 50


def check(
    shards: Path | str,
    *,
    deep: bool = False,
    jobs: int = 1,
    on_fault: Callable[[Fault], None] | None = None,
    progress: Progress | None = None,
) -> CheckReport:
    """Check shards: tars, keys, samples, media, and the index over them.

    Args:
        shards: a folder of shards, one tar, or a URL of either that fsspec knows.
        deep: also decode all media and count their frames.
        jobs: processes; each checks one shard at a time.
        on_fault: called with every fault as it is found; the report keeps the first thousand.
        progress: called with the number of shards done.

    Raises:
        ShardsUnreadable: there is nothing of that name, or it can't be listed.
        UsageError: there are no shards in it.
    """
    started = time.monotonic()
    store, files, names = _found(shards)
    report = CheckReport(place=store.url if names is not None else f"{store.url}/{files[0]}")

    def tell(fault: Fault) -> None:
        report.add(fault)
        if on_fault is not None:
            on_fault(fault)

    index = None if names is None else _index(store, tell)
    indexed = {shard.file: shard for shard in index.shards} if index else {}
    whole_set = names is not None
    report.ours = index is not None or (whole_set and INDEX in (names or ())) or _are_ours(store, files)
    members = index.members if index else None
    tasks = [
        ShardTask(
            store=store,
            file=file,
            ours=report.ours,
            members=members,
            split=_split_of(file) if report.ours else None,
            deep=deep,
        )
        for file in files
    ]
    results: list[ShardResult] = []
    for task, result in in_processes(check_shard, tasks, jobs):
        if result is None:
            tell(
                Fault(
                    rule="unreadable", text="the process that checked it was killed, or crashed, twice", shard=task.file
                )
            )
        else:
            results.append(result)
            for fault in result.faults:
                tell(fault)
            for (rule, severity), count in result.more.items():
                report.counts[rule] += count
                report.errors += count * (severity == "error")
        if progress:
            progress("checking shards", len(results), len(tasks))
    results.sort(key=lambda result: result.file)
    for fault in _over_all(store, results, report.ours):
        tell(fault)
    if index is not None:
        for fault in _against_index(results, indexed, files):
            tell(fault)
    elif report.ours and whole_set:
        for fault in _without_index(files, INDEX in (names or ())):
            tell(fault)
    if whole_set and report.ours:
        for fault in _beside(store, index):
            tell(fault)
    report.unchecked = _unchecked(report.ours, index, whole_set, names or [], deep)
    report.shards = len(results)
    report.samples = sum(result.samples for result in results)
    report.members = sum(result.members for result in results)
    report.bytes = sum(result.bytes for result in results)
    report.seconds = time.monotonic() - started
    return report


def _found(shards: Path | str) -> tuple[Store, list[str], list[str] | None]:
    """The store, its shards, and all names in it; None for the latter where one tar was named."""
    store = Store(shards)
    if store.is_file():
        above, _, name = store.url.rstrip("/").rpartition("/")
        return Store(above or ("/" if store.url.startswith("/") else ".")), [name], None
    names = store.names()
    files = [name for name in names if name.endswith(".tar")]
    if not names:
        raise ShardsUnreadable("there is nothing", where=store.url, hint="name a folder of shards, or a tar")
    if not files and INDEX not in names:
        raise UsageError("there are no shards", where=store.url, hint="name a folder with .tar files in it")
    return store, files, names


def _index(store: Store, tell: Callable[[Fault], None]) -> ShardIndex | None:
    text = store.read(INDEX)
    if text is None:
        return None
    try:
        index = parse_index(text)
    except FormatError as error:
        what = f"index.json was {error.what}; {error.hint}" if error.newer else f"index.json is not valid: {error.what}"
        tell(Fault(rule="index", text=what))
        return None
    if index_digest(index) != index.sha256:
        tell(
            Fault(rule="index-edited", text="index.json was changed after it was written: its own hash does not match")
        )
    return index


def _are_ours(store: Store, files: Sequence[str]) -> bool:
    """Whether the first samples that can be read are of our form."""
    for file in files[:_SNIFFED]:
        try:
            size = store.size(file)
            with store.open(file) as tar:
                for number, entry in enumerate(TarScan(tar, size)):
                    if number >= _SNIFFED:
                        break
                    if isinstance(entry, Entry) and entry.name.endswith(f".{JSON}") and entry.size < 1 << 20:
                        verdict = _is_sample(b"".join(entry.chunks()))
                        if verdict is not None:
                            return verdict
        except (OSError, MmdiaError):
            continue
    return False


def _is_sample(data: bytes) -> bool | None:
    """Whether JSON is one of our samples, even if it has faults; None if it can't be read."""
    try:
        sample = from_json(data)
    except ValueError:
        return None
    return isinstance(sample, dict) and len(Sample.model_fields.keys() & sample.keys()) > len(Sample.model_fields) // 2


def _split_of(file: str) -> str | None:
    match = _NAME.fullmatch(file)
    return match["split"] if match else None


def _against_index(results: Sequence[ShardResult], indexed: dict[str, Shard], files: Sequence[str]) -> Iterator[Fault]:
    owners = {shard.sha256: shard.file for shard in indexed.values()}
    for file in sorted(indexed.keys() - set(files)):
        yield Fault(rule="shard-missing", text="the index lists this file, but it is missing", shard=file)
    for result in results:
        shard = indexed.get(result.file)
        if shard is None:
            yield Fault(rule="shard-unlisted", text="the index does not list this shard", shard=result.file)
        elif result.sha256 and result.sha256 != shard.sha256:
            owner = owners.get(result.sha256)
            if owner is not None:
                yield Fault(rule="shard-swapped", text=f"its content is that of {owner}", shard=result.file)
            else:
                change = f", {result.bytes - shard.bytes:+,} bytes" if result.bytes != shard.bytes else ""
                yield Fault(
                    rule="shard-altered", text=f"its hash differs from the one in the index{change}", shard=result.file
                )
        elif result.sha256 and (result.samples, result.bytes) != (shard.samples, shard.bytes):
            expected = f"{shard.samples:,} samples and {shard.bytes:,} bytes"
            text = f"the index says {expected}; the shard has {result.samples:,} and {result.bytes:,}"
            yield Fault(rule="index-edited", text=text, shard=result.file)


def _without_index(files: Sequence[str], has_index: bool) -> Iterator[Fault]:
    if not has_index:
        yield Fault(rule="index-missing", text="there is no index.json; `mmdia pack` writes it again")
    numbers: dict[tuple[str, int], set[int]] = {}
    for file in files:
        match = _NAME.fullmatch(file)
        if match:
            numbers.setdefault((match["split"], int(match["count"])), set()).add(int(match["number"]))
    for (split, count), present in numbers.items():
        for number in sorted(set(range(min(count, 100_000))) - present):
            yield Fault(
                rule="shard-missing",
                text="the names of the other shards count it, but it is missing",
                shard=f"data/{split}-{number:05}-of-{count:05}.tar",
            )


def _over_all(store: Store, results: Sequence[ShardResult], ours: bool) -> Iterator[Fault]:
    """Keys that several shards of a split have, and shards unlike the first."""
    groups: dict[str, list[ShardResult]] = {}
    for result in results:
        match = _PREFIX.match(result.file)
        groups.setdefault(match[1] if match else "", []).append(result)
    for group in groups.values():
        if len(group) < 2:  # within one shard, it is reported already
            continue
        import numpy as np

        hashes = np.concatenate([np.asarray(result.keys, np.uint64) for result in group])
        owners = np.repeat(np.arange(len(group)), [len(result.keys) for result in group])
        places = np.concatenate([np.asarray(result.places, np.uint64) for result in group])
        order = np.argsort(hashes, kind="stable")
        twice = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
        for rank in twice:
            earlier, later = int(order[rank]), int(order[rank + 1])
            if owners[earlier] != owners[later]:
                first, second = group[int(owners[earlier])], group[int(owners[later])]
                key = _key_at(store, second.file, int(places[later]))
                yield Fault(
                    rule="duplicate-key",
                    text=f"{first.file} has this key too",
                    shard=second.file,
                    key=key,
                    member=None,
                    offset=int(places[later]),
                )
    shapes = [result for result in results if result.shape is not None]
    for result in shapes:
        if not ours and result.shape != shapes[0].shape:
            text = f"its samples have {', '.join(result.shape or ())}; those of {shapes[0].file} have other members"
            yield Fault(rule="other-members", text=text, shard=result.file)


def _key_at(store: Store, file: str, offset: int) -> str | None:
    try:
        with store.open(file) as tar:
            tar.seek(offset)
            first = next(iter(TarScan(tar, store.size(file))), None)
    except (OSError, MmdiaError):
        return None
    if not isinstance(first, Entry):
        return None
    folder, slash, last = first.name.rpartition("/")
    return f"{folder}{slash}{last.partition('.')[0]}"


def _beside(store: Store, index: ShardIndex | None) -> Iterator[Fault]:
    """The card, and the files that say how the samples were cut."""
    yield from _card(store, index)
    for entry in index.beside if index is not None else ():
        try:
            digest = store.digest(entry.file)
        except FileNotFoundError:
            yield Fault(rule="file-missing", text="the index lists this file, but it is missing", shard=entry.file)
        except (OSError, MmdiaError) as error:
            yield Fault(rule="unreadable", text=str(error).rstrip("."), shard=entry.file)
        else:
            if digest != (entry.sha256, entry.bytes):
                yield Fault(rule="file-altered", text="its hash differs from the one in the index", shard=entry.file)


def _card(store: Store, index: ShardIndex | None) -> Iterator[Fault]:
    text = store.read(README)
    if text is None:
        yield Fault(
            rule="card-missing", text="there is no README.md; without it, load_dataset has to guess the columns"
        )
        return
    parts = text[:_MOST_CARD].decode("utf-8", "replace").split("---\n", 2)
    try:
        # Not by libyaml, which deep nesting overflows.
        front = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0] else None
    except (yaml.YAMLError, RecursionError):
        front = None
    info = front.get("dataset_info") if isinstance(front, dict) else None
    if not isinstance(info, dict):
        yield Fault(rule="card", text="README.md does not begin with YAML that has a dataset_info")
    elif index is not None and not columns_fit(info.get("features"), index.members):
        yield Fault(rule="card", text="the columns in README.md do not match the samples")


def _unchecked(ours: bool, index: ShardIndex | None, whole_set: bool, names: Sequence[str], deep: bool) -> list[str]:
    remarks = []
    if index is None:
        place = "" if whole_set else "one tar alone: "
        remarks.append(f"{place}whether shards are missing or were exchanged: there is no index.json")
    if not ours:
        remarks.append("JSON, hashes and lengths of media: these shards were not made by mmdia pack")
    if not deep:
        remarks.append("whether the media can be decoded (add --deep)")
    packed = [name for name in names if name.endswith((".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2"))]
    if packed:
        remarks.append(f"{len(packed):,} compressed tars, such as {packed[0]}")
    return remarks

"""Shards to be damaged: tars taken apart and put together again, so that a test can spoil one thing at a time."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from mmdia_dataset.schema import Shard
from mmdia_dataset.shards.index import index_text, make_index, parse_index

Members = list[tuple[str, bytes]]


def members(tar: Path) -> Members:
    """Name and content of each member."""
    with tarfile.open(tar, "r:") as opened:
        return [(one.name, opened.extractfile(one).read()) for one in opened]


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, **others: object) -> bytes:
    """A header as this package writes them, unless told otherwise."""
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.type = size, 0o444, kind
    for field, value in others.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT if size >= 8 << 30 or len(name) > 100 else tarfile.USTAR_FORMAT)


def block(name: str, data: bytes, **others: object) -> bytes:
    """A member: header, data, padding."""
    return header(name, len(data), **others) + data + bytes(-len(data) % 512)


def tar(blocks: list[bytes], end: int = 1024) -> bytes:
    """Members as a tar."""
    return b"".join(blocks) + bytes(end)


def rebuilt(members: Members) -> bytes:
    """Members as a tar."""
    return tar([block(name, data) for name, data in members])


def mended(header: bytes) -> bytes:
    """A header with the right checksum."""
    total = sum(header[:148]) + 8 * 32 + sum(header[156:512])
    return header[:148] + b"%06o\0 " % total + header[156:]


def reindex(folder: Path) -> None:
    """Make the index fit what is there, as a packer that packs something wrong would."""
    index = parse_index((folder / "index.json").read_bytes())
    shards = []
    for shard in index.shards:
        file = folder / shard.file
        if file.exists():
            data = file.read_bytes()
            try:
                with tarfile.open(fileobj=io.BytesIO(data)) as opened:
                    count = len({name.split(".")[0] for name in opened.getnames()})
            except tarfile.TarError:
                count = shard.samples
            said = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "samples": count}
            shards.append(Shard.model_validate({**json.loads(shard.model_dump_json()), **said}))
    (folder / "index.json").write_text(index_text(make_index(shards, index.members, index.beside)))

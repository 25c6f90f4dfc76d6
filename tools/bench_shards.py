"""Shards against tar and sha256sum, on the same bytes: media of about a megabyte each, and 40,000 tiny members.

The shards are written by `write_shard`, as `mmdia pack` does; plain tar packs the same members from files. Each
command is run once before it is measured, so that all read from memory; the best of three is shown.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mmdia_dataset.schema import Dialogue, MadeLine
from mmdia_dataset.shards.index import INDEX, index_text, make_index
from mmdia_dataset.shards.keys import key_of
from mmdia_dataset.shards.shard_card import README, shards_card
from mmdia_dataset.shards.tar_samples import sample_bytes, sample_of

__all__ = ["compare"]


class Spent(Protocol):
    """What running a command took: CPU and wall seconds."""

    @property
    def cpu(self) -> float:
        """Seconds."""
        ...

    @property
    def wall(self) -> float:
        """Seconds."""
        ...


Cost = Callable[[list[str]], Spent]
Show = Callable[..., None]

# Packs a folder of `key.member` files as `mmdia pack` packs clips: read, write, read back, put in place.
PACK = """
import os, sys
from pathlib import Path
from mmdia_dataset.files import content_of
from mmdia_dataset.shards.stores import Store
from mmdia_dataset.shards.shard_writer import PackedSample, write_shard
folder, out = sys.argv[1], Path(sys.argv[2])
groups = {}
for name, size in sorted((entry.name, entry.stat().st_size) for entry in os.scandir(folder)):
    key, _, member = name.partition(".")
    groups.setdefault(key, []).append((member, name, size))
samples = (
    PackedSample(key, {m: content_of(f"{folder}/{name}", size) for m, name, size in files})
    for key, files in groups.items()
)
shard = write_shard(Store(out), "data/train-00000-of-00001.tar", "train", samples, "0" * 64)
(out / "shard.json").write_text(shard.model_dump_json())
"""
CHECK = "import sys; from mmdia_dataset.cli import main; sys.argv = ['mmdia', 'check', sys.argv[1]]; main()"
HASHLIB = """
import hashlib, sys
with open(sys.argv[1], "rb") as file:
    print(hashlib.file_digest(file, "sha256").hexdigest())
"""
TARFILE = "import sys, tarfile; print(len(tarfile.open(sys.argv[1]).getnames()))"
READ = """
import sys, webdataset
from mmdia_dataset.shards.open_shards import open_shards
if sys.argv[2] == "rows":
    print(sum(len(row["turns"]) for row in open_shards(sys.argv[1])))
else:
    import json
    samples = webdataset.WebDataset(sys.argv[1] + "/data/train-00000-of-00001.tar", shardshuffle=False)
    print(sum(len(json.loads(sample["json"])["turns"]) for sample in samples))
"""
IMPORTS = "import mmdia_dataset.cli.check; import mmdia_dataset.commands.check"


def compare(work: Path, cost: Cost, show: Show) -> None:
    """Print how packing, checking and reading compare."""
    for name, count, size in (("media", 1000, 1_000_000), ("tiny", 20_000, 300)):
        folder = work / f"shards-{name}"
        if not (folder / "files").exists():
            print(f"  (writing {2 * count:,} files)", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            _write_files(folder / "temporary", count, size)
            (folder / "temporary").replace(folder / "files")
        _one(folder, name, count, cost, show)


def _one(folder: Path, name: str, count: int, cost: Cost, show: Show) -> None:
    files, out = folder / "files", folder / "out"

    def python(code: str, *arguments: object) -> list[str]:
        return [sys.executable, "-c", code, *map(str, arguments)]

    def best(*command: str) -> Spent:
        runs = [cost(list(command)) for _ in range(4)][1:]
        return min(runs, key=lambda run: run.cpu)

    plain = best("tar", "--sort=name", "-cf", str(folder / "plain.tar"), "-C", str(files), ".")
    packed = best(*python(PACK, files, out))
    from mmdia_dataset.schema import Shard

    shard = Shard.model_validate_json((out / "shard.json").read_bytes())
    (out / "shard.json").unlink()
    index = make_index([shard], ("json", "wav"))
    (out / README).write_text(shards_card(index), encoding="utf-8")
    (out / INDEX).write_text(index_text(index), encoding="utf-8")
    tar = str(out / shard.file)
    print(f"shards: {2 * count:,} members of {name}, {shard.bytes / 1e6:.0f} MB in one tar")
    show("tar -cf of the same files", plain)
    show("write a shard: and read it back", packed, plain)
    summed = best("sha256sum", tar)
    show("sha256sum", summed)
    show("mmdia check", best(*python(CHECK, out)), summed)
    show("our part: starting Python, imports", best(*python(IMPORTS)), summed)
    show("hashlib's SHA-256 alone", best(*python(HASHLIB, tar)), summed)
    show("tar -tf (looks at headers alone)", best("tar", "-tf", tar), summed)
    show("tarfile.getnames()", best(*python(TARFILE, tar)), summed)
    loop = best(*python(READ, out, "plain"))
    show("webdataset, and json.loads", loop)
    show("open_shards: the loader's rows", best(*python(READ, out, "rows")), loop)


def _write_files(folder: Path, count: int, size: int) -> None:
    """Samples as files: a dialogue of some turns, and a WAV of noise."""
    folder.mkdir(parents=True)
    rnd = random.Random(0)  # noqa: S311
    noise = rnd.randbytes(size + count)
    import hashlib

    for number in range(count):
        samples = size // 2
        head = b"RIFF" + (36 + 2 * samples).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
        head += b"\1\0\1\0" + (16000).to_bytes(4, "little") + (32000).to_bytes(4, "little") + b"\2\0\x10\0data"
        wav = head + (2 * samples).to_bytes(4, "little") + noise[number : number + 2 * samples]
        length_ms = round(samples / 16)
        dialogue = _dialogue(number, length_ms)
        line = MadeLine.model_validate_json(
            json.dumps(
                {
                    "id": dialogue.id, "movie": dialogue.movie, "splits": ["train"], "mode": "audio", "status": "made",
                    "span": {"start_ms": 0, "end_ms": length_ms}, "settings": {"mode": "audio"}, "rate": "1/1",
                    "file": f"clips/{number}.wav", "sha256": hashlib.sha256(wav).hexdigest(), "size": len(wav),
                    "recording": {"name": "a.mkv", "fingerprint": "sha256:" + "0" * 64}, "offset_ms": 0.0,
                    "at": {"start_s": 0.0, "end_s": samples / 16000}, "frames": None, "samples": samples,
                    "evidence": {"tier": "identity"},
                }
            )
        )  # fmt: skip
        key = key_of(dialogue.id)
        (folder / f"{key}.wav").write_bytes(wav)
        (folder / f"{key}.json").write_bytes(sample_bytes(sample_of(dialogue, ("train",), [line])))


def _dialogue(number: int, length_ms: int) -> Dialogue:
    turn = {
        "speaker": 0, "span": {"start_ms": 0, "end_ms": length_ms}, "text": "I always thought you would stay here.",
        "cue": 1, "nonverbal": [], "visibility": "unknown",
    }  # fmt: skip
    return Dialogue.model_validate_json(
        json.dumps(
            {
                "id": f"tt0000001_clip_{number}", "movie": "tt0000001", "batch": "movie_1", "number": number,
                "timeline": "movie", "span": {"start_ms": 0, "end_ms": length_ms}, "turns": [turn] * 8,
                "speakers": [{"id": 0, "name": "Anna", "named": True, "visible": "unknown"}],
                "description": "She speaks softly, then louder, as if she had waited long for this.",
            }
        )
    )  # fmt: skip

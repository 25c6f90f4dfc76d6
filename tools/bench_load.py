"""Reading annotations: against `json.load` of the published files, against pydantic, and the tasks' rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from bench_report import Run, Show, python

from mmdia_dataset.built.manifest import MANIFEST, write_marker
from mmdia_dataset.release import open_release
from mmdia_dataset.schema import FORMAT_VERSION, Clip, Keyframe, Media, arrow
from mmdia_dataset.views import TASKS
from tests.support import releases

DATASETS = "import datasets"
JSON_LOAD = """
import json, sys, pathlib
for file in pathlib.Path(sys.argv[1]).rglob("json/**/*.json"):
    with file.open(encoding="utf-8") as lines:
        json.load(lines)
"""
LOAD = """
import sys, datasets, mmdia_dataset
datasets.disable_progress_bars()
data = mmdia_dataset.load(sys.argv[3], data_dir=sys.argv[1], cache_dir=sys.argv[2])
assert sum(len(split) for split in data.values())
"""
READ = """
import sys
from mmdia_dataset.release import open_release
print(sum(1 for reading in open_release(sys.argv[1]).read() if reading.dialogue))
"""
CONVERT = """
import sys, mmdia_dataset
mmdia_dataset.convert(sys.argv[1], to=sys.argv[3], out=sys.argv[2])
"""
FROM_JSON = """
import pathlib, sys
from pydantic_core import from_json
for file in pathlib.Path(sys.argv[1]).rglob("json/**/*.json"):
    from_json(file.read_bytes(), cache_strings="keys")
"""
IMPORTS = "import mmdia_dataset.loader"
PYDANTIC = """
import sys
from mmdia_dataset.schema import Dialogue
for file in __import__("pathlib").Path(sys.argv[1]).glob("dialogues/*.jsonl"):
    with file.open("rb") as lines:
        for line in lines:
            Dialogue.model_validate_json(line)
"""
VALIDATE = """
import sys, mmdia_dataset
print(mmdia_dataset.validate(sys.argv[1]).dialogues)
"""


def release(work: Path, dialogues: int, movies: int = 200) -> Path:
    """A synthetic release in dialect 1, made once."""
    folder = work / f"release-{movies}-{dialogues}"
    if not folder.exists():
        print(f"  (writing {dialogues:,} dialogues)", flush=True)
        temporary = work / "release-temporary"
        shutil.rmtree(temporary, ignore_errors=True)
        releases.write_release(temporary, movies=movies, dialogues=dialogues, seed=0, dialect="srt")
        temporary.replace(folder)
    return folder


def _fresh(path: Path) -> Path:
    """A path that does not exist."""
    shutil.rmtree(path, ignore_errors=True)
    return path


def load(work: Path, dialogues: int, cost: Run, show: Show) -> None:
    """Reading and preparing annotations against `json.load` of the same files."""
    folder = release(work, dialogues)
    files = list(folder.rglob("json/**/*.json"))
    print(f"load: {dialogues:,} dialogues in 200 files, {sum(file.stat().st_size for file in files) / 1e6:.0f} MB")
    peer = cost(python(JSON_LOAD, folder))
    parquet = _fresh(work / "release-parquet")
    show("json.load of all files", peer)
    show("read: models and issues", cost(python(READ, folder)), peer)
    show("convert to Parquet", cost(python(CONVERT, folder, parquet, "parquet")), peer)
    show("load() prepares from dialect 1", cost(python(LOAD, folder, _fresh(work / "cache-1"), "dialogues")), peer)
    stored = cost(python(LOAD, parquet, _fresh(work / "cache-2"), "dialogues"))
    show("load() prepares from our Parquet", stored, peer)
    show("load() again, from the cache", cost(python(LOAD, parquet, work / "cache-2", "dialogues")), peer)
    show("of these: imports", cost(python(IMPORTS)), peer)
    show("of which `datasets` alone", cost(python(DATASETS)), peer)
    parsed = cost(python(FROM_JSON, folder))
    show("the JSON, parsed by pydantic-core", parsed, peer)
    floor = (parsed.cpu + stored.cpu) / peer.cpu
    print(f"  goal of load() from dialect 1: 3x; parsing, and storing rows that are ready, take {floor:.1f}x")


def validate(work: Path, dialogues: int, cost: Run, show: Show) -> None:
    """`validate` against pydantic alone on the same rows, and its memory at a fifth of the movies."""
    folder = release(work, dialogues)
    rows = work / f"release-jsonl-{dialogues}"
    if not rows.exists():
        cost(python(CONVERT, folder, rows, "jsonl"))
    print(f"validate: {dialogues:,} dialogues as JSON lines")
    peer = cost(python(PYDANTIC, rows))
    show("pydantic alone", peer)
    show("mmdia validate", cost(python(VALIDATE, rows)), peer, "goal 1.5x")
    show("the same without splits, so no copies", cost(python(VALIDATE, rows / "dialogues")), peer)
    show("of these: imports", cost(python("import mmdia_dataset.commands.validate")), peer)
    show("mmdia validate, of dialect 1", cost(python(VALIDATE, folder)), peer)
    fifth = release(work, dialogues // 5, movies=40)
    show("the same, of a fifth of the movies", cost(python(VALIDATE, fifth)), peer)


def built(work: Path, dialogues: int) -> Path:
    """A built directory of all dialogues of a release with all kinds of media, but for the media themselves."""
    folder = work / f"built-{dialogues}"
    if folder.exists():
        return folder
    print(f"  (writing annotations and manifest of {dialogues:,} clips)", flush=True)
    temporary = _fresh(work / "built-temporary")
    (temporary / "annotations").mkdir(parents=True)
    opened = open_release(release(work, dialogues))
    clips: dict[str, list[Clip]] = {}
    with (temporary / MANIFEST).open("w", encoding="utf-8", newline="\n") as lines:
        for dialogue in opened.dialogues():
            start, end = dialogue.span.start_ms / 1000, dialogue.span.end_ms / 1000
            stem = f"clips/{dialogue.movie}/{dialogue.id}"
            stills = [
                Keyframe(
                    image=Media(path=f"{stem}.keyframes/{number:03}.jpg"), time_ms=turn.span.start_ms + 40, turn=number
                )
                for number, turn in enumerate(dialogue.turns)
            ]
            media: dict[str, Any] = {
                "audio": Media(path=f"{stem}.wav"),
                "video": Media(path=f"{stem}.mp4"),
                "keyframes": tuple(stills),
            }
            clip = Clip(**dict(dialogue), **media, frames=round(end * 24), samples=round(end * 48_000), error_ms=0.3)
            splits = opened.splits_of(dialogue.id)
            for split in splits:
                clips.setdefault(split, []).append(clip)
            for mode, file in (("audio", f"{stem}.wav"), ("copy", f"{stem}.mp4"), ("keyframes", f"{stem}.keyframes")):
                line = {
                    "version": FORMAT_VERSION,
                    "id": dialogue.id,
                    "movie": dialogue.movie,
                    "splits": splits,
                    "mode": mode,
                    "span": {"start_ms": dialogue.span.start_ms, "end_ms": dialogue.span.end_ms},
                    "status": "made",
                    "settings": {"mode": mode, "language": None, "track": None},
                    "file": file,
                    "sha256": "0" * 64,
                    "size": 1_000_000,
                    "recording": {"name": f"{dialogue.movie}.mkv", "fingerprint": f"sha256:{'0' * 64}"},
                    "rate": "25025/24000" if dialogue.number % 2 else "1/1",
                    "offset_ms": 15015.0,
                    "at": {"start_s": round(start + 15.02, 6), "end_s": round(end + 15.04, 6)},
                    "frames": clip.frames,
                    "samples": clip.samples,
                    "evidence": {"tier": "fingerprint", "error_ms": 0.3, "confidence": 0.99},
                }
                lines.write(json.dumps(line, separators=(",", ":")) + "\n")
    write_marker(temporary)
    for name, rows in clips.items():
        pq.write_table(arrow.to_table(rows, Clip), temporary / "annotations" / f"{name}.parquet", row_group_size=1000)
    temporary.replace(folder)
    return folder


def tasks(work: Path, dialogues: int, cost: Run, show: Show) -> None:
    """The rows of each task, made from a built directory, against `clips` of the same, which are stored."""
    folder = built(work, dialogues)
    print(f"tasks: rows of {dialogues:,} clips")
    peer = cost(python(LOAD, folder, _fresh(work / "cache-clips"), "clips"))
    show("load('clips')", peer)
    for name in TASKS:
        show(f"load({name!r})", cost(python(LOAD, folder, _fresh(work / "cache-task"), name)), peer)

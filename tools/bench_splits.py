"""Splits and statistics of a full-size release: time, memory, and how many planted copies are found.

Called by bench.py. The release has 200 films and 9 series, 54,700 dialogues, words as frequent as in real dialogues,
common phrases, and copies: cuts with words left out and changed, recaps, narrations.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmdia_dataset.release import open_release
from mmdia_dataset.splitting import Wording
from tests.support import corpora

SPLITS = """
import sys, json, mmdia_dataset
report = mmdia_dataset.splits(sys.argv[1], sys.argv[2], seed=1)
assert not report.leaks, report.leaks.counts()
"""
VALIDATE = """
import sys, mmdia_dataset
report = mmdia_dataset.validate(sys.argv[1], splits=sys.argv[2] if len(sys.argv) > 2 else None)
print({rule: count for (_, rule), count in report.counts.items() if "split" in rule})
"""
STATS = """
import sys, mmdia_dataset
mmdia_dataset.stats(sys.argv[1], plots=sys.argv[2] if len(sys.argv) > 2 else None)
"""
NAIVE = """
import json, sys, pathlib
for file in pathlib.Path(sys.argv[1]).glob("dialogues/*.jsonl"):
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            json.loads(line)
"""


def compare(work: Path, dialogues: int, cost: Callable[..., Any], python: Callable[..., list[str]]) -> None:
    """Print all figures; `json.loads` of every line is the peer."""
    folder = work / f"corpus-{dialogues}"
    copies = work / f"corpus-{dialogues}-copies.json"
    if not copies.exists():
        print(f"  (writing {dialogues:,} dialogues)", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        work.mkdir(exist_ok=True)
        corpus = corpora.write_corpus(folder, dialogues=dialogues, copies=150)
        copies.write_text(json.dumps(corpus.copies), encoding="utf-8")
    print(f"splits: {dialogues:,} dialogues of 200 films and 9 series")
    peer = cost(python(NAIVE, folder))
    splits = work / "splits.json"
    rows = {
        "json.loads of every line": peer,
        "mmdia stats": cost(python(STATS, folder)),
        "mmdia stats --plots": cost(python(STATS, folder, work / "plots")),
        "mmdia splits": cost(python(SPLITS, folder, splits)),
        "mmdia validate, official splits": cost(python(VALIDATE, folder)),
        "mmdia validate --splits, made ones": cost(python(VALIDATE, folder, splits)),
    }
    for name, spent in rows.items():
        ratio = f"{spent.cpu / peer.cpu:7.2f}x CPU"
        print(f"  {name:<36} {spent.cpu:7.2f} s CPU {spent.wall:7.2f} s wall {spent.peak:6.0f} MB {ratio}", flush=True)
    _found(folder, json.loads(copies.read_text(encoding="utf-8")))


def _found(folder: Path, planted: dict[str, list[list[str]]]) -> None:
    """Recall by kind of copy, and precision: pairs of copies of one source are copies of each other too."""
    wording, ids, movies, numbers = Wording(), [], [], dict[str, int]()
    for dialogue in open_release(folder).dialogues():
        ids.append(dialogue.id)
        movies.append(numbers.setdefault(dialogue.movie, len(numbers)))
        wording.add(turn.text for turn in dialogue.turns)
    detected = {frozenset((ids[copy.first], ids[copy.second])) for copy in wording.copies(movies)}
    families: dict[str, set[str]] = {}
    for kind, pairs in planted.items():
        expected = {
            frozenset(pair) for pair in pairs if pair[0].rpartition("_clip_")[0] != pair[1].rpartition("_clip_")[0]
        }
        print(f"  {kind}: {len(expected & detected)} of {len(expected)} found")
        for source, copy in pairs:
            families.setdefault(source, {source}).add(copy)
    true = {frozenset(pair) for family in families.values() for pair in itertools.combinations(sorted(family), 2)}
    print(f"  of {len(detected)} pairs found, {len(detected & true)} were planted")

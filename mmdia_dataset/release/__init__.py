"""Releases: annotations as published, read and written in every dialect.

`open_release` finds the annotations in a folder, `Release.read` streams them as `Dialogue` models with the issues met,
`convert` writes them in another dialect. Every quirk of upstream's files is handled here; `RULES` lists what is
reported. Reading an entry and writing it again loses nothing (`residue.py` says how).

| dialect | what | one file |
|---|---|---|
| `parquet`, `jsonl` | ours: `dialogues/<split>.*`, `movies.jsonl`, `splits.json` | `own.py` |
| `srt` | as the authors' pipeline writes it, one JSON per movie | `srt.py` |
| `utterances` | as the release's README names it, one JSON per movie | `utterances.py` |
| `training` | JSONL of the authors' training code | `training.py` |

A new dialect needs a file with `LINES`, `read_entry` and `write_entry`, a line in `sniff.py` that recognises it, and
an entry in `movie_files.ENTRY_READERS` and in `writers.WRITERS`.
"""

from mmdia_dataset.release.audio import ENCODED, HEARD_BEST, LISTENED_TO, ReleaseAudio, ReleasedSound, first_kind
from mmdia_dataset.release.folder import Release, open_release
from mmdia_dataset.release.identity import series_of
from mmdia_dataset.release.movie_files import EntryReading, SourceFile
from mmdia_dataset.release.passports import PASSPORTS, passport_issues, read_passport, write_passport
from mmdia_dataset.release.rules import RULES
from mmdia_dataset.release.sniff import DIALECTS, Dialect
from mmdia_dataset.release.split_files import part_name, splits_of_file, write_splits
from mmdia_dataset.release.writers import WRITERS, ConvertReport, convert

__all__ = [
    "DIALECTS",
    "ENCODED",
    "HEARD_BEST",
    "LISTENED_TO",
    "PASSPORTS",
    "RULES",
    "WRITERS",
    "ConvertReport",
    "Dialect",
    "EntryReading",
    "Release",
    "ReleaseAudio",
    "ReleasedSound",
    "SourceFile",
    "convert",
    "first_kind",
    "open_release",
    "part_name",
    "passport_issues",
    "read_passport",
    "series_of",
    "splits_of_file",
    "write_passport",
    "write_splits",
]

"""Which recording is which movie, by names; `locating.py` says which names have priority.

A movie without a recording is reported with the reason; nothing is guessed. If several recordings may be one movie,
all are kept, strongest claim first; the sound decides later which of them fits best.

| module | what |
|---|---|
| `locating.py` | `locate`: a folder's recordings against the movies sought |
| `candidates.py` | its result: `Library`, `Claimant`, `Missing`, and the `Strength` of a claim |
| `mapping.py` | `media.toml`, the explicit mapping |
| `sought.py` | the movies sought, by id, title, and series |
| `media_files.py` | the recordings below a folder, without extras |
| `claims.py`, `titles.py` | what one recording claims to be |
| `names.py`, `episodes.py`, `nfo.py` | what one name, or one .nfo file, says |
"""

from mmdia_dataset.library.candidates import Claimant, Library, Missing, Strength
from mmdia_dataset.library.locating import locate
from mmdia_dataset.library.mapping import MEDIA_MAP

__all__ = ["MEDIA_MAP", "Claimant", "Library", "Missing", "Strength", "locate"]

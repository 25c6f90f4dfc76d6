"""Which recording is which movie, by what names say; `search.py` says in which order names are believed.

A movie with no recording is reported with the reason; nothing is guessed. Where several recordings may be one movie,
all are kept, strongest claim first: which of them fits best has to be measured.

| module | what |
|---|---|
| `search.py` | `locate`: a folder's recordings against the movies sought |
| `candidates.py` | what it gives: `Library`, `Claimant`, `Missing`, and the `Strength` of a claim |
| `mapping.py` | `media.toml`, the explicit mapping |
| `sought.py` | the movies sought, by id, title, and series |
| `recordings.py` | the recordings below a folder, without extras |
| `claims.py`, `titles.py` | what one recording claims to be |
| `names.py`, `episodes.py`, `nfo.py` | what one name, or one .nfo file, says |
"""

from mmdia_dataset.library.candidates import Claimant, Library, Missing, Strength
from mmdia_dataset.library.locating import locate
from mmdia_dataset.library.mapping import MEDIA_MAP

__all__ = ["MEDIA_MAP", "Claimant", "Library", "Missing", "Strength", "locate"]

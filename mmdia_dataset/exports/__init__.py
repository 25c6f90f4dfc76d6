"""Exports: a built directory in the formats that other programs train and score with.

| format | what | one file |
|---|---|---|
| `training` | JSON lines of the authors' training code, with paths of media | `dialects.py` |
| `lhotse` | recordings and supervisions | `manifests.py` |
| `nemo` | a NeMo manifest | `manifests.py` |
| `messages` | chat messages with media, as ShareGPT-like trainers read them | `messages.py` |
| `rttm`, `stm` | who speaks when, and what | `segments.py` |

A new format is a function from a `Split` to files with their lines, and a line in `formats.FORMATS`.
"""

from mmdia_dataset.exports.formats import FORMATS

__all__ = ["FORMATS"]

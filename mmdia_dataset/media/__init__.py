"""Media files: the only package here that imports av.

What a file is (`probe`, `fingerprint`), its packets (`Recording`), a span of them as a file of its own (`remux`), its
sound as samples (`samples_of`), and whether a finished file is whole (`check_clip`, `verify`).
"""

from __future__ import annotations

from mmdia_dataset.media.decode import samples_of
from mmdia_dataset.media.encode import write_film
from mmdia_dataset.media.mux import preroll, remux
from mmdia_dataset.media.packets import EmptySpan, Recording, Stretch
from mmdia_dataset.media.probe import AudioInfo, MediaInfo, VideoInfo, can_decode, fingerprint, probe, same_language
from mmdia_dataset.media.verify import check_clip, verify

__all__ = [
    "AudioInfo",
    "EmptySpan",
    "MediaInfo",
    "Recording",
    "Stretch",
    "VideoInfo",
    "can_decode",
    "check_clip",
    "fingerprint",
    "preroll",
    "probe",
    "remux",
    "same_language",
    "samples_of",
    "verify",
    "write_film",
]

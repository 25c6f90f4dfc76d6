"""Media files: the only package here that imports av.

What a file is (`probe`, `fingerprint`), its packets (`Recording`), a span of them as a file of its own (`remux`), its
pictures one by one (`Pictures`, `Upright`), encoded anew (`ClipEncoder`), its sound as samples (`Sound`; all of it at a
low rate, `sound_of`), its subtitles (`text_tracks`), and whether a finished file is whole (`check_clip`, `verify`).
"""

from __future__ import annotations

from mmdia_dataset.media.decode import Sound
from mmdia_dataset.media.encode import write_film
from mmdia_dataset.media.encoder import CODECS, ClipEncoder, aac_rate
from mmdia_dataset.media.finder import Finder
from mmdia_dataset.media.lossless import FLAC_CHANNELS, FlacSound
from mmdia_dataset.media.mux import margins, mp4_holds, remux
from mmdia_dataset.media.packets import Recording
from mmdia_dataset.media.pictures import Pictures, silent, steady
from mmdia_dataset.media.probe import (
    AudioInfo,
    MediaInfo,
    VideoInfo,
    audio_order,
    can_decode,
    fingerprint,
    probe,
    same_language,
)
from mmdia_dataset.media.ranges import Ranges
from mmdia_dataset.media.samples import Unsure
from mmdia_dataset.media.sound import SOUND_RATE, sound_of
from mmdia_dataset.media.stretches import EmptySpan, Stretch
from mmdia_dataset.media.texttracks import Cue, SubtitleTrack, text_tracks
from mmdia_dataset.media.upright import Frame, Upright, rgb_of
from mmdia_dataset.media.verify import check_clip, counts, verify

__all__ = [
    "CODECS",
    "FLAC_CHANNELS",
    "SOUND_RATE",
    "AudioInfo",
    "ClipEncoder",
    "Cue",
    "EmptySpan",
    "Finder",
    "FlacSound",
    "Frame",
    "MediaInfo",
    "Pictures",
    "Ranges",
    "Recording",
    "Sound",
    "Stretch",
    "SubtitleTrack",
    "Unsure",
    "Upright",
    "VideoInfo",
    "aac_rate",
    "audio_order",
    "can_decode",
    "check_clip",
    "counts",
    "fingerprint",
    "margins",
    "mp4_holds",
    "probe",
    "remux",
    "rgb_of",
    "same_language",
    "silent",
    "sound_of",
    "steady",
    "text_tracks",
    "verify",
    "write_film",
]

"""Media files: the only package here that imports av.

What a file is (`probe`, `fingerprint`), its packets (`OpenRecording`), a span of them as a file of its own (`remux`),
its pictures one by one (`Pictures`, `Upright`), encoded again (`ClipEncoder`), its sound as samples (`Sound`; all of
it at a low rate, `sound_of`), its subtitles (`text_tracks`), and whether a finished file is whole (`check_clip`,
`verify`).
"""

from __future__ import annotations

import gc
import os

from mmdia_dataset.media.containers.packet_rows import Unsure
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
from mmdia_dataset.media.reading.clock import clock_of
from mmdia_dataset.media.reading.finder import SpanFinder
from mmdia_dataset.media.reading.recording import OpenRecording
from mmdia_dataset.media.reading.stretches import EmptySpan, Stretch
from mmdia_dataset.media.sound.samples import Sound
from mmdia_dataset.media.sound.stream import SOUND_RATE, sound_of
from mmdia_dataset.media.texttracks import Cue, SubtitleTrack, text_tracks
from mmdia_dataset.media.upright import Frame, Upright, rgb_of
from mmdia_dataset.media.writing.by_ranges import Ranges
from mmdia_dataset.media.writing.encoder import CODECS, ClipEncoder, aac_rate
from mmdia_dataset.media.writing.lossless import FLAC_CHANNELS, FlacSound
from mmdia_dataset.media.writing.mux import margins, mp4_holds, remux
from mmdia_dataset.media.writing.verify import check_clip, counts, verify

# A forked process that frees what libav made for its parent waits for threads which only the parent has, for ever: the
# loaders of torch fork. So garbage that the parent left is not collected in it.
os.register_at_fork(after_in_child=gc.freeze)

__all__ = [
    "CODECS",
    "FLAC_CHANNELS",
    "SOUND_RATE",
    "AudioInfo",
    "ClipEncoder",
    "Cue",
    "EmptySpan",
    "FlacSound",
    "Frame",
    "MediaInfo",
    "OpenRecording",
    "Pictures",
    "Ranges",
    "Sound",
    "SpanFinder",
    "Stretch",
    "SubtitleTrack",
    "Unsure",
    "Upright",
    "VideoInfo",
    "aac_rate",
    "audio_order",
    "can_decode",
    "check_clip",
    "clock_of",
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
]

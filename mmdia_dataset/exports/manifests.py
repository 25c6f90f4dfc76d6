"""Manifests of speech toolkits: lhotse's recordings and supervisions, and NeMo's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mmdia_dataset.exports.source import SplitSource, SpokenSegment
from mmdia_dataset.schema import Clip

__all__ = ["lhotse", "nemo"]


def lhotse(source: SplitSource) -> Iterator[tuple[str, str]]:
    """A recording per clip and a supervision per turn, for lhotse's ``RecordingSet`` and ``SupervisionSet``."""
    for clip in source.clips():
        sound = source.sound(clip)
        if sound is None:
            continue
        channels = list(range(sound.channels))
        recording = {
            "id": clip.id,
            "sources": [{"type": "file", "channels": channels, "source": sound.path}],
            "sampling_rate": sound.rate,
            "num_samples": sound.samples,
            "duration": sound.samples / sound.rate,
            "channel_ids": channels,
        }
        yield f"mm-dia_recordings_{source.split}.jsonl.gz", _line(recording)
        for segment in source.segments(clip, sound.ms):
            supervision: dict[str, Any] = {
                "id": f"{clip.id}-{segment.place:03}",
                "recording_id": clip.id,
                "start": segment.start_ms / 1000,
                "duration": (segment.end_ms - segment.start_ms) / 1000,
                "channel": 0 if sound.channels == 1 else channels,
                "text": segment.turn.text,
                "speaker": _speaker(clip, segment),
            }
            if clip.language:
                supervision["language"] = clip.language
            supervision["custom"] = {
                "tag": segment.tag,
                "cue": segment.turn.cue,
                "nonverbal": [sound.sound for sound in segment.turn.nonverbal],
                "visibility": segment.turn.visibility,
            }
            yield f"mm-dia_supervisions_{source.split}.jsonl.gz", _line(supervision)


def nemo(source: SplitSource) -> Iterator[tuple[str, str]]:
    """A line per turn, with the place of its words in the clip's sound."""
    for clip in source.clips():
        sound = source.sound(clip)
        if sound is None:
            continue
        for segment in source.segments(clip, sound.ms):
            entry = {
                "audio_filepath": sound.path,
                "offset": segment.start_ms / 1000,
                "duration": (segment.end_ms - segment.start_ms) / 1000,
                "text": segment.turn.text,
                "speaker": _speaker(clip, segment),
                "dialogue": clip.id,
            }
            yield f"mm-dia_nemo_{source.split}.json", _line(entry | ({"lang": clip.language} if clip.language else {}))


def _speaker(clip: Clip, segment: SpokenSegment) -> str:
    """The same id in the whole movie for a named speaker; an id within the dialogue for others, who may be anyone."""
    speaker = segment.turn.speaker
    if speaker is not None and speaker < len(clip.speakers) and clip.speakers[speaker].named:
        return f"{clip.movie}/{clip.speakers[speaker].name}"
    return f"{clip.id}/{segment.tag}"


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)

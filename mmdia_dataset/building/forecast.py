"""What a rebuild will make and cost: known before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from mmdia_dataset import clips
from mmdia_dataset.errors import MediaError
from mmdia_dataset.library import Claimant
from mmdia_dataset.media import MediaInfo, probe

__all__ = ["Forecast", "clip_bytes"]

# Of an ordinary machine, for a forecast: seconds of sound listened to, and bytes of clips written and checked.
_HEARD_PER_SECOND = 200


_COPIED_PER_SECOND = 60e6


_ENCODED_PER_SECOND, _ENCODED_BYTES = 3, 400e3


_BYTES_PER_PIXEL = {"jpg": 0.3, "png": 1.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a rebuild will make: clips and hours exactly, bytes by the recordings' own rates.

    ``seconds`` is a rough guess for one process: listening to every candidate, and copying.
    """

    movies: int
    clips: int
    hours: float
    bytes: int
    seconds: float


def _forecast(
    wishes: dict[str, list[clips.Wish]],
    located: dict[str, tuple[Claimant, ...]],
    settings: clips.Settings,
    listen: bool,
) -> Forecast:
    count, ms, size, seconds = 0, 0, 0.0, 0.0
    for movie, candidates in located.items():
        length = sum(max(0, wish.span.duration_ms) for wish in wishes[movie] if wish.placed)
        count += len(wishes[movie])
        ms += length
        try:
            info = probe(candidates[0].path)
            really = clips.instead(info.path, settings) if isinstance(settings, clips.CopySettings) else settings
        except MediaError:
            continue  # said when it is cut
        if listen and info.duration_s:
            seconds += float(info.duration_s) * len(candidates) / _HEARD_PER_SECOND
        size += sum(clip_bytes(wish, info, really) for wish in wishes[movie])
        if isinstance(really, clips.EncodeSettings):
            seconds += length / 1000 / _ENCODED_PER_SECOND
    seconds += size / _COPIED_PER_SECOND
    return Forecast(movies=len(located), clips=count, hours=ms / 3_600_000, bytes=round(size), seconds=seconds)


def clip_bytes(wish: clips.Wish, info: MediaInfo, settings: clips.Settings) -> float:
    """About how many bytes a clip of a recording will have."""
    seconds = max(0, wish.span.duration_ms) / 1000 if wish.placed else 0.0
    if isinstance(settings, clips.AudioSettings):
        track = info.audio[0] if info.audio else None
        channels = 1 if settings.mono else (track.channels if track else 0)
        rate = settings.sample_rate or (track.sample_rate if track else 0)
        width = 4 if settings.float32 else 1.2 if settings.sound == "flac" else 2
        return seconds * channels * rate * width
    if isinstance(settings, clips.KeyframeSettings):
        return len(wish.moments) * _picture_bytes(info, settings)
    if isinstance(settings, clips.EncodeSettings):
        return seconds * _ENCODED_BYTES
    # Two seconds more: it starts at the keyframe before.
    return float(info.size / info.duration_s) * (seconds + 2) if info.duration_s else 0.0


def _picture_bytes(info: MediaInfo, settings: clips.KeyframeSettings) -> float:
    if info.video is None or not info.video.height:
        return 0
    height = settings.height or info.video.height
    return height * height * info.video.width / info.video.height * _BYTES_PER_PIXEL[settings.image]

"""How likely somebody speaks, and how likely somebody begins to speak, a hundred times a second.

WebRTC's detector takes most music for speech. What tells the two apart is loudness: speech makes it rise and fall
several times a second in all bands at once, and it rises after a pause where a line begins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from mmdia_dataset.media import SOUND_RATE

__all__ = ["SpeechCurves", "VoiceDetector", "speech_curves"]

_FRAME = SOUND_RATE // 50  # 20 ms
_MODE = 3  # of the detector, the strictest: the others hear speech in nearly all music

_LEVEL_STEP_DB = 0.5
_BLOCK = 8_000  # frames worked on at a time: what a processor keeps at hand
_GROUP = 3  # bands taken together
_REACH = 80  # frames that a value depends on, before and after it
_LOUDNESS = 0.3  # loudness grows with this power of energy (Stevens)
_QUIET = 0.3  # of the mean loudness: what is softer counts as silence; chosen, not measured
_CLIP = 3.0  # standard deviations: a value counts as no more; chosen, not measured


class VoiceDetector:
    """Voice activity by the WebRTC project's detector, fed with blocks of sound at SOUND_RATE."""

    def __init__(self) -> None:
        self._detector = webrtcvad.Vad(_MODE)
        self._rest = np.zeros(0, np.float32)
        self._votes: list[NDArray[np.uint8]] = []

    def feed(self, block: NDArray[np.float32]) -> None:
        """Listen to the next block."""
        samples = np.concatenate([self._rest, block])
        count = len(samples) // _FRAME
        data = (np.clip(np.nan_to_num(samples[: count * _FRAME]), -1, 1) * 32767).astype("<i2").tobytes()
        size = 2 * _FRAME
        votes = (self._detector.is_speech(data[n * size : (n + 1) * size], SOUND_RATE) for n in range(count))
        self._votes.append(np.fromiter(votes, np.uint8, count))
        self._rest = samples[count * _FRAME :]

    def result(self, frames: int) -> NDArray[np.uint8]:
        """The likelihood of voice, 0 to 255, in each of so many frames of 10 ms; frame n is centred on n / 100 s.

        It is the share of votes for voice in the tenth of a second around the frame.
        """
        votes = np.concatenate([*self._votes, np.zeros(1, np.uint8)])
        # A vote is about 20 ms: it lies around frame 2n + 1, and half in either neighbour.
        each = np.zeros(max(frames, 2 * len(votes) + 1), np.float32)
        each[1 : 2 * len(votes) : 2] = votes
        each[2 : 2 * len(votes) : 2] = (votes[:-1] + votes[1:].astype(np.float32)) / 2
        return (255 * np.clip(_mean(each, -5, 5), 0, 1)).astype(np.uint8)[:frames]


@dataclass(frozen=True, slots=True)
class SpeechCurves:
    """Views of a recording's speech, each with mean 0 and variance 1 or, where there is nothing to hear, all 0.

    Attributes:
        activity: (frames,), high while somebody speaks.
        rise: (frames,), high where somebody begins to speak.
        level: (frames,), loudness against that of the half minute around it.
    """

    activity: NDArray[np.float32]
    rise: NDArray[np.float32]
    level: NDArray[np.float32]


def speech_curves(levels: NDArray[np.uint8], voice: NDArray[np.uint8]) -> SpeechCurves:
    """Curves from a Soundtrack's (frames, bands) levels and (frames,) voice."""
    frames = len(levels)
    syllables, onset, total = (np.zeros(frames, np.float32) for _ in range(3))
    loudness = _loudness(levels)
    for start in range(0, frames, _BLOCK):
        stop = min(frames, start + _BLOCK)
        low, high = max(0, start - _REACH), min(frames, stop + _REACH)
        inner = slice(start - low, stop - low)
        block = _grouped(levels[low:high], loudness)
        syllables[start:stop] = np.abs(_mean(block, -2, 2) - _mean(block, -15, 15)).mean(axis=0)[inner]
        onset[start:stop] = np.maximum(_mean(block, 2, 14) - _mean(block, -14, -2), 0).mean(axis=0)[inner]
        total[start:stop] = block.mean(axis=0)[inner]
    modulation = np.log(_mean(syllables, -15, 15) + 0.01)
    slope = _mean(total, 2, 40) - _mean(total, -20, -2)
    level = _mean(total, -4, 4) - _mean(total, -1500, 1500)
    heard = _mean(voice.astype(np.float32), -15, 15)
    activity = _even(modulation) + 0.5 * _even(heard)
    rise = _even(slope) + 0.5 * _even(onset)
    return SpeechCurves(_even(activity), _even(rise), _even(level))


def _loudness(levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The logarithm of loudness for each (band, level), against the band's mean in this recording."""
    counts = np.stack([np.bincount(band, minlength=256) for band in levels.T])
    loudness = 10 ** (np.arange(256) * _LEVEL_STEP_DB / 10 * _LOUDNESS)
    mean = (counts * loudness).sum(axis=1, keepdims=True) / max(1, len(levels))
    return np.asarray(np.log(loudness / np.maximum(mean, 1e-9) + _QUIET), np.float32)


def _grouped(levels: NDArray[np.uint8], loudness: NDArray[np.float32]) -> NDArray[np.float32]:
    """Loudness of groups of three neighbouring bands: (bands / 3, frames)."""
    rows = np.stack([table[band] for table, band in zip(loudness, levels.T, strict=True)])
    return np.asarray(rows.reshape(-1, _GROUP, len(levels)).mean(axis=1), np.float32)


def _mean(values: NDArray[np.float32], first: int, last: int) -> NDArray[np.float32]:
    """The mean of frames t + first to t + last, for each t on the last axis; the ends are held beyond themselves."""
    before, after = max(0, -first), max(0, last)
    padded = np.concatenate(
        [np.repeat(values[..., :1], before + 1, -1), values, np.repeat(values[..., -1:], after, -1)], axis=-1
    )
    total = np.cumsum(padded, axis=-1, dtype=np.float64)
    count, low = values.shape[-1], before + first
    width = last - first + 1
    return ((total[..., low + width : low + width + count] - total[..., low : low + count]) / width).astype(np.float32)


def _even(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean 0, variance 1, and rare extremes cut off."""
    spread = float(values.std()) if len(values) else 0.0
    if spread < 1e-6:
        return np.zeros_like(values)
    return np.asarray(np.clip((values - values.mean()) / spread, -_CLIP, _CLIP), np.float32)

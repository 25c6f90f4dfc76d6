"""The peer of the audio tier, as the authors describe it: log-mel spectrograms and normalised cross-correlation.

python tools/bench_mel.py RECORDING SOUNDS.json OUT.json

Each dialogue's sound is looked for at five fixed speeds in a window around its annotated start, and taken to be where
it fits best, however little that is. Written anew with numpy. Where the description leaves a choice, the one that
finds more is taken: levels are counted from each band's mean, and a sound is resampled, so that its pitch moves too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Mel = NDArray[np.float32]
"""(frames, BANDS), natural logarithms of energy."""

RATE = 16_000
HOP = RATE // 100
WINDOW = 400  # 25 ms
SIZE = 512
BANDS = 64
LOWEST_HZ, HIGHEST_HZ = 50.0, 4000.0  # the films of the tests have nothing above
REACH_S = 60.0
SPEEDS = (23.976 / 25, 24 / 25, 1.0, 25 / 24, 25 / 23.976)


def main() -> None:
    """Look for all sounds; write where each one begins [s] by its id."""
    recording, sounds, out = map(Path, sys.argv[1:])
    whole = np.concatenate(list(log_mel(decoded(recording))))
    starts = {}
    for id_, (file, start_s) in json.loads(sounds.read_text()).items():
        sound = np.concatenate(list(decoded(Path(file))))
        place_s = best_place(sound, whole, start_s)
        if place_s is not None:
            starts[id_] = place_s
    out.write_text(json.dumps({"starts": starts}))


def decoded(path: Path) -> Iterator[Samples]:
    """A file's sound, mono at RATE."""
    resampler = av.AudioResampler("flt", "mono", RATE)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            for block in resampler.resample(frame):
                yield block.to_ndarray()[0]
    for block in resampler.resample(None):
        yield block.to_ndarray()[0]


def log_mel(blocks: Iterable[Samples], gather: int = 30 * RATE) -> Iterator[Mel]:
    """The log-mel spectrogram of sound in blocks, some seconds at a time; frame n is centred on n / 100 s."""
    parts: list[Samples] = [np.zeros(WINDOW // 2, np.float32)]
    held = 0
    for block in blocks:
        parts.append(block)
        held += len(block)
        if held >= gather:
            samples = np.concatenate(parts)
            mel = _mel(samples)
            yield mel
            parts, held = [samples[len(mel) * HOP :]], 0
    samples = np.concatenate([*parts, np.zeros(WINDOW // 2, np.float32)])
    if len(samples) >= WINDOW:
        yield _mel(samples)


def best_place(sound: Samples, whole: Mel, start_s: float) -> float | None:
    """Where a sound fits best within REACH_S of a moment [s]; None if the recording has no room for it there."""
    first = max(0, round((start_s - REACH_S) * 100))
    longest = round(len(sound) / HOP / min(SPEEDS))
    around = whole[first : round((start_s + REACH_S) * 100) + longest]
    size = 1 << (len(around) + longest).bit_length()
    levels = around - around.mean(axis=0)
    transforms = np.fft.rfft(levels, size, axis=0).astype(np.complex64)
    sums, squares = (
        np.pad(np.cumsum(part, axis=0, dtype=np.float64), ((1, 0), (0, 0))) for part in (levels, levels**2)
    )
    best: tuple[float, float] | None = None
    for speed in SPEEDS:
        wanted = np.concatenate(list(log_mel([_played(sound, speed)])))
        wanted = wanted - wanted.mean(axis=0)
        count = len(wanted)
        if not 0 < count <= len(levels):
            continue
        agree = np.fft.irfft((transforms * np.conj(np.fft.rfft(wanted, size, axis=0))).sum(axis=1), size)
        spread = (squares[count:] - squares[:-count]) - (sums[count:] - sums[:-count]) ** 2 / count
        energy = spread.sum(axis=1) * float((wanted**2).sum())
        scores = agree[: len(energy)] / np.sqrt(np.maximum(energy, 1e-6))
        place = int(np.argmax(scores))
        if best is None or scores[place] > best[0]:
            best = float(scores[place]), (first + place) / 100
    return None if best is None else best[1]


def _played(sound: Samples, speed: float) -> Samples:
    """A sound played faster."""
    if speed == 1:
        return sound
    places = np.arange(int(len(sound) / speed)) * speed
    played: Samples = np.interp(places, np.arange(len(sound)), sound).astype(np.float32)
    return played


def _mel(samples: Samples) -> Mel:
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    spectrum = np.fft.rfft(windows * _TAPER, SIZE, axis=1)
    energy = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ _BANDS
    mel: Mel = np.log(np.maximum(energy, 1e-6))
    return mel


def _bands() -> NDArray[np.float32]:
    """Triangles, evenly spaced in mel: (lines, BANDS)."""
    lowest, highest = (2595 * np.log10(1 + edge / 700) for edge in (LOWEST_HZ, HIGHEST_HZ))
    edges = 700 * (10 ** (np.linspace(lowest, highest, BANDS + 2) / 2595) - 1)
    lines = np.arange(SIZE // 2 + 1)[:, None] * RATE / SIZE
    rising = (lines - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - lines) / (edges[2:] - edges[1:-1])
    triangles: NDArray[np.float32] = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return triangles


_TAPER = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
_BANDS = _bands()

if __name__ == "__main__":
    main()

"""A decoded sound gets its loudness, sample rate and length back, as the codec does it.

Before it encodes, the codec brings every sound to -16 LUFS and to its own rate; the `.dac` file says what they were.
"""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.codec.dacfile import EncodedSound
from mmdia_dataset.codec.decoder import Decoder
from mmdia_dataset.errors import ExtraMissing, MediaDamaged

__all__ = ["loudness_of", "restore"]

_SILENCE = -70.0
"""LUFS; nothing is taken for less loud, and parts that are do not count."""

_BLOCK_S, _STEP_S = 0.4, 0.1
_SHORTEST_S = 0.5

# Of the two filters of ITU-R BS.1770 as the codec's meter has them: gain in dB, steepness, frequency in Hz.
_SHELF = (4.0, 1 / math.sqrt(2), 1500.0)
_HIGH_PASS = (0.5, 38.0)

# Of the filter between two sample rates, as the codec's: half its zero crossings, and the passed part of the band.
_CROSSINGS, _PASSED = 24, 0.945


def restore(encoded: EncodedSound, decoder: Decoder) -> NDArray[np.int16]:
    """The sound of codes as it was before it was encoded: int16 samples, `original_length` of them.

    Raises:
        MediaDamaged: the codes are not of this decoder, or of another length than they say.
        MediaError: the decoder fails.
    """
    frames = encoded.codes.shape[1]
    piece = decoder.samples_of(encoded.chunk_length, encoded.padded)
    _check(encoded, decoder, piece)
    pieces = [
        decoder.decode(encoded.codes[:, first : first + encoded.chunk_length], encoded.padded)
        for first in range(0, frames, encoded.chunk_length)
    ]
    samples = np.concatenate(pieces).astype(np.float64)
    if not np.isfinite(samples).all():
        raise MediaDamaged("the model makes no sound of it", hint="check whether --weights are the codec's")
    samples *= 10 ** ((encoded.input_db - loudness_of(samples, decoder.sample_rate)) / 20)
    samples = _at_rate(samples, decoder.sample_rate, encoded.sample_rate)[: encoded.original_length]
    samples = np.pad(samples, (0, encoded.original_length - len(samples)))  # a sample or two, lost in rounding
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)


def _check(encoded: EncodedSound, decoder: Decoder, piece: int) -> None:
    """Whether the codes are this decoder's, before anything is computed."""
    books, frames = encoded.codes.shape
    hint = "check whether it and --weights are of the same model of the codec"
    if books > decoder.books:
        raise MediaDamaged(f"it has {books} rows of codes, and the model knows {decoder.books}", hint=hint)
    if (largest := int(encoded.codes.max())) >= decoder.entries:
        raise MediaDamaged(f"it holds the code {largest:,}, and the model knows {decoder.entries:,}", hint=hint)
    made = piece * (frames // encoded.chunk_length)
    wanted = encoded.duration_s * decoder.sample_rate
    spare = 2 * piece / frames if encoded.padded else piece
    if piece < 1 or not -2 <= made - wanted <= spare + 2:
        seconds = made / decoder.sample_rate
        what = f"it says that it has {encoded.duration_s:,.2f} s of sound, and its codes are {seconds:,.2f} s"
        raise MediaDamaged(what, hint=hint)


def loudness_of(samples: NDArray[np.float64], rate: int) -> float:
    """Integrated loudness of one channel (ITU-R BS.1770-4), in LUFS, at least -70.

    Args:
        samples: within -1 and 1.
        rate: samples per second.
    """
    if len(samples) < _SHORTEST_S * rate:
        samples = np.pad(samples, (0, int(_SHORTEST_S * rate - len(samples))))
    for numerator, denominator in (_shelf(rate), _high_pass(rate)):
        samples = _scipy_signal().lfilter(numerator, denominator, samples)
    width, step = int(_BLOCK_S * rate), int(_STEP_S * rate)
    blocks = 1 + max(0, math.ceil((len(samples) - width) / step))  # the last may end in silence
    sums = np.concatenate(([0.0], np.cumsum(np.square(samples))))
    begins = np.arange(blocks) * step
    powers = (sums[np.minimum(begins + width, len(samples))] - sums[begins]) / (_BLOCK_S * rate)
    powers = powers[powers > _power(_SILENCE)]
    if len(powers):
        powers = powers[powers > powers.mean() / 10]  # 10 dB below the mean
    return max(_SILENCE, -0.691 + 10 * math.log10(powers.mean())) if len(powers) else _SILENCE


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def _shelf(rate: int) -> tuple[list[float], list[float]]:
    """Raises what lies above a frequency, as a head does."""
    gain, steepness, frequency = _SHELF
    root = 10 ** (gain / 40)
    angle = 2 * math.pi * frequency / rate
    turn, alpha = math.cos(angle), math.sin(angle) / (2 * steepness)
    bend = 2 * math.sqrt(root) * alpha
    rise, fall = root + 1, root - 1
    return (
        [root * (rise + fall * turn + bend), -2 * root * (fall + rise * turn), root * (rise + fall * turn - bend)],
        [rise - fall * turn + bend, 2 * (fall - rise * turn), rise - fall * turn - bend],
    )


def _high_pass(rate: int) -> tuple[list[float], list[float]]:
    """Takes away what lies below a frequency."""
    steepness, frequency = _HIGH_PASS
    angle = 2 * math.pi * frequency / rate
    turn, alpha = math.cos(angle), math.sin(angle) / (2 * steepness)
    return [(1 + turn) / 2, -(1 + turn), (1 + turn) / 2], [1 + alpha, -2 * turn, 1 - alpha]


def _at_rate(samples: NDArray[np.float64], rate: int, wanted: int) -> NDArray[np.float64]:
    """Samples at another rate, their times kept."""
    if rate == wanted:
        return samples
    common = math.gcd(rate, wanted)
    up, down = wanted // common, rate // common
    longer = max(up, down)
    half = math.ceil(_CROSSINGS / _PASSED * longer)
    filters = _scipy_signal()
    window = filters.firwin(2 * half + 1, _PASSED / longer, window="hann")
    resampled: NDArray[np.float64] = filters.resample_poly(samples, up, down, window=window, padtype="edge")
    return resampled


def _scipy_signal() -> Any:
    try:
        return importlib.import_module("scipy.signal")
    except ImportError:
        raise ExtraMissing("scipy is not installed", hint="run pip install 'mmdia-dataset[dac]'") from None

"""The decoder of the Descript Audio Codec, in torch: the only module that imports torch.

Codes are looked up in their books and summed; a chain of convolutions then makes 512 samples of each frame. The layers'
number and sizes are read from the weights. The codec's own package is not used: it is no longer maintained, and what it
requires can't be installed beside today's packages. Weights are read as numbers; nothing in them is run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch.nn import functional

from mmdia_dataset.errors import MediaError, UsageError, WeightsUnreadable

__all__ = ["Network", "load_network"]

_HINT = "give the weights of the codec's model 44khz, such as weights_44khz_8kbps_0.0.1.pth"
_DILATIONS = (1, 3, 9)
_TRIAL_FRAMES = 40  # enough for unpadded layers, and quick


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """What the layers are called; blocks and their units are numbered from `first_block` and `first_unit`."""

    first: str
    block: str
    snake: str
    up: str
    unit: str
    in_unit: tuple[str, str, str, str]
    last_snake: str
    last: str
    first_block: int
    first_unit: int


_CODEC = _Names(
    first="decoder.model.0",
    block="decoder.model.{}.block",
    snake="0",
    up="1",
    unit="{}.block",
    in_unit=("0", "1", "2", "3"),
    last_snake="decoder.model.{}",
    last="decoder.model.{}",
    first_block=1,
    first_unit=2,
)
_TRANSFORMERS = _Names(
    first="decoder.conv1",
    block="decoder.block.{}",
    snake="snake1",
    up="conv_t1",
    unit="res_unit{}",
    in_unit=("snake1", "conv1", "snake2", "conv2"),
    last_snake="decoder.snake1",
    last="decoder.conv2",
    first_block=0,
    first_unit=1,
)


class _Tensors:
    """The weights by layer, on their device."""

    def __init__(self, tensors: Mapping[str, Any], device: Any) -> None:
        self._tensors = tensors
        self._device = device

    def has(self, layer: str) -> bool:
        return any(f"{layer}.{name}" in self._tensors for name in ("weight", "weight_v"))

    def get(self, name: str) -> Any:
        return self._tensors[name].float().to(self._device)

    def weight(self, layer: str) -> Any:
        """Of a convolution; stored as it is, or as lengths and directions."""
        if f"{layer}.weight" in self._tensors:
            return self.get(f"{layer}.weight")
        directions = self.get(f"{layer}.weight_v")
        return self.get(f"{layer}.weight_g") * directions / directions.norm(dim=(1, 2), keepdim=True)


class _Convolution:
    def __init__(self, tensors: _Tensors, layer: str, dilation: int = 1) -> None:
        self.weight, self.bias = tensors.weight(layer), tensors.get(f"{layer}.bias")
        self.dilation = dilation
        self.reach: int = (self.weight.shape[2] - 1) * dilation

    def __call__(self, signal: Any, padded: bool) -> Any:
        padding = self.reach // 2 if padded else 0
        return functional.conv1d(signal, self.weight, self.bias, padding=padding, dilation=self.dilation)

    def length(self, samples: int, padded: bool) -> int:
        return samples - self.reach + (self.reach // 2 * 2 if padded else 0)


class _Upsampling:
    def __init__(self, tensors: _Tensors, layer: str) -> None:
        self.weight, self.bias = tensors.weight(layer), tensors.get(f"{layer}.bias")
        self.width: int = self.weight.shape[2]
        self.stride: int = self.width // 2

    def __call__(self, signal: Any, padded: bool) -> Any:
        padding = math.ceil(self.stride / 2) if padded else 0
        return functional.conv_transpose1d(signal, self.weight, self.bias, stride=self.stride, padding=padding)

    def length(self, samples: int, padded: bool) -> int:
        return (samples - 1) * self.stride + self.width - (2 * math.ceil(self.stride / 2) if padded else 0)


class _Snake:
    """An activation that bends a line into waves."""

    def __init__(self, tensors: _Tensors, layer: str) -> None:
        self.alpha = tensors.get(f"{layer}.alpha")
        self._inverse = (self.alpha + 1e-9).reciprocal()

    def __call__(self, signal: Any, padded: bool) -> Any:
        waves = self.alpha * signal
        return waves.sin_().square_().mul_(self._inverse).add_(signal)  # in place: memory costs most of the time

    def length(self, samples: int, padded: bool) -> int:
        return samples


class _Residual:
    """Layers that add to what they are given; where they shorten it, to its middle."""

    def __init__(self, layers: list[Any]) -> None:
        self.layers = layers

    def __call__(self, signal: Any, padded: bool) -> Any:
        change = signal
        for layer in self.layers:
            change = layer(change, padded)
        lost = (signal.shape[-1] - change.shape[-1]) // 2
        return change.add_(signal[..., lost : lost + change.shape[-1]])

    def length(self, samples: int, padded: bool) -> int:
        for layer in self.layers:
            samples = layer.length(samples, padded)
        return samples


class Network:
    """The decoder with its weights.

    Attributes:
        sample_rate: of its sound.
        books: how many rows of codes it knows.
        entries: how many codes a book has.
    """

    def __init__(self, tensors: Mapping[str, Any], sample_rate: int, device: Any) -> None:
        self.sample_rate = sample_rate
        self._device = device
        source = _Tensors(tensors, device)
        self._books: list[tuple[Any, _Convolution]] = []
        while f"{(book := f'quantizer.quantizers.{len(self._books)}')}.codebook.weight" in tensors:
            self._books.append((source.get(f"{book}.codebook.weight"), _Convolution(source, f"{book}.out_proj")))
        self.books, self.entries = len(self._books), self._books[0][0].shape[0]
        self._layers = _layers(source)

    def samples_of(self, frames: int, padded: bool) -> int:
        """How many samples it makes of so many frames; not positive if they are too few."""
        samples = frames
        for layer in self._layers:
            samples = layer.length(samples, padded)
            if samples < 1:
                return 0
        return samples

    def decode(self, codes: NDArray[np.uint16], padded: bool) -> NDArray[np.float32]:
        """The samples of codes (books, frames).

        Raises:
            MediaError: there is not enough memory.
        """
        try:
            return self._run(codes, padded)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise MediaError(f"the model fails ({reason})", hint="run again, or with another --device") from error

    def fits_together(self) -> bool:
        """Whether each layer takes what the one before it gives, found out by a trial."""
        try:
            made = self._run(np.zeros((self.books, _TRIAL_FRAMES), np.uint16), padded=True)
        except RuntimeError:
            return False
        return made.shape == (self.samples_of(_TRIAL_FRAMES, padded=True),) and bool(np.isfinite(made).all())

    def _run(self, codes: NDArray[np.uint16], padded: bool) -> NDArray[np.float32]:
        with torch.inference_mode():
            rows = torch.from_numpy(codes.astype(np.int64)).to(self._device)
            signal: Any = 0.0
            for row, (book, projection) in zip(rows, self._books, strict=False):  # a sound may use fewer books
                signal = signal + projection(book[row].T[None], padded)
            for layer in self._layers:
                signal = layer(signal, padded)
            samples: NDArray[np.float32] = torch.tanh(signal)[0, 0].cpu().numpy()
        return samples


def _layers(source: _Tensors) -> list[Any]:
    """From the sum of the books' entries to sound, the last activation aside."""
    names = _TRANSFORMERS if source.has(_TRANSFORMERS.first) else _CODEC
    layers: list[Any] = [_Convolution(source, names.first)]
    number = names.first_block
    while source.has(f"{names.block.format(number)}.{names.up}"):
        block = names.block.format(number)
        layers += [_Snake(source, f"{block}.{names.snake}"), _Upsampling(source, f"{block}.{names.up}")]
        for unit, dilation in enumerate(_DILATIONS, names.first_unit):
            snake, wide, second_snake, narrow = (
                f"{block}.{names.unit.format(unit)}.{layer}" for layer in names.in_unit
            )
            inner = [_Snake(source, snake), _Convolution(source, wide, dilation)]
            layers.append(_Residual([*inner, _Snake(source, second_snake), _Convolution(source, narrow)]))
        number += 1
    last = _Convolution(source, names.last.format(number + 1))
    return [*layers, _Snake(source, names.last_snake.format(number)), last]


def load_network(weights: Path, device: str, threads: int) -> Network:
    """The decoder with the weights of a file; see `decoder.load_decoder`."""
    if not weights.is_file():
        raise WeightsUnreadable("there is no such file of weights", where=weights, hint=_HINT)
    tensors, rate = (_of_safetensors if weights.suffix == ".safetensors" else _of_checkpoint)(weights)
    if type(rate) is not int or not 8_000 <= rate <= 192_000:
        raise WeightsUnreadable("it does not say at what sample rate its sound is", where=weights, hint=_HINT)
    if threads:
        torch.set_num_threads(threads)
    try:
        place = torch.device(device)
        torch.zeros(1).to(place)
    except (RuntimeError, AssertionError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(
            f"device {device!r} can't be used ({reason})", hint="choose --device cpu, or cuda:0"
        ) from error
    try:
        network = Network(tensors, rate, place)
    except (KeyError, IndexError, AttributeError, RuntimeError) as error:
        raise _other_model(weights) from error
    if not network.fits_together():
        raise _other_model(weights)
    return network


def _other_model(weights: Path) -> WeightsUnreadable:
    return WeightsUnreadable("these are not the weights of this codec", where=weights, hint=_HINT)


def _of_safetensors(weights: Path) -> tuple[Mapping[str, Any], Any]:
    """Weights as `transformers` keeps them: numbers in one file, the sample rate in another."""
    tensors = _read(weights, lambda: load_file(weights))
    config = weights.with_name("config.json")
    try:
        return tensors, json.loads(config.read_text(encoding="utf-8"))["sampling_rate"]
    except (OSError, ValueError, LookupError, TypeError):
        hint = "download the config.json that belongs to the weights too"
        raise WeightsUnreadable(
            "it can't be read, or does not say the sampling_rate", where=config, hint=hint
        ) from None


def _of_checkpoint(weights: Path) -> tuple[Mapping[str, Any], Any]:
    """Weights as the codec keeps them: its numbers, and what its layers were made with."""
    content = _read(weights, lambda: torch.load(weights, map_location="cpu", weights_only=True))
    try:
        return content["state_dict"], content["metadata"]["kwargs"]["sample_rate"]
    except (LookupError, TypeError):
        raise _other_model(weights) from None


def _read(weights: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except MemoryError:
        raise
    except Exception as error:  # torch and safetensors have many, for a file that is something else
        what = "not a file of weights alone"
        raise WeightsUnreadable(what, where=weights, hint=_HINT) from error

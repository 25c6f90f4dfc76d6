"""One encoded file made sound, in whatever process: each process has one decoder, on a device of its own."""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from mmdia_dataset.clips.soundfiles import flac, wav
from mmdia_dataset.codec.dacfile import read_dac
from mmdia_dataset.codec.decoder import Decoder, Loader
from mmdia_dataset.codec.restoring import restore
from mmdia_dataset.errors import MediaError
from mmdia_dataset.files import whole_file

__all__ = ["DecodedFile", "DecoderChoice", "FileTask", "decode_file", "forget_decoder"]

_PATIENCE_S = 30
_locks: list[IO[bytes]] = []


@dataclass(frozen=True, slots=True)
class DecoderChoice:
    """What a process makes its decoder of.

    Attributes:
        loader: loads the model.
        weights: its file of weights.
        devices: one for each process; a name stands as often as processes may use it.
        state: folder for the locks by which processes share the devices out.
    """

    loader: Loader
    weights: Path
    devices: tuple[str, ...]
    state: Path


@dataclass(frozen=True, slots=True)
class FileTask:
    """A `.dac` file, the sound file to make of it (its suffix says which kind), and by what.

    Attributes:
        keep: whether the sound is written; if not, it is only found out what it takes.
    """

    path: Path
    target: Path
    choice: DecoderChoice
    keep: bool = True


@dataclass(frozen=True, slots=True)
class DecodedFile:
    """Seconds of sound made, its bytes as a file, and the seconds that it took."""

    duration_s: float
    bytes: int
    seconds: float


def decode_file(task: FileTask) -> DecodedFile | str:
    """Decode one file; gives what was made, or the sentence that says why not.

    Raises:
        ExtraMissing, WeightsUnreadable, UsageError: no file could be decoded.
        OutputError: the file can't be written.
    """
    try:
        encoded = read_dac(task.path)
        decoder = _decoder(task.choice)
        started = time.perf_counter()
        samples = restore(encoded, decoder)[:, None]
    except MediaError as error:
        error.where = error.where or str(task.path)
        return str(error)
    parts = (wav if task.target.suffix == ".wav" else flac)(samples, encoded.sample_rate)
    if task.keep:
        with whole_file(task.target) as temporary:
            temporary.unlink(missing_ok=True)  # of a killed run; a link in its place would be followed
            with temporary.open("xb") as file:
                file.writelines(parts)
    return DecodedFile(encoded.duration_s, sum(map(len, parts)), time.perf_counter() - started)


def forget_decoder() -> None:
    """Free what this process holds for decoding."""
    _decoder.cache_clear()
    while _locks:
        _locks.pop().close()


@cache
def _decoder(choice: DecoderChoice) -> Decoder:
    devices = choice.devices
    if len(devices) == 1:
        return choice.loader(choice.weights, devices[0], 0)
    device = devices[_free_device(len(devices), choice.state)]
    return choice.loader(choice.weights, device, max(1, (os.cpu_count() or 1) // devices.count(device)))


def _free_device(count: int, state: Path) -> int:
    """The number of a device that no other process has; it is this one's until it ends."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        for number in range(count):
            lock = (state / f"device-{number}").open("ab")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
            else:
                _locks.append(lock)
                return number
        time.sleep(0.1)  # until a process that died is gone altogether
    raise RuntimeError("no device is free, though there is one for each process")

"""Encoded sounds, as the codec writes them, and a stand-in for its model that needs no torch."""

import os
import time
from pathlib import Path

import numpy as np

from mmdia_dataset.errors import WeightsUnreadable

BOOKS, ENTRIES, HOP, RATE = 4, 64, 500, 44_100


def artifacts(seconds=1.0, rate=24_000, codes=None, **metadata):
    """The dict in a `.dac` file; its codes rise and fall with the stand-in's loudness."""
    length = round(seconds * rate)
    frames = -(-round(seconds * RATE) // HOP)
    if codes is None:
        codes = np.tile(np.arange(frames) % (ENTRIES - 1) + 1, (BOOKS, 1))[None]
    usual = {
        "input_db": np.array([-23.5], np.float32),
        "original_length": length,
        "sample_rate": rate,
        "chunk_length": np.shape(codes)[-1],
        "channels": 1,
        "padding": True,
        "dac_version": "1.0.0",
    }
    return {"codes": np.asarray(codes).astype(np.uint16), "metadata": usual | metadata}


def write_dac(path: Path, content=None, **options) -> Path:
    """A `.dac` file, made as the codec makes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.save(file, artifacts(**options) if content is None else content)
    return path


class HummingDecoder:
    """Makes a hum as loud as the codes are high."""

    sample_rate, books, entries = RATE, BOOKS, ENTRIES

    def samples_of(self, frames, padded):
        return frames * HOP if padded else (frames - 4) * HOP

    def decode(self, codes, padded):
        loudness = np.repeat(codes.mean(axis=0), HOP)
        loudness = loudness if padded else loudness[2 * HOP : -2 * HOP]
        hum = np.sin(2 * np.pi * 220 / RATE * np.arange(len(loudness)))
        return (hum * loudness / ENTRIES / 4).astype(np.float32)


def humming(weights, device, threads):
    """Loads the stand-in; its weights say what it is to do, and where, as other processes can't be told otherwise."""
    order, _, argument = weights.read_text("utf-8").partition(" ")
    if order not in ("hum", "die", "note", "slow"):
        raise WeightsUnreadable("these are not the weights of this codec", where=weights)
    if order == "die" and not Path(argument).exists():
        Path(argument).touch()
        os._exit(9)
    if order == "note":
        (Path(argument) / f"{device.replace(':', '-')}-{threads}-{os.getpid()}").touch()
        time.sleep(0.3)
    return HummingDecoder()

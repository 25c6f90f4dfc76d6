"""Timing fingerprints: when energy rises and falls in eight pairs of bands, four times a second, one bit each.

A fingerprint says when something changes and nothing of what is said: 32 bits a second can't be turned back into
sound. Its bytes, all integers little-endian:

    0   4   b"MMTF"
    4   1   version, now 1
    5   4   H, length of the header
    9   H   the header: JSON, UTF-8, an object with the keys below
    9+H N   one byte per frame; bit b (value 2**b) is set where change b is above zero (see `changes`)
    9+H+N 4 CRC-32 of all bytes before it

The header holds `frames` (N), `frame_rate` ("4": frame k lies at k / 4 s), `bands` (9), `low_hz`
(300) and `high_hz` (2800). A reader refuses versions and settings it does not know.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset import schema
from mmdia_dataset.alignment.by_fingerprint.changes import CHANGES, changes_of
from mmdia_dataset.alignment.soundtrack import FRAME_RATE, Soundtrack
from mmdia_dataset.errors import BadFingerprint, shown

__all__ = ["FRAMES_PER_SECOND", "VERSION", "TimingFingerprint"]

VERSION = 1
FRAMES_PER_SECOND = 4

_MAGIC = b"MMTF"
_HEAD = struct.Struct("<4sBI")
_SETTINGS = {"frame_rate": str(FRAMES_PER_SECOND), "bands": CHANGES + 1, "low_hz": 300, "high_hz": 2800}
_LONGEST_HEADER = 4096
_MOST_FRAMES = 48 * 3600 * FRAMES_PER_SECOND
_WEIGHTS = (1 << np.arange(CHANGES)).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class TimingFingerprint:
    """The fingerprint of a movie's reference edition; 14.4 kB an hour.

    Attributes:
        bits: (frames,), a byte each.
    """

    bits: NDArray[np.uint8]

    @classmethod
    def of(cls, soundtrack: Soundtrack) -> TimingFingerprint:
        """The fingerprint of what was heard."""
        count = max(0, (len(soundtrack.levels) - 1) * FRAMES_PER_SECOND // FRAME_RATE)
        changes = changes_of(soundtrack)[_places(count)]
        return cls(((changes > 0) @ _WEIGHTS).astype(np.uint8))

    @property
    def times(self) -> NDArray[np.float64]:
        """Movie time of each frame [s]."""
        return _places(len(self.bits)) / FRAME_RATE

    @property
    def signs(self) -> NDArray[np.float32]:
        """+1 where a change rises, -1 where it does not: (frames, CHANGES)."""
        return ((self.bits[:, None] & _WEIGHTS) > 0).astype(np.float32) * 2 - 1

    @property
    def duration_s(self) -> float:
        """Length of the reference edition's sound [s]."""
        return len(self.bits) / FRAMES_PER_SECOND

    def to_bytes(self) -> bytes:
        """The bytes the module describes."""
        header = json.dumps({"frames": len(self.bits), **_SETTINGS}, sort_keys=True).encode()
        body = _HEAD.pack(_MAGIC, VERSION, len(header)) + header + self.bits.tobytes()
        return body + zlib.crc32(body).to_bytes(4, "little")

    @classmethod
    def from_bytes(cls, data: bytes) -> TimingFingerprint:
        """Read a fingerprint.

        Raises:
            BadFingerprint: not one, of another version, cut off, changed, or longer than 48 hours.
        """
        if len(data) < _HEAD.size or data[:4] != _MAGIC:
            raise BadFingerprint("this is not a timing fingerprint")
        _, version, length = _HEAD.unpack_from(data)
        if version != VERSION:
            raise BadFingerprint(
                f"the timing fingerprint has version {version}; this program reads version {VERSION}",
                hint="update mmdia-dataset" if version > VERSION else "ask the curator for a new passport",
            )
        if length > _LONGEST_HEADER or _HEAD.size + length > len(data):
            raise BadFingerprint("the timing fingerprint is cut off or damaged", hint="get the passport again")
        frames = _frames(data[_HEAD.size : _HEAD.size + length])
        start = _HEAD.size + length
        if len(data) != start + frames + 4:
            raise BadFingerprint(
                f"the timing fingerprint should hold {frames:,} frames but does not", hint="get the passport again"
            )
        if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
            raise BadFingerprint("the timing fingerprint's checksum is wrong", hint="get the passport again")
        return cls(np.frombuffer(data, np.uint8, frames, start))

    def to_schema(self) -> schema.Fingerprint:
        """As a passport holds it."""
        return schema.Fingerprint(version=VERSION, data=base64.b64encode(self.to_bytes()).decode())

    @classmethod
    def from_schema(cls, fingerprint: schema.Fingerprint) -> TimingFingerprint:
        """From a passport.

        Raises:
            BadFingerprint: as `from_bytes`.
        """
        try:
            data = base64.b64decode(fingerprint.data, validate=True)
        except binascii.Error as error:
            raise BadFingerprint(f"the timing fingerprint is not base64: {error}") from None
        timing_fingerprint = cls.from_bytes(data)
        if fingerprint.version != VERSION:
            raise BadFingerprint(
                f"the passport says version {fingerprint.version}, but its timing fingerprint has version {VERSION}"
            )
        return timing_fingerprint


def _frames(header: bytes) -> int:
    try:
        fields = json.loads(header)
    except (ValueError, RecursionError):
        raise BadFingerprint("the timing fingerprint's header is not JSON", hint="get the passport again") from None
    if not isinstance(fields, dict) or {**fields, "frames": 0} != {"frames": 0, **_SETTINGS}:
        raise BadFingerprint("the timing fingerprint was made with settings this program does not know")
    frames = fields.get("frames")
    if isinstance(frames, bool) or not isinstance(frames, int) or not 0 <= frames <= _MOST_FRAMES:
        raise BadFingerprint(f"the timing fingerprint claims {shown(repr(frames), 40)} frames; 48 hours are the most")
    return frames


def _places(count: int) -> NDArray[np.int64]:
    """The soundtrack's frame at which each of the fingerprint's is taken."""
    return np.arange(count) * (FRAME_RATE // FRAMES_PER_SECOND)

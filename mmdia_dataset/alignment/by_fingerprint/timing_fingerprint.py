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

Where only parts of the movie could be heard, the fingerprint has gaps, and is written as version 2. It differs in
three things: byte 4 is 2; the header holds `gaps` too; and only frames outside of the gaps have a byte, in order.
`gaps` is a list of counts, two for each gap: how many frames are known before it (since the last gap), and how many
it has. All are 1 or more, but the first may be 0; what follows the last gap is known. So [10, 4, 2, 80] of 100 frames
says that frames 0 to 9, 14, 15, and 96 to 99 are known, and 16 bytes follow the header.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset import schema
from mmdia_dataset.alignment.by_fingerprint.changes import CHANGES, changes_of
from mmdia_dataset.alignment.soundtrack import FRAME_RATE, Soundtrack
from mmdia_dataset.errors import BadFingerprint, shown

__all__ = ["FRAMES_PER_SECOND", "GAPS_VERSION", "MOST_FRAMES", "VERSION", "FingerprintPart", "TimingFingerprint"]

VERSION = 1
"""Of a fingerprint without gaps."""
GAPS_VERSION = 2
"""Of one with gaps."""
FRAMES_PER_SECOND = 4
MOST_FRAMES = 48 * 3600 * FRAMES_PER_SECOND
"""A fingerprint of more is not read."""

_MAGIC = b"MMTF"
_HEAD = struct.Struct("<4sBI")
_SETTINGS = {"frame_rate": str(FRAMES_PER_SECOND), "bands": CHANGES + 1, "low_hz": 300, "high_hz": 2800}
_LONGEST_HEADER = {VERSION: 4096, GAPS_VERSION: 1 << 20}
_WEIGHTS = (1 << np.arange(CHANGES)).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class FingerprintPart:
    """What was heard of a part of a movie.

    Attributes:
        first: the fingerprint's frame at which it begins.
        changes: at each of the fingerprint's frames, (frames of the part, CHANGES).
        known: which of these frames are known.
    """

    first: int
    changes: NDArray[np.float32]
    known: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TimingFingerprint:
    """The fingerprint of a movie's reference edition; 14.4 kB an hour.

    Attributes:
        bits: (frames,), a byte each; 0 in gaps.
        gaps: stretches [first, after) of frames of which nothing is known, in order, none beside another.
    """

    bits: NDArray[np.uint8]
    gaps: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, soundtrack: Soundtrack) -> TimingFingerprint:
        """The fingerprint of what was heard."""
        count = max(0, (len(soundtrack.levels) - 1) * FRAMES_PER_SECOND // FRAME_RATE)
        return cls(_bits(changes_of(soundtrack)[_places(count)]))

    @classmethod
    def of_parts(cls, parts: Iterable[FingerprintPart], frames: int) -> TimingFingerprint:
        """The fingerprint of what was heard of some parts of a movie; what none of them knows is a gap.

        Args:
            parts: those parts; where two know a frame, the first counts.
            frames: length of the movie.
        """
        bits, known = np.zeros(frames, np.uint8), np.zeros(frames, bool)
        for part in parts:
            here = slice(part.first, part.first + len(part.known))
            fresh = part.known[: len(known[here])] & ~known[here]
            bits[here][fresh] = _bits(part.changes[: len(fresh)][fresh])
            known[here] |= fresh
        edges = np.flatnonzero(np.diff(known, prepend=True, append=True)).tolist()
        return cls(bits, tuple(zip(edges[::2], edges[1::2], strict=True)))

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which frames are known: (frames,)."""
        known = np.ones(len(self.bits), bool)
        for first, after in self.gaps:
            known[first:after] = False
        return known

    @property
    def frames(self) -> NDArray[np.int64]:
        """The numbers of the frames that are known."""
        return np.flatnonzero(self.known)

    @property
    def times(self) -> NDArray[np.float64]:
        """Movie time of each frame that is known [s]."""
        return self.frames / FRAMES_PER_SECOND

    @property
    def signs(self) -> NDArray[np.float32]:
        """+1 where a change rises, -1 where it does not, of each frame that is known: (frames, CHANGES)."""
        return ((self.bits[self.known, None] & _WEIGHTS) > 0).astype(np.float32) * 2 - 1

    @property
    def duration_s(self) -> float:
        """Length of the reference edition's sound [s]."""
        return len(self.bits) / FRAMES_PER_SECOND

    @property
    def version(self) -> int:
        """Of its bytes."""
        return GAPS_VERSION if self.gaps else VERSION

    def to_bytes(self) -> bytes:
        """The bytes the module describes."""
        fields: dict[str, object] = {"frames": len(self.bits), **_SETTINGS}
        if self.gaps:
            befores = [0, *(after for _, after in self.gaps)]
            fields["gaps"] = [
                count
                for before, (first, after) in zip(befores, self.gaps, strict=False)
                for count in (first - before, after - first)
            ]
        header = json.dumps(fields, sort_keys=True).encode()
        body = _HEAD.pack(_MAGIC, self.version, len(header)) + header + self.bits[self.known].tobytes()
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
        if version not in _LONGEST_HEADER:
            raise BadFingerprint(
                f"the timing fingerprint has version {version}; this program reads versions 1 and {GAPS_VERSION}",
                hint="update mmdia-dataset" if version > GAPS_VERSION else "ask the curator for a new passport",
            )
        if length > _LONGEST_HEADER[version] or _HEAD.size + length > len(data):
            raise BadFingerprint("the timing fingerprint is cut off or damaged", hint="get the passport again")
        empty = _laid_out(data[_HEAD.size : _HEAD.size + length], version)
        known = empty.known
        start, count = _HEAD.size + length, int(known.sum())
        if len(data) != start + count + 4:
            raise BadFingerprint(
                f"the timing fingerprint should hold {count:,} frames but does not", hint="get the passport again"
            )
        if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
            raise BadFingerprint("the timing fingerprint's checksum is wrong", hint="get the passport again")
        empty.bits[known] = np.frombuffer(data, np.uint8, count, start)
        return empty

    def to_schema(self) -> schema.Fingerprint:
        """As a passport holds it."""
        return schema.Fingerprint(version=self.version, data=base64.b64encode(self.to_bytes()).decode())

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
        version = timing_fingerprint.version
        if fingerprint.version != version:
            raise BadFingerprint(
                f"the passport says version {fingerprint.version}, but its timing fingerprint has version {version}"
            )
        return timing_fingerprint


def _laid_out(header: bytes, version: int) -> TimingFingerprint:
    """The fingerprint that a header promises, with no bit set."""
    try:
        fields = json.loads(header)
    except (ValueError, RecursionError):
        raise BadFingerprint("the timing fingerprint's header is not JSON", hint="get the passport again") from None
    measures = dict.fromkeys(("frames", "gaps") if version == GAPS_VERSION else ("frames",))
    if not isinstance(fields, dict) or {**fields, **measures} != {**_SETTINGS, **measures}:
        raise BadFingerprint("the timing fingerprint was made with settings this program does not know")
    frames = fields.get("frames")
    if isinstance(frames, bool) or not isinstance(frames, int) or not 0 <= frames <= MOST_FRAMES:
        raise BadFingerprint(f"the timing fingerprint claims {shown(repr(frames), 40)} frames; 48 hours are the most")
    gaps = _gaps(fields.get("gaps"), frames) if version == GAPS_VERSION else ()
    return TimingFingerprint(np.zeros(frames, np.uint8), gaps)


def _gaps(counts: object, frames: int) -> tuple[tuple[int, int], ...]:
    """The gaps that a header's counts say; they can't overlap, nor be out of order."""
    if (
        not isinstance(counts, list)
        or not counts
        or len(counts) % 2
        or any(isinstance(count, bool) or not isinstance(count, int) for count in counts)
        or counts[0] < 0
        or min(counts[1:]) < 1
        or sum(counts) > frames
    ):
        raise BadFingerprint("the timing fingerprint's gaps make no sense", hint="get the passport again")
    edges = list(accumulate(counts))
    return tuple(zip(edges[::2], edges[1::2], strict=True))


def _bits(changes: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The byte of each frame, by its changes."""
    return ((changes > 0) @ _WEIGHTS).astype(np.uint8)


def _places(count: int) -> NDArray[np.int64]:
    """The soundtrack's frame at which each of the fingerprint's is taken."""
    return np.arange(count) * (FRAME_RATE // FRAMES_PER_SECOND)

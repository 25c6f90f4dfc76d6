"""A `.dac` file: numpy's file of one pickled dict, with the codes of a sound and what its decoder has to know.

    {"codes": uint16 [1, books, frames],
     "metadata": {"input_db", "original_length", "sample_rate", "chunk_length", "channels", "padding", "dac_version"}}

The file is somebody else's: it is read by `plainpickle`, and its numbers are believed only within limits.
"""

from __future__ import annotations

import math
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.codec.plainpickle import NotPlain, PickledArray, read_pickle
from mmdia_dataset.errors import MediaUnreadable, shown
from mmdia_dataset.files import content_of

__all__ = ["EncodedSound", "read_dac"]

_LARGEST = 16 * 2**20
"""Bytes: three hours at the 1.6 kB that a second takes."""

_VERSIONS = ("1.0.0",)
_MOST_BOOKS = 64
_RATES = range(8_000, 192_001)
_SHORTEST_CHUNK = 32
"""Frames; the codec's own pieces last five seconds, 430 frames."""

_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    rb"\{'descr': '(\|O|[^']{1,40})', 'fortran_order': (?:True|False), 'shape': \(([^)]{0,200})\), \} *\n"
)
_AGAIN = "download it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedSound:
    """What a `.dac` file holds: one channel of sound.

    Attributes:
        codes: uint16, of shape (books, frames).
        input_db: loudness of the sound as it was, in LUFS.
        original_length: its samples, at `sample_rate`.
        sample_rate: of the sound as it was; the codec's own may be another.
        chunk_length: frames that were encoded at once.
        padded: whether these were padded, which the decoder must do too.
    """

    codes: NDArray[np.uint16]
    input_db: float
    original_length: int
    sample_rate: int
    chunk_length: int
    padded: bool

    @property
    def duration_s(self) -> float:
        """Seconds of sound."""
        return self.original_length / self.sample_rate


def read_dac(path: Path) -> EncodedSound:
    """Read a `.dac` file; nothing in it is run, and no memory is taken for what it only claims.

    Raises:
        MediaUnreadable: it is damaged, not such a file, of an unknown version, or its numbers can't be.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MediaUnreadable("not a file", where=path, hint="remove it")
        if status.st_size > _LARGEST:
            what = f"{status.st_size:,} bytes are more than a dialogue's encoded sound has"
            raise MediaUnreadable(what, where=path, hint=_AGAIN)
        content = content_of(str(path), status.st_size)
    except OSError as error:
        raise MediaUnreadable(f"can't be read ({(error.strerror or str(error)).lower()})", where=path) from error
    try:
        return _sound(_dict(_value(content)))
    except NotPlain as fault:
        raise MediaUnreadable(f"not a .dac file that can be used: {fault}", where=path, hint=_AGAIN) from None


def _value(content: bytes) -> Any:
    """The pickled value in numpy's file."""
    if not content:
        raise NotPlain("it is empty")
    if content[:6] != _MAGIC or len(content) < 12:
        raise NotPlain("it does not begin as one")
    width = 2 if content[6] == 1 else 4
    length = int.from_bytes(content[8 : 8 + width], "little")
    header = _HEADER.fullmatch(content[8 + width : 8 + width + min(length, 1000)])
    if header is None:
        raise NotPlain("its header is damaged")
    kind, shape = header[1].decode("latin-1"), header[2].decode("latin-1")
    if kind != "|O" or shape:
        raise NotPlain(f"it holds an array of type {shown(kind)} and shape ({shown(shape, 60)}) instead of a dict")
    return read_pickle(content[8 + width + length :])


def _dict(value: Any) -> dict[str, Any]:
    """The one object in an array of none or one."""
    match value:
        case PickledArray(shape=(), objects=[dict() as content]):
            return content
    raise NotPlain("it holds something else than a dict")


def _sound(content: dict[str, Any]) -> EncodedSound:
    codes, metadata = content.get("codes"), content.get("metadata")
    if not isinstance(codes, PickledArray) or not isinstance(metadata, dict):
        raise NotPlain("it lacks codes or metadata")
    version = metadata.get("dac_version")
    if not isinstance(version, str):
        raise NotPlain("it does not say its version")
    if version not in _VERSIONS:
        raise NotPlain(f"it is of version {shown(version, 40)}, and only {', '.join(_VERSIONS)} is known here")
    if _whole(metadata, "channels", range(1, 1000)) != 1:
        raise NotPlain("it has several channels, and a dialogue's sound has one")
    numbers = codes.numbers()
    if numbers.dtype.newbyteorder("=") != np.uint16 or numbers.ndim != 3 or numbers.shape[0] != 1:
        raise NotPlain(f"its codes are {numbers.dtype} of shape {numbers.shape} instead of uint16 (1, books, frames)")
    _, books, frames = numbers.shape
    if not 1 <= books <= _MOST_BOOKS or frames < 1:
        raise NotPlain(f"its codes are of {books:,} books and {frames:,} frames")
    chunk = _whole(metadata, "chunk_length", range(1, frames + 1))
    if frames % chunk or chunk < min(frames, _SHORTEST_CHUNK):
        raise NotPlain(f"its {frames:,} frames are not in whole pieces of chunk_length {chunk:,}")
    padded = metadata.get("padding")
    if not isinstance(padded, bool):
        raise NotPlain("its padding is neither true nor false")
    return EncodedSound(
        codes=numbers[0].astype(np.uint16),  # in this machine's order of bytes
        input_db=_loudness(metadata.get("input_db")),
        original_length=_whole(metadata, "original_length", range(1, 2**40)),
        sample_rate=_whole(metadata, "sample_rate", _RATES),
        chunk_length=chunk,
        padded=padded,
    )


def _whole(metadata: dict[str, Any], name: str, allowed: range) -> int:
    value = metadata.get(name)
    if isinstance(value, PickledArray):
        value = _only(value)
    if type(value) is not int or value not in allowed:
        said = "missing" if value is None else shown(str(value) if type(value) in (int, float) else "no number", 40)
        raise NotPlain(f"its {name} is {said}")
    return value


def _loudness(value: Any) -> float:
    """As a number, or as the array of one that the codec writes."""
    if isinstance(value, PickledArray):
        value = _only(value)
    if type(value) not in (int, float) or not math.isfinite(value) or not -200 <= value <= 100:
        raise NotPlain("its input_db is no loudness")
    return float(value)


def _only(array: PickledArray) -> Any:
    numbers = array.numbers()
    if numbers.size != 1:
        raise NotPlain("its metadata hold an array where there should be a number")
    return numbers.reshape(-1)[0].item()

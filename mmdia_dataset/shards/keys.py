"""Keys of samples: a dialogue's id in the letters that tar readers of every kind agree on.

WebDataset splits a member's name at its first dot, some readers fold case, and some file systems do. A key therefore
holds only ``a-z 0-9 _ -``, and what an id holds besides is written as:

    A       -a      an upper-case letter
    .       -2e     another ASCII character, two hexadecimal digits
    é       --c3--a9   other bytes of UTF-8, two hexadecimal digits each

No two ids share a key, and the id can be read back from it; save for ids whose key would be longer than 80 characters,
since a tar header has room for a name of 100: those are cut, and end in a hash of the id.
"""

from __future__ import annotations

import hashlib
import re

__all__ = ["MAX_KEY", "id_of", "is_key", "key_of"]

MAX_KEY = 80
"""Characters in the longest key."""

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_")
_SAME = re.compile(r"[a-z0-9_]{1,80}")
_KEY = re.compile(r"[a-z0-9_-]{1,80}")
_UNITS = re.compile(r"([a-z0-9_])|-([a-z])|-([0-7][0-9a-f])|--([89a-f][0-9a-f])")
_CUT = "--x"  # no escape starts so: an upper-case letter has one dash, a byte two and a digit from 8 to f


def key_of(id_: str) -> str:
    """The key of a dialogue's id."""
    if _SAME.fullmatch(id_):
        return id_
    key = "".join(map(_unit, id_.encode("utf-8", "surrogatepass")))
    if len(key) <= MAX_KEY:
        return key
    digest = hashlib.sha256(id_.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{key[: MAX_KEY - len(_CUT) - 32]}{_CUT}{digest}"


def _unit(byte: int) -> str:
    if byte in _PLAIN:
        return chr(byte)
    if 0x41 <= byte <= 0x5A:
        return f"-{chr(byte + 32)}"
    return f"-{byte:02x}" if byte < 0x80 else f"--{byte:02x}"


def is_key(text: str) -> bool:
    """Whether a text has the form of a key."""
    return _KEY.fullmatch(text) is not None


def id_of(key: str) -> str | None:
    """The id that a key was made of; None if the key was cut, or is not the key of any id."""
    raw, position = bytearray(), 0
    while position < len(key):
        unit = _UNITS.match(key, position)
        if unit is None:
            return None
        plain, upper, ascii_, byte = unit.groups()
        raw.append(ord(plain) if plain else ord(upper) - 32 if upper else int(ascii_ or byte, 16))
        position = unit.end()
    try:
        id_ = raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return id_ if key and key_of(id_) == key else None

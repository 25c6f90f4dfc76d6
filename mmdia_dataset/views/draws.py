"""Random numbers that anyone can repeat: they depend only on a seed, a purpose and an id, never on order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["choose", "draw"]

_T = TypeVar("_T")


def draw(seed: int, purpose: str, id_: str) -> float:
    """A number in [0, 1): the first 53 bits of SHA-256 of ``seed NUL purpose NUL id``, over 2^53."""
    digest = hashlib.sha256(f"{seed}\0{purpose}\0{id_}".encode("utf-8", "surrogatepass")).digest()
    return float((int.from_bytes(digest[:7], "big") >> 3) / 2**53)


def choose(items: Sequence[_T], seed: int, purpose: str, id_: str) -> _T:
    """One of some items, each as likely as any other."""
    return items[int(draw(seed, purpose, id_) * len(items))]

"""Text before it is compared. A score names the version it was made with; a version never changes.

`mmdia-1`, in this order:

1. Unicode NFKC, then case folding.
2. Sounds in ``<…>`` and speaker tags such as ``[S1]`` are removed.
3. Typographic apostrophes become ``'``; it is kept between two letters or digits.
4. Every other character that is not a letter, mark, digit or space becomes a space, so hyphens separate words.
5. Runs of spaces become one space; spaces at the ends are removed.

Numbers, contractions and spelling are not changed. Words are separated by spaces: texts in languages without spaces
must be split into words first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from mmdia_dataset.errors import ConfigError

__all__ = ["DEFAULT", "NORMALISATIONS", "normalised", "normaliser"]

DEFAULT = "mmdia-1"

_ASIDE = re.compile(r"<[^<>]*>|\[s(?:\d+|\?)\]")
_APOSTROPHE = re.compile("[’ʼ‘`´＇]")
_LONE = re.compile(r"(?<![^\W_])'|'(?![^\W_])")


def normalised(text: str) -> str:
    """A text by `mmdia-1`."""
    # Typographic apostrophes first: NFKC makes a space and an accent of one of them.
    folded = unicodedata.normalize("NFKC", _APOSTROPHE.sub("'", text)).casefold()
    words = _LONE.sub(" ", _ASIDE.sub(" ", folded))
    letters = (c if c == "'" or unicodedata.category(c)[0] in "LMN" else " " for c in words)
    return " ".join("".join(letters).split())


NORMALISATIONS: dict[str, Callable[[str], str]] = {DEFAULT: normalised, "none": lambda text: " ".join(text.split())}
"""By version; `none` changes nothing but spaces."""


def normaliser(version: str) -> Callable[[str], str]:
    """The function of a version. Raises ConfigError."""
    if version not in NORMALISATIONS:
        raise ConfigError(f"unknown normalisation {version!r}", hint=f"choose one of {', '.join(NORMALISATIONS)}")
    return NORMALISATIONS[version]

"""Dialogues that say the same words, found by the runs of four words they share.

Two dialogues are copies of each other if half the runs of the shorter one are in the other too (two cuts of a film, a
scene that is repeated), or if they share twelve different runs, about fifteen words in one piece (recaps, narrations).
Dialogues under nine words are ignored: everybody says "Hello? Who is this?".

Exact, not sampled: every run is sorted once and looked up among all others. Of a run that very many dialogues have,
each is compared with the first eight alone; a copy of one of them is a copy of all.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Copy", "Wording"]

RUN = 4
"""Words of a run."""
FEWEST = 6
"""Runs that copies share at least."""
SHARE = 0.5
"""Of the shorter dialogue's runs, that copies share."""
PASSAGE = 12
"""Shared runs that make a copy whatever the rest is."""

_MANY = 32
_FIRST = 8
_BUCKETS = 16
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Copy:
    """Two dialogues with the same words, by their places in the order they were added.

    ``share`` is that of the runs of the one with fewer runs.
    """

    first: int
    second: int
    share: float


class Wording:
    """Takes dialogues' words and finds copies. Holds a number per word and every different word once."""

    def __init__(self) -> None:
        self._numbers: defaultdict[str, int] = defaultdict(itertools.count().__next__)
        self._words = array("I")
        self._ends = array("Q")

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, texts: Iterable[str]) -> None:
        """Take the next dialogue, as its turns' texts. Case, punctuation and line breaks make no difference."""
        text = "\n".join(texts)
        plain = text if text.isascii() else unicodedata.normalize("NFKC", text).replace("’", "'")
        self._words.extend(map(self._numbers.__getitem__, _WORD.findall(plain.casefold())))
        self._ends.append(len(self._words))

    def copies(self, sides: Sequence[int]) -> list[Copy]:
        """Pairs of copies on different sides.

        Args:
            sides: of each dialogue a number, say its movie's; dialogues of one side are not compared, and those of
                side -1 with none.

        Returns:
            Pairs with the earlier dialogue first, in order.
        """
        import numpy as np

        side = np.asarray(sides, np.int64)
        hashes, owners = self._runs()
        sizes = np.bincount(owners, minlength=len(self._ends)).astype(np.int64)
        compared = side[owners] >= 0
        hashes, owners = hashes[compared], owners[compared]
        count = np.int64(max(1, len(self._ends)))
        codes = np.empty(0, np.int64)
        shared = np.empty(0, np.int64)
        bounds = np.searchsorted(hashes >> np.uint64(60), np.arange(_BUCKETS + 1, dtype=np.uint64))
        for start, end in itertools.pairwise(bounds):
            pairs = _pairs(hashes[start:end], owners[start:end], side, count)
            codes, shared = _added(codes, shared, pairs)
        first, second = codes // count, codes % count
        least = np.minimum(sizes[first], sizes[second])
        alike = (shared >= FEWEST) & ((shared >= SHARE * least) | (shared >= PASSAGE))
        return [
            Copy(int(a), int(b), float(n / m))
            for a, b, n, m in zip(first[alike], second[alike], shared[alike], least[alike], strict=True)
        ]

    def _runs(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
        """Every different run of every dialogue: its hash, and whose it is; sorted by both."""
        import numpy as np

        words = np.frombuffer(self._words, np.uint32) if self._words else np.empty(0, np.uint32)
        ends = np.array(self._ends, np.int64)
        owners = np.repeat(np.arange(len(ends), dtype=np.int32), np.diff(ends, prepend=0))
        if len(words) < RUN:
            return np.empty(0, np.uint64), np.empty(0, np.int32)
        last = len(words) - RUN + 1
        hashes = np.zeros(last, np.uint64)
        for place in range(RUN):
            # The finaliser of splitmix64 (Steele, Lea, Flood 2014) keeps order of words and spreads over all bits.
            hashes ^= words[place : place + last]
            hashes += np.uint64(0x9E3779B97F4A7C15)
            hashes ^= hashes >> np.uint64(30)
            hashes *= np.uint64(0xBF58476D1CE4E5B9)
            hashes ^= hashes >> np.uint64(27)
            hashes *= np.uint64(0x94D049BB133111EB)
            hashes ^= hashes >> np.uint64(31)
        whole = owners[:last] == owners[RUN - 1 :]
        hashes, owners = hashes[whole], owners[:last][whole]
        order = np.argsort(hashes, kind="stable")  # owners stay in order within a run
        hashes, owners = hashes[order], owners[order]
        new = np.ones(len(hashes), bool)
        new[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
        return hashes[new], owners[new]


def _pairs(hashes: Any, owners: Any, side: Any, count: Any) -> Any:
    """Of dialogues that share a run, the pairs on different sides, as first * count + second; once per run.

    Hashes are sorted, and owners within each.
    """
    import numpy as np

    starts = np.flatnonzero(np.concatenate(([True], hashes[1:] != hashes[:-1]))) if len(hashes) else np.empty(0, int)
    lengths = np.diff(np.append(starts, len(hashes)))
    pairs = [np.empty(0, np.int64)]

    def note(first: Any, second: Any) -> None:
        apart = side[first] != side[second]
        pairs.append(first[apart].astype(np.int64) * count + second[apart])

    for length in range(2, _MANY + 1):
        heads = starts[lengths == length]
        if len(heads):
            members = owners[heads[:, None] + np.arange(length)]
            left, right = np.triu_indices(length, 1)
            note(members[:, left].ravel(), members[:, right].ravel())
    for head, length in zip(starts[lengths > _MANY], lengths[lengths > _MANY], strict=True):
        members = owners[head : head + length]
        for place in range(_FIRST):
            note(np.repeat(members[place], length - place - 1), members[place + 1 :])
    return np.concatenate(pairs)


def _added(codes: Any, shared: Any, pairs: Any) -> tuple[Any, Any]:
    """Counts of pairs so far, and of more pairs, joined."""
    import numpy as np

    new, times = np.unique(pairs, return_counts=True)
    every, place = np.unique(np.concatenate((codes, new)), return_inverse=True)
    summed = np.bincount(place, np.concatenate((shared, times)), len(every)).astype(np.int64)
    return every, summed

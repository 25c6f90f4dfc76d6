"""Words of subtitles and transcripts: made comparable, timed, and found again in another text.

A token is a word, or one character where writing has no spaces between words. What is no speech is left out: sounds in
brackets, speakers' names before a colon, markup.
"""

from __future__ import annotations

import heapq
import html
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from mmdia_dataset.alignment.by_subtitles import subtitle_limits as limits

__all__ = ["FoundLine", "LineFinder", "Text", "aligned", "tokens_of"]

_MARKUP = re.compile(r"<[^<>]{0,200}>|\{[^{}]{0,500}\}|\\[Nnh]")
_SOUNDS = re.compile(r"\[[^\[\]]{0,300}\]|\([^()]{0,300}\)|（[^（）]{0,300}）|【[^【】]{0,300}】|［[^［］]{0,300}］")
_WHOSE = re.compile(r"^[\s\-–—>]*[^\W\d_a-z][^\Wa-z]*(?:[ .#'’\-]+[^\Wa-z]+){0,3}\s?[:：](?!\d)", re.MULTILINE)
_APOSTROPHES = dict.fromkeys(map(ord, "'’‘ʼ`´"))
_MARKS = dict.fromkeys(range(0x300, 0x370))

# Written without spaces, or with spaces few agree on: Thai, Lao, Tibetan, Burmese, Khmer, kana, Han, Hangul.
_SPACELESS = (
    (0x0E00, 0x0FFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7AF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)

_LARGEST_TEXT = 2_000  # characters of one cue that are looked at
_MOST_TOKENS = 200_000


def tokens_of(text: str) -> tuple[list[str], list[float]]:
    """The tokens of a cue or turn, and where in it each begins, 0 to 1.

    Case, accents, apostrophes and the width of characters do not count.
    """
    plain = _MARKUP.sub(" ", html.unescape(text[:_LARGEST_TEXT]))
    plain = _WHOSE.sub(" ", _SOUNDS.sub(" ", plain))
    plain = unicodedata.normalize("NFKD", plain.casefold()).translate(_MARKS).translate(_APOSTROPHES)
    plain = unicodedata.normalize("NFC", plain)
    tokens: list[str] = []
    places: list[int] = []
    begin: int | None = None
    for position, character in enumerate([*plain, " "]):
        kind = _kind(character)
        if kind != "word" and begin is not None:
            tokens.append(plain[begin:position])
            places.append(begin)
            begin = None
        if kind == "word" and begin is None:
            begin = position
        elif kind == "character":
            tokens.append(character)
            places.append(position)
    opening = places[0] if places else 0
    length = max(1, len(plain.rstrip()) - opening)
    return tokens, [(place - opening) / length for place in places]


@lru_cache(maxsize=100_000)
def _kind(character: str) -> str:
    category = unicodedata.category(character)[0]
    if category not in "LNM":
        return "gap"
    code = ord(character)
    spaceless = category == "L" and any(low <= code <= high for low, high in _SPACELESS)
    if category == "M" and any(low <= code <= high for low, high in _SPACELESS[:3]):
        return "gap"  # vowel signs and tones of scripts taken letter by letter
    return "character" if spaceless else "word"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Lines as one row of tokens.

    Attributes:
        tokens: all of them.
        times: (tokens,), when each is said, as far as the line's times tell [s].
        lines: (tokens,), the line each is from.
        first: (tokens,), whether it is the first of its line.
        bounds: (lines + 1,), line n holds the tokens bounds[n] to bounds[n + 1].
    """

    tokens: list[str]
    times: NDArray[np.float64]
    lines: NDArray[np.int64]
    first: NDArray[np.bool_]
    bounds: NDArray[np.int64]

    @classmethod
    def of(cls, lines: Sequence[tuple[float, float, str]]) -> Text:
        """Lines given as (start [s], end [s], words); no more than a long film has."""
        tokens: list[str] = []
        times: list[float] = []
        numbers: list[int] = []
        bounds = [0]
        for number, (start, end, words) in enumerate(lines):
            if len(tokens) > _MOST_TOKENS:
                break
            line_tokens, places = tokens_of(words)
            tokens += line_tokens
            times += [start + place * max(0.0, end - start) for place in places]
            numbers += [number] * len(line_tokens)
            bounds.append(len(tokens))
        of_line = np.asarray(numbers, np.int64)
        first = np.ones(len(tokens), bool)
        first[1:] = of_line[1:] != of_line[:-1]
        return cls(
            tokens=tokens,
            times=np.asarray(times, np.float64),
            lines=of_line,
            first=first,
            bounds=np.asarray(bounds, np.int64),
        )


def aligned(first: Sequence[str], second: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of places at which two rows of tokens hold the same word, slips of the pen included, in order."""
    pairs: list[tuple[int, int]] = []
    for step in Levenshtein.opcodes(first, second):
        if step.tag == "equal":
            pairs += zip(range(step.src_start, step.src_end), range(step.dest_start, step.dest_end), strict=True)
        elif step.tag == "replace":
            pairs += [
                (first_index, second_index)
                for first_index, second_index in zip(
                    range(step.src_start, step.src_end), range(step.dest_start, step.dest_end), strict=False
                )
                if _alike(first[first_index], second[second_index])
            ]
    return pairs


def _alike(first: str, second: str) -> bool:
    longer = max(len(first), len(second))
    # Two letters changed places: two changes by Levenshtein's count.
    return longer >= 4 and Levenshtein.distance(first, second, score_cutoff=2) <= max(
        1, round((1 - limits.WORDS_ALIKE) * longer)
    )


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A place in a text that holds a line's words.

    Attributes:
        pairs: (token of the line, token of the text), in order.
        share: how much of the line is there, 0 to 1, rare words counting more.
    """

    pairs: list[tuple[int, int]]
    share: float


class LineFinder:
    """Finds lines in a text by runs of words that are rare in it.

    Args:
        text: what to search.
        more: further tokens of the language, by which words are known to be frequent.
    """

    def __init__(self, text: Text, more: Sequence[str] = ()) -> None:
        self.text = text
        counts = Counter(text.tokens)
        counts.update(more)
        total = max(1, counts.total())
        self._weights = {token: math.log(total / count) + 0.1 for token, count in counts.items()}
        self._unknown = math.log(total) + 0.1
        self._runs: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for position, token in enumerate(text.tokens):
            self._runs[(token,)].append(position)
            if position:
                self._runs[(text.tokens[position - 1], token)].append(position - 1)
            if position > 1:
                self._runs[(text.tokens[position - 2], text.tokens[position - 1], token)].append(position - 2)

    def weight(self, token: str) -> float:
        """What a token tells [nats]: little if it is frequent."""
        return self._weights.get(token, self._unknown)

    def find(self, line: Sequence[str], least: float) -> list[FoundLine]:
        """The places that hold at least this share of a line, the best ones."""
        weights = [self.weight(token) for token in line]
        votes: dict[int, float] = defaultdict(float)
        for size in (3, 2, 1):
            for position in range(len(line) - size + 1):
                places = self._runs.get(tuple(line[position : position + size]), ())
                if len(places) <= limits.COMMON_RUNS:
                    run_weight = sum(weights[position : position + size])
                    for place in places:
                        votes[(place - position) // 2] += run_weight
        found_lines: list[FoundLine] = []
        taken: list[int] = []
        for half in heapq.nlargest(3 * limits.LINE_PLACES, votes, key=votes.__getitem__):
            begin = 2 * half
            if any(abs(begin - earlier) <= max(2, len(line) // 2) for earlier in taken):
                continue
            taken.append(begin)
            low, high = max(0, begin - 3), min(len(self.text.tokens), begin + len(line) + 4)
            pairs = aligned(line, self.text.tokens[low:high])
            share = sum(weights[line_token] for line_token, _ in pairs) / max(1e-9, sum(weights))
            if share >= least:
                found_lines.append(
                    FoundLine([(line_token, text_token + low) for line_token, text_token in pairs], share)
                )
            if len(taken) >= limits.LINE_PLACES:
                break
        return found_lines

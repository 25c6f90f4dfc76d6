"""Which movie a recording is, by what is heard of it: an index of the timing fingerprints of a whole library.

Three frames of a fingerprint that follow each other, 24 bits, are a key; the index knows every place of every key. Of
an excerpt of the recording, keys are taken every 20 ms at each supposed speed; the bits that a little noise could have
turned are tried both ways. Places found by chance lie anywhere, true ones at one offset, as in Wang, "An
Industrial-Strength Audio Search Algorithm" (2003). Offsets with most votes are then compared bit by bit.

What is named here is a candidate: its alignment with the whole recording decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_fingerprint import fingerprint_limits as limits
from mmdia_dataset.alignment.by_fingerprint.changes import CHANGES, changes_of
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import FRAMES_PER_SECOND, TimingFingerprint
from mmdia_dataset.alignment.soundtrack import FRAME_RATE, Soundtrack, listen
from mmdia_dataset.media import probe, sound_of

__all__ = ["ContentIndex", "MovieGuess", "excerpts_of"]

_EXCERPTS, _EXCERPT_S = 3, 75.0

_STEP = FRAME_RATE / FRAMES_PER_SECOND  # frames of a soundtrack between two of a fingerprint
_KEY = 3  # frames of a fingerprint in a key
_KEYS = 1 << (_KEY * CHANGES)
_KEY_BITS = 1 << np.arange(_KEY * CHANGES)
_PHASE = 2  # frames: a key is taken every 20 ms
_PIECE = 90 * FRAME_RATE  # longest stretch of a recording that is looked for as one
_APART = 512  # frames of a fingerprint between movies: more than a piece is long
_FINE = 4000  # so many frames of drift in a piece are told apart by one phase


@dataclass(frozen=True, slots=True)
class MovieGuess:
    """A movie that a recording may be.

    Attributes:
        movie: its id.
        score: how far the agreement lies beyond chance, in standard deviations; strangers seldom reach 8.
        rate: movie seconds per recording second, to 2 %.
    """

    movie: str
    score: float
    rate: float


@dataclass(frozen=True, slots=True)
class _Speed:
    """A supposed speed.

    Attributes:
        rate: movie seconds per recording second.
        pitch: how much higher the recording sounds.
        reach: the rate may be wrong by as much of it.
        phase: frames between the shifts that are compared.
    """

    rate: float
    pitch: float
    reach: float
    phase: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """How hard to look.

    Attributes:
        speeds: those to try.
        sure: the share of an excerpt's keys that is looked up: those whose bits are surest.
        free: bits of a key that are tried both ways: the least sure ones.
        votes: fewer do not make an offset worth comparing.
        offsets: how many are compared for each speed.
    """

    speeds: tuple[_Speed, ...]
    sure: float
    free: int
    votes: int
    offsets: int


@dataclass(frozen=True, slots=True)
class _Match:
    """A piece of a recording laid over a movie.

    Attributes:
        movie: its number.
        rate: as compared.
        agree: (segments,), the sum of changes that agree with the fingerprint less those that do not.
        power: (segments,), the variance of that sum by chance.
    """

    movie: int
    rate: float
    agree: NDArray[np.float64]
    power: NDArray[np.float64]


def _speeds(rates: Iterable[float], reach: float, phase: int) -> tuple[_Speed, ...]:
    """Each rate with the pitch moved by as much, and with the pitch kept."""
    return tuple(_Speed(rate, pitch, reach, phase) for rate in rates for pitch in sorted({rate, 1.0}, reverse=True))


_KNOWN = _speeds((1.0, 1.0422, 1 / 1.0422), 0.0015, 2)
_OTHERS = _speeds((0.9, 0.92, 0.94, 0.96, 0.98, 1.0, 1.02, 1.04, 1.06, 1.08, 1.1, 1.12), 0.0101, 4)
# First what is clear, then through noise, then at any speed.
_SEARCHES = (
    _Search(speeds=_KNOWN, sure=0.25, free=4, votes=4, offsets=8),
    _Search(speeds=_KNOWN, sure=0.1, free=10, votes=2, offsets=12),
    _Search(speeds=_OTHERS, sure=0.15, free=5, votes=4, offsets=3),
)


class ContentIndex:
    """The timing fingerprints of a library, to be searched for a recording; about 100 MB for 200 movies.

    Args:
        fingerprints: by the movies' ids.
    """

    def __init__(self, fingerprints: Mapping[str, TimingFingerprint]) -> None:
        self._movies = tuple(fingerprints)
        lengths = np.array([len(fingerprint.bits) for fingerprint in fingerprints.values()], np.int64)
        self._first = np.cumsum(lengths + _APART) - lengths
        self._after = self._first + lengths
        self._bits = np.zeros(int(lengths.sum()) + _APART * (len(lengths) + 1), np.uint8)
        self._known = np.zeros(len(self._bits), bool)
        places: list[NDArray[np.int32]] = []
        for first, fingerprint in zip(self._first, fingerprints.values(), strict=True):
            count = len(fingerprint.bits)
            self._bits[first : first + count] = fingerprint.bits
            self._known[first : first + count] = known = fingerprint.known
            whole = np.logical_and.reduce([known[n : n + max(0, count - _KEY + 1)] for n in range(_KEY)])
            places.append((first + np.flatnonzero(whole)).astype(np.int32))
        unsorted = np.concatenate([*places, np.zeros(0, np.int32)])
        keys = np.zeros(len(unsorted), np.uint32)
        for n in range(_KEY):
            keys |= self._bits[unsorted + n].astype(np.uint32) << np.uint32(n * CHANGES)
        order = np.argsort(keys, kind="stable")
        self._places = unsorted[order]
        self._starts = np.zeros(_KEYS + 1, np.int32)
        keys = keys[order]
        for start in range(0, _KEYS + 1, 1 << 20):  # in parts, since searchsorted answers with 64 bits each
            some = np.arange(start, min(_KEYS + 1, start + (1 << 20)), dtype=np.uint32)
            self._starts[some] = np.searchsorted(keys, some)

    def identify(self, excerpts: Sequence[Soundtrack]) -> list[MovieGuess]:
        """The movies that a recording may be, best first; empty where nothing is clear.

        Args:
            excerpts: of the recording, 20 s or more each; long ones are looked for in pieces.
        """
        pieces = [piece for excerpt in excerpts for piece in _pieces(excerpt)]
        by_piece: list[dict[int, _Match]] = [{} for _ in pieces]
        guesses: list[MovieGuess] = []
        for search in _SEARCHES:
            for piece, matches in zip(pieces, by_piece, strict=True):
                for match in self._matches(piece, search):
                    best = matches.get(match.movie)
                    if best is None or _score(match) > _score(best):
                        matches[match.movie] = match
            guesses = self._guesses(by_piece)
            if guesses and guesses[0].score >= limits.MOVIE_CERTAIN:
                break
        return guesses

    def _matches(self, piece: Soundtrack, search: _Search) -> Iterator[_Match]:
        changes: dict[float, NDArray[np.float32]] = {}
        for speed in search.speeds:
            if speed.pitch not in changes:
                changes[speed.pitch] = changes_of(piece, speed.pitch)
            heard = changes[speed.pitch]
            frames, places = self._votes(heard, speed.rate, search)
            for offset in _offsets(places - frames * (speed.rate / _STEP), places, speed, len(heard), search):
                match = self._compared(heard, speed, offset)
                if match is not None:
                    yield match

    def _votes(
        self, heard: NDArray[np.float32], rate: float, search: _Search
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Frames of the excerpt, and the places in the index whose keys are like the one that begins there."""
        frames, keys, weak = _keys(heard, rate, search)
        turned = (np.arange(1 << search.free)[:, None] >> np.arange(search.free) & 1) @ weak.T
        tried = (keys ^ turned).ravel()
        start = self._starts[tried]
        count = self._starts[tried + 1] - start
        count[count > limits.CROWD] = 0
        hit = np.flatnonzero(count)
        count = count[hit].astype(np.int64)
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        places = self._places[np.repeat(start[hit], count) + within]
        return frames[np.repeat(hit % len(frames), count)] if len(frames) else frames, places.astype(np.int64)

    def _compared(self, heard: NDArray[np.float32], speed: _Speed, offset: float) -> _Match | None:
        """The excerpt against the movie at an offset [frames of a fingerprint], at the best speed and shift nearby."""
        movie = int(np.searchsorted(self._after, offset + limits.LEAST_FRAMES))
        if movie == len(self._movies):
            return None
        rate = speed.rate / _STEP
        first = max(int(self._first[movie]), int(np.ceil(offset)))
        after = min(int(self._after[movie]), int(offset + len(heard) * rate))
        frames = first + np.flatnonzero(self._known[first : max(first, after)])
        if len(frames) < limits.LEAST_FRAMES:
            return None
        signs = ((self._bits[frames, None] >> np.arange(CHANGES, dtype=np.uint8) & 1) * 2.0 - 1).astype(np.float32)
        expected = (frames - offset) / rate
        # Agreement of every frame at every lag within reach; then, for each speed and shift, one lag of each frame.
        widest = speed.reach * len(heard) / 2
        most_shift = _spread(speed, len(heard)) * _STEP
        shifts = np.arange(-most_shift, most_shift + 1, speed.phase)
        slopes = np.arange(-speed.reach, speed.reach + 1e-9, speed.phase / _FINE)
        most = int((widest + most_shift) / speed.phase) + 1
        places = np.rint(expected).astype(np.int64)[:, None] + speed.phase * np.arange(-most, most + 1)
        inside = (places >= 0) & (places < len(heard))
        places = np.clip(places, 0, len(heard) - 1)
        agree = np.einsum("flc,fc->fl", heard[places], signs) * inside
        power = np.square(heard).sum(axis=1)[places] * inside
        drift = slopes[:, None, None] * (expected - len(heard) / 2) + shifts[:, None]
        lags = np.rint(drift / speed.phase).astype(np.int64) + most
        rows = np.arange(len(frames))
        total = agree[rows, lags].sum(axis=2) / np.sqrt(power[rows, lags].sum(axis=2) + 1e-6)
        slope, shift = np.unravel_index(int(np.argmax(total)), total.shape)
        lag = lags[slope, shift]
        segment = np.clip(expected / (limits.SEGMENT_S * FRAME_RATE), 0, None).astype(np.int64)
        count = int(np.ceil(len(heard) / (limits.SEGMENT_S * FRAME_RATE)))
        return _Match(
            movie,
            float(speed.rate / (1 + slopes[slope])),
            np.bincount(segment, agree[rows, lag], count).astype(np.float64),
            np.bincount(segment, power[rows, lag], count).astype(np.float64),
        )

    def _guesses(self, by_piece: list[dict[int, _Match]]) -> list[MovieGuess]:
        """Movies whose matches are clear when taken together, each segment shared among the movies heard in it."""
        scores: dict[int, list[tuple[float, float]]] = {}
        for matches in by_piece:
            if not matches:
                continue
            heard = sum(match.agree > limits.SEGMENT_HEARD * np.sqrt(match.power + 1e-6) for match in matches.values())
            share = np.minimum(1, limits.SHARED_MOVIES / np.maximum(heard, 1))
            for match in matches.values():
                scores.setdefault(match.movie, []).append((_score(match, share), match.rate))
        guesses: list[MovieGuess] = []
        for movie, parts in scores.items():
            rate = max(parts)[1]
            alike = [score for score, part_rate in parts if abs(part_rate / rate - 1) < limits.MOVIE_SAME_SPEED]
            score = float(np.sqrt(sum(part_score**2 for part_score in alike)))
            if score >= limits.MOVIE_CLEAR:
                guesses.append(MovieGuess(self._movies[movie], score, rate))
        guesses.sort(key=lambda guess: -guess.score)
        return [guess for guess in guesses if guess.score >= guesses[0].score / 2]


def excerpts_of(path: Path, language: str | None = None) -> list[Soundtrack]:
    """What is heard in three excerpts of a recording, 75 s each, around its quarters; of a short one, the whole.

    Args:
        path: the recording.
        language: of the sound track to hear, see `sound_of`.

    Raises:
        MediaUnreadable, NoAudio, MediaDamaged: as `sound_of`.
    """
    duration = float(probe(path).duration_s or 0)
    excerpts: list[Soundtrack] = []
    if duration > _EXCERPTS * _EXCERPT_S:
        for n in range(1, _EXCERPTS + 1):
            start = duration * n / (_EXCERPTS + 1) - _EXCERPT_S / 2
            excerpts.append(listen(sound_of(path, language, start_s=start, duration_s=_EXCERPT_S)))
    heard = [excerpt for excerpt in excerpts if excerpt.levels.any()]
    # A recording may be shorter than it says, or its sound shorter than its picture.
    return heard or [listen(sound_of(path, language, duration_s=_EXCERPTS * _EXCERPT_S))]


def _pieces(excerpt: Soundtrack) -> list[Soundtrack]:
    """An excerpt in equal pieces that are not too long."""
    count = -(-len(excerpt.levels) // _PIECE)
    edges = np.linspace(0, len(excerpt.levels), count + 1).astype(int)
    return [Soundtrack(excerpt.levels[start:end], excerpt.voice[start:end]) for start, end in pairwise(edges)]


def _keys(
    heard: NDArray[np.float32], rate: float, search: _Search
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The surest keys of an excerpt: frames where they begin, the keys, and their least sure bits (keys, free)."""
    reach = [round(n * _STEP / rate) for n in range(_KEY)]
    starts = np.arange(0, max(0, len(heard) - reach[-1]), _PHASE)
    values = np.concatenate([heard[starts + n] for n in reach], axis=1)
    margins = np.abs(values)
    order = np.argpartition(margins, search.free, axis=1)
    sure = np.take_along_axis(margins, order[:, search.free : search.free + 1], axis=1)[:, 0]
    chosen = np.argsort(-sure, kind="stable")[: int(len(starts) * search.sure)]
    chosen = chosen[sure[chosen] > 0]
    return starts[chosen], (values[chosen] > 0) @ _KEY_BITS, _KEY_BITS[order[chosen, : search.free]]


def _spread(speed: _Speed, frames: int) -> float:
    """How far votes for one offset can lie from their middle [frames of a fingerprint]."""
    return 0.25 + speed.reach * frames / 2 / _STEP


def _offsets(
    offsets: NDArray[np.float64], places: NDArray[np.int64], speed: _Speed, frames: int, search: _Search
) -> list[float]:
    """The offsets that most keys vote for; a place found by several keys votes once."""
    # Votes for one offset fall into one cell or two neighbours.
    width = 2 * _spread(speed, frames)
    span = np.int64(1) << 32
    votes = np.sort(np.floor(offsets / width).astype(np.int64) * span + places)
    if not len(votes):
        return []
    votes = votes[np.append(True, np.diff(votes) > 0)] // span
    edges = np.flatnonzero(np.append(True, np.diff(votes) > 0))
    cells, counts = votes[edges], np.diff(edges, append=len(votes))
    joined = np.append(np.diff(cells) == 1, False)
    pair = counts + joined * np.append(counts[1:], 0)
    best = np.argsort(-pair, kind="stable")[: 2 * search.offsets]
    chosen: list[int] = []
    for n in best:
        if pair[n] >= search.votes and not {n - 1, n + 1} & set(chosen):
            chosen.append(int(n))
    return [float((cells[n] + (1 if joined[n] else 0.5)) * width) for n in chosen[: search.offsets]]


def _score(match: _Match, share: NDArray[np.float64] | None = None) -> float:
    """How far a match lies beyond chance in standard deviations, over that run of segments for which it is most."""
    agree = np.cumsum(np.append(0, match.agree if share is None else match.agree * share))
    power = np.cumsum(np.append(0, match.power))
    start, end = np.triu_indices(len(agree), 1)
    return float(np.max((agree[end] - agree[start]) / np.sqrt(power[end] - power[start] + 1e-6), initial=0))

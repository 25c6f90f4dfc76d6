"""The way through a recording that most dialogues' sounds agree on: stretches of movie time with one offset each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmdia_dataset.alignment.by_audio import audio_limits as limits
from mmdia_dataset.alignment.by_audio.sound_speed import FoundSound
from mmdia_dataset.timing import Span

__all__ = ["SoundStop", "SoundStretch", "best_path", "stretches_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundStop:
    """A dialogue with a movie time on its way through the recording.

    Attributes:
        id: the dialogue's.
        span: its span in the movie.
        places: where its sound may be.
        trusted: whether its sound is as long as it should be; others can't speak for an offset of their own.
    """

    id: str
    span: Span
    places: tuple[FoundSound, ...]
    trusted: bool

    def offset_s(self, place: FoundSound, rate: float) -> float:
        """By how much movie time is moved if the sound is at a place [s of movie time]."""
        return place.start_s * rate - self.span.start_ms / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundStretch:
    """Dialogues in a row that share an offset.

    Attributes:
        offset_s: movie time is moved by as much [s of movie time].
        error_s: its standard error [s].
        ids: the dialogues, in order of movie time.
        from_ms: start of the first [ms of movie time].
        to_ms: end of the last.
    """

    offset_s: float
    error_s: float
    ids: tuple[str, ...]
    from_ms: int
    to_ms: int

    def interval_s(self, span: Span, rate: float) -> tuple[float, float]:
        """Where a span of the movie begins and ends in the recording, if it has this offset [s]."""
        start_s = (span.start_ms / 1000 + self.offset_s) / rate
        return start_s, start_s + span.duration_ms / 1000 / rate


def best_path(stops: Sequence[SoundStop], rate: float) -> dict[str, FoundSound]:
    """The place of each dialogue on the most probable way, in which the recording plays them in their order.

    Args:
        stops: dialogues, in order of movie time.
        rate: movie seconds per recording second.
    """
    states = [(number, place) for number, stop in enumerate(stops) for place in stop.places if _nats(place) > 0]
    if not states:
        return {}
    numbers = np.array([number for number, _ in states])
    starts = np.array([place.start_s for _, place in states])
    lengths = np.array([stops[number].span.duration_ms / 1000 / rate for number, _ in states])
    offsets = np.array([stops[number].offset_s(place, rate) for number, place in states])
    errors = np.array([place.spread_s * rate for _, place in states])
    trusted = np.array([stops[number].trusted for number, _ in states])
    total = np.array([_nats(place) for _, place in states])
    previous = np.full(len(states), -1)
    for state in range(len(states)):
        earlier = np.flatnonzero(numbers[:state] < numbers[state])
        if not len(earlier):
            continue
        apart = np.abs(offsets[earlier] - offsets[state])
        alike = apart <= limits.ALIKE_S + 3 * np.hypot(errors[earlier], errors[state])
        overlap = np.minimum(limits.BACKWARDS_S, np.minimum(lengths[earlier], lengths[state]) / 2)
        follows = alike | (starts[earlier] + lengths[earlier] <= starts[state] + overlap)
        cost = np.where(alike, 0.0, limits.SPLICE_NATS)
        # A sound of another length says nothing of an offset of its own.
        cost += np.where(alike | (trusted[earlier] & trusted[state]), 0.0, limits.MOST_NATS)
        gains = np.where(follows, total[earlier] - cost, -np.inf)
        best = int(np.argmax(gains))
        if gains[best] > 0:
            total[state] += gains[best]
            previous[state] = earlier[best]
    state = int(np.argmax(total))
    path: dict[str, FoundSound] = {}
    while state >= 0:
        number, place = states[state]
        path[stops[number].id] = place
        state = int(previous[state])
    return path


def stretches_of(stops: Sequence[SoundStop], path: dict[str, FoundSound], rate: float) -> list[SoundStretch]:
    """The stretches along a path.

    A single sound that leaves the way and comes back to it is not a cut but another dialogue's sound: it is left out.
    """
    groups: list[list[SoundStop]] = []
    for stop in stops:
        if stop.id not in path:
            continue
        if groups and _alike(groups[-1], stop, path, rate):
            groups[-1].append(stop)
        else:
            groups.append([stop])
    kept: list[list[SoundStop]] = []
    for number, group in enumerate(groups):
        before, after = kept[-1] if kept else None, groups[number + 1] if number + 1 < len(groups) else None
        if len(group) == 1 and before and after and _alike(before, after[0], path, rate):
            continue
        if before and _alike(before, group[0], path, rate):
            before += group
        else:
            kept.append(group)
    return [_stretch(group, path, rate) for group in kept]


def _nats(place: FoundSound) -> float:
    """What a place is worth against the best of all places by chance."""
    return min(limits.MOST_NATS, (place.strength**2 - limits.NEAR**2) / 2)


def _alike(group: Sequence[SoundStop], stop: SoundStop, path: dict[str, FoundSound], rate: float) -> bool:
    mean, error = _mean(group, path, rate)
    place = path[stop.id]
    return abs(stop.offset_s(place, rate) - mean) <= limits.ALIKE_S + 3 * float(np.hypot(error, place.spread_s * rate))


def _mean(group: Sequence[SoundStop], path: dict[str, FoundSound], rate: float) -> tuple[float, float]:
    """The offset of a group and its standard error, [s of movie time]."""
    offsets = np.array([stop.offset_s(path[stop.id], rate) for stop in group])
    spreads = np.array([max(path[stop.id].spread_s * rate, 5e-4) for stop in group])
    order = np.argsort(offsets)
    weights = np.cumsum(1 / spreads[order])
    middle = float(offsets[order][int(np.searchsorted(weights, weights[-1] / 2))])
    scatter = 1.4826 * float(np.median(np.abs(offsets - middle)))
    return middle, max(scatter, float(spreads.min())) / np.sqrt(len(group))


def _stretch(group: Sequence[SoundStop], path: dict[str, FoundSound], rate: float) -> SoundStretch:
    offset_s, error_s = _mean(group, path, rate)
    return SoundStretch(
        offset_s=offset_s,
        error_s=float(error_s),
        ids=tuple(stop.id for stop in group),
        from_ms=min(stop.span.start_ms for stop in group),
        to_ms=max(stop.span.end_ms for stop in group),
    )

"""Which offset holds when: pieces of a recording that run without a cut, by the best path through all offsets found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_fingerprint import fingerprint_limits as limits
from mmdia_dataset.alignment.by_fingerprint.agreement import Agreement
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import FRAMES_PER_SECOND

__all__ = ["Gains", "Run", "follow", "track"]


Gains = Callable[[NDArray[np.int64], float], NDArray[np.floating]]
"""What each of some frames says for an offset [s]: above 0 for it, below against it."""


@dataclass(frozen=True, slots=True)
class Run:
    """Frames of the fingerprint [first, after) that the recording plays with one offset.

    Attributes:
        first: first frame.
        after: the frame after the last.
        offset_s: movie time is moved by as much [s of movie time].
    """

    first: int
    after: int
    offset_s: float


def track(agreement: Agreement, offsets: Sequence[float]) -> list[Run]:
    """The runs found by how well they agree, before anything is known of the recording.

    Args:
        agreement: fingerprint and recording.
        offsets: those that were found anywhere [s]; near ones are merged.
    """
    distinct = _distinct(offsets)
    if not distinct or not len(agreement.times):
        return []

    def runs(doubt: float) -> list[Run]:
        def gains(frames: NDArray[np.int64], offset: float) -> NDArray[np.float32]:
            return _gains(agreement, frames, offset, doubt)

        return follow(agreement.times, distinct, gains, limits.TRACK_SPLICE)

    clear = runs(limits.DOUBT)
    doubt = max(limits.LEAST_DOUBT, min(limits.DOUBT, limits.NOISY * _typical(agreement, clear)))
    return clear if doubt == limits.DOUBT else runs(doubt)


def follow(times: NDArray[np.float64], offsets: Sequence[float], gains: Gains, splice: float) -> list[Run]:
    """The runs of the most probable path, in order of movie time; stretches that fit no offset are left out.

    Viterbi's algorithm over the fingerprint's frames; the states are the offsets and one for being absent.

    Args:
        times: of the frames [s].
        offsets: the states [s].
        gains: what each of some frames says for an offset.
        splice: what a change of offset must be worth.
    """
    frames = np.arange(len(times))
    states = [gains(frames, offset) for offset in offsets]
    path = _viterbi(np.stack([*states, np.zeros(len(frames), np.float32)]), splice)
    edges = np.flatnonzero(np.diff(path)) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(path)]])
    runs = [
        Run(int(start), int(end), offsets[path[start]])
        for start, end in zip(starts, ends, strict=True)
        if path[start] < len(offsets)
    ]
    return _forward(times, runs, gains)


def _typical(agreement: Agreement, runs: Sequence[Run]) -> float:
    """How well the runs agree as a whole."""
    sums = [agreement.bits(np.arange(run.first, run.after), run.offset_s) for run in runs]
    weight = sum(float(weight.sum()) for _, weight in sums)
    return sum(float(agree.sum()) for agree, _ in sums) / weight if weight else 1.0


def _gains(agreement: Agreement, frames: NDArray[np.int64], offset: float, doubt: float) -> NDArray[np.float32]:
    """What each frame says for an offset, 1 for full agreement of a typical one."""
    agree, weight = agreement.bits(frames, offset)
    # Where the recording is silent nothing contradicts; but silence should not carry a run on for long.
    weight = np.maximum(weight, limits.SILENT_WEIGHT * agreement.usual)
    gain = np.clip((agree - doubt * weight) / agreement.usual, -limits.LOUDEST, limits.LOUDEST).astype(np.float32)
    places = agreement.places(frames, offset)
    gain[(places < 0) | (places > len(agreement.changes) - 1)] = limits.OUTSIDE
    return gain


def _distinct(offsets: Sequence[float]) -> list[float]:
    """Each group of offsets that lie close together as its middle."""
    groups: list[list[float]] = []
    for offset in sorted(offsets):
        if groups and offset - groups[-1][0] < limits.OFFSETS_ALIKE_S:
            groups[-1].append(offset)
        else:
            groups.append([offset])
    return [float(np.median(group)) for group in groups]


def _viterbi(gains: NDArray[np.floating], splice: float) -> NDArray[np.int64]:
    """The best path through (states, frames): (frames,). The last state is being absent, half a splice from all."""
    states, count = gains.shape
    absent = states - 1
    stays = np.empty((count, states), bool)
    jumps = np.empty((count, states), np.int64)
    into = np.full(states, splice, np.float32)
    into[absent] = splice / 2
    total = gains[:, 0].copy()
    for frame in range(1, count):
        best = int(total[:absent].argmax())
        change = total[best] - into
        back = total[absent] - splice / 2
        from_absent = back > change
        from_absent[absent] = False
        change = np.where(from_absent, back, change)
        stays[frame] = total >= change
        jumps[frame] = np.where(from_absent, absent, best)
        total = np.maximum(total, change) + gains[:, frame]
    path = np.empty(count, np.int64)
    path[-1] = total.argmax()
    for frame in range(count - 1, 0, -1):
        state = path[frame]
        path[frame - 1] = state if stays[frame, state] else jumps[frame, state]
    return path


def _forward(times: NDArray[np.float64], runs: list[Run], gains: Gains) -> list[Run]:
    """Runs that follow each other in the recording too: the longest chain of them, each ending where the next begins.

    Beside a removed scene, chance can lengthen a run by some seconds; where two claim the same stretch of the
    recording, it is divided so that both together agree best.
    """
    lengths = [float(times[run.after - 1] - times[run.first]) + 1e-3 for run in runs]
    best, previous = list(lengths), [-1] * len(runs)
    for n, run in enumerate(runs):
        starts = times[run.first] + run.offset_s
        for m in range(n):
            ends = times[runs[m].after - 1] + runs[m].offset_s
            follows = ends <= starts + min(limits.CONTESTED_S, lengths[m] / 2, lengths[n] / 2)
            if follows and best[m] + lengths[n] > best[n]:
                best[n], previous[n] = best[m] + lengths[n], m
    number = int(np.argmax(best)) if runs else -1
    chain: list[Run] = []
    while number >= 0:
        chain.append(runs[number])
        number = previous[number]
    chain.reverse()
    for n in range(1, len(chain)):
        chain[n - 1], chain[n] = _divided(times, chain[n - 1], chain[n], gains)
    return [trimmed for run in chain if (trimmed := _trimmed(run, gains)) is not None]


def _divided(times: NDArray[np.float64], earlier: Run, later: Run, gains: Gains) -> tuple[Run, Run]:
    """Two runs in a row, without the stretch of recording both claim."""
    begin, end = times[later.first] + later.offset_s, times[earlier.after - 1] + earlier.offset_s
    if end <= begin:
        return earlier, later
    first = np.arange(earlier.first, earlier.after)
    second = np.arange(later.first, later.after)
    tail = first[times[first] + earlier.offset_s >= begin]
    head = second[times[second] + later.offset_s <= end]
    # Frames of both that are played at one time count together, whatever gaps lie between them.
    tail_slots, head_slots = (
        np.floor((times[frames] + run.offset_s - begin) * FRAMES_PER_SECOND + 1e-6).astype(np.int64)
        for frames, run in ((tail, earlier), (head, later))
    )
    kept = np.cumsum(np.append(0, np.bincount(tail_slots, gains(tail, earlier.offset_s))))
    left = np.cumsum(np.append(0, np.bincount(head_slots, gains(head, later.offset_s))[::-1]))[::-1]
    shared = min(len(kept), len(left))
    split = int(np.argmax(kept[:shared] + left[:shared]))
    after, start = int(np.searchsorted(tail_slots, split)), int(np.searchsorted(head_slots, split))
    return replace(earlier, after=int(tail[0]) + after), replace(later, first=int(head[0]) + start)


def _trimmed(run: Run, gains: Gains) -> Run | None:
    """A run without the ends that nothing speaks for; None if nothing is left."""
    if run.after <= run.first:
        return None
    sums = np.cumsum(gains(np.arange(run.first, run.after), run.offset_s))
    last = int(np.argmax(sums))
    first = int(np.argmin(np.concatenate([[0.0], sums[: last + 1]])))
    return replace(run, first=run.first + first, after=run.first + last + 1) if last >= first else None

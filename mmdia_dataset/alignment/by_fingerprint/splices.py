"""Does a piece of the recording begin or end inside a dialogue?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_fingerprint import fingerprint_limits as limits
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import FRAMES_PER_SECOND
from mmdia_dataset.alignment.by_fingerprint.tracking import Gains, Run
from mmdia_dataset.schema import Span

__all__ = ["splice_in"]


def splice_in(span: Span, times: NDArray[np.float64], nats: Gains, runs: Sequence[Run], number: int) -> float | None:
    """The movie time at which a run begins or ends inside a span, if that is more probable than not [s].

    Args:
        span: of a dialogue, in the movie.
        times: of the fingerprint's frames [s]. In its gaps a run can end as well as elsewhere, and nothing speaks.
        nats: what frames say for an offset.
        runs: pieces in order of time.
        number: the one that plays the dialogue.
    """
    numbers = np.rint(times * FRAMES_PER_SECOND).astype(np.int64)
    every = np.arange(numbers[-1] + 1) / FRAMES_PER_SECOND

    def said(frames: NDArray[np.int64], offset_s: float) -> NDArray[np.float64]:
        result, known = np.zeros(len(frames)), np.isin(frames, numbers)
        result[known] = nats(np.searchsorted(numbers, frames[known]), offset_s)
        return result

    start, end = span.start_ms / 1000, span.end_ms / 1000
    middle = (start + end) / 2
    to_the_end = np.flatnonzero((every >= middle) & (every < end + limits.SPLICE_AROUND_S))
    to_the_start = np.flatnonzero((every >= start - limits.SPLICE_AROUND_S) & (every < middle))[::-1]
    for frames, inside, neighbour in (
        (to_the_start, every[to_the_start] >= start, number - 1),
        (to_the_end, every[to_the_end] < end, number + 1),
    ):
        neighbour_nats = said(frames, runs[neighbour].offset_s) if 0 <= neighbour < len(runs) else None
        odds = _odds(said(frames, runs[number].offset_s), neighbour_nats)[: int(inside.sum())]
        if odds.sum() > limits.SPLICE_RISK:
            return float(every[frames[int(np.argmax(odds))]])
    return None


def _odds(run_nats: NDArray[np.floating], next_nats: NDArray[np.floating] | None) -> NDArray[np.float64]:
    """How probably a run stops at each of some frames, and last, that it goes on to their end: (frames + 1,).

    Where it stops, the recording has nothing of the movie any more, or another run takes over there or later. Every
    course of events is as probable as it is before anything is heard, times what its frames say (Bayes).

    Args:
        run_nats: what frames say for the run [nats].
        next_nats: what they say for the next one, if there is one.
    """
    count = len(run_nats)
    before = np.concatenate([[0.0], np.cumsum(run_nats)])
    rest = np.zeros(count + 1)
    if next_nats is not None:
        after = np.concatenate([np.cumsum(next_nats[::-1])[::-1], [0.0]])
        later = np.logaddexp.accumulate(after[::-1])[::-1] - limits.RETURN_NATS
        rest = np.logaddexp(rest, np.logaddexp(after, later))
    courses = before + rest - limits.SPLICE_NATS
    courses[count] = before[count]
    odds = np.exp(courses - courses.max())
    return np.asarray(odds / odds.sum(), np.float64)

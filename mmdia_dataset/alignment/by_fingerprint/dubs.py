"""Is a recording in which no dialogue is heard a dub? Then its pauses are the movie's, its speech is not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.alignment.by_fingerprint import fingerprint_limits as limits
from mmdia_dataset.alignment.by_fingerprint.changes import changes_of
from mmdia_dataset.alignment.by_fingerprint.correlation import Searchable
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import TimingFingerprint
from mmdia_dataset.alignment.cues import cued
from mmdia_dataset.alignment.evidence import RATES
from mmdia_dataset.alignment.soundtrack import Soundtrack
from mmdia_dataset.schema import Dialogue

__all__ = ["is_dub"]


_HYPOTHESES = [(float(rate), pitch) for rate in RATES for pitch in sorted({float(rate), 1.0})]


def is_dub(dialogues: Sequence[Dialogue], reference: TimingFingerprint, soundtrack: Soundtrack) -> bool:
    """Whether what a movie plays in the pauses around its lines is heard in a recording, in the same order.

    Args:
        dialogues: of the movie, with times in it.
        reference: the movie's fingerprint.
        soundtrack: the recording's; none of the dialogues is heard in it.
    """
    windows = _pauses(dialogues, reference)
    prepared: dict[float, Searchable] = {}
    for rate, pitch in _HYPOTHESES:
        if pitch not in prepared:
            prepared[pitch] = Searchable(changes_of(soundtrack, pitch))
        offsets: list[float] = []
        for window in windows:
            hit = prepared[pitch].find(reference.times[window], reference.signs[window], rate)
            if hit.score >= limits.DUB_LEAST and hit.score >= limits.DUB_CLEAR * hit.second:
                offsets.append(hit.found_s * rate - hit.at_s)
        if any(
            sum(abs(offset - neighbour) < limits.DUB_SAME_S for neighbour in offsets) >= limits.DUB_HITS
            for offset in offsets
        ):
            return True
    return False


def _pauses(dialogues: Sequence[Dialogue], reference: TimingFingerprint) -> list[NDArray[np.int64]]:
    """Frames of pauses in windows all over the movie, of each twelfth the one with most of them."""
    times = reference.times
    spoken = cued(times, dialogues)
    chosen: dict[int, NDArray[np.int64]] = {}
    for dialogue in dialogues:
        middle = (dialogue.span.start_ms + dialogue.span.end_ms) / 2000
        window = np.flatnonzero(~spoken & (abs(times - middle) < limits.DUB_WINDOW_S / 2))
        slot = int(limits.DUB_PROBES * middle / (times[-1] + 1)) if len(times) else 0
        if len(window) >= max(limits.DUB_FEWEST_FRAMES, len(chosen.get(slot, ()))):
            chosen[slot] = window
    return [chosen[slot] for slot in sorted(chosen)]

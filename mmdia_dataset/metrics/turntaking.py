"""Turn-taking: when the next speaker starts, against when the last one ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmdia_dataset.metrics.answers import Pair
from mmdia_dataset.metrics.libraries import scipy_stats
from mmdia_dataset.metrics.metric import Counted, Metric, Settings
from mmdia_dataset.schema import Answer

__all__ = ["TurnTaking", "figures", "offsets_ms"]

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def offsets_ms(answer: Answer) -> list[int]:
    """Floor transfer offsets of a dialogue: start of a speaker's turn minus end of the other's before it [ms].

    Positive is a gap, negative an overlap (Heldner and Edlund, "Pauses, gaps and overlaps in conversations", 2010).
    Utterances go by start; a run of one speaker is one turn, and ends with the latest of its ends.
    """
    timed = sorted(
        (utterance.start_ms, utterance.end_ms, utterance.speaker)
        for utterance in answer.utterances
        if utterance.start_ms is not None and utterance.end_ms is not None
    )
    offsets: list[int] = []
    until, last = 0, None
    for start, end, speaker in timed:
        if speaker == last:
            until = max(until, end)
            continue
        if last is not None:
            offsets.append(start - until)
        until, last = end, speaker
    return offsets


def figures(offsets: Sequence[int]) -> dict[str, Any]:
    """How offsets are distributed: how many, mean and quantiles [ms], and the share and mean of gaps and overlaps."""
    if not offsets:
        return {"transfers": 0}
    values = np.asarray(offsets, float)
    gaps, overlaps = values[values > 0], -values[values < 0]
    return {
        "transfers": len(values),
        "mean_ms": float(values.mean()),
        "quantiles_ms": {f"{q:g}": float(np.quantile(values, q)) for q in _QUANTILES},
        "gaps": len(gaps) / len(values),
        "mean_gap_ms": float(gaps.mean()) if len(gaps) else None,
        "overlaps": len(overlaps) / len(values),
        "mean_overlap_ms": float(overlaps.mean()) if len(overlaps) else None,
    }


class TurnTaking(Metric):
    """How far the hypothesis' floor transfer offsets are from the reference's, as distributions.

    The value is the Wasserstein distance between all offsets of both sides [ms]; 0 where they are distributed alike. It
    is of distributions, so its interval is not known. Details: `hypothesis` and `reference`, see `figures`.
    """

    def __init__(self) -> None:
        super().__init__("turn_taking")

    def count(self, pair: Pair, settings: Settings) -> Counted | None:
        """The offsets of both sides; None where either has no times."""
        hyp, ref = offsets_ms(pair.hyp), offsets_ms(pair.ref)
        timed = all(any(utterance.start_ms is not None for utterance in a.utterances) for a in (pair.hyp, pair.ref))
        return Counted(0.0, 0.0, (hyp, ref)) if timed else None

    def value(self, counted: Sequence[Counted]) -> float | None:
        """The distance of all offsets."""
        hyp, ref = _all_offsets(counted)
        if not hyp or not ref:
            return None
        return float(scipy_stats().wasserstein_distance(hyp, ref))

    def gather(self, pairs: Sequence[Pair], counted: Sequence[Counted]) -> tuple[dict[str, int], dict[str, Any]]:
        """Figures of both sides."""
        hyp, ref = _all_offsets(counted)
        return {}, {"hypothesis": figures(hyp), "reference": figures(ref)}


def _all_offsets(counted: Sequence[Counted]) -> tuple[list[int], list[int]]:
    hyp = [offset for fraction in counted for offset in fraction.detail[0]]
    return hyp, [offset for fraction in counted for offset in fraction.detail[1]]

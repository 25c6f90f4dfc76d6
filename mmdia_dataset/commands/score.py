"""`score`: several metrics over the same dialogues."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmdia_dataset.metrics.answers import answers_in, paired
from mmdia_dataset.metrics.judges import AnswerScore
from mmdia_dataset.metrics.metric import Settings
from mmdia_dataset.metrics.normalisation import DEFAULT
from mmdia_dataset.metrics.score_results import Score
from mmdia_dataset.metrics.scoring import load
from mmdia_dataset.reports import Report

__all__ = ["ScoreReport", "score"]


@dataclass(frozen=True, slots=True)
class ScoreReport(Report):
    """The scores, in the order asked for; what can't be scored is an error."""

    scores: tuple[Score, ...]


def score(
    hyp: Path | str | Iterable[Any],
    ref: Path | str | Iterable[Any],
    *,
    metrics: str | Sequence[str] = "wer,cpwer",
    split: str | None = None,
    missing: str = "error",
    cluster: str | None = None,
    resamples: int = 1000,
    seed: int = 0,
    normalisation: str = DEFAULT,
) -> ScoreReport:
    """Compare what a system made with what it was to make.

    Args:
        hyp: answers: JSON lines (schema/answer.schema.json), STM, SegLST, or rows.
        ref: what decides which dialogues are scored: the same, or a release or built directory.
        metrics: of `METRICS`, as a list or comma-separated.
        split: where `ref` is a release or built directory: this split of it alone.
        missing: what becomes of a dialogue without an answer: `error`, `empty` (as if it had answered nothing), `skip`.
        cluster: `movie` draws whole movies for the intervals.
        resamples: draws for the intervals; 0 for none.
        seed: of the draws.
        normalisation: of texts.

    Raises:
        ScoreError: an answer is missing, occurs twice, or can't be read.
        ConfigError: an unknown metric or setting.
        ExtraMissing: jiwer or meeteval is not installed.
    """
    names = metrics.split(",") if isinstance(metrics, str) else metrics
    settings = Settings(missing=missing, cluster=cluster, resamples=resamples, seed=seed, normalisation=normalisation)
    scorers = [load(name) for name in names if name != "judged"]
    pairs, absent, unused = paired(answers_in(hyp), answers_in(ref, split), missing)
    if "judged" in names:
        scorers += [AnswerScore(name) for name in sorted({name for pair in pairs for name in pair.hyp.scores})]
    return ScoreReport(tuple(scorer.score(pairs, absent, unused, settings=settings) for scorer in scorers))

"""`score`: several metrics over the same dialogues."""

from __future__ import annotations

from mmdia_dataset.errors import ConfigError
from mmdia_dataset.metrics.label_recall import LabelRecall
from mmdia_dataset.metrics.metric import Metric
from mmdia_dataset.metrics.turntaking import TurnTaking
from mmdia_dataset.metrics.word_errors import Cpwer, Wer

__all__ = [
    "METRICS",
    "load",
]

METRICS = ("wer", "cpwer", "relationship_recall", "interaction_recall", "turn_taking", "judged")
"""Names of metrics; `judged` stands for every score that the answers hold."""


def load(name: str) -> Metric:
    """A metric by name, with a method `compute`. Raises ConfigError."""
    metrics: dict[str, Metric] = {
        metric.name: metric
        for metric in (Wer(), Cpwer(), LabelRecall("relationship"), LabelRecall("interaction"), TurnTaking())
    }
    if name not in metrics:
        raise ConfigError(
            f"unknown metric {name!r}", hint=f"choose one of {', '.join(metrics)}; in Python, judge() makes your own"
        )
    return metrics[name]

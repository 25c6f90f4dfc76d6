"""Label recall: how often a judge who reads or hears a result names the label it was made with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from mmdia_dataset.metrics.answers import Pair
from mmdia_dataset.metrics.metric import Counted, Metric, Settings
from mmdia_dataset.schema import INTERACTION_MODES, RELATIONSHIPS

__all__ = ["LabelRecall"]

_KNOWN: dict[str, tuple[str, ...]] = {"relationship": RELATIONSHIPS, "interaction": INTERACTION_MODES}


class LabelRecall(Metric):
    """Share of dialogues whose label is found: ``right / all``, over dialogues whose reference has a label.

    Labels are compared without regard to case, spaces and underscores. Details: `recall` and `dialogues`, by label;
    `macro`, the mean recall over the labels that occur in the reference; `unknown`, answers that are not in the
    vocabulary, with counts: they count as not found.
    """

    def __init__(self, kind: Literal["relationship", "interaction"]) -> None:
        super().__init__(f"{kind}_recall")
        self._kind = kind
        self._known = {_plain(label): label for label in _KNOWN[kind]}

    def count(self, pair: Pair, settings: Settings) -> Counted | None:
        """1 where the label is found, of 1."""
        expected = getattr(pair.ref, self._kind)
        if not expected:
            return None
        target, answered = (_plain(text or "") for text in (expected, getattr(pair.hyp, self._kind)))
        unknown = getattr(pair.hyp, self._kind) if answered and answered not in self._known else None
        return Counted(float(target == answered), 1.0, (self._known.get(target, expected), unknown))

    def gather(self, pairs: Sequence[Pair], counted: Sequence[Counted]) -> tuple[dict[str, int], dict[str, Any]]:
        """Recall by label, and answers outside the vocabulary."""
        total, right = Counter[str](), Counter[str]()
        for fraction in counted:
            total[fraction.detail[0]] += 1
            right[fraction.detail[0]] += int(fraction.over)
        recall = {label: right[label] / count for label, count in sorted(total.items())}
        unknown = Counter(fraction.detail[1] for fraction in counted if fraction.detail[1])
        macro = sum(recall.values()) / len(recall) if recall else None
        details = {
            "macro": macro,
            "recall": recall,
            "dialogues": dict(sorted(total.items())),
            "unknown": dict(sorted(unknown.items())),
        }
        return {"found": right.total(), "answers unknown": unknown.total()}, details


def _plain(label: str) -> str:
    return " ".join(label.replace("_", " ").casefold().split())

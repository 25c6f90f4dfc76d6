"""Scores that models or people give: UTMOS, speaker similarity, 1 to 5. We ship no weights; bring the judge."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mmdia_dataset.errors import ScoreError, shown
from mmdia_dataset.metrics.answers import Pair
from mmdia_dataset.metrics.metric import Counted, Metric, Settings

__all__ = ["AnswerScore", "Judge", "Judged", "judge"]

Judge = Callable[[Any, Any], "float | Sequence[float]"]
"""Called with a prediction and its reference, unchanged; gives a number, or several, such as one per speaker."""


class Judged(Metric):
    """The mean over dialogues of a judge's number for each; several numbers for one dialogue count as their mean."""

    def __init__(self, name: str, function: Judge) -> None:
        super().__init__(name)
        self._function = function

    def count(self, pair: Pair, settings: Settings) -> Counted:
        """What the judge says, of 1."""
        verdict: Any = self._function(pair.given_hyp, pair.given_ref)
        values = [float(number) for number in (verdict if isinstance(verdict, Iterable) else [verdict])]
        if not values or not all(map(math.isfinite, values)):
            raise ScoreError(
                f"{self.name} gave {shown(repr(verdict))} for {shown(pair.id)}", hint="a judge must give finite numbers"
            )
        return Counted(sum(values) / len(values), 1.0)


class AnswerScore(Metric):
    """The mean over dialogues of a score that the answers hold in `scores`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)

    def count(self, pair: Pair, settings: Settings) -> Counted | None:
        """The answer's score, of 1; None where it has none."""
        value = pair.hyp.scores.get(self.name)
        return None if value is None else Counted(value, 1.0)


def judge(name: str, function: Judge) -> Judged:
    """A metric of your own: ``judge("utmos", lambda made, wanted: model(made["audio"]["path"]))``."""
    return Judged(name, function)

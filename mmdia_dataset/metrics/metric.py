"""What every metric is: it turns each dialogue into a fraction, and all fractions into a score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmdia_dataset.errors import ConfigError, ScoreError
from mmdia_dataset.metrics.answers import Pair, answers_in, paired
from mmdia_dataset.metrics.intervals import bootstrap
from mmdia_dataset.metrics.normalisation import DEFAULT, normaliser
from mmdia_dataset.metrics.score_results import Score, ids_hash
from mmdia_dataset.schema import Answer

__all__ = ["Counted", "Metric", "Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How scores are made.

    Args:
        missing: what to do with a dialogue without an answer: `error`, `empty` (count it as silence), `skip`.
        cluster: `movie` draws whole movies for the interval; None draws dialogues.
        resamples: draws for the interval; 0 for none.
        seed: of the draws.
        normalisation: of texts; see `metrics.normalisation`.
    """

    missing: str = "error"
    cluster: str | None = None
    resamples: int = 1000
    seed: int = 0
    normalisation: str = DEFAULT

    def __post_init__(self) -> None:
        normaliser(self.normalisation)
        if self.cluster not in (None, "movie"):
            raise ConfigError(f"unknown cluster {self.cluster!r}", hint="the only known value is movie")


@dataclass(frozen=True, slots=True)
class Counted:
    """What a metric counted in one dialogue: a fraction, and details of it."""

    over: float
    under: float
    detail: Any = None


class Metric(ABC):
    """A metric by name."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def count(self, pair: Pair, settings: Settings) -> Counted | None:
        """One dialogue; None where there is nothing to count, which leaves it out."""

    def gather(self, pairs: Sequence[Pair], counted: Sequence[Counted]) -> tuple[dict[str, int], dict[str, Any]]:
        """Counts and details of all dialogues, for the score."""
        return {}, {}

    def value(self, counted: Sequence[Counted]) -> float | None:
        """The value of all dialogues: sum over sum."""
        under = sum(fraction.under for fraction in counted)
        return sum(fraction.over for fraction in counted) / under if under else None

    def compute(
        self,
        predictions: Path | str | Iterable[Any],
        references: Path | str | Iterable[Any],
        **settings: Any,
    ) -> Score:
        """Score predictions against references.

        Args:
            predictions: what a system made: rows or answers with ids, or the path of a file or folder of them; or plain
                texts, compared in order.
            references: what they are compared with, in the same forms.
            settings: see `Settings`.

        Raises:
            ScoreError: an answer is missing or can't be read.
            ConfigError: a setting is unknown.
        """
        try:
            chosen = Settings(**settings)
        except TypeError:
            names = ", ".join(Settings.__dataclass_fields__)
            raise ConfigError(
                f"unknown setting among {', '.join(settings)}", hint=f"known settings are {names}"
            ) from None
        hyps, refs = _by_place(predictions, references)
        return self.score(*paired(answers_in(hyps), answers_in(refs), chosen.missing), settings=chosen)

    def score(self, pairs: Sequence[Pair], missing: int = 0, unused: int = 0, *, settings: Settings) -> Score:
        """The score of pairs that were read already."""
        results = [(pair, fraction) for pair in pairs if (fraction := self.count(pair, settings)) is not None]
        scored, counted = [pair for pair, _ in results], [fraction for _, fraction in results]
        counts, details = self.gather(scored, counted)
        groups = [pair.movie for pair in scored] if settings.cluster else None
        interval = bootstrap(
            [fraction.over for fraction in counted],
            [fraction.under for fraction in counted],
            groups,
            resamples=settings.resamples,
            seed=settings.seed,
        )
        return Score(
            metric=self.name,
            value=self.value(counted),
            interval=interval,
            dialogues=len(scored),
            ids=ids_hash(pair.id for pair in scored),
            settings={"normalisation": settings.normalisation, "missing": settings.missing}
            | ({"interval": _how(settings)} if interval else {}),
            counts=counts | ({"not counted": len(pairs) - len(scored)} if len(scored) < len(pairs) else {}),
            details=details,
            unused=unused,
            missing=missing,
        )


def _how(settings: Settings) -> str:
    return f"95 % by {settings.resamples} resamples of {settings.cluster or 'dialogue'}s, seed {settings.seed}"


def _by_place(
    predictions: Path | str | Iterable[Any], references: Path | str | Iterable[Any]
) -> tuple[Path | str | Iterable[Any], Path | str | Iterable[Any]]:
    """Plain texts as answers with their place as id; anything else unchanged."""
    if isinstance(predictions, (str, Path)) or isinstance(references, (str, Path)):
        return predictions, references
    hyps, refs = list(predictions), list(references)
    if not all(isinstance(item, str) for item in (*hyps, *refs)):
        return hyps, refs
    if len(hyps) != len(refs):
        raise ScoreError(
            f"{len(hyps)} predictions for {len(refs)} references", hint="give one prediction for each reference"
        )
    places = range(len(refs))
    return [Answer(id=str(n), text=hyps[n]) for n in places], [Answer(id=str(n), text=refs[n]) for n in places]

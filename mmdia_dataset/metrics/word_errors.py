"""Words: WER, counted by jiwer, and cpWER, counted by meeteval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mmdia_dataset.errors import ScoreError, shown
from mmdia_dataset.metrics.answers import Pair
from mmdia_dataset.metrics.libraries import jiwer, meeteval
from mmdia_dataset.metrics.metric import Counted, Metric, Settings
from mmdia_dataset.metrics.normalisation import normaliser
from mmdia_dataset.schema import Answer

__all__ = ["Cpwer", "Wer"]

_KINDS = ("insertions", "deletions", "substitutions")


class Wer(Metric):
    """Word error rate: (insertions + deletions + substitutions) / words of the reference, over all dialogues.

    All words of a dialogue in the order of its utterances, whoever says them. Counts: errors by kind, and `words`.
    """

    def __init__(self) -> None:
        super().__init__("wer")

    def count(self, pair: Pair, settings: Settings) -> Counted:
        """Errors over words of the reference."""
        clean = normaliser(settings.normalisation)
        ref, hyp = (_clean_text(answer, clean) for answer in (pair.ref, pair.hyp))
        found = jiwer().process_words(ref, hyp)
        kinds = {kind: getattr(found, kind) for kind in _KINDS}
        return Counted(sum(kinds.values()), found.hits + found.substitutions + found.deletions, kinds)

    def gather(self, pairs: Sequence[Pair], counted: Sequence[Counted]) -> tuple[dict[str, int], dict[str, Any]]:
        """Errors by kind, and words."""
        return _totals(counted, [one.detail for one in counted]), {}


class Cpwer(Metric):
    """Concatenated minimum-permutation word error rate, over all dialogues.

    Each speaker's words are put together, and hypothesis speakers are given to reference speakers so that errors are
    fewest (Watanabe et al., "CHiME-6 Challenge", 2020). Counts: errors by kind, `words`, and speakers too few and too
    many. Details: `speakers`, the permutation of each dialogue as [reference, hypothesis] pairs, null for nobody.
    """

    def __init__(self) -> None:
        super().__init__("cpwer")

    def count(self, pair: Pair, settings: Settings) -> Counted:
        """Errors over words of the reference, and the permutation."""
        clean = normaliser(settings.normalisation)
        ref, hyp = (_by_speaker(answer, clean) for answer in (pair.ref, pair.hyp))
        try:
            found = meeteval().wer.cp_word_error_rate(ref, hyp, reference_sort=False, hypothesis_sort=False)
        except RuntimeError as error:  # more than 20 speakers
            raise ScoreError(shown(str(error).splitlines()[1]), where=pair.id, hint="name speakers alike") from None
        kinds = {kind: getattr(found, kind) for kind in _KINDS}
        kinds |= {"speakers missed": found.missed_speaker, "speakers too many": found.falarm_speaker}
        return Counted(found.errors, found.length, (kinds, [list(one) for one in found.assignment]))

    def gather(self, pairs: Sequence[Pair], counted: Sequence[Counted]) -> tuple[dict[str, int], dict[str, Any]]:
        """Errors by kind, words and speakers; and the permutation of each dialogue."""
        speakers = {pair.id: one.detail[1] for pair, one in zip(pairs, counted, strict=True)}
        return _totals(counted, [one.detail[0] for one in counted]), {"speakers": speakers}


def _totals(counted: Sequence[Counted], kinds: Sequence[dict[str, int]]) -> dict[str, int]:
    names = kinds[0] if kinds else ()
    return {name: sum(one[name] for one in kinds) for name in names} | {"words": int(sum(c.under for c in counted))}


def _clean_text(answer: Answer, clean: Callable[[str], str]) -> str:
    return " ".join(text for one in answer.utterances if (text := clean(one.text)))


def _by_speaker(answer: Answer, clean: Callable[[str], str]) -> dict[str, str]:
    """Each speaker's words; speakers without any are not there, as in the annotation."""
    said: dict[str, list[str]] = {}
    for one in answer.utterances:
        if text := clean(one.text):
            said.setdefault(one.speaker, []).append(text)
    return {speaker: " ".join(texts) for speaker, texts in said.items()}

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
        measured = jiwer().process_words(ref, hyp)
        kinds = {kind: getattr(measured, kind) for kind in _KINDS}
        return Counted(sum(kinds.values()), measured.hits + measured.substitutions + measured.deletions, kinds)

    def gather(self, pairs: Sequence[Pair], counted: Sequence[Counted]) -> tuple[dict[str, int], dict[str, Any]]:
        """Errors by kind, and words."""
        return _totals(counted, [fraction.detail for fraction in counted]), {}


class Cpwer(Metric):
    """Concatenated minimum-permutation word error rate, over all dialogues.

    Each speaker's words are put together, and hypothesis speakers are given to reference speakers so that errors are
    fewest (Watanabe et al., "CHiME-6 Challenge", 2020). Counts: errors by kind, `words`, and speakers missed and too
    many. Details: `speakers`, the permutation of each dialogue as [reference, hypothesis] pairs, null for no speaker.
    """

    def __init__(self) -> None:
        super().__init__("cpwer")

    def count(self, pair: Pair, settings: Settings) -> Counted:
        """Errors over words of the reference, and the permutation."""
        clean = normaliser(settings.normalisation)
        ref, hyp = (_by_speaker(answer, clean) for answer in (pair.ref, pair.hyp))
        try:
            measured = meeteval().wer.cp_word_error_rate(ref, hyp, reference_sort=False, hypothesis_sort=False)
        except RuntimeError as error:  # more than 20 speakers
            raise ScoreError(
                shown(str(error).splitlines()[1]), where=pair.id, hint="use fewer different speaker names"
            ) from None
        kinds = {kind: getattr(measured, kind) for kind in _KINDS}
        kinds |= {"speakers missed": measured.missed_speaker, "speakers too many": measured.falarm_speaker}
        return Counted(measured.errors, measured.length, (kinds, [list(match) for match in measured.assignment]))

    def gather(self, pairs: Sequence[Pair], counted: Sequence[Counted]) -> tuple[dict[str, int], dict[str, Any]]:
        """Errors by kind, words and speakers; and the permutation of each dialogue."""
        speakers = {pair.id: fraction.detail[1] for pair, fraction in zip(pairs, counted, strict=True)}
        return _totals(counted, [fraction.detail[0] for fraction in counted]), {"speakers": speakers}


def _totals(counted: Sequence[Counted], kinds: Sequence[dict[str, int]]) -> dict[str, int]:
    names = kinds[0] if kinds else ()
    totals = {name: sum(errors[name] for errors in kinds) for name in names}
    return totals | {"words": int(sum(fraction.under for fraction in counted))}


def _clean_text(answer: Answer, clean: Callable[[str], str]) -> str:
    return " ".join(text for utterance in answer.utterances if (text := clean(utterance.text)))


def _by_speaker(answer: Answer, clean: Callable[[str], str]) -> dict[str, str]:
    """Each speaker's words; speakers without words are left out, as in the annotation."""
    by_speaker: dict[str, list[str]] = {}
    for utterance in answer.utterances:
        if text := clean(utterance.text):
            by_speaker.setdefault(utterance.speaker, []).append(text)
    return {speaker: " ".join(texts) for speaker, texts in by_speaker.items()}

"""Scores: how close the output of a system is to its reference.

jiwer and meeteval count. Ours are the normalisation of texts, the report of permutations, and the combination of many
dialogues: sums, and intervals by bootstrap.

    metrics.load("cpwer").compute(predictions=rows, references=rows)
    metrics.judge("utmos", function).compute(predictions=rows, references=rows)

answers         what is scored, from rows and files; pairs by id
normalisation   of texts, by version
word_errors     WER, cpWER
label_recall    recall of relationship and interaction
turntaking      gaps and overlaps
judges          scores that the user's own callables give
intervals       bootstrap
"""

from mmdia_dataset.metrics.judges import judge
from mmdia_dataset.metrics.metric import Metric, Settings
from mmdia_dataset.metrics.normalisation import NORMALISATIONS, normalised
from mmdia_dataset.metrics.score_results import Score, ids_hash
from mmdia_dataset.metrics.scoring import METRICS, load

__all__ = [
    "METRICS",
    "NORMALISATIONS",
    "Metric",
    "Score",
    "Settings",
    "ids_hash",
    "judge",
    "load",
    "normalised",
]

"""Figures and distributions of dialogues, and beside them the paper's. Pure: dialogues in, numbers out.

figures        the paper's table, counted
distributions  how turns, durations, words, sounds, scores, labels are spread
tally          both, over a stream of dialogues: of all, of each split, of each movie; how many have clips and sound
"""

from mmdia_dataset.statistics.distributions import Distributions
from mmdia_dataset.statistics.figures import PAPER, PAPER_BENCH, Figures, Statistics
from mmdia_dataset.statistics.tally import Covered, SoundCount, Tally

__all__ = ["PAPER", "PAPER_BENCH", "Covered", "Distributions", "Figures", "SoundCount", "Statistics", "Tally"]

"""Dialogues decoded while they are read: no clip is cut, only rows are written.

finding    which recording each dialogue is in, and where
decoding   rows -> pictures and samples
"""

from mmdia_dataset.access.decoding import Decode
from mmdia_dataset.access.finding import FindingReport, find

__all__ = ["Decode", "FindingReport", "find"]

"""Which dialogues belong on one side of a split, and how to share them out. Pure: nothing is read or written.

wording  dialogues with the same words: two cuts, recaps, narrations
groups   movies that must stay together
balance  groups shared out so that every part looks like the whole
leaks    what a given splits file has on two sides
"""

from mmdia_dataset.splitting.balance import Load, share_out
from mmdia_dataset.splitting.groups import Groups
from mmdia_dataset.splitting.leaks import EXCLUSIVE, Leakage, Leaks, SharedWords, issues_of_leaks
from mmdia_dataset.splitting.wording import Copy, Wording

__all__ = [
    "EXCLUSIVE",
    "Copy",
    "Groups",
    "Leakage",
    "Leaks",
    "Load",
    "SharedWords",
    "Wording",
    "issues_of_leaks",
    "share_out",
]

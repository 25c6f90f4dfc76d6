"""Coverage that can be compared: which dialogues a machine has, as a file to send, and what several machines share.

making     a certificate of a built directory
comparing  several certificates: what is common, what differs
reading    certificates and subsets, checked against their hashes
"""

from mmdia_dataset.certificates.comparing import Comparison, compare
from mmdia_dataset.certificates.making import certificate_of
from mmdia_dataset.certificates.reading import certificate_hash, read_certificate, subset_ids

__all__ = [
    "Comparison",
    "certificate_hash",
    "certificate_of",
    "compare",
    "read_certificate",
    "subset_ids",
]

"""`mmdia …`: the commands as a shell sees them. Heavy imports happen inside commands, so that --help is quick.

Reports go to standard output, progress and words to standard error; `--format json` prints JSON alone.
"""

from __future__ import annotations

import importlib
import os
from itertools import chain

from mmdia_dataset.cli.app import GROUPS, app

__all__ = ["app", "main"]

for _name in chain(*GROUPS.values()):
    importlib.import_module(f"mmdia_dataset.cli.{_name}")  # its command joins `app`


def main() -> None:
    """The `mmdia` console script."""
    # Otherwise numpy's import starts a thread per core that spins for 100 ms before it sleeps, in every worker process
    # anew; no product of matrices here is large enough for more than one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    app()

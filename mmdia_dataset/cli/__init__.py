"""`mmdia …`: the commands as a shell sees them. Heavy imports happen inside commands, so that --help is quick.

Reports go to standard output, progress and words to standard error; `--format json` prints JSON alone.
"""

from __future__ import annotations

import os

from mmdia_dataset.cli import (
    align,
    bench,
    card,
    check,
    convert,
    coverage,
    demo,
    doctor,
    export,
    fingerprint,
    locate,
    pack,
    publish,
    rebuild,
    score,
    show,
    splits,
    stats,
    validate,
)
from mmdia_dataset.cli.app import app

__all__ = [
    "align",
    "app",
    "bench",
    "card",
    "check",
    "convert",
    "coverage",
    "demo",
    "doctor",
    "export",
    "fingerprint",
    "locate",
    "main",
    "pack",
    "publish",
    "rebuild",
    "score",
    "show",
    "splits",
    "stats",
    "validate",
]


def main() -> None:
    """The `mmdia` console script."""
    # Otherwise numpy's import starts a thread per core that spins for 100 ms before it sleeps, in every worker process
    # anew; no product of matrices here is large enough for more than one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    app()

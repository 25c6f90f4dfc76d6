"""`mmdia …`: the commands as a shell sees them. Heavy imports happen inside commands, so that --help is quick.

Reports go to standard output, progress and words to standard error; `--format json` prints JSON alone.
"""

from __future__ import annotations

from mmdia_dataset.cli import clips, publishing, recordings, release, scores, shards, splitting, start
from mmdia_dataset.cli.app import app

__all__ = ["app", "clips", "main", "publishing", "recordings", "release", "scores", "shards", "splitting", "start"]


def main() -> None:
    """The `mmdia` console script."""
    app()

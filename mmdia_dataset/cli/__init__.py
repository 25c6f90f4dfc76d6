"""`mmdia …`: the commands as a shell sees them. Heavy imports happen inside commands, so that --help is quick.

Reports go to standard output, progress and words to standard error; `--format json` prints JSON alone.
"""

from __future__ import annotations

from mmdia_dataset.cli import clips, publishing, recordings, release, scores, shards, splitting, start
from mmdia_dataset.cli.app import app

__all__ = ["app", "clips", "main", "publishing", "recordings", "release", "scores", "shards", "splitting", "start"]

# As a user comes to need them.
_ORDER = (
    *("demo", "doctor", "validate", "convert", "stats", "locate", "align", "rebuild"),
    *("pack", "check", "show", "export", "score", "splits", "bench", "coverage", "card", "publish", "fingerprint"),
)
app.registered_commands.sort(key=lambda one: _ORDER.index(one.callback.__name__ if one.callback else ""))


def main() -> None:
    """The `mmdia` console script."""
    app()

"""The demo film and its release, as data: a short film of our own, and its annotations, true to the millisecond.

`film.mp4` and `release/` are written by `tools/make_demofilm.py --write`, which draws the film and speaks its lines.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from mmdia_dataset.files import whole_file

__all__ = ["DATA", "DURATION_S", "MOVIE_ID", "TITLE", "DemoFilm", "film_path", "unpack_demo_film"]

DATA = Path(__file__).parent
"""Where `film.mp4` and `release/` lie."""

MOVIE_ID = "tt9900001"
TITLE = "The Lamp at Gull Point"
DURATION_S = 42.722
"""How long the story lasts; `tools/make_demofilm.py --check` compares it with the story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFilm:
    """Where the demo's files are.

    Attributes:
        film: the film's file.
        media: the folder it is in, to be given as ``--media``.
        release: the release's folder, to be given as ``--release``.
        duration_s: how long the film is, in seconds.
    """

    film: Path
    media: Path
    release: Path
    duration_s: float


def film_path(folder: Path) -> Path:
    """Where the film lies in the demo's folder, under a name as users give."""
    return folder / "media" / f"{TITLE} (2026) {{imdb-{MOVIE_ID}}}.mp4"


def unpack_demo_film(folder: Path) -> DemoFilm:
    """Copy the film and its release to a folder, each file whole or not at all.

    Args:
        folder: gets ``media/`` and ``release/``. What a run before this one wrote there is replaced.

    Raises:
        OutputError: the files can't be written.
    """
    film = film_path(folder)
    _copy(DATA / "film.mp4", film)
    for file in sorted((DATA / "release").rglob("*.json")):
        _copy(file, folder / file.relative_to(DATA))
    return DemoFilm(film=film, media=film.parent, release=folder / "release", duration_s=DURATION_S)


def _copy(source: Path, target: Path) -> None:
    with whole_file(target) as temporary:
        shutil.copyfile(source, temporary)

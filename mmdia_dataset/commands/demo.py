"""`demo`: the whole way on a film of our own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmdia_dataset.commands.fingerprint import fingerprint
from mmdia_dataset.errors import UsageError
from mmdia_dataset.reports import Report

if TYPE_CHECKING:
    from mmdia_dataset.building.build import RebuildReport
    from mmdia_dataset.demofilm import DemoFilm
    from mmdia_dataset.processes import Progress

__all__ = ["DemoReport", "demo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport(Report):
    """What `demo` made. ``clip`` is the path of one clip, as loaded; ``words`` is its first line."""

    film: DemoFilm
    rebuilt: RebuildReport
    rows: int
    clip: Path
    words: str

    @property
    def exit_code(self) -> int:
        """That of the rebuild."""
        return self.rebuilt.exit_code


def demo(out: Path | str = "mmdia-demo", progress: Progress | None = None) -> DemoReport:
    """The whole way on a film of our own: fingerprint, align, cut, load. Offline, in seconds.

    Raises:
        UsageError: `out` holds something else.
    """
    from mmdia_dataset.commands.rebuild import rebuild
    from mmdia_dataset.demofilm import MOVIE_ID, unpack_demo_film
    from mmdia_dataset.loader import load

    folder = Path(out)
    ours = any((folder / "media").glob(f"*{MOVIE_ID}*"))
    if not ours and any(path.is_file() for path in folder.rglob("*")):
        raise UsageError(
            "the folder is not empty and was not made by mmdia demo", where=folder, hint="choose a new --out folder"
        )

    film = unpack_demo_film(folder)
    fingerprint(film.release, film.media, film.release / "passports", progress=progress)  # the curator's part
    rebuilt = rebuild(film.release, film.media, folder / "built", progress=progress)
    splits = load("clips", data_dir=folder / "built", cache_dir=folder / "cache")
    rows = [row for split in splits.values() for row in split]
    first = rows[0]
    turn = first["turns"][0]
    words = f"{first['speakers'][turn['speaker']]['name']}: {turn['text']}"
    return DemoReport(film=film, rebuilt=rebuilt, rows=len(rows), clip=Path(first["video"]["path"]), words=words)

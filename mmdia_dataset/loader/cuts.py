"""Clips cut while loading: a release and films are rebuilt into the cache and read like any built directory."""

from __future__ import annotations

import hashlib
import os
import shutil
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mmdia_dataset.built.manifest import MANIFEST, has_manifest, is_built
from mmdia_dataset.errors import DataNotFound, ReleaseUnreadable, UsageError
from mmdia_dataset.files import write_text
from mmdia_dataset.loader.data_dir import files_below, fingerprint
from mmdia_dataset.loader.released import ReleasedRows
from mmdia_dataset.loader.row_sources import BuiltRows
from mmdia_dataset.refusals import Refusal, ways_out
from mmdia_dataset.schema import Clip, Dialogue, LocatedDialogue

__all__ = ["ACCESS", "Cuts"]

ACCESS = "access"
"""The mode that cuts nothing: rows name a place in a recording, and `access.Decode` decodes them."""


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """Clips of a release, to be cut from a folder of films.

    Args:
        release: the annotations.
        media: the folder of films.
        mode: `copy`, `encode`, `audio` or `keyframes`, or `access`: nothing is cut.
        only: the splits to cut; None for all.
        state: fingerprint of annotations and films.
    """

    release: ReleasedRows
    media: Path
    mode: str
    only: tuple[str, ...] | None
    state: str

    @classmethod
    def of(
        cls, release: ReleasedRows, media_dir: str | os.PathLike[str] | None, mode: str, only: tuple[str, ...] | None
    ) -> Cuts:
        """Read the current state of the films. Raises UsageError if there is no such folder."""
        if media_dir is None:
            raise UsageError(
                "a release has no clips",
                where=release.root,
                hint="give media_dir, the folder of your films, or run `mmdia rebuild` and load its output",
            )
        media = Path(media_dir).expanduser().absolute()
        if not media.is_dir():
            raise UsageError("there is no such folder", where=media, hint="give the folder of your films as media_dir")
        return cls(
            release=release,
            media=media,
            mode=mode,
            only=only,
            state=f"{release.state}-{fingerprint(files_below(media))}",
        )

    @property
    def model(self) -> type[Dialogue]:
        """What rows are."""
        return LocatedDialogue if self.mode == ACCESS else Clip

    def folder(self, cache: str) -> Path:
        """The folder of the clips. It stays the same after edits; only what changed is cut again."""
        key = f"{self.release.root}\0{self.media}\0{self.mode}"
        if self.mode == ACCESS:  # rows of other splits would not be kept
            key += f"\0{self.only}"
        return Path(cache, "mm-dia-clips", hashlib.sha256(os.fsencode(key)).hexdigest()[:16])

    def are_made(self, cache: str) -> bool:
        """Whether everything is cut, and neither annotations nor films changed since."""
        out, done_file = self.folder(cache), self._done(cache)
        rows_exist = (out / "annotations").exists() if self.mode == ACCESS else has_manifest(out)
        return rows_exist and done_file.is_file() and done_file.read_text() == self.state

    def make(self, cache: str, jobs: int, progress: Callable[[str, int, int], None] | None = None) -> BuiltRows:
        """Cut what is missing. Warns of clips that are refused.

        Raises:
            DataNotFound: no clip could be made.
        """
        # They import av, which annotations alone do without.
        from mmdia_dataset import access
        from mmdia_dataset.building.build import build
        from mmdia_dataset.building.plan import plan
        from mmdia_dataset.clips.settings import settings_for

        out = self.folder(cache)
        built = BuiltRows(out, self.model)
        if self.are_made(cache):
            with suppress(ReleaseUnreadable):  # what the cache lost is made again
                built.check()
                return built
        if out.is_dir() and not is_built(out):
            shutil.rmtree(out)  # someone cleaned the cache, but not all of it
        refused: Counter[Refusal] = Counter()
        first = "no dialogue was requested"
        issues = 0
        if self.mode == ACCESS:
            located = access.find(self.release.root, self.media, out, splits=self.only, jobs=jobs, progress=progress)
            refused, first, issues = located.refused, located.example or first, located.issues
        for split in () if self.mode == ACCESS else self.only or (None,):
            settings = settings_for(self.mode)
            planned = plan(self.release.root, self.media, settings=settings, split=split, jobs=jobs, progress=progress)
            report = build(planned, out, jobs=jobs, progress=progress)
            refused += report.refused
            first = next((text for rule in report.examples.values() for text in rule.values()), first)
            issues = report.issues
        if not any(self.only is None or split in self.only for split in built.annotations()):
            raise DataNotFound(
                f"no clip could be made (first reason: {first.rstrip('.')})",
                where=self.media,
                hint=self._way_out(refused) or "give `split` one that the release has",
            )
        self._warn(out, refused, issues)
        write_text(self._done(cache), self.state)
        return built

    def _done(self, cache: str) -> Path:
        out = self.folder(cache)
        return out.with_name(f"{out.name}.{'-'.join(self.only or ('all',))}.done")

    def _way_out(self, refused: Counter[Refusal]) -> str:
        """What to do about the most frequent refusal; nothing if there is none."""
        return next(iter(ways_out(refused, "load", release=self.release.root, media=self.media)), "")

    def _warn(self, out: Path, refused: Counter[Refusal], issues: int) -> None:
        if refused:
            counts = ", ".join(f"{count:,} {rule}" for rule, count in refused.most_common())
            why = (
                f"run `mmdia align` on {self.release.root} to see why"
                if self.mode == ACCESS
                else f"see {out / MANIFEST} for the reasons"
            )
            message = f"{refused.total():,} clips were refused ({counts}); {why}. To get most of them: "
            warnings.warn(f"{message}{self._way_out(refused)}.", stacklevel=3)
        if issues:
            root = self.release.root
            warnings.warn(
                f"{root}: {issues:,} issues were found; run `mmdia validate {root}` to see them.", stacklevel=3
            )

"""Rows with the sound that a release brings: its annotations and the places of its files, kept in the cache.

They are read like any built directory. No file of sound is opened.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mmdia_dataset.built.release_clips import write_clips
from mmdia_dataset.errors import ConfigError, UsageError
from mmdia_dataset.loader.data_dir import package_hash
from mmdia_dataset.loader.released import Findings, ReleasedRows
from mmdia_dataset.loader.row_sources import BuiltRows
from mmdia_dataset.release import LISTENED_TO, ReleaseAudio
from mmdia_dataset.schema import AUDIO_KINDS, AudioKind
from mmdia_dataset.views import MADE_BY

__all__ = ["RELEASE", "ReleaseSounds", "kinds_of"]

RELEASE = "release"
"""The argument `audio` that asks for the release's own sound."""


def kinds_of(asked: str | Sequence[str] | None) -> tuple[AudioKind, ...]:
    """The kinds of sound that will do, the preferred one first. Raises ConfigError."""
    if asked is None:
        return LISTENED_TO
    names = asked.split(",") if isinstance(asked, str) else list(asked)
    for name in names or [""]:
        if name not in AUDIO_KINDS:
            raise ConfigError(f"unknown audio_kind {name!r}", hint=f"choose one of {', '.join(AUDIO_KINDS)}")
    return tuple(kind for name in dict.fromkeys(names) for kind in AUDIO_KINDS if kind == name)


@dataclass(frozen=True, kw_only=True)
class ReleaseSounds:
    """The sounds of a release, as asked for.

    Args:
        release: the annotations.
        audio: which files are whose; found anew each time, in seconds for the whole of MM-DIA.
        kinds: the sounds that will do, the preferred one first.
        heard_only: leave out dialogues with neither sound nor video.
    """

    release: ReleasedRows
    audio: ReleaseAudio
    kinds: tuple[AudioKind, ...]
    heard_only: bool

    @classmethod
    def of(cls, release: ReleasedRows, kinds: tuple[AudioKind, ...], heard_only: bool = False) -> ReleaseSounds:
        """Look for the sounds of a release."""
        audio = ReleaseAudio.of(release.release().root)
        return cls(release=release, audio=audio, kinds=kinds, heard_only=heard_only)

    def none(self, name: str, media: Sequence[str] = ("audio",)) -> UsageError:
        """The error for a release without sound, where these media are needed."""
        root = self.release.root
        if self.audio.undecoded:
            what = f"the sound of this release is not decoded yet ({self.audio.undecoded:,} clips)"
            return UsageError(what, where=root, hint=f"run `mmdia decode {root} --weights FILE`, then load it again")
        modes = " and ".join(f"--mode {MADE_BY[kind]}" for kind in media)
        return UsageError(
            f"{name} needs sound, but this release has none",
            where=root,
            hint=f"put the decoded sound into its folder audio/, or run `mmdia rebuild` ({modes}) and load its output",
        )

    def make(self, cache: str) -> BuiltRows:
        """The rows, from the cache where annotations and sounds have not changed. Warns of what can't be read."""
        seen = f"{self.audio.fingerprint((*self.kinds, 'film'))}\0{self.kinds}\0{self.heard_only}"
        state = hashlib.sha256(f"{self.release.state}\0{seen}".encode()).hexdigest()[:32]
        key = hashlib.sha256(f"{self.release.root}\0{state}\0{package_hash()}".encode(errors="replace")).hexdigest()
        folder = Path(cache, "mm-dia-sounds", key[:16])
        if not folder.is_dir():
            self._write(folder)
        return BuiltRows(folder, media=self.audio.root, state=state)

    def _write(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            reading = write_clips(
                self.release.release(), self.audio, temporary, kinds=self.kinds, heard_only=self.heard_only
            )
            with suppress(OSError):  # another process was faster, with the same rows
                temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        sentence = Findings(reading.refused, reading.issues).sentence(self.release.root)
        if sentence:
            warnings.warn(sentence, stacklevel=4)
        if self.heard_only and reading.silent:
            warnings.warn(
                f"{self.release.root}: {reading.silent:,} dialogues have neither sound nor video and are left out; "
                f"run `mmdia validate {self.release.root}` to see which.",
                stacklevel=4,
            )

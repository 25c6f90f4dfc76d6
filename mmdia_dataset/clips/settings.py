"""What kind of clips: the settings of each mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["AudioSettings", "CopySettings", "Settings", "SettingsDict"]

SettingsDict: TypeAlias = dict[str, str | int | bool | None]


@dataclass(frozen=True)
class CopySettings:
    """Clips of the recording's own packets.

    Attributes:
        language: the sound track to take, as a tag such as ``eng`` or ``en``; if there is none of it, or None is
            given, the recording's default track, else its first.
        track: the track's number among the sound tracks instead.
    """

    language: str | None = None
    track: int | None = None
    mode: Literal["copy"] = "copy"

    @property
    def suffix(self) -> str:
        """How the names of these clips end."""
        return ".mp4"

    def as_dict(self) -> SettingsDict:
        """All settings, for the manifest: equal dicts make equal bytes from equal recordings."""
        return {"mode": self.mode, "language": self.language, "track": self.track}


@dataclass(frozen=True)
class AudioSettings:
    """The sound of clips alone, as 16-bit WAV.

    Attributes:
        language: as in `CopySettings`.
        track: likewise.
        sample_rate: samples per second; None keeps the recording's.
        mono: mix all channels into one; else they are kept.
    """

    language: str | None = None
    track: int | None = None
    sample_rate: int | None = None
    mono: bool = False
    mode: Literal["audio"] = "audio"

    def __post_init__(self) -> None:
        if self.sample_rate is not None and not 1000 <= self.sample_rate <= 768_000:
            raise ValueError(f"a sample rate of {self.sample_rate} is outside 1000 to 768000")

    @property
    def suffix(self) -> str:
        """How the names of these clips end."""
        return ".wav"

    def as_dict(self) -> SettingsDict:
        """All settings, for the manifest: equal dicts make equal bytes from equal recordings."""
        return {
            "mode": self.mode,
            "language": self.language,
            "track": self.track,
            "sample_rate": self.sample_rate,
            "mono": self.mono,
        }


Settings: TypeAlias = CopySettings | AudioSettings

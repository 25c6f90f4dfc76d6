"""Exceptions, one class per cause.

Every error is one sentence of three parts: what is wrong, where (the file and the place in it), and what to do.
``str(error)`` gives the sentence; the parts stay readable as attributes. Errors survive pickling, so that a worker
process can hand one to its parent.

Exit codes: 1 faults were found in the data, 2 the command was used wrongly, 3 it could not run.
"""

from __future__ import annotations

import os
from typing import ClassVar

__all__ = [
    "BadCertificate",
    "ConfigError",
    "DataNotFound",
    "DatasetsVersionError",
    "ExtraMissing",
    "HubAccessDenied",
    "HubError",
    "HubLoginMissing",
    "HubNotFound",
    "HubUnreachable",
    "MediaDamaged",
    "MediaError",
    "MediaMapError",
    "MediaUnreadable",
    "MmdiaError",
    "NoAudio",
    "NoVideo",
    "OutputError",
    "ReleaseError",
    "ReleaseNotFound",
    "ReleaseUnreadable",
    "ScoreError",
    "ShardsUnreadable",
    "SpanOutside",
    "UnsupportedCodec",
    "UsageError",
    "WeightsUnreadable",
    "shown",
]


def shown(text: str | os.PathLike[str], limit: int = 200) -> str:
    """A path or value as it may be printed: on one line, control characters escaped, cut in the middle if long.

    Names come from untrusted files; a newline or an escape sequence in one must not reach the terminal.
    """
    plain = os.fsdecode(text)
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in plain)
    if len(safe) > limit:
        half = (limit - 1) // 2
        safe = f"{safe[:half]}…{safe[-half:]}"
    return safe


class MmdiaError(Exception):
    """Base of every error this package raises on purpose.

    Args:
        what: what is wrong, without a final full stop.
        where: the file or folder it concerns.
        at: the place in that file: a JSON path, a line, a time.
        hint: what to do next.
    """

    exit_code: ClassVar[int] = 3

    def __init__(
        self,
        what: str,
        *,
        where: str | os.PathLike[str] | None = None,
        at: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = None if where is None else os.fspath(where)
        self.at = at
        self.hint = hint

    def __str__(self) -> str:
        place = "" if self.where is None else shown(self.where)
        if self.at:
            place = f"{place}, at {self.at}" if place else f"at {self.at}"
        sentence = f"{place}: {self.what}" if place else self.what
        return f"{sentence}; {self.hint}." if self.hint else f"{sentence}."

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self.what, self.where, self.at, self.hint)


def _restore(cls: type[MmdiaError], what: str, where: str | None, at: str | None, hint: str | None) -> MmdiaError:
    return cls(what, where=where, at=at, hint=hint)


class UsageError(MmdiaError):
    """The arguments of the command or function are wrong or do not go together."""

    exit_code = 2


class ConfigError(UsageError):
    """The configuration or split is unknown."""


class DataNotFound(MmdiaError):
    """No annotations were found in any of the places they may come from."""


class DatasetsVersionError(MmdiaError):
    """The installed `datasets` can't do this."""


class ExtraMissing(MmdiaError):
    """A library that an optional part needs is not installed."""


class HubError(MmdiaError):
    """The Hugging Face Hub refused a request."""


class HubLoginMissing(HubError):
    """The Hub requires a login: nobody is logged in, or the token is no longer valid."""


class HubAccessDenied(HubError):
    """The user is logged in, but may not read or write the repository (yet)."""


class HubNotFound(HubError):
    """The repository or revision does not exist, or the user may not see it."""


class HubUnreachable(HubError):
    """No network, the Hub is down or switched off, or the connection broke."""


class ScoreError(MmdiaError):
    """Answers can't be scored: one is missing, given twice, or not valid."""


class ReleaseError(MmdiaError):
    """A release could not be used."""


class ReleaseNotFound(ReleaseError):
    """The release folder does not exist, or has no annotations."""


class ReleaseUnreadable(ReleaseError):
    """A file of the release can't be read: not JSON, cut off, wrong encoding, or an unknown structure."""


class WeightsUnreadable(MmdiaError):
    """The file with the weights of a model is missing, damaged, or of another model."""


class MediaMapError(MmdiaError):
    """The mapping file from movies to recordings (`media.toml`) is wrong."""


class BadFingerprint(MmdiaError):
    """A file is not a timing fingerprint, is damaged, or has a version that this program can't read."""


class BadCertificate(MmdiaError):
    """A file is not a certificate of coverage or a subset, or its hashes are wrong."""


class MediaError(MmdiaError):
    """A recording could not be used."""


class MediaUnreadable(MediaError):
    """A file is empty, cut off before its index, or not an audio or video file."""


class MediaDamaged(MediaError):
    """A recording opens, but data inside the span is missing or broken."""


class NoVideo(MediaError):
    """The recording has no video track, and the mode needs one."""


class NoAudio(MediaError):
    """The recording has no audio track, and the mode needs one."""


class SpanOutside(MediaError):
    """The span does not lie inside the recording."""


class UnsupportedCodec(MediaError):
    """The recording's codec can't be written in this mode."""


class ShardsUnreadable(MmdiaError):
    """A set of shards, or its index, is missing or can't be read."""


class OutputError(MmdiaError):
    """A file could not be written: disk full, folder read-only, name too long."""

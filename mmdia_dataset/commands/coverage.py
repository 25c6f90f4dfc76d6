"""`coverage`: a certificate of what is here, or a comparison of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mmdia_dataset.certificates.comparing import Comparison, compare
from mmdia_dataset.certificates.making import certificate_of
from mmdia_dataset.certificates.reading import certificate_text, read_certificate
from mmdia_dataset.errors import ConfigError, UsageError
from mmdia_dataset.files import write_text
from mmdia_dataset.reports import Report, plain
from mmdia_dataset.schema import SPLITS, Certificate, Split

__all__ = ["CoverageReport", "coverage"]


@dataclass(frozen=True, slots=True)
class CoverageReport(Report):
    """Certificates, as made or read, and, of several, what they have in common. ``out`` is the file written, if any."""

    NOT_JSON: ClassVar = ("comparison",)

    certificates: tuple[Certificate, ...]
    comparison: Comparison | None
    out: Path | None

    @property
    def exit_code(self) -> int:
        """1 if there is nothing, nothing in common, or the certificates are of different releases, splits or modes."""
        if self.comparison is None:
            return 0 if self.certificates[0].made else 1
        return 1 if self.comparison.differs or not self.comparison.subset.ids.count else 0

    def as_json(self) -> dict[str, Any]:
        """The certificates, and of several what is common and what differs."""
        compared: dict[str, Any] = {} if self.comparison is None else plain(self.comparison)
        if compared:
            compared["same_modes"] = compared.pop("modes")
        return {**Report.as_json(self), **compared}


def coverage(
    *paths: Path | str,
    release: Path | str | None = None,
    mode: Sequence[str] | None = None,
    split: str | None = None,
    out: Path | str | None = None,
) -> CoverageReport:
    """Which dialogues of which split a built directory has; of several, what all of them have.

    Args:
        paths: a built directory, or several, each as its folder or as the certificate its owner sent.
        release: the release, where a directory was rebuilt from a part of it.
        mode: count dialogues with a clip of each of these modes; by default of all modes of the directory.
        split: of several: what they have in common of this split alone.
        out: a file to write: of one directory its certificate, of several the subset all have, for `load(subset=…)`.

    Raises:
        UsageError: no path, or options that do not go together.
        ConfigError: an unknown split, or no clips of a mode.
        BadCertificate: a file is not a certificate.
        ReleaseUnreadable, ReleaseNotFound: a folder is not a built directory, or its rebuild did not finish.
        OutputError: the file can't be written.
    """
    if not paths:
        raise UsageError("there is nothing to look at", hint="give a built directory, or several certificates")
    if split is not None and len(paths) == 1:
        raise UsageError(
            "--split is for comparing; a certificate always has all splits",
            hint="leave it out, or give a second directory or certificate",
        )
    chosen: Split | None = None
    if split is not None:
        chosen = next((name for name in SPLITS if name == split), None)
        if chosen is None:
            raise ConfigError(f"unknown split {split!r}", hint=f"known are {', '.join(SPLITS)}")
    certificates = []
    for path in map(Path, paths):
        if path.is_file():
            certificates.append(read_certificate(path))
        else:
            certificates.append(certificate_of(path, release=release, modes=mode))
    comparison = compare(certificates, chosen) if len(certificates) > 1 else None
    if out is not None:
        write_text(Path(out), certificate_text(certificates[0] if comparison is None else comparison.subset))
    return CoverageReport(tuple(certificates), comparison, None if out is None else Path(out))

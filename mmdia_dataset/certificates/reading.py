"""Certificates and subsets as files: read with all their ids checked, and the hash they are cited by."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from mmdia_dataset.errors import BadCertificate
from mmdia_dataset.schema import Certificate, FormatError, Subset, read_versioned

__all__ = ["certificate_hash", "certificate_text", "read_certificate", "subset_ids"]

_MAX_BYTES = 100_000_000
_HINT = "`mmdia coverage` writes such files"


def certificate_text(item: Certificate | Subset) -> str:
    """As its file holds it. Same content, same text."""
    value = {"made_by": item.made_by, **item.as_json()}  # as it begins since certificates were first cited
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def certificate_hash(certificate: Certificate) -> str:
    """What a certificate is cited by: SHA-256 of its text."""
    return hashlib.sha256(certificate_text(certificate).encode("utf-8", "surrogatepass")).hexdigest()


def read_certificate(path: Path) -> Certificate:
    """A certificate's file.

    Raises:
        BadCertificate: the file is not a certificate, or its ids do not match its hashes.
    """
    try:
        certificate = read_versioned(Certificate.model_validate_json, _text(path))
        ids = frozenset[str]().union(*(coverage.made.ids() for coverage in certificate.splits))
    except FormatError as error:
        raise _bad("certificate", error, path) from None
    except ValueError as error:
        raise BadCertificate(f"the certificate contradicts itself: {error}", where=path, hint=_HINT) from None
    if len(ids) != certificate.made:
        message = f"the certificate says {certificate.made:,} dialogues are made, but lists {len(ids):,}"
        raise BadCertificate(message, where=path, hint=_HINT)
    return certificate


def subset_ids(path: Path) -> frozenset[str]:
    """The dialogues of a subset, or those a certificate says are made.

    Raises:
        BadCertificate: the file is neither, or its ids do not match its hashes.
    """
    text = _text(path)
    try:
        return read_versioned(Subset.model_validate_json, text).ids.ids()
    except FormatError as error:
        if b'"release"' not in text:
            raise _bad("subset", error, path) from None
    except ValueError as error:
        raise BadCertificate(f"the subset contradicts itself: {error}", where=path, hint=_HINT) from None
    return frozenset[str]().union(*(coverage.made.ids() for coverage in read_certificate(path).splits))


def _text(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BadCertificate("the file is too large for a certificate", where=path, hint=_HINT)
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadCertificate(f"the file can't be read: {reason}", where=path, hint=_HINT) from error


def _bad(kind: str, error: FormatError, path: Path) -> BadCertificate:
    what = error.what if error.newer else f"not a {kind}: {error.what}"
    return BadCertificate(what, where=path, hint=error.hint or _HINT)

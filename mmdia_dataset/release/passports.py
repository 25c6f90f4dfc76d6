"""Passports: one JSON file per movie in a release's `passports/`, named after the movie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic_core import to_json

from mmdia_dataset.errors import ReleaseUnreadable
from mmdia_dataset.files import file_name, write_text
from mmdia_dataset.release.rules import make_issue
from mmdia_dataset.schema import FormatError, Issue, Passport, read_versioned

__all__ = ["PASSPORTS", "passport_issues", "read_passport", "write_passport"]

PASSPORTS = "passports"
_LARGEST = 50_000_000


def read_passport(root: Path, movie: str) -> Passport | None:
    """The passport of a movie; None if the release has no passport for it.

    Raises:
        ReleaseUnreadable: the file is not a valid passport, or belongs to another movie.
    """
    file = root / PASSPORTS / f"{file_name(movie)}.json"
    if not file.is_file():
        return None
    passport = _read(file)
    if passport.movie != movie:
        raise ReleaseUnreadable(
            f"this is the passport of {passport.movie}, not of {movie}", where=file, hint="rename the file"
        )
    return passport


def write_passport(folder: Path, passport: Passport) -> Path:
    """Write a passport into a folder of passports, whole or not at all. Raises OutputError."""
    file = folder / f"{file_name(passport.movie)}.json"
    write_text(file, to_json(passport.as_json(), indent=1).decode() + "\n")
    return file


def passport_issues(root: Path, fault: Callable[[Passport], str | None]) -> Iterator[Issue]:
    """What is wrong with the passports of a release.

    Args:
        root: the release's folder.
        fault: gives what is wrong with a passport's fingerprint; None if it is good.
    """
    for file in sorted((root / PASSPORTS).glob("*.json")):
        name = f"{PASSPORTS}/{file.name}"
        try:
            passport = _read(file)
        except ReleaseUnreadable as error:
            yield make_issue("bad-passport", name, "$", error.what)
            continue
        if file.name != f"{file_name(passport.movie)}.json":
            yield make_issue(
                "bad-passport", name, "$.movie", f"the passport is of {passport.movie}, but the file has another name"
            )
        wrong = fault(passport)
        if wrong is not None:
            yield make_issue("bad-passport", name, "$.fingerprint", wrong)


def _read(file: Path) -> Passport:
    try:
        if file.stat().st_size > _LARGEST:
            raise ReleaseUnreadable("the file is too large for a passport", where=file, hint="get it again")
        return read_versioned(Passport.model_validate_json, file.read_bytes())
    except FormatError as error:
        what = error.what if error.newer else f"not a valid passport ({error.what})"
        raise ReleaseUnreadable(what, where=file, hint=error.hint or "get it again") from None
    except OSError as error:
        raise ReleaseUnreadable(f"can't be read: {error.strerror}", where=file) from None

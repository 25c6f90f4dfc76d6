"""What pydantic finds wrong, in words."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

__all__ = ["fault_in_words", "problem_of"]

_FAULTS = {
    "extra_forbidden": "unknown field",
    "unexpected_keyword_argument": "unknown field",
    "missing": "the field is missing",
    "string_pattern_mismatch": "it does not have the required form",
}
_TAGS = ("made", "refused")  # which kind of manifest line pydantic speaks of; in the file there is no such key


def fault_in_words(fault: Mapping[str, object]) -> str:
    """What one fault of a `pydantic.ValidationError` is, without its place."""
    message = str(fault["msg"])
    return _FAULTS.get(str(fault["type"]), message[:1].lower() + message[1:])


def problem_of(error: ValidationError) -> str:
    """The first thing that is wrong, and where in the JSON."""
    fault = error.errors(include_url=False)[0]
    parts = fault["loc"][1:] if fault["loc"] and fault["loc"][0] in _TAGS else fault["loc"]
    place = ".".join(str(part) for part in parts)
    return f"{place}: {fault_in_words(fault)}" if place else fault_in_words(fault)

"""Reports as JSON: nothing in them but what JSON has, and the same names as in Python."""

import json
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from mmdia_dataset.reports import Report
from mmdia_dataset.schema import Reason


class Kind(StrEnum):
    film = "film"


@dataclass(frozen=True, slots=True)
class Part:
    kind: Kind
    file: Path


@dataclass(slots=True)
class Made(Report):
    JSON_TOO: ClassVar = ("whole",)
    NOT_JSON: ClassVar = ("secret",)

    out: Path
    parts: tuple[Part, ...] = ()
    refused: Counter[str] = field(default_factory=Counter)
    reason: Reason | None = None
    secret: object = None

    @property
    def whole(self) -> int:
        return len(self.parts)


def test_a_report_is_its_fields_and_what_it_declares():
    reason = Reason(rule="no-recording", detail="nothing there")
    report = Made(Path("a/b"), (Part(Kind.film, Path("c")),), Counter(x=2), reason, object())
    assert report.as_json() == {
        "out": "a/b",
        "parts": [{"kind": "film", "file": "c"}],
        "refused": {"x": 2},
        "reason": reason.model_dump(),
        "whole": 1,
    }
    assert json.loads(json.dumps(report.as_json())) == report.as_json()
    assert report.exit_code == 0

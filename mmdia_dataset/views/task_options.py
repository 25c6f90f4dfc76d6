"""What a user may ask of task rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

from mmdia_dataset.errors import ConfigError
from mmdia_dataset.views.prompts import fields_of
from mmdia_dataset.views.turns import SOUNDS, Sounds

__all__ = ["CONTROLS", "Control", "TaskOptions"]

Control: TypeAlias = Literal["triplet", "description", "both"]
CONTROLS: tuple[Control, ...] = get_args(Control)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """How task rows are made.

    Args:
        control: what the prompt is made from: `triplet`, `description`, or `both` (whichever a dialogue has).
        drop: share of rows, 0 to 1, without a control, for classifier-free guidance. Which rows depends only on seed
            and id; rows without a control at 0.1 have none at 0.2 either.
        seed: chooses templates, rows to drop, and reference voices.
        sounds: `keep` writes non-verbal sounds as ``<laughs>`` where they occur, `drop` leaves them out.
        templates: prompts of your own instead of `TEMPLATES`, with `{relationship}`, `{interaction}`, `{tone}` and
            `{description}` in them.

    Raises:
        ConfigError: a value is not allowed.
    """

    control: Control = "both"
    drop: float = 0.0
    seed: int = 0
    sounds: Sounds = "keep"
    templates: Sequence[str] | None = None

    def __post_init__(self) -> None:
        for name, value, choices in (("control", self.control, CONTROLS), ("sounds", self.sounds, SOUNDS)):
            if value not in choices:
                raise ConfigError(f"unknown {name} {value!r}", hint=f"choose one of {', '.join(choices)}")
        if type(self.drop) not in (int, float) or not 0 <= self.drop <= 1:
            raise ConfigError(f"drop is {self.drop!r}, not a share of rows from 0 to 1", hint="use for example 0.1")
        if type(self.seed) is not int:
            raise ConfigError(f"seed is {self.seed!r}, not a whole number", hint="use for example 0")
        if self.templates is None:
            return
        if isinstance(self.templates, str) or not self.templates:
            raise ConfigError("templates is not a list of texts", hint='use for example ["Speak with {tone}."]')
        object.__setattr__(self, "templates", tuple(self.templates))
        for template in self.templates:
            fields_of(template)

    @classmethod
    def taken_from(cls, arguments: Mapping[str, Any]) -> TaskOptions:
        """Options by name; None counts as not given. Raises ConfigError."""
        names = [field.name for field in fields(cls)]
        for name in arguments:
            if name not in names:
                raise ConfigError(f"unknown option {name!r}", hint=f"known options are {', '.join(names)}")
        return cls(**{name: value for name, value in arguments.items() if value is not None})

    def text(self) -> str:
        """All options as one line of JSON: equal options, equal text."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

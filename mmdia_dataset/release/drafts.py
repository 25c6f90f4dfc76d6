"""Dialogues as their reader leaves them: plain values, to be judged by the schema one by one, or laid out as columns.

Most of the time of reading a release would go into making models of every turn. Who wants rows needs none: a reader's
values go straight into Arrow columns, and `arrow.holds` says of all of them at once what the models say of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from mmdia_dataset.release.values import is_named
from mmdia_dataset.schema import Dialogue, Span
from mmdia_dataset.schema.arrow import Many, Maybe, columns_to_table

__all__ = ["Draft", "DraftTurn", "Sound", "drafts_to_table"]

Sound = tuple[str, int, int | None]
"""What is heard, where in the text, whose."""
DraftTurn = tuple[int | None, int, int, str, int, Sequence[Sound]]
"""Speaker, start and end [ms], text, cue, sounds."""


class Draft(NamedTuple):
    """A dialogue in plain values; fields are those of `Dialogue`.

    `style` is what `read_style` gives, `places` the line of each turn, or None where line and turn have the same place.
    """

    id: str
    movie: str
    batch: str | None
    number: int
    timeline: Literal["movie", "dialogue"]
    span: tuple[int, int]
    names: list[str]
    turns: list[DraftTurn]
    style: Mapping[str, Any]
    places: tuple[int, ...] | None
    extra: dict[str, Any]

    def dialogue(self) -> Dialogue:
        """The dialogue, judged by the schema. Raises pydantic.ValidationError."""
        turns = [
            {"speaker": speaker, "span": Span(start, end), "text": text, "cue": cue, **_nonverbal(sounds)}
            for speaker, start, end, text, cue, sounds in self.turns
        ]
        dialogue = Dialogue.model_validate(
            {
                "id": self.id,
                "movie": self.movie,
                "batch": self.batch,
                "number": self.number,
                "timeline": self.timeline,
                "span": Span(*self.span),
                "speakers": [
                    {"id": place, "name": name, "named": is_named(name)} for place, name in enumerate(self.names)
                ],
                "turns": turns,
                **self.style,
            }
        )
        dialogue.extra.update(self.extra)  # it is JSON, as it was read
        return dialogue


def _nonverbal(sounds: Sequence[Sound]) -> dict[str, Any]:
    if not sounds:
        return {}
    return {"nonverbal": [{"sound": sound, "offset": offset, "speaker": whose} for sound, offset, whose in sounds]}


def _across(rows: Sequence[tuple[Any, ...]], width: int) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


def drafts_to_table(drafts: Sequence[Draft]) -> pa.Table:
    """Drafts as the table that `arrow.to_table` would make of their dialogues.

    Raises:
        pyarrow.ArrowInvalid, OverflowError, UnicodeError: a value no column can hold, nor the schema.
    """
    id_, movie, batch, number, timeline, span, names, turns, styles, _, extra = _across(drafts, 11)
    first, last = _across(span, 2)
    speaker, start, end, text, cue, sounds = _across([turn for group in turns for turn in group], 6)
    heard, offset, whose = _across([sound for group in sounds for sound in group], 3)
    everyone = [name for group in names for name in group]
    triplets = [style.get("triplet") for style in styles]
    absent = [triplet is None for triplet in triplets]
    relationships = [None if triplet is None else triplet["relationship"] for triplet in triplets]
    interactions = [None if triplet is None else triplet["interaction"] for triplet in triplets]
    return columns_to_table(
        {
            "id": id_,
            "movie": movie,
            "batch": batch,
            "number": number,
            "timeline": timeline,
            "span": {"start_ms": first, "end_ms": last},
            "speakers": Many(
                list(map(len, names)),
                {
                    "id": [place for group in names for place in range(len(group))],
                    "name": everyone,
                    "named": list(map(is_named, everyone)),
                    "visible": ["unknown"] * len(everyone),
                },
            ),
            "turns": Many(
                list(map(len, turns)),
                {
                    "speaker": speaker,
                    "span": {"start_ms": start, "end_ms": end},
                    "text": text,
                    "cue": cue,
                    "nonverbal": Many(list(map(len, sounds)), {"sound": heard, "offset": offset, "speaker": whose}),
                    "visibility": ["unknown"] * len(text),
                },
            ),
            "triplet": Maybe(
                absent,
                {
                    "relationship": Maybe(absent, _words(relationships)),
                    "interaction": Maybe(absent, _words(interactions)),
                    "tone": [None if triplet is None else triplet["tone"] for triplet in triplets],
                },
            ),
            "description": [style.get("description") for style in styles],
            "intensity": [style.get("intensity") for style in styles],
            "volatility": [style.get("volatility") for style in styles],
            "language": [None] * len(id_),
            "extra": extra,
        },
        Dialogue,
    )


def _words(descriptors: Sequence[Mapping[str, str | None] | None]) -> dict[str, list[str | None]]:
    return {
        name: [None if descriptor is None else descriptor[name] for descriptor in descriptors]
        for name in ("text", "label")
    }

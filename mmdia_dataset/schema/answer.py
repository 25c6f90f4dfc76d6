"""What is scored: who said what and when, and the scores of judges."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mmdia_dataset.schema.base import Id, Many, Milliseconds, Model

__all__ = ["Answer", "Utterance"]


class Utterance(Model):
    """One speaker's words, at a time where that is known."""

    speaker: str = Field(description="Who speaks; any name, the same for the same voice.", examples=["S1"])
    text: str = Field(description="The words.", examples=["Hello?"])
    start_ms: Milliseconds | None = Field(default=None, description="Start, in the clip [ms].", examples=[0])
    end_ms: Milliseconds | None = Field(default=None, description="End, in the clip [ms].", examples=[2290])


class Answer(Model):
    """One dialogue, as a system made it or as a reference has it; a line of a JSON lines file that is scored."""

    id: Id = Field(description="The dialogue.", examples=["tt0114388_clip_64"])
    text: str | None = Field(
        default=None, description="All words, in place of `utterances`.", examples=["[S1] Hello? [S2] Anna?"]
    )
    utterances: Many[Utterance] = Field(default=(), description="Who says what, in order.", examples=[[]])
    relationship: str | None = Field(default=None, description="Label of the relationship.", examples=["Family"])
    interaction: str | None = Field(default=None, description="Label of the interaction mode.", examples=["Conflict"])
    movie: Id | None = Field(default=None, description="Its movie, to group by.", examples=["tt0114388"])
    scores: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(
        default_factory=dict, description="Scores from judges, by name.", examples=[{"utmos": 3.4}]
    )

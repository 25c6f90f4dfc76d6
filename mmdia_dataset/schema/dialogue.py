"""What a release says: dialogues, movies, splits; and the issues found in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, JsonValue

from mmdia_dataset.schema.base import (
    SPLITS,
    Id,
    Index,
    InteractionLabel,
    Many,
    Model,
    RelationshipLabel,
    RelativeFile,
    Score,
    Severity,
    Split,
    Visibility,
)
from mmdia_dataset.schema.versioned import Versioned
from mmdia_dataset.timing import Span


class NonVerbal(Model):
    """A sound in the transcript that is not a word: a laugh, a sigh, a phone."""

    sound: str = Field(description="What is heard, as annotated.", examples=["phone rings"])
    offset: Index = Field(
        description="Where it stands: the number of characters of the turn's text before it.", examples=[6]
    )
    speaker: Index | None = Field(
        default=None,
        description="Whose it is, as an index into `speakers`: the speaker it names, else the one in whose words it "
        "stands; null where neither is known.",
        examples=[0],
    )


class Turn(Model):
    """One speaker's words within one cue, as the paper counts turns."""

    speaker: Index | None = Field(
        description="Who speaks, as an index into `speakers`; null where the annotation does not say.", examples=[0]
    )
    span: Span = Field(
        description="When the turn's cue is shown [ms]; turns of one cue share its span.",
        examples=[{"start_ms": 50260, "end_ms": 52550}],
    )
    text: str = Field(description="The words only, without speaker name and sounds.", examples=["Hello?"])
    cue: int = Field(ge=-(2**31), le=2**31 - 1, description="The subtitle's own number of the cue.", examples=[5])
    nonverbal: Many[NonVerbal] = Field(
        default=(),
        description="Sounds that stand in or around the words, in order.",
        examples=[[{"sound": "phone rings", "offset": 6, "speaker": 0}]],
    )
    visibility: Visibility = Field(
        default="unknown", description="Whether the speaker is seen during this turn.", examples=["on_screen"]
    )


class Speaker(Model):
    """Someone who speaks in a dialogue."""

    id: Index = Field(description="The speaker's index in the dialogue, counted from 0.", examples=[0])
    name: str = Field(description="Name or description, as annotated.", examples=["Dr. Green's mother"])
    named: bool = Field(description="Whether that is a name, not a mere description such as 'Man'.", examples=[True])
    visible: Visibility = Field(
        default="unknown", description="Whether the speaker is seen in the dialogue.", examples=["partly"]
    )


class Relationship(Model):
    """How the speakers stand to each other."""

    text: str | None = Field(default=None, description="In free words.", examples=["mother and stranger"])
    label: RelationshipLabel | None = Field(default=None, description="From the closed list.", examples=["Family"])


class InteractionMode(Model):
    """What the speakers do with each other."""

    text: str | None = Field(default=None, description="In free words.", examples=["bad news"])
    label: InteractionLabel | None = Field(default=None, description="From the closed list.", examples=["Explanation"])


class AffectiveTriplet(Model):
    """Relationship, interaction mode and emotional tone of a dialogue."""

    relationship: Relationship = Field(
        description="How the speakers stand to each other.", examples=[{"text": "siblings", "label": "Family"}]
    )
    interaction: InteractionMode = Field(
        description="What they do with each other.", examples=[{"text": "quarrel", "label": "Conflict"}]
    )
    tone: str | None = Field(default=None, description="Emotional tone, in free words.", examples=["dread"])


class Dialogue(Model):
    """The annotated unit: a stretch of a movie in which people talk."""

    id: Id = Field(description="Unique over the whole dataset.", examples=["tt0114388_clip_64"])
    movie: Id = Field(description="The movie it is from.", examples=["tt0114388", "tv_01_mad_men_S05E01-E02"])
    batch: str | None = Field(description="The batch of the release it came in.", examples=["movie_41"])
    number: Index = Field(description="Its number within the movie.", examples=[64])
    timeline: Literal["movie", "dialogue"] = Field(
        description="What spans count from: the movie's beginning, or this dialogue's own beginning where the release "
        "does not say when in the movie it is (such a dialogue can't be cut).",
        examples=["movie"],
    )
    span: Span = Field(
        description="From its first cue's start to its last cue's end [ms].",
        examples=[{"start_ms": 50260, "end_ms": 68120}],
    )
    speakers: Many[Speaker] = Field(
        description="Everyone who speaks.", examples=[[{"id": 0, "name": "Anna", "named": True, "visible": "unknown"}]]
    )
    turns: Many[Turn] = Field(description="What is said, in order of the cues.", examples=[[]])
    triplet: AffectiveTriplet | None = Field(
        default=None, description="Affective triplet, where annotated.", examples=[None]
    )
    description: str | None = Field(
        default=None, description="Free-style description of how it is spoken.", examples=["She picks up brightly."]
    )
    intensity: Score | None = Field(default=None, description="Emotion intensity, 1 (calm) to 10.", examples=[7])
    volatility: Score | None = Field(default=None, description="Emotion volatility, 1 (steady) to 10.", examples=[5])
    language: str | None = Field(default=None, description="Language spoken, BCP 47.", examples=["en"])
    extra: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="What a release file held beyond these fields, per dialect, so that it can be written back.",
        examples=[{}],
    )

    def at(self, span: Span) -> Dialogue:
        """The same with times of the movie, as it lies at a span of it; unchanged if it has them already."""
        if self.timeline == "movie":
            return self
        moved_ms = span.start_ms - self.span.start_ms
        turns = tuple(
            turn.model_copy(
                update={"span": Span(max(0, turn.span.start_ms + moved_ms), max(0, turn.span.end_ms + moved_ms))}
            )
            for turn in self.turns
        )
        return self.model_copy(update={"timeline": "movie", "span": span, "turns": turns})

    def may_lie_at(self, span: Span) -> bool:
        """Whether a span of the movie can be this dialogue's: its own, or where it has none, one of its length."""
        return self.span == span if self.timeline == "movie" else self.span.duration_ms == span.duration_ms


class Movie(Model):
    """The work a dialogue is from: a film or an episode; never a file."""

    id: Id = Field(description="IMDb id of a film, `<batch>_<file stem>` of an episode.", examples=["tt0114388"])
    batch: str | None = Field(default=None, description="The batch of the release it came in.", examples=["movie_41"])
    imdb: str | None = Field(
        default=None, pattern=r"^tt[0-9]{7,10}(?![\s\S])", description="IMDb id, where known.", examples=["tt0114388"]
    )
    title: str | None = Field(default=None, description="Title, where known.", examples=["Sense and Sensibility"])
    year: int | None = Field(default=None, ge=1870, le=2200, description="Year of first showing.", examples=[1995])
    series: str | None = Field(default=None, description="Series an episode belongs to.", examples=["mad men"])
    season: Index | None = Field(default=None, description="Season of an episode.", examples=[5])
    episodes: Many[Index] = Field(default=(), description="Episode numbers; two for a double.", examples=[[1, 2]])
    file: RelativeFile | None = Field(
        default=None, description="The release file it was read from.", examples=["json/movie_41/tt0114388.json"]
    )
    extra: dict[str, JsonValue] = Field(
        default_factory=dict, description="What that file held besides its dialogues.", examples=[{}]
    )


class Splits(Versioned):
    """Which dialogues are in which split, by id. `hard` and `bench` may share ids with the others."""

    train: Many[Id] = Field(default=(), description="For training.", examples=[["tt0114388_clip_64"]])
    validation: Many[Id] = Field(default=(), description="For choosing models; upstream `eval`.", examples=[[]])
    test: Many[Id] = Field(default=(), description="For the final result.", examples=[[]])
    hard: Many[Id] = Field(default=(), description="Difficult ones.", examples=[[]])
    bench: Many[Id] = Field(default=(), description="MM-DIA-BENCH.", examples=[[]])

    def lists(self) -> Iterator[tuple[Split, tuple[str, ...]]]:
        """Each split with its ids, in the order of `SPLITS`."""
        for name in SPLITS:
            if name != "unassigned":
                yield name, getattr(self, name)


class Issue(Model):
    """Something found in a file: what, where, and what to do."""

    severity: Severity = Field(
        description="Errors make `validate` fail; warnings and notes do not.", examples=["error"]
    )
    rule: str = Field(description="Name of the rule.", examples=["ends-before-start"])
    file: str | None = Field(description="The file, relative to what was checked.", examples=["json/movie/tt1.json"])
    path: str = Field(description="JSON path inside it.", examples=["$.clips[3].srt[0]"])
    message: str = Field(description="What is wrong.", examples=["the turn ends 20 ms before it starts"])
    hint: str = Field(description="What to do.", examples=["swap or correct the two times"])

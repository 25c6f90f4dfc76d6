"""What all models share: the strict base class, the kinds of values, and the closed vocabularies."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mmdia_dataset.timing import MAX_MS, rate_from_text

SCHEMA_VERSION = "1.0"
FORMAT_VERSION = "1.1"
"""Of every file we write, as major.minor: see `versioned.py` for what others do with it."""

Visibility = Literal["on_screen", "partly", "off_screen", "unknown"]
RelationshipLabel = Literal[
    "Workplace", "Friends", "Intimate", "Family", "Adversarial", "Individual", "Social", "Authority"
]
InteractionLabel = Literal[
    "Persuasion",
    "Conflict",
    "Questioning",
    "Storytelling",
    "Explanation",
    "Commands",
    "Dialogue Exchange",
    "Support Reassurance",
    "Dismissal Rejection",
    "Social Banter",
    "Authority Power",
    "Performance Public",
    "Introspection Reflection",
    "Emotion Release",
    "Invitation Social",
]
Split = Literal["train", "validation", "test", "hard", "bench", "unassigned"]
Mode = Literal["copy", "encode", "audio", "keyframes"]
Severity = Literal["error", "warning", "note"]
AudioKind = Literal["voice", "voice_44k", "mix", "background", "film"]

VISIBILITIES: tuple[Visibility, ...] = get_args(Visibility)
RELATIONSHIPS: tuple[RelationshipLabel, ...] = get_args(RelationshipLabel)
INTERACTION_MODES: tuple[InteractionLabel, ...] = get_args(InteractionLabel)
SPLITS: tuple[Split, ...] = get_args(Split)
AUDIO_KINDS: tuple[AudioKind, ...] = get_args(AudioKind)
"""What a dialogue's sound is: the voices alone at 24 kHz or at 44.1 kHz, the film's mix, what separation took away (all
as the release has them), or the sound of the film itself, in a video of the release or cut from a recording."""

_T = TypeVar("_T")

# Lists may come as lists (from Arrow, from JSON) and are kept as tuples; what they hold stays strict.
Many = Annotated[tuple[_T, ...], Field(strict=False)]

# Ids become file names, so one can't hold a path, start as a hidden file, or break a line. The last group is "end of
# text" in every regex dialect; "$" alone would let a newline through in Python.
Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^(?!\.)[^/\\\x00-\x1f\x7f]+(?![\s\S])")]
Index = Annotated[int, Field(ge=0, le=2**31 - 1)]
Milliseconds = Annotated[int, Field(ge=0, le=MAX_MS)]
Score = Annotated[float, Field(ge=1, le=10)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}(?![\s\S])")]
FileFingerprint = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}(?![\s\S])")]
# A file inside the folder that names it: no absolute path, no "..", no backslash, no control characters.
RelativeFile = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1000,
        pattern=r"^(?!/)(?!(?:[\s\S]*/)?\.\.?(?:/|(?![\s\S])))[^\\\x00-\x1f\x7f]+(?![\s\S])",
    ),
]


def _checked_rate(text: str) -> str:
    rate_from_text(text)
    return text


Ratio = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,9}/[1-9][0-9]{0,9}(?![\s\S])")]
# A speed. Its bounds are the one thing here that JSON Schema can't say.
Rate = Annotated[Ratio, AfterValidator(_checked_rate)]


class Model(BaseModel):
    """Base of all models: frozen, strict, no unknown keys."""

    # Built when first used: no command uses them all, and building takes longer than most commands do.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", regex_engine="python-re", defer_build=True)

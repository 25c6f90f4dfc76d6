"""The models: the one truth for every format.

Arrow tables, JSON Schema, `datasets.Features` and the files on disk are all derived from the classes here. They are
frozen and strict: nothing is coerced (1.5 is no integer, "1" is no number), and an unknown key is an error. What a
release file holds beyond these fields is kept in ``extra`` by its reader.

Times are integer milliseconds. Spans are half-open. Every field says its unit and gives an example.
"""

from mmdia_dataset.schema.annotations import (
    AffectiveTriplet,
    Dialogue,
    InteractionMode,
    Issue,
    Movie,
    NonVerbal,
    Relationship,
    Speaker,
    Splits,
    Turn,
)
from mmdia_dataset.schema.base import (
    INTERACTION_MODES,
    RELATIONSHIPS,
    SCHEMA_VERSION,
    SPLITS,
    VISIBILITIES,
    Mode,
    Model,
    Severity,
    Split,
    Visibility,
)
from mmdia_dataset.schema.building import (
    Clip,
    Edition,
    EditionPiece,
    Evidence,
    Fingerprint,
    Keyframe,
    MadeLine,
    ManifestLine,
    Media,
    Passport,
    Picture,
    Place,
    PlacedDialogue,
    Reason,
    Recording,
    RefusedDialogue,
    RefusedLine,
)
from mmdia_dataset.schema.scoring import Answer, Utterance
from mmdia_dataset.schema.tasks import (
    Reference,
    SpeechVideo,
    StyleSpeech,
    TaskRow,
    TaskSpeaker,
    TaskTurn,
    VoicedSpeaker,
)
from mmdia_dataset.timing import Span

__all__ = [
    "INTERACTION_MODES",
    "RELATIONSHIPS",
    "SCHEMA_VERSION",
    "SPLITS",
    "VISIBILITIES",
    "AffectiveTriplet",
    "Answer",
    "Clip",
    "Dialogue",
    "Edition",
    "EditionPiece",
    "Evidence",
    "Fingerprint",
    "InteractionMode",
    "Issue",
    "Keyframe",
    "MadeLine",
    "ManifestLine",
    "Media",
    "Mode",
    "Model",
    "Movie",
    "NonVerbal",
    "Passport",
    "Picture",
    "Place",
    "PlacedDialogue",
    "Reason",
    "Recording",
    "Reference",
    "RefusedDialogue",
    "RefusedLine",
    "Relationship",
    "Severity",
    "Span",
    "Speaker",
    "SpeechVideo",
    "Split",
    "Splits",
    "StyleSpeech",
    "TaskRow",
    "TaskSpeaker",
    "TaskTurn",
    "Turn",
    "Utterance",
    "Visibility",
    "VoicedSpeaker",
]

"""The models: the one truth for every format.

Arrow tables, JSON Schema, `datasets.Features` and the files on disk are all derived from the classes here. They are
frozen and strict: no value is converted (1.5 is not an integer, "1" is not a number), and an unknown key is an error.
The reader of a release keeps what its files hold beyond these fields in ``extra``.

Times are integer milliseconds. Spans are half-open. Every field says its unit and gives an example.
"""

from mmdia_dataset.schema.answer import Answer, Utterance
from mmdia_dataset.schema.base import (
    FORMAT_VERSION,
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
from mmdia_dataset.schema.certificate import (
    Certificate,
    ErrorBounds,
    IdList,
    MovieIds,
    MovieSpans,
    SplitCoverage,
    SplitIds,
    Subset,
)
from mmdia_dataset.schema.clip import Clip, Keyframe, LocatedDialogue, Media, SourceSpan
from mmdia_dataset.schema.dialogue import (
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
from mmdia_dataset.schema.edition import (
    Edition,
    EditionPiece,
    Evidence,
    PlacedDialogue,
    Reason,
    RecordingInfo,
    RefusedDialogue,
)
from mmdia_dataset.schema.manifest_line import MadeLine, ManifestLine, Picture, Place, RefusedLine
from mmdia_dataset.schema.passport import Fingerprint, Passport
from mmdia_dataset.schema.problems import fault_in_words, problem_of
from mmdia_dataset.schema.shard import FileBeside, Member, Sample, SampleFile, SamplePicture, Shard, ShardIndex
from mmdia_dataset.schema.task_rows import (
    Reference,
    SpeechVideo,
    StyleSpeech,
    TaskKeyframe,
    TaskRow,
    TaskSpeaker,
    TaskTurn,
    VisionSpeech,
    VoicedSpeaker,
)
from mmdia_dataset.schema.versioned import (
    FormatError,
    Versioned,
    marked_version,
    newer_major,
    newer_minor,
    read_versioned,
    without_unknown_keys,
)
from mmdia_dataset.timing import Span

__all__ = [
    "FORMAT_VERSION",
    "INTERACTION_MODES",
    "RELATIONSHIPS",
    "SCHEMA_VERSION",
    "SPLITS",
    "VISIBILITIES",
    "AffectiveTriplet",
    "Answer",
    "Certificate",
    "Clip",
    "Dialogue",
    "Edition",
    "EditionPiece",
    "ErrorBounds",
    "Evidence",
    "FileBeside",
    "Fingerprint",
    "FormatError",
    "IdList",
    "InteractionMode",
    "Issue",
    "Keyframe",
    "LocatedDialogue",
    "MadeLine",
    "ManifestLine",
    "Media",
    "Member",
    "Mode",
    "Model",
    "Movie",
    "MovieIds",
    "MovieSpans",
    "NonVerbal",
    "Passport",
    "Picture",
    "Place",
    "PlacedDialogue",
    "Reason",
    "RecordingInfo",
    "Reference",
    "RefusedDialogue",
    "RefusedLine",
    "Relationship",
    "Sample",
    "SampleFile",
    "SamplePicture",
    "Severity",
    "Shard",
    "ShardIndex",
    "SourceSpan",
    "Span",
    "Speaker",
    "SpeechVideo",
    "Split",
    "SplitCoverage",
    "SplitIds",
    "Splits",
    "StyleSpeech",
    "Subset",
    "TaskKeyframe",
    "TaskRow",
    "TaskSpeaker",
    "TaskTurn",
    "Turn",
    "Utterance",
    "Versioned",
    "Visibility",
    "VisionSpeech",
    "VoicedSpeaker",
    "fault_in_words",
    "marked_version",
    "newer_major",
    "newer_minor",
    "problem_of",
    "read_versioned",
    "without_unknown_keys",
]

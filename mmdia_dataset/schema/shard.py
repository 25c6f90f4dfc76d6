"""What is in shards: the sample, and the index over all of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Json, JsonValue

from mmdia_dataset.schema.base import (
    AudioKind,
    Index,
    Many,
    Milliseconds,
    Mode,
    Model,
    Rate,
    RelativeFile,
    Sha256,
    Split,
)
from mmdia_dataset.schema.dialogue import Dialogue
from mmdia_dataset.schema.versioned import Versioned

# The part of a member's name after the key and its dot: `mp4`, or `000.jpg` where a sample has several pictures.
Member = Annotated[str, Field(max_length=16, pattern=r"^[a-z0-9]+(\.[a-z0-9]+)*(?![\s\S])")]

Bytes = Annotated[int, Field(ge=0, le=2**63 - 1)]


class SampleFile(Model):
    """A media file of a sample: what it must be, whoever packed or copied it."""

    member: Member = Field(description="Its name after the key.", examples=["mp4", "000.jpg"])
    mode: Mode = Field(description="How it was made.", examples=["copy"])
    sha256: Sha256 = Field(description="Hash of the file.", examples=["0" * 64])
    size: Index = Field(description="Size of the file [bytes].", examples=[1048576])
    rate: Rate = Field(description="Speed of the recording against the movie there.", examples=["25025/24000"])
    length_s: float | None = Field(
        default=None, ge=0, description="How long it plays [s]; null for a picture.", examples=[17.892875]
    )
    frames: Index | None = Field(default=None, description="Video frames; null without video.", examples=[429])
    samples: Index | None = Field(
        default=None, description="Audio samples per channel; null without audio.", examples=[858858]
    )


class SamplePicture(Model):
    """A key frame of a sample; several may share a member."""

    member: Member = Field(description="The member that holds it.", examples=["000.jpg"])
    time_ms: Milliseconds = Field(description="Movie time at which it begins [ms].", examples=[51384])
    turn: Index | None = Field(
        default=None, description="The turn it belongs to, as an index into `turns`.", examples=[0]
    )


class Sample(Dialogue):
    """The `json` member of a sample: a dialogue, and the media files beside it."""

    # As text, so that it has one type for those who read shards into columns.
    extra: Json[dict[str, JsonValue]] = Field(
        default_factory=dict,
        description="What a release file held beyond these fields, as JSON text.",
        examples=["{}"],
    )
    splits: Many[Split] = Field(description="The splits the dialogue is in.", examples=[["test", "hard"]])
    keyframes: Many[SamplePicture] = Field(
        default=(), description="Its key frames, in the order asked for.", examples=[[]]
    )
    audio_kind: AudioKind | None = Field(
        default=None, description="Which sound its sound is; null without a member of sound alone.", examples=["film"]
    )
    frames: Index | None = Field(default=None, description="Video frames in the clip.", examples=[429])
    samples: Index | None = Field(default=None, description="Audio samples per channel.", examples=[858858])
    error_ms: float | None = Field(
        default=None, ge=0, description="Bound of the timing error [ms]; null where not measured.", examples=[5]
    )
    files: Many[SampleFile] = Field(description="The sample's other members, in order of their names.", examples=[[]])


class Shard(Model):
    """One tar."""

    file: RelativeFile = Field(description="Where it is.", examples=["data/train-00000-of-00012.tar"])
    split: Split = Field(description="The split it is a part of.", examples=["train"])
    samples: Index = Field(description="Samples in it.", examples=[812])
    bytes: Bytes = Field(description="Size of the tar.", examples=[999997440])
    sha256: Sha256 = Field(description="Hash of the tar.", examples=["0" * 64])
    basis: Sha256 = Field(description="Hash of what it was made from: keys, annotations, clips.", examples=["0" * 64])


class FileBeside(Model):
    """A file of a set beside the shards: the manifest of its clips, or an edition they were cut from."""

    file: RelativeFile = Field(description="Where it is.", examples=["editions/manifest.jsonl"])
    bytes: Bytes = Field(description="Size of the file.", examples=[48123])
    sha256: Sha256 = Field(description="Hash of the file.", examples=["0" * 64])


class ShardIndex(Versioned):
    """`index.json`: all shards of a set, and what every sample in them holds."""

    members: Many[Member] = Field(description="The names samples' members may have.", examples=[["json", "mp4"]])
    samples: Index = Field(description="Samples in all shards.", examples=[54700])
    bytes: Bytes = Field(description="Size of all shards.", examples=[97000000000])
    shards: Many[Shard] = Field(description="The shards, split by split.", examples=[[]])
    beside: Many[FileBeside] = Field(
        default=(), description="The files that say how the samples were cut.", examples=[[]]
    )
    sha256: Sha256 = Field(description="Hash of all the above, to detect changes.", examples=["0" * 64])

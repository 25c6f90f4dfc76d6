"""Rows of the paper's tasks, P(Y | C, Z): the input C, the condition Z and the target Y.

The input of every task has a transcript. The condition is explicit (a prompt made from the triplet or the description)
or implicit (key frames or sound). The target is the dialogue's own sound or picture. Times in these rows count from the
start of the clip, not of the movie.
"""

from __future__ import annotations

from pydantic import Field

from mmdia_dataset.schema.base import AudioKind, Id, Index, Many, Milliseconds, Model
from mmdia_dataset.schema.clip import Media
from mmdia_dataset.schema.dialogue import AffectiveTriplet
from mmdia_dataset.timing import Span

__all__ = [
    "Reference",
    "SpeechVideo",
    "StyleSpeech",
    "TaskKeyframe",
    "TaskRow",
    "TaskSpeaker",
    "TaskTurn",
    "VisionSpeech",
    "VoicedSpeaker",
]


class TaskTurn(Model):
    """A run of one speaker's turns."""

    speaker: Index | None = Field(
        description="Who speaks, as an index into the row's `speakers`; null where the annotation does not say.",
        examples=[0],
    )
    span: Span = Field(
        description="From its first cue's start to its last cue's end, in the clip [ms].",
        examples=[{"start_ms": 0, "end_ms": 2290}],
    )
    text: str = Field(description="Its words, with the sounds asked for.", examples=["Hello? <phone rings>"])
    cues: Many[int] = Field(description="The subtitles it was merged from.", examples=[[5, 6]])


class Reference(Model):
    """A sample of a speaker's voice, from another dialogue of the same movie and split."""

    dialogue: Id = Field(description="That dialogue.", examples=["tt0114388_clip_7"])
    audio: Media = Field(description="That dialogue's sound.", examples=[{"path": "clips/tt0114388/a.wav"}])
    span: Span = Field(
        description="Where in that sound the speaker alone is heard [ms].",
        examples=[{"start_ms": 1200, "end_ms": 4900}],
    )
    text: str = Field(description="What is said there.", examples=["I told you so."])


class TaskSpeaker(Model):
    """Someone who speaks in the dialogue, in the order of first words."""

    tag: str = Field(description="How the transcript calls the speaker.", examples=["S1"])
    name: str = Field(description="Name or description, as annotated.", examples=["Anna"])


class VoicedSpeaker(TaskSpeaker):
    """A speaker with a sample of the voice."""

    reference: Reference | None = Field(
        default=None,
        description="The speaker's voice in another dialogue; null if there is none, or the speaker has no name.",
        examples=[None],
    )


class TaskRow(Model):
    """What the rows of all tasks hold."""

    id: Id = Field(description="The dialogue.", examples=["tt0114388_clip_64"])
    movie: Id = Field(description="Its movie.", examples=["tt0114388"])
    language: str | None = Field(default=None, description="Language spoken, BCP 47.", examples=["en"])
    transcript: str = Field(
        description="What is said. Speakers are numbered in the order in which they start; `[S?]` is an unknown one.",
        examples=["[S1] Hello? <phone rings> [S2] Anna?"],
    )
    turns: Many[TaskTurn] = Field(description="The same, turn by turn.", examples=[[]])
    dropped: bool = Field(
        description="Whether the control was left out, for classifier-free guidance.", examples=[False]
    )


class _Prompted(TaskRow):
    """Rows whose control is explicit."""

    prompt: str | None = Field(
        default=None, description="The control in words; null if dropped.", examples=["Tone: dread."]
    )
    triplet: AffectiveTriplet | None = Field(
        default=None, description="The triplet, where it is the control and not dropped.", examples=[None]
    )
    description: str | None = Field(
        default=None, description="The description, where it is the control and not dropped.", examples=[None]
    )


class StyleSpeech(_Prompted):
    """Task 1, style-controllable dialogue speech.

    C: transcript, reference voices · Z: prompt, triplet, description · Y: audio
    """

    speakers: Many[VoicedSpeaker] = Field(description="Who speaks.", examples=[[]])
    audio: Media = Field(description="Y: the dialogue's sound.", examples=[{"path": "clips/tt0114388/a.wav"}])
    audio_kind: AudioKind = Field(description="Which sound it is.", examples=["voice"])
    samples: Index | None = Field(
        description="Audio samples per channel; null for sound of a release, whose files nobody opened.",
        examples=[858858],
    )


class TaskKeyframe(Model):
    """A picture of the dialogue."""

    image: Media = Field(description="The picture, JPEG or PNG.", examples=[{"path": "clips/tt0114388/a/000.jpg"}])
    time_ms: Milliseconds = Field(description="When it is seen, in the clip [ms].", examples=[1124])
    turn: Index | None = Field(
        default=None, description="The turn it is taken from, as an index into the row's `turns`.", examples=[0]
    )


class VisionSpeech(TaskRow):
    """Task 2, vision-conditioned dialogue speech.

    C: transcript, reference voices · Z: key frames · Y: audio
    """

    keyframes: Many[TaskKeyframe] = Field(description="Z: pictures of the dialogue; none if dropped.", examples=[[]])
    speakers: Many[VoicedSpeaker] = Field(description="Who speaks.", examples=[[]])
    audio: Media = Field(description="Y: the dialogue's sound.", examples=[{"path": "clips/tt0114388/a.wav"}])
    audio_kind: AudioKind = Field(description="Which sound it is.", examples=["voice"])
    samples: Index | None = Field(
        description="Audio samples per channel; null for sound of a release, whose files nobody opened.",
        examples=[858858],
    )


class SpeechVideo(_Prompted):
    """Task 3, audio-driven dialogue video.

    C: transcript, audio · Z: the audio, and prompt, triplet, description · Y: video
    """

    speakers: Many[TaskSpeaker] = Field(description="Who speaks.", examples=[[]])
    audio: Media = Field(description="C and Z: the dialogue's sound.", examples=[{"path": "clips/tt0114388/a.wav"}])
    audio_kind: AudioKind = Field(description="Which sound it is.", examples=["voice"])
    samples: Index | None = Field(
        description="Audio samples per channel; null for sound of a release, whose files nobody opened.",
        examples=[858858],
    )
    video: Media = Field(description="Y: the clip with picture.", examples=[{"path": "clips/tt0114388/a.mp4"}])
    frames: Index | None = Field(description="Video frames in the clip.", examples=[429])

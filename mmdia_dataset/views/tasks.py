"""The paper's tasks: which rows each has, what a dialogue must have for one, and how it becomes one.

style_speech    C transcript, reference voices ┐
                Z prompt (triplet, description)┴─▶ Y audio
speech_video    C transcript, audio            ┐
                Z prompt (triplet, description)┴─▶ Y video
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mmdia_dataset.schema import (
    AffectiveTriplet,
    Clip,
    SpeechVideo,
    StyleSpeech,
    TaskKeyframe,
    TaskRow,
    TaskSpeaker,
    TaskTurn,
    VisionSpeech,
    VoicedSpeaker,
)
from mmdia_dataset.views.cliptime import ClipTime
from mmdia_dataset.views.draws import draw
from mmdia_dataset.views.prompts import FIELDS, controls_of, prompt
from mmdia_dataset.views.references import Voices
from mmdia_dataset.views.task_options import TaskOptions
from mmdia_dataset.views.turns import MergedTurn, merged_turns, speaking_order, tag_of, tagged

__all__ = ["MADE_BY", "TASKS", "Facts", "Task", "drop_draw", "lacking", "task_row"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task: its name, the model of its rows, and the media they need.

    ``voices`` says whether speakers come with a reference voice, ``prompted`` whether the control is a prompt.
    """

    name: str
    model: type[TaskRow]
    media: tuple[str, ...]
    voices: bool
    prompted: bool
    words: str


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="style_speech",
            model=StyleSpeech,
            media=("audio",),
            voices=True,
            prompted=True,
            words="Task 1: speech, controlled by a prompt.",
        ),
        Task(
            name="vision_speech",
            model=VisionSpeech,
            media=("audio", "keyframes"),
            voices=True,
            prompted=False,
            words="Task 2: speech, controlled by key frames.",
        ),
        Task(
            name="speech_video",
            model=SpeechVideo,
            media=("audio", "video"),
            voices=False,
            prompted=True,
            words="Task 3: video, controlled by speech and a prompt.",
        ),
    )
}

MADE_BY = {"audio": "audio", "keyframes": "keyframes", "video": "copy"}
"""The mode of `mmdia rebuild` that makes a kind of media."""


def drop_draw(id_: str, seed: int) -> float:
    """The number that decides about dropping: below `drop`, the dialogue's control is left out."""
    return draw(seed, "drop", id_)


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides whether a dialogue is a row: kinds of media, whether there are words, and fields for prompts."""

    media: frozenset[str]
    words: bool
    controls: frozenset[str]

    @classmethod
    def of(cls, clip: Clip) -> Facts:
        """The facts of a dialogue with its media."""
        media = frozenset(name for name in MADE_BY if getattr(clip, name))
        controls = frozenset(controls_of(clip.triplet, clip.description))
        return cls(media, any(turn.text for turn in clip.turns), controls)

    def lacking(self, task: Task, options: TaskOptions) -> str | None:
        """What is lacking for a task, in a word or two; None if nothing is."""
        for name in task.media:
            if name not in self.media:
                return f"no {name}"
        if not self.words:
            return "no words"
        if (
            task.prompted
            and prompt(dict.fromkeys(self.controls & _asked(options), ""), "", templates=options.templates) is None
        ):
            return "no control"
        return None


def _asked(options: TaskOptions) -> frozenset[str]:
    """The fields that prompts may speak of."""
    unasked = {"description": {"relationship", "interaction", "tone"}, "triplet": {"description"}, "both": set[str]()}
    return frozenset(FIELDS) - unasked[options.control]


def lacking(task: Task, options: TaskOptions, clip: Clip) -> str | None:
    """What a dialogue lacks for a task, in a word or two; None if it has all."""
    return Facts.of(clip).lacking(task, options)


def _chosen(clip: Clip, options: TaskOptions) -> tuple[AffectiveTriplet | None, str | None]:
    triplet = clip.triplet if options.control != "description" else None
    return triplet, clip.description if options.control != "triplet" else None


def task_row(task: Task, options: TaskOptions, clip: Clip, time: ClipTime, voices: Voices) -> TaskRow:
    """A dialogue that lacks nothing as a row of a task.

    Args:
        task: which.
        options: what is asked of its rows.
        clip: the dialogue with its media.
        time: of the clip with its sound.
        voices: where reference voices are taken from.
    """
    order = speaking_order(clip)
    places = {speaker: place for place, speaker in enumerate(order)}
    merged = list(merged_turns(clip.turns))
    turns = tuple(
        TaskTurn(
            speaker=None if run.speaker is None else places.get(run.speaker),
            span=time.span(run.span),
            text=run.text(options.sounds),
            cues=run.cues,
        )
        for run in merged
    )
    dropped = drop_draw(clip.id, options.seed) < options.drop
    row: dict[str, Any] = {
        "id": clip.id,
        "movie": clip.movie,
        "language": clip.language,
        "transcript": tagged((turn.speaker, turn.text) for turn in turns),
        "turns": turns,
        "dropped": dropped,
        "speakers": tuple(_speaker(task, options, clip, place, speaker, voices) for place, speaker in enumerate(order)),
        "audio_kind": clip.audio_kind or "film",  # what an earlier version cut does not say
        "samples": clip.samples,
        **{name: getattr(clip, name) for name in task.media},
    }
    if "video" in task.media:
        row["frames"] = clip.frames
    if "keyframes" in task.media:
        row["keyframes"] = () if dropped else _keyframes(clip, time, merged)
    if task.prompted and not dropped:
        row |= _controls(clip, options)
    return task.model(**row)


def _controls(clip: Clip, options: TaskOptions) -> Mapping[str, Any]:
    triplet, description = _chosen(clip, options)
    words = prompt(controls_of(triplet, description), clip.id, seed=options.seed, templates=options.templates)
    return {"prompt": words, "triplet": triplet, "description": description}


def _keyframes(clip: Clip, time: ClipTime, merged: list[MergedTurn]) -> tuple[TaskKeyframe, ...]:
    places = [place for place, run in enumerate(merged) for _ in run.turns]
    return tuple(
        TaskKeyframe(
            image=keyframe.image,
            time_ms=time.place(keyframe.time_ms),
            turn=places[keyframe.turn] if keyframe.turn is not None and keyframe.turn < len(places) else None,
        )
        for keyframe in clip.keyframes
    )


def _speaker(task: Task, options: TaskOptions, clip: Clip, place: int, speaker: int, voices: Voices) -> TaskSpeaker:
    who = clip.speakers[speaker]
    if not task.voices:
        return TaskSpeaker(tag=tag_of(place), name=who.name)
    reference = voices.reference(clip, who.name, options.seed) if who.named else None
    return VoicedSpeaker(tag=tag_of(place), name=who.name, reference=reference)

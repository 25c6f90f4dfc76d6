"""A sample: a dialogue as JSON, and its clips, each a member named after the key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from mmdia_dataset.schema import AudioKind, Dialogue, MadeLine, Mode, Sample, SampleFile, SamplePicture, Split

__all__ = ["JSON", "member_of", "sample_bytes", "sample_of", "sample_of_release"]

JSON = "json"
"""The member that holds the dialogue."""

_DIALOGUE = tuple(Dialogue.model_fields)


def member_of(file: str, mode: Mode) -> str:
    """The part of a clip's file name after the key: its ending in lower case; for a key frame, with its number."""
    path = PurePosixPath(file)
    ending = path.suffix.removeprefix(".").lower()
    return f"{path.stem}.{ending}" if mode == "keyframes" else ending


def sample_of(dialogue: Dialogue, splits: tuple[Split, ...], lines: Sequence[MadeLine]) -> Sample:
    """The sample of a dialogue with these clips.

    Raises:
        ValueError: two of the clips would have the same member name.
    """
    files = sorted((file for line in lines for file in _files(line)), key=lambda file: file.member)
    if len({file.member for file in files}) < len(files):
        raise ValueError("two clips of a dialogue have the same file type")
    ordered = sorted(lines, key=lambda line: (line.frames is None, line.samples is None))  # picture, sound, stills
    pictures = [picture for line in ordered for picture in line.pictures]
    return Sample(
        **_values(dialogue),
        splits=splits,
        audio_kind="film" if any(line.mode == "audio" for line in lines) else None,
        keyframes=tuple(
            SamplePicture(member=member_of(picture.file, "keyframes"), time_ms=picture.time_ms, turn=picture.turn)
            for picture in pictures
        ),
        frames=next((line.frames for line in ordered if line.frames is not None), None),
        samples=next((line.samples for line in reversed(ordered) if line.samples is not None), None),
        error_ms=ordered[0].evidence.error_ms if ordered else None,
        files=tuple(files),
    )


def sample_of_release(dialogue: Dialogue, splits: tuple[Split, ...], kind: AudioKind, file: SampleFile) -> Sample:
    """The sample of a dialogue with a file of its release: sound of this kind, or the film in a video."""
    return Sample(
        **_values(dialogue),
        splits=splits,
        audio_kind=None if kind == "film" else kind,
        samples=file.samples,
        files=(file,),
    )


def _values(dialogue: Dialogue) -> dict[str, Any]:
    values = {name: getattr(dialogue, name) for name in _DIALOGUE}
    values["extra"] = json.dumps(dialogue.extra, ensure_ascii=False, separators=(",", ":"))
    return values


def _files(line: MadeLine) -> Iterator[SampleFile]:
    plays = line.mode != "keyframes"
    for file, (size, sha256) in line.stored().items():
        yield SampleFile(
            member=member_of(file, line.mode),
            mode=line.mode,
            sha256=sha256,
            size=size,
            rate=line.rate,
            length_s=round(line.at.end_s - line.at.start_s, 6) if plays else None,
            frames=line.frames if plays else None,
            samples=line.samples if plays else None,
        )


def sample_bytes(sample: Sample) -> bytes:
    """A sample's `json` member."""
    return sample.model_dump_json(round_trip=True).encode("utf-8")

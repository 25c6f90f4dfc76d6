"""What the commands that cut share: their options, a forecast before they start, editions at the end."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmdia_dataset.cli.terminal import err, out, size_text
from mmdia_dataset.errors import shown

if TYPE_CHECKING:
    from mmdia_dataset.building.forecast import Forecast

__all__ = [
    "AsIsOption",
    "CodecOption",
    "CrfOption",
    "EditionsOption",
    "Float32Option",
    "FpsOption",
    "HeightOption",
    "IdsOption",
    "Image",
    "ImageOption",
    "JobsOption",
    "LanguageOption",
    "Mode",
    "ModeOption",
    "MonoOption",
    "NearestOption",
    "PlacesOption",
    "PresetOption",
    "SampleRateOption",
    "SoundFile",
    "SoundOption",
    "SplitOption",
    "TimesOption",
    "forecast_text",
    "print_editions",
    "say_if_full",
]


class Mode(StrEnum):
    """How clips are made."""

    copy = "copy"
    encode_ = "encode"  # a string has a method of that name
    audio = "audio"
    keyframes = "keyframes"


class SoundFile(StrEnum):
    """How sound is stored."""

    wav = "wav"
    flac = "flac"


class Image(StrEnum):
    """How pictures are stored."""

    jpg = "jpg"
    png = "png"


JobsOption = Annotated[int, typer.Option("--jobs", min=1, help="Processes working at once.")]
SplitOption = Annotated[str | None, typer.Option("--split", help="Only this split.")]
IdsOption = Annotated[list[str] | None, typer.Option("--ids", help="Only this dialogue; may be repeated.")]
EditionsOption = Annotated[Path | None, typer.Option("--editions", help="Folder of edition files to cut by.")]
AsIsOption = Annotated[
    bool, typer.Option("--as-is", help="Take recordings for the annotators' own edition, unmeasured.")
]
ModeOption = Annotated[
    Mode, typer.Option("--mode", help="copy: mp4, not re-encoded; encode: mp4; audio: wav, flac; keyframes: jpg.")
]
LanguageOption = Annotated[str | None, typer.Option("--language", help="Sound track to take, such as eng.")]
FpsOption = Annotated[str | None, typer.Option("--fps", help="encode: 25, 24000/1001, …; else as it is.")]
HeightOption = Annotated[int | None, typer.Option("--height", help="encode, keyframes: lines; else as it is.")]
CodecOption = Annotated[str | None, typer.Option("--codec", help="encode: libx264, libx265, libsvtav1, libvpx-vp9.")]
CrfOption = Annotated[int | None, typer.Option("--crf", help="encode: quality, smaller is better.")]
PresetOption = Annotated[str | None, typer.Option("--preset", help="encode: the codec's own.")]
SampleRateOption = Annotated[int | None, typer.Option("--sample-rate", min=1000, help="audio: Hz; else as it is.")]
MonoOption = Annotated[bool, typer.Option("--mono", help="audio: mix to one channel.")]
SoundOption = Annotated[SoundFile | None, typer.Option("--sound", help="audio: wav, or flac.")]
Float32Option = Annotated[bool, typer.Option("--float32", help="audio: 32-bit floats instead of 16 bits.")]
PlacesOption = Annotated[
    int | None, typer.Option("--places", min=1, help="keyframes: as many per dialogue; else one per turn.")
]
TimesOption = Annotated[str | None, typer.Option("--times", help="keyframes: ms into the dialogue, as 0,1500.")]
ImageOption = Annotated[Image | None, typer.Option("--image", help="keyframes: jpg, or png.")]
NearestOption = Annotated[bool, typer.Option("--nearest", help="keyframes: the film's own nearest ones.")]


def forecast_text(forecast: Forecast, release: str, wanted: int, movies: int) -> str:
    """What cutting will make and cost, before it starts."""
    return (
        f"{forecast.clips:,} of {wanted:,} dialogues, in {forecast.movies} of {movies} movies of {release}: "
        f"{forecast.hours:.2f} h, about {size_text(forecast.bytes)} and {_duration(forecast.seconds)}"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def say_if_full(folder: Path, needed: int) -> None:
    """A word of warning where a disk has less room than is needed."""
    above = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(above).free
    if free < needed:
        err.print(f"careful: only {size_text(free)} are free in {above}")


def print_editions(
    editions: Mapping[str, str], notes: Mapping[str, Sequence[str]], fallbacks: Mapping[str, Mapping[str, int]]
) -> None:
    """Which recordings were taken, what to know of them, and which clips of them were made otherwise than asked."""
    for movie, words in list(editions.items())[:20]:
        out.print(f"    {shown(movie)}: {shown(words, 600)}")
        for note in notes.get(movie, ()):
            out.print(f"        {shown(note, 300)}")
    for name, otherwise in list(fallbacks.items())[:20]:
        for why, count in otherwise.items():
            out.print(f"    {count:,} clips of {shown(name)}: {shown(why[:1].lower() + why[1:], 300)}")

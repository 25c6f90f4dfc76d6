"""What the commands that cut share: their options, a forecast before they start, editions at the end."""

from __future__ import annotations

import functools
import inspect
import shutil
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec, get_type_hints

import typer

from mmdia_dataset.cli.terminal import count_text, err, out, size_text
from mmdia_dataset.errors import shown

if TYPE_CHECKING:
    from mmdia_dataset.building.forecast import Forecast

__all__ = [
    "AsIsOption",
    "CutFlags",
    "EditionsOption",
    "IdsOption",
    "Image",
    "JobsOption",
    "KindsOption",
    "LanguageOption",
    "Mode",
    "ModeOption",
    "ModesOption",
    "SoundFile",
    "SplitOption",
    "at_commas",
    "duration_text",
    "forecast_text",
    "print_editions",
    "say_if_full",
    "with_cutting",
]

P = ParamSpec("P")


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


def at_commas(values: list[str] | None) -> list[str]:
    """`--ids a,b --ids c` as three values; an empty list without any, as older versions of typer want it."""
    if not values:
        return []
    parts = [part.strip() for value in values for part in value.split(",") if part.strip()]
    if not parts:
        raise typer.BadParameter("nothing stands between the commas")
    return parts


JobsOption = Annotated[int, typer.Option("--jobs", min=1, help="Number of processes that work at once.")]
SplitOption = Annotated[str | None, typer.Option("--split", help="Only dialogues of this split.")]
IdsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ids", help="Only these dialogues: ids, separated by commas; repeatable.", callback=at_commas, metavar="A,B"
    ),
]
KindsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--kinds",
        help="Only these: voice, voice_44k, mix, background; repeatable.",
        callback=at_commas,
        metavar="A,B",
    ),
]
ModesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--modes",
        help="Of a built directory: only clips of these modes; repeatable.",
        callback=at_commas,
        metavar="A,B",
    ),
]
EditionsOption = Annotated[Path | None, typer.Option("--editions", help="Folder of edition files to cut by.")]
AsIsOption = Annotated[
    bool, typer.Option("--as-is", help="Trust that your films are the annotated edition; measure nothing.")
]
ModeOption = Annotated[
    Mode, typer.Option("--mode", help="copy: mp4, not re-encoded; encode: mp4; audio: wav, flac; keyframes: jpg, png.")
]
LanguageOption = Annotated[str | None, typer.Option("--language", help="Language of the sound track, such as eng.")]

_ENCODE, _AUDIO, _KEYFRAMES = (f"Options of --mode {mode}" for mode in ("encode", "audio", "keyframes"))


class CutFlags:
    """The options of `CutOptions` as a shell has them: name, type, help and default."""

    language: LanguageOption = None
    fps: Annotated[
        str | None,
        typer.Option(help="Pictures per second: 25, 24000/1001, … (default: unchanged).", rich_help_panel=_ENCODE),
    ] = None
    height: Annotated[
        int | None,
        typer.Option(help="Output height in pixels, also of keyframes (default: unchanged).", rich_help_panel=_ENCODE),
    ] = None
    codec: Annotated[
        str | None,
        typer.Option(help="libx264 (default), libx265, libsvtav1 or libvpx-vp9.", rich_help_panel=_ENCODE),
    ] = None
    crf: Annotated[
        int | None,
        typer.Option(help="Quality, 0 to 63; smaller is better (default: by codec).", rich_help_panel=_ENCODE),
    ] = None
    preset: Annotated[
        str | None,
        typer.Option(help="Encoder preset, such as veryfast (default: by codec).", rich_help_panel=_ENCODE),
    ] = None
    sample_rate: Annotated[
        int | None,
        typer.Option(min=1000, help="Samples per second, such as 16000 (default: unchanged).", rich_help_panel=_AUDIO),
    ] = None
    mono: Annotated[bool, typer.Option("--mono", help="Mix all channels into one.", rich_help_panel=_AUDIO)] = False
    sound: Annotated[
        SoundFile | None, typer.Option(help="Kind of sound file (default: wav).", rich_help_panel=_AUDIO)
    ] = None
    float32: Annotated[
        bool,
        typer.Option("--float32", help="Samples as 32-bit floats, instead of 16 bits.", rich_help_panel=_AUDIO),
    ] = False
    places: Annotated[
        int | None,
        typer.Option(
            min=1, help="Pictures per dialogue, evenly spread (default: one per turn).", rich_help_panel=_KEYFRAMES
        ),
    ] = None
    times: Annotated[
        str | None,
        typer.Option(help="Milliseconds into the dialogue instead, such as 0,1500.", rich_help_panel=_KEYFRAMES),
    ] = None
    image: Annotated[
        Image | None, typer.Option(help="Kind of picture file (default: jpg).", rich_help_panel=_KEYFRAMES)
    ] = None
    nearest: Annotated[
        bool,
        typer.Option(
            "--nearest", help="Take the film's nearest keyframes, which is quicker.", rich_help_panel=_KEYFRAMES
        ),
    ] = False


def with_cutting(function: Callable[P, int]) -> Callable[P, int]:
    """A command whose `**options` are those of `CutFlags`: its signature lists them; it gets those that are given."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        for name in hints:
            value = kwargs.pop(name, None)
            if value is not None and value is not False:
                kwargs[name] = value.value if isinstance(value, Enum) else value
        return function(*args, **kwargs)

    hints = get_type_hints(CutFlags, include_extras=True)
    signature = inspect.signature(function, eval_str=True)
    declared = [parameter for parameter in signature.parameters.values() if parameter.kind is not parameter.VAR_KEYWORD]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    shared = [
        inspect.Parameter(name, kind, default=getattr(CutFlags, name), annotation=hint) for name, hint in hints.items()
    ]
    run.__signature__ = signature.replace(parameters=[*declared, *shared])  # type: ignore[attr-defined]  # typer reads it
    return run


def forecast_text(forecast: Forecast, release: str, dialogues: int, movies: int) -> str:
    """What cutting will make and cost, before it starts."""
    return (
        f"{forecast.clips:,} of {count_text(dialogues, 'dialogue')}, from {forecast.movies:,} of "
        f"{count_text(movies, 'movie')} in {release}: "
        f"{forecast.hours:.2f} h, about {size_text(forecast.bytes)}, in about {duration_text(forecast.seconds)}"
    )


def duration_text(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def say_if_full(folder: Path, needed: int) -> None:
    """A word of warning where a disk has less room than is needed."""
    above = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(above).free
    if free < needed:
        err.print(f"warning: about {size_text(needed)} are needed, but only {size_text(free)} are free in {above}")


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
            out.print(f"    {count_text(count, 'clip')} of {shown(name)}: {shown(why[:1].lower() + why[1:], 300)}")

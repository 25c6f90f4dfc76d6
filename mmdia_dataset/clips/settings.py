"""What kind of clips: the settings of each mode."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, Self, TypeAlias, TypedDict, Unpack

from mmdia_dataset.clips.results import Moment, SettingsDict
from mmdia_dataset.errors import UsageError
from mmdia_dataset.media import CODECS

if TYPE_CHECKING:
    from mmdia_dataset.schema import Dialogue

__all__ = [
    "AudioSettings",
    "CopySettings",
    "CutOptions",
    "EncodeSettings",
    "KeyframeSettings",
    "Settings",
    "check_options",
    "settings_for",
]

MOST_PICTURES = 1000


@dataclass(frozen=True)
class CopySettings:
    """Clips of the recording's own packets, as far as MP4 can hold them; see `fallbacks`.

    Attributes:
        language: the language of the sound track to take, such as ``eng`` or ``en``. Without it, or if no track
            has it, the recording's default track is taken, else its first.
        track: the number of the sound track, in place of its language.
    """

    language: str | None = None
    track: int | None = None
    mode: Literal["copy"] = "copy"

    @property
    def suffix(self) -> str:
        """How the names of these clips end."""
        return ".mp4"

    def as_dict(self) -> SettingsDict:
        """All settings, for the manifest: equal dicts make equal bytes from equal recordings."""
        return {"mode": self.mode, "language": self.language, "track": self.track}

    @property
    def with_flac(self) -> SettingsDict:
        """What clips say whose picture alone is the recording's: MP4 can't hold its sound, which is kept as FLAC."""
        return {**self.as_dict(), "sound": "flac"}

    @property
    def encoded(self) -> EncodeSettings:
        """How clips are made of recordings whose picture MP4 can't hold."""
        return EncodeSettings(language=self.language, track=self.track)

    def fallbacks(self) -> tuple[SettingsDict, ...]:
        """What clips may say of themselves instead, by the recording's codecs."""
        return self.with_flac, self.encoded.as_dict()

    def on_track(self, track: int | None) -> Self:
        """The same with the sound track of a number."""
        return replace(self, track=track)


@dataclass(frozen=True, kw_only=True)
class EncodeSettings:
    """Re-encoded clips: H.264 or another codec, and AAC, in MP4.

    Attributes:
        language: as in `CopySettings`.
        track: as in `CopySettings`.
        fps: frames per second, such as ``25`` or ``24000/1001``; None keeps the frames and times of the recording.
        height: in pixels, the width follows; None keeps that of the recording. Both are even, and pixels square.
        codec: the encoder: ``libx264``, ``libx265``, ``libsvtav1`` or ``libvpx-vp9``.
        crf: quality on the scale of the codec, smaller is better; None for its default.
        preset: how much work the encoder does, in its own words (``cpu-used`` of VP9); None for its default.
    """

    language: str | None = None
    track: int | None = None
    fps: str | None = None
    height: int | None = None
    codec: str = "libx264"
    crf: int | None = None
    preset: str | None = None
    mode: Literal["encode"] = "encode"

    def __post_init__(self) -> None:
        if self.codec not in CODECS:
            raise ValueError(f"unknown codec {self.codec!r}; known are {', '.join(CODECS)}")
        if self.crf is not None and not 0 <= self.crf <= 63:
            raise ValueError(f"the crf must be between 0 and 63, not {self.crf}")
        try:
            rate = self.rate
        except (ValueError, ZeroDivisionError):
            raise ValueError(f"{self.fps!r} is not a frame rate such as 25 or 24000/1001") from None
        if rate is not None and not (1 <= rate <= 240 and rate.denominator <= 10_000):
            raise ValueError(f"the frame rate must be between 1 and 240, not {self.fps}")
        _check_height(self.height)

    @property
    def rate(self) -> Fraction | None:
        """Pictures per second, exactly; None for the recording's own times."""
        return None if self.fps is None else Fraction(self.fps)

    @property
    def quality(self) -> int:
        """The crf to use."""
        return CODECS[self.codec].crf if self.crf is None else self.crf

    @property
    def effort(self) -> str:
        """The preset to use."""
        return CODECS[self.codec].preset if self.preset is None else self.preset

    @property
    def suffix(self) -> str:
        """How the names of these clips end."""
        return ".encoded.mp4"

    def as_dict(self) -> SettingsDict:
        """All settings, for the manifest: equal dicts make equal bytes from equal recordings and libraries."""
        return {
            "mode": self.mode,
            "language": self.language,
            "track": self.track,
            "fps": self.fps,
            "height": self.height,
            "codec": self.codec,
            "crf": self.quality,
            "preset": self.effort,
        }

    def on_track(self, track: int | None) -> Self:
        """The same with the sound track of a number."""
        return replace(self, track=track)


@dataclass(frozen=True, kw_only=True)
class AudioSettings:
    """The sound of clips alone.

    Attributes:
        language: as in `CopySettings`.
        track: as in `CopySettings`.
        sample_rate: samples per second; None keeps the recording's.
        mono: mix all channels into one; else all channels are kept.
        sound: the kind of file, ``wav`` or ``flac``.
        float32: samples as 32-bit floats, so that nothing clips; WAV only. Else 16 bits.
    """

    language: str | None = None
    track: int | None = None
    sample_rate: int | None = None
    mono: bool = False
    sound: Literal["wav", "flac"] = "wav"
    float32: bool = False
    mode: Literal["audio"] = "audio"

    def __post_init__(self) -> None:
        if self.sample_rate is not None and not 1000 <= self.sample_rate <= 768_000:
            raise ValueError(f"the sample rate must be between 1000 and 768000, not {self.sample_rate}")
        if self.sound not in ("wav", "flac"):
            raise ValueError(f"unknown kind of sound file {self.sound!r}; known are wav and flac")
        if self.sound == "flac" and self.float32:
            raise ValueError("FLAC can't hold floats; choose wav")

    @property
    def suffix(self) -> str:
        """How the names of these clips end."""
        return f".{self.sound}"

    def as_dict(self) -> SettingsDict:
        """All settings, for the manifest: equal dicts make equal bytes from equal recordings."""
        return {
            "mode": self.mode,
            "language": self.language,
            "track": self.track,
            "sample_rate": self.sample_rate,
            "mono": self.mono,
            "sound": self.sound,
            "float32": self.float32,
        }

    def on_track(self, track: int | None) -> Self:
        """The same with the sound track of a number."""
        return replace(self, track=track)


@dataclass(frozen=True, kw_only=True)
class KeyframeSettings:
    """Pictures of a dialogue, as files of their own.

    Without `places` and `times`, there is a picture for the middle of each turn. A dialogue without turns gets one, for
    its own middle.

    Attributes:
        language: of the sound track by which the dialogue is found, as in `CopySettings`.
        places: pictures per dialogue; the dialogue is divided into so many equal parts, with a picture of each middle.
        times: milliseconds from the dialogue's start, in place of `places`, such as ``0,1500``.
        image: ``jpg``, of quality 95, or ``png``.
        height: in pixels, the width follows; None keeps that of the recording.
        nearest: take the recording's nearest keyframe instead of the picture shown at that moment.
    """

    language: str | None = None
    places: int | None = None
    times: str | None = None
    image: Literal["jpg", "png"] = "jpg"
    height: int | None = None
    nearest: bool = False
    mode: Literal["keyframes"] = "keyframes"

    def __post_init__(self) -> None:
        if self.places is not None and self.times is not None:
            raise ValueError("choose places or times, not both")
        if self.places is not None and not 1 <= self.places <= MOST_PICTURES:
            raise ValueError(f"there can be 1 to {MOST_PICTURES} pictures of a dialogue, not {self.places}")
        if self.image not in ("jpg", "png"):
            raise ValueError(f"unknown kind of picture {self.image!r}; known are jpg and png")
        if len(self.offsets_ms()) > MOST_PICTURES:
            raise ValueError(f"there can be at most {MOST_PICTURES} times")
        _check_height(self.height)

    @property
    def suffix(self) -> str:
        """How the names of the folders of these pictures end."""
        return ".keyframes"

    def as_dict(self) -> SettingsDict:
        """All settings, for the manifest: equal dicts make equal bytes from equal recordings."""
        return {
            "mode": self.mode,
            "language": self.language,
            "places": self.places,
            "times": self.times,
            "image": self.image,
            "height": self.height,
            "nearest": self.nearest,
        }

    def on_track(self, track: int | None) -> Self:
        """The same: there is no sound in it."""
        return self

    def offsets_ms(self) -> tuple[int, ...]:
        """The times as numbers. Raises ValueError: they are not numbers, or not in order."""
        try:
            offsets = tuple(int(part) for part in self.times.split(",")) if self.times is not None else ()
        except ValueError:
            raise ValueError(f"{self.times!r} is not a list of milliseconds such as 0,1500") from None
        if any(offset < 0 for offset in offsets) or list(offsets) != sorted(set(offsets)):
            raise ValueError(f"the times must be at least 0, each above the one before, not {self.times}")
        return offsets

    def moments(self, dialogue: Dialogue) -> tuple[Moment, ...]:
        """When pictures of a dialogue are wanted, in movie time; none where a given time lies after its end."""
        span = dialogue.span
        if self.times is not None:
            times = [span.start_ms + offset for offset in self.offsets_ms()]
            return tuple(Moment(time, None) for time in times if time < span.end_ms)
        if self.places is None and dialogue.turns:
            middles = [(turn.span.start_ms + turn.span.end_ms) // 2 for turn in dialogue.turns]
            return tuple(Moment(middle, number) for number, middle in enumerate(middles))
        count = self.places or 1
        return tuple(Moment(span.start_ms + span.duration_ms * (2 * n + 1) // (2 * count), None) for n in range(count))


Settings: TypeAlias = CopySettings | EncodeSettings | AudioSettings | KeyframeSettings


def _check_height(height: int | None) -> None:
    if height is not None and not 16 <= height <= 4320:
        raise ValueError(f"the height must be between 16 and 4320, not {height}")


_KINDS: dict[str, type[Settings]] = {
    "copy": CopySettings,
    "encode": EncodeSettings,
    "audio": AudioSettings,
    "keyframes": KeyframeSettings,
}


class CutOptions(TypedDict, total=False):
    """What can be said of clips besides their mode; each option belongs to some modes. None and False change nothing.

    Attributes:
        language: of all modes: the language of the sound track to take, such as `eng`; else the default track.
        fps: of `encode`: pictures per second, such as `25` or `24000/1001`; else those of the recording.
        height: of `encode` and `keyframes`: height in pixels, the width follows; else that of the recording.
        codec: of `encode`: `libx264`, the default, `libx265`, `libsvtav1` or `libvpx-vp9`.
        crf: of `encode`: quality on the scale of the codec, smaller is better.
        preset: of `encode`: how much work the encoder does, in its own words, such as `veryfast`.
        sample_rate: of `audio`: samples per second; else that of the recording.
        mono: of `audio`: mix all channels into one.
        sound: of `audio`: the kind of file: `wav`, the default, or `flac`.
        float32: of `audio`: samples as 32-bit floats, in WAV; else 16 bits.
        places: of `keyframes`: pictures per dialogue, evenly spread; else one in the middle of each turn.
        times: of `keyframes`: milliseconds from the start of the dialogue, such as `0,1500`.
        image: of `keyframes`: the kind of file: `jpg`, the default, or `png`.
        nearest: of `keyframes`: take the nearest keyframe of the recording, which is quicker.
    """

    language: str | None
    fps: str | None
    height: int | None
    codec: str | None
    crf: int | None
    preset: str | None
    sample_rate: int | None
    mono: bool
    sound: str | None
    float32: bool
    places: int | None
    times: str | None
    image: str | None
    nearest: bool


def check_options(function: Callable[..., object], options: Mapping[str, object]) -> None:
    """Whether all options are of `CutOptions`: Python lets misspelt ones through where they are forwarded.

    Args:
        function: what they were given to; its own arguments are proposed too.
        options: by name.

    Raises:
        UsageError: one is not; the nearest that exists is named.
    """
    for name in options:
        if name not in CutOptions.__annotations__:
            arguments = [argument for argument in inspect.signature(function).parameters if argument != "options"]
            nearest = get_close_matches(name, [*CutOptions.__annotations__, *arguments], n=1, cutoff=0)
            raise UsageError(f"{function.__name__}() has no option {name!r}", hint=f"the nearest is {nearest[0]!r}")


def settings_for(mode: str, **options: Unpack[CutOptions]) -> Settings:
    """The settings of a mode by name; options that are None or False are taken as not given.

    Raises:
        UsageError: unknown mode or option, an option that the mode does not have, or a value that it can't have.
    """
    check_options(settings_for, options)
    if mode not in _KINDS:
        raise UsageError(f"unknown mode {mode!r}", hint=f"known modes are {', '.join(_KINDS)}")
    kind = _KINDS[mode]
    chosen = {name: value for name, value in options.items() if value is not None and value is not False}
    foreign = chosen.keys() - {field.name for field in fields(kind)}
    if foreign:
        name = min(foreign)
        modes = [mode for mode, kind in _KINDS.items() if name in {field.name for field in fields(kind)}]
        option = name.replace("_", "-")
        raise UsageError(f"--{option} does not apply to mode {mode}", hint=f"it is one of mode {' and '.join(modes)}")
    try:
        return kind(**chosen)  # type: ignore[arg-type]  # their own checks speak of values
    except ValueError as error:
        raise UsageError(str(error), hint=f"see `mmdia rebuild --help` for mode {mode}") from error

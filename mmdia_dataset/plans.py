"""What is to be made of which recording, and what it will cost: known before a run starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mmdia_dataset import clips
from mmdia_dataset.errors import ConfigError, MediaError, UsageError
from mmdia_dataset.library import Located, Missing, locate
from mmdia_dataset.media import probe
from mmdia_dataset.release import Release, open_release
from mmdia_dataset.schema import SPLITS, Dialogue, Issue, Span, Split

__all__ = ["Forecast", "Plan", "Progress", "Wish", "plan", "settings_for"]

Progress = Callable[[str, int, int], None]
"""Called as ``progress(stage, done, total)``."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A dialogue whose clip is wanted: no more of it than cutting needs, so that 54,700 fit in memory."""

    id: str
    movie: str
    number: int
    span: Span
    placed: bool
    splits: tuple[Split, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a rebuild will make: clips and hours exactly, bytes by the recordings' own rates."""

    movies: int
    clips: int
    hours: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made of which recording."""

    release: Release
    settings: clips.Settings
    wishes: dict[str, list[Wish]]
    located: dict[str, Located]
    missing: dict[str, Missing]
    editions: Path | None
    issues: int
    forecast: Forecast


def settings_for(
    mode: str, *, language: str | None = None, sample_rate: int | None = None, mono: bool = False
) -> clips.Settings:
    """The settings of a mode by name.

    Raises:
        UsageError: unknown mode, or an option that the mode does not have.
    """
    if mode == "copy":
        if sample_rate is not None or mono:
            raise UsageError("sample rate and mono apply to audio only", hint="use --mode audio")
        return clips.CopySettings(language=language)
    if mode == "audio":
        return clips.AudioSettings(language=language, sample_rate=sample_rate, mono=mono)
    raise UsageError(f"unknown mode {mode!r}", hint="known modes are copy and audio")


def plan(
    release: Path | str,
    media: Path | str,
    *,
    mode: str = "copy",
    editions: Path | str | None = None,
    split: str | None = None,
    ids: Sequence[str] | None = None,
    language: str | None = None,
    sample_rate: int | None = None,
    mono: bool = False,
    progress: Progress | None = None,
) -> Plan:
    """Read the release, find the recordings, and reckon what a rebuild will make.

    Raises:
        ReleaseNotFound: no release there.
        ReleaseUnreadable: not one dialogue could be read.
        ConfigError: unknown split, or ids that the release does not have.
        UsageError: unknown mode, or no such media folder.
    """
    settings = settings_for(mode, language=language, sample_rate=sample_rate, mono=mono)
    if split is not None and split not in SPLITS:
        raise ConfigError(f"unknown split {split!r}", hint=f"known splits are {', '.join(SPLITS)}")
    opened = open_release(release)
    wishes: dict[str, list[Wish]] = {}
    issues = len(opened.issues)
    wanted = None if ids is None else set(ids)
    seen: set[str] = set()

    def count(found: tuple[Issue, ...]) -> None:
        nonlocal issues
        issues += len(found)

    reading = None if progress is None else partial(progress, "reading annotations")
    for dialogue in opened.dialogues(count, reading):
        seen.add(dialogue.id)
        splits = opened.splits_of(dialogue.id)
        if (split is None or split in splits) and (wanted is None or dialogue.id in wanted):
            wishes.setdefault(dialogue.movie, []).append(_wish(dialogue, splits))
    if wanted is not None and wanted - seen:
        unknown = sorted(wanted - seen)
        raise ConfigError(
            f"{len(unknown)} of the ids are not in the release, the first is {unknown[0]}",
            where=opened.root,
            hint="ids look like tt0114388_clip_64",
        )
    if not wishes:
        raise ConfigError(
            "no dialogue is wanted" if split is None else f"split {split!r} is empty",
            where=opened.root,
            hint="see `mmdia validate` for what the release holds",
        )
    library = locate(wishes, Path(media))
    return Plan(
        opened,
        settings,
        wishes,
        library.located,
        library.missing,
        None if editions is None else Path(editions),
        issues,
        _forecast(wishes, library.located, settings),
    )


def _wish(dialogue: Dialogue, splits: tuple[Split, ...]) -> Wish:
    placed = dialogue.timeline == "movie"
    return Wish(dialogue.id, dialogue.movie, dialogue.number, dialogue.span, placed, splits)


def _forecast(wishes: dict[str, list[Wish]], located: dict[str, Located], settings: clips.Settings) -> Forecast:
    count, ms, size = 0, 0, 0.0
    for movie, found in located.items():
        length = sum(max(0, wish.span.duration_ms) for wish in wishes[movie] if wish.placed)
        count += len(wishes[movie])
        ms += length
        try:
            info = probe(found.path)
        except MediaError:
            continue  # said when it is cut
        if isinstance(settings, clips.AudioSettings):
            track = info.audio[0] if info.audio else None
            channels = 1 if settings.mono else (track.channels if track else 0)
            rate = settings.sample_rate or (track.sample_rate if track else 0)
            size += length / 1000 * channels * rate * 2
        elif info.duration_s:
            # Two seconds more per clip: it starts at the keyframe before.
            size += float(info.size / info.duration_s) * (length / 1000 + 2 * len(wishes[movie]))
    return Forecast(len(located), count, ms / 3_600_000, round(size))

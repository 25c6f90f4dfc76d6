"""What is to be made of which recording, and what it will cost: known before a run starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from mmdia_dataset import clips
from mmdia_dataset.editions import EditionTask, pack_dialogue
from mmdia_dataset.errors import ConfigError, MediaError, UsageError
from mmdia_dataset.files import file_name
from mmdia_dataset.library import Located, Missing, locate
from mmdia_dataset.media import MediaInfo, probe
from mmdia_dataset.recognition import recognised
from mmdia_dataset.release import Release, open_release
from mmdia_dataset.schema import SPLITS, Dialogue, Issue, Span, Split

__all__ = ["Forecast", "Plan", "Progress", "Wish", "clip_bytes", "plan", "settings_for"]

Progress = Callable[[str, int, int], None]
"""Called as ``progress(stage, done, total)``."""


# Of an ordinary machine, for a forecast: seconds of sound listened to, and bytes of clips written and checked.
_HEARD_PER_SECOND = 200
_COPIED_PER_SECOND = 60e6
_ENCODED_PER_SECOND, _ENCODED_BYTES = 3, 400e3
_BYTES_PER_PIXEL = {"jpg": 0.3, "png": 1.5}


_KINDS: dict[str, type[clips.Settings]] = {
    "copy": clips.CopySettings,
    "encode": clips.EncodeSettings,
    "audio": clips.AudioSettings,
    "keyframes": clips.KeyframeSettings,
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A dialogue whose clip is wanted: no more of it than cutting needs, so that 54,700 fit in memory."""

    id: str
    movie: str
    number: int
    span: Span
    placed: bool
    splits: tuple[Split, ...]
    moments: tuple[clips.Moment, ...] = ()


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a rebuild will make: clips and hours exactly, bytes by the recordings' own rates.

    ``seconds`` is a rough guess for one process: listening to every candidate, and copying.
    """

    movies: int
    clips: int
    hours: float
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made of which recording.

    ``unused`` are the recordings that no movie claims. ``transcripts`` holds all dialogues of each movie, wanted or
    not, as `editions.pack_dialogue` packs them.
    """

    release: Release
    settings: clips.Settings
    wishes: dict[str, list[Wish]]
    transcripts: dict[str, tuple[bytes, ...]]
    located: dict[str, tuple[Located, ...]]
    missing: dict[str, Missing]
    unused: tuple[Path, ...]
    editions: Path | None
    as_is: bool
    issues: int
    forecast: Forecast

    @property
    def wanted(self) -> int:
        """How many clips."""
        return sum(map(len, self.wishes.values()))

    def edition_tasks(self, kept: Path) -> list[EditionTask]:
        """What has to be found out about times, movie by movie.

        Args:
            kept: the folder where editions of an earlier run may be.
        """
        return [self._edition_task(movie, candidates, kept) for movie, candidates in self.located.items()]

    def sought_tasks(self, kept: Path) -> list[EditionTask]:
        """The same for movies that no recording is known of yet."""
        return [self._edition_task(movie, (), kept) for movie in self.missing]

    def _edition_task(self, movie: str, candidates: tuple[Located, ...], kept: Path) -> EditionTask:
        return EditionTask(
            movie=movie,
            candidates=candidates,
            transcript=self.transcripts.get(movie, ()),
            release=self.release.root,
            language=self.settings.language,
            given=None if self.editions is None else self.editions / f"{file_name(movie)}.json",
            kept=kept / f"{file_name(movie)}.json",
            as_is=self.as_is,
        )


def settings_for(mode: str, **options: str | int | bool | None) -> clips.Settings:
    """The settings of a mode by name; options that are None or False are taken as not given.

    Raises:
        UsageError: unknown mode, an option that the mode does not have, or a value that it can't have.
    """
    if mode not in _KINDS:
        raise UsageError(f"unknown mode {mode!r}", hint=f"known modes are {', '.join(_KINDS)}")
    kind = _KINDS[mode]
    given = {name: value for name, value in options.items() if value is not None and value is not False}
    foreign = given.keys() - {field.name for field in fields(kind)}
    if foreign:
        name = min(foreign)
        those = [one for one, other in _KINDS.items() if name in {field.name for field in fields(other)}]
        option = name.replace("_", "-")
        raise UsageError(f"--{option} does not apply to mode {mode}", hint=f"it is one of mode {' and '.join(those)}")
    try:
        return kind(**given)  # type: ignore[arg-type]  # their own checks speak of values
    except ValueError as error:
        raise UsageError(str(error), hint=f"see `mmdia rebuild --help` for mode {mode}") from error


def plan(
    release: Path | str,
    media: Path | str,
    *,
    settings: clips.Settings | None = None,
    editions: Path | str | None = None,
    as_is: bool = False,
    split: str | None = None,
    ids: Sequence[str] | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Plan:
    """Read the release, find the recordings, and reckon what a rebuild will make.

    Args:
        release: folder or file of annotations.
        media: the folder of films.
        settings: what kind of clips; copies by default.
        editions: a folder of edition files to use where they are of the same recordings.
        as_is: take recordings found by name for the annotators' own edition, unmeasured.
        split: of the dialogues wanted; all of them by default.
        ids: of the dialogues wanted.
        jobs: processes, where recordings have to be listened to.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        ReleaseNotFound: no release there.
        ReleaseUnreadable: not one dialogue could be read.
        ConfigError: unknown split, or ids that the release does not have.
        UsageError: no such media folder.
    """
    settings = settings or clips.CopySettings()
    if split is not None and split not in SPLITS:
        raise ConfigError(f"unknown split {split!r}", hint=f"known splits are {', '.join(SPLITS)}")
    if editions is not None and not Path(editions).is_dir():
        raise UsageError("there is no such folder of editions", where=editions, hint="`mmdia align` makes one")
    opened = open_release(release)
    wishes: dict[str, list[Wish]] = {}
    transcripts: dict[str, list[bytes]] = {}
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
        if not as_is:
            transcripts.setdefault(dialogue.movie, []).append(pack_dialogue(dialogue))
        if (split is None or split in splits) and (wanted is None or dialogue.id in wanted):
            wishes.setdefault(dialogue.movie, []).append(_wish(dialogue, splits, settings))
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
    # After all dialogues were read, the release knows its movies without looking again.
    library = locate([movie for movie in opened.movies() if movie.id in wishes], Path(media))
    if library.missing and not as_is:
        listening = None if progress is None else partial(progress, "listening to recordings without a name")
        library = library.with_candidates(
            recognised(library.unused, library.missing, opened.root, jobs=jobs, progress=listening)
        )
    return Plan(
        opened,
        settings,
        wishes,
        {movie: tuple(packed) for movie, packed in transcripts.items() if movie in wishes},
        library.located,
        library.missing,
        library.unused,
        None if editions is None else Path(editions),
        as_is,
        issues,
        _forecast(wishes, library.located, settings, not as_is),
    )


def _wish(dialogue: Dialogue, splits: tuple[Split, ...], settings: clips.Settings) -> Wish:
    placed = dialogue.timeline == "movie"
    moments = settings.moments(dialogue) if isinstance(settings, clips.KeyframeSettings) else ()
    return Wish(dialogue.id, dialogue.movie, dialogue.number, dialogue.span, placed, splits, moments)


def _forecast(
    wishes: dict[str, list[Wish]], located: dict[str, tuple[Located, ...]], settings: clips.Settings, listen: bool
) -> Forecast:
    count, ms, size, seconds = 0, 0, 0.0, 0.0
    for movie, found in located.items():
        length = sum(max(0, wish.span.duration_ms) for wish in wishes[movie] if wish.placed)
        count += len(wishes[movie])
        ms += length
        try:
            info = probe(found[0].path)
            really = clips.instead(info.path, settings) if isinstance(settings, clips.CopySettings) else settings
        except MediaError:
            continue  # said when it is cut
        if listen and info.duration_s:
            seconds += float(info.duration_s) * len(found) / _HEARD_PER_SECOND
        size += sum(clip_bytes(wish, info, really) for wish in wishes[movie])
        if isinstance(really, clips.EncodeSettings):
            seconds += length / 1000 / _ENCODED_PER_SECOND
    seconds += size / _COPIED_PER_SECOND
    return Forecast(len(located), count, ms / 3_600_000, round(size), seconds)


def clip_bytes(wish: Wish, info: MediaInfo, settings: clips.Settings) -> float:
    """About how many bytes a clip of a recording will have."""
    seconds = max(0, wish.span.duration_ms) / 1000 if wish.placed else 0.0
    if isinstance(settings, clips.AudioSettings):
        track = info.audio[0] if info.audio else None
        channels = 1 if settings.mono else (track.channels if track else 0)
        rate = settings.sample_rate or (track.sample_rate if track else 0)
        width = 4 if settings.float32 else 1.2 if settings.sound == "flac" else 2
        return seconds * channels * rate * width
    if isinstance(settings, clips.KeyframeSettings):
        return len(wish.moments) * _picture_bytes(info, settings)
    if isinstance(settings, clips.EncodeSettings):
        return seconds * _ENCODED_BYTES
    # Two seconds more: it starts at the keyframe before.
    return float(info.size / info.duration_s) * (seconds + 2) if info.duration_s else 0.0


def _picture_bytes(info: MediaInfo, settings: clips.KeyframeSettings) -> float:
    if info.video is None or not info.video.height:
        return 0
    height = settings.height or info.video.height
    return height * height * info.video.width / info.video.height * _BYTES_PER_PIXEL[settings.image]

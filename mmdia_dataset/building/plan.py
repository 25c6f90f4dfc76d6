"""What is to be made of which recording, and what it will cost: known before a run starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mmdia_dataset import clips
from mmdia_dataset.building.editions import EditionTask, pack_dialogue
from mmdia_dataset.building.forecast import Forecast, _forecast
from mmdia_dataset.building.recognition import recognised
from mmdia_dataset.errors import ConfigError, UsageError
from mmdia_dataset.files import file_name
from mmdia_dataset.library import Claimant, Missing, locate
from mmdia_dataset.processes import Progress
from mmdia_dataset.release import Release, ReleaseAudio, open_release
from mmdia_dataset.schema import SPLITS, AudioKind, Dialogue, Issue, Split

__all__ = [
    "Plan",
    "plan",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be made of which recording.

    ``unused`` are the recordings that no movie claims. ``transcripts`` holds all dialogues of each movie, wanted or
    not, as `editions.pack_dialogue` packs them, and ``files`` the sounds that the release has of them.
    """

    release: Release
    settings: clips.Settings
    wishes: dict[str, list[clips.Wish]]
    transcripts: dict[str, tuple[bytes, ...]]
    files: dict[str, dict[str, Mapping[AudioKind, str]]]
    located: dict[str, tuple[Claimant, ...]]
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

    def _edition_task(self, movie: str, candidates: tuple[Claimant, ...], kept: Path) -> EditionTask:
        return EditionTask(
            movie=movie,
            candidates=candidates,
            transcript=self.transcripts.get(movie, ()),
            release=self.release.root,
            language=self.settings.language,
            files=self.files.get(movie, {}),
            given=None if self.editions is None else self.editions / f"{file_name(movie)}.json",
            kept=kept / f"{file_name(movie)}.json",
            as_is=self.as_is,
        )


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
    """Read the release, find the recordings, and estimate what a rebuild will make.

    Args:
        release: folder or file of annotations.
        media: the folder of films.
        settings: what kind of clips; copies by default.
        editions: a folder of edition files, used if they were made from the same recordings.
        as_is: take recordings found by name for the annotated edition, without checking the timing.
        split: the split to make; all dialogues by default.
        ids: the dialogues to make; all by default.
        jobs: processes that listen to recordings.
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
        raise UsageError("there is no such folder of editions", where=editions, hint="`mmdia align` makes it")
    opened = open_release(release)
    wishes: dict[str, list[clips.Wish]] = {}
    transcripts: dict[str, list[bytes]] = {}
    audio = None if as_is else ReleaseAudio.of(opened.root)
    files: dict[str, dict[str, Mapping[AudioKind, str]]] = {}
    issues = len(opened.issues)
    wanted_ids = None if ids is None else set(ids)
    seen: set[str] = set()

    def count(new_issues: tuple[Issue, ...]) -> None:
        nonlocal issues
        issues += len(new_issues)

    reading = None if progress is None else partial(progress, "reading annotations")
    for dialogue in opened.dialogues(count, reading):
        seen.add(dialogue.id)
        splits = opened.splits_of(dialogue.id)
        if not as_is:
            transcripts.setdefault(dialogue.movie, []).append(pack_dialogue(dialogue))
        if audio is not None and (sounds := audio.names_of(dialogue)):
            files.setdefault(dialogue.movie, {})[dialogue.id] = sounds
        if (split is None or split in splits) and (wanted_ids is None or dialogue.id in wanted_ids):
            wishes.setdefault(dialogue.movie, []).append(_wish(dialogue, splits, settings))
    if wanted_ids is not None and wanted_ids - seen:
        unknown = sorted(wanted_ids - seen)
        raise ConfigError(
            f"{len(unknown)} of the ids are not in the release; the first is {unknown[0]}",
            where=opened.root,
            hint="ids look like tt0114388_clip_64",
        )
    if not wishes:
        raise ConfigError(
            "no dialogue is selected" if split is None else f"split {split!r} is empty",
            where=opened.root,
            hint="`mmdia validate` shows what the release holds",
        )
    # After all dialogues were read, the release knows its movies without looking again.
    library = locate([movie for movie in opened.movies() if movie.id in wishes], Path(media))
    if library.missing and not as_is:
        listening = None if progress is None else partial(progress, "listening to recordings without a name")
        library = library.with_candidates(
            recognised(library.unused, library.missing, opened.root, jobs=jobs, progress=listening)
        )
    return Plan(
        release=opened,
        settings=settings,
        wishes=wishes,
        transcripts={movie: tuple(packed) for movie, packed in transcripts.items() if movie in wishes},
        files={movie: sounds for movie, sounds in files.items() if movie in wishes},
        located=library.located,
        missing=library.missing,
        unused=library.unused,
        editions=None if editions is None else Path(editions),
        as_is=as_is,
        issues=issues,
        forecast=_forecast(wishes, library.located, settings, not as_is),
    )


def _wish(dialogue: Dialogue, splits: tuple[Split, ...], settings: clips.Settings) -> clips.Wish:
    return clips.Wish(
        id=dialogue.id,
        movie=dialogue.movie,
        span=dialogue.span,
        placed=dialogue.timeline == "movie",
        splits=splits,
        moments=settings.moments(dialogue) if isinstance(settings, clips.KeyframeSettings) else (),
    )

"""Statistics of annotations: all, each split, each movie, the benchmark; the coverage of clips, and of sound."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mmdia_dataset.built.annotations import Annotations, wanted_of
from mmdia_dataset.processes import Progress
from mmdia_dataset.release import ReleaseAudio
from mmdia_dataset.reports import Report, plain
from mmdia_dataset.schema import AUDIO_KINDS, SPLITS, Dialogue
from mmdia_dataset.splitting.benchmark import Selection
from mmdia_dataset.statistics import PAPER, PAPER_BENCH, Covered, Distributions, Figures, SoundCount, Statistics, Tally

__all__ = ["OURS", "StatsReport", "survey"]

OURS = "bench selected"
"""The column for a benchmark that we selected, because the release has no list of the authors'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsReport(Report):
    """What was counted.

    Attributes:
        figures: of `all` dialogues, then of each split; and if no split is the benchmark, of `bench selected`, the
            dialogues that `bench` selects.
        movies: of each movie.
        distributions: of all dialogues.
        coverage: of a built directory: how many of the dialogues wanted have a clip; of `all`, then of each split.
        movie_coverage: the same for each movie.
        sound: of a release that has some: how many dialogues have `any`, then each kind, then encoded sound alone
            (`not_decoded`).
        files: the files drawn.
    """

    figures: dict[str, Figures]
    movies: dict[str, Figures]
    distributions: Distributions
    coverage: dict[str, Covered] = field(default_factory=dict)
    movie_coverage: dict[str, Covered] = field(default_factory=dict)
    sound: dict[str, SoundCount] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The columns of figures by name, the paper's among them, then movies, distributions, coverage and sound."""
        columns = {**self.figures, "paper": PAPER, "paper bench": PAPER_BENCH}
        return {
            **{name.replace(" ", "_"): plain(figures) for name, figures in columns.items()},
            "movies": plain(self.movies),
            "distributions": plain(self.distributions),
            "coverage": plain(self.coverage),
            "movie_coverage": plain(self.movie_coverage),
            "sound": plain(self.sound),
        }


def survey(opened: Annotations, progress: Progress | None = None) -> StatsReport:
    """Figures of annotations, counted in one pass.

    Args:
        opened: a release, or a built directory, of which the dialogues with clips are counted.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        ReleaseUnreadable: no dialogue could be read.
    """
    tally, chosen = Tally(), Statistics()
    is_bench = opened.bench(Selection())
    audio = None if opened.built else ReleaseAudio.of(opened.root)
    sound = {name: SoundCount() for name in ("any", *AUDIO_KINDS, "not_decoded")}
    for dialogue in opened.dialogues(None if progress is None else partial(progress, "counting")):
        tally.add(dialogue, opened.splits_of(dialogue.id))
        if is_bench(dialogue):
            chosen.add(dialogue)
        if audio is not None:
            for name in _sounds(audio, dialogue):
                sound[name].add(dialogue.span.duration_ms)
    figures = tally.figures
    if not opened.official_bench and chosen.figures.dialogues:
        figures[OURS] = chosen.figures
    coverage, movie_coverage = _coverage(opened)
    return StatsReport(
        figures=figures,
        movies=tally.movies,
        distributions=tally.distributions,
        coverage=coverage,
        movie_coverage=movie_coverage,
        sound={name: count for name, count in sound.items() if count.dialogues},
    )


def _sounds(audio: ReleaseAudio, dialogue: Dialogue) -> tuple[str, ...]:
    """What a dialogue counts as."""
    kinds = audio.files_of(dialogue)
    if kinds:
        return "any", *kinds
    return ("not_decoded",) if audio.is_encoded_only(dialogue) else ()


def _coverage(opened: Annotations) -> tuple[dict[str, Covered], dict[str, Covered]]:
    """By `all` and split, and by movie; both empty of a release, which wants nothing."""
    if not opened.built:
        return {}, {}
    whole, splits, movies = Covered(), {split: Covered() for split in SPLITS}, dict[str, Covered]()
    for dialogue in wanted_of(opened.root).values():
        counts = [whole, movies.setdefault(dialogue.movie, Covered()), *(splits[split] for split in dialogue.splits)]
        for count in counts:
            count.add(dialogue.duration_ms, made=dialogue.made)
    coverage = {"all": whole}
    coverage.update((split, count) for split, count in splits.items() if count.wanted)
    return coverage, dict(sorted(movies.items()))

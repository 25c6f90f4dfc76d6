"""`splits`: train, validation and test that have no movie, no series and no dialogue's words in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mmdia_dataset.errors import ConfigError, UsageError
from mmdia_dataset.release import Release, open_release, part_name, splits_of_file, write_splits
from mmdia_dataset.reports import Report, count_text
from mmdia_dataset.schema import Dialogue, Split, Splits
from mmdia_dataset.splitting import EXCLUSIVE, Groups, Leakage, Leaks, Load, share_out

if TYPE_CHECKING:
    from mmdia_dataset.processes import Progress

__all__ = ["SplitPart", "SplitsReport", "splits"]

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPart:
    """What one split came to.

    ``relationships`` and ``interactions`` say how far its labels are from the whole's, by hours: the share of the part
    that would have to have another label, 0 to 1 (total variation distance).
    """

    wanted: float
    share: float
    hours: float
    dialogues: int
    movies: int
    relationships: float
    interactions: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitsReport(Report):
    """What was made.

    Attributes:
        out: the splits file.
        by: what stays together: `series` or `movie`.
        parts: each split.
        groups: how many groups of movies were shared out.
        largest: how many movies the largest group has.
        copies: pairs of dialogues of different movies with the same words, because of which movies stay together.
        kept: dialogues that are where the earlier splits had them.
        moved: dialogues that are not, since else there would be a leak.
        drawn: of `hard` and `bench`, how many ids are kept, and how many are left out because they are not in `test`.
        leaks: what a check of the result found.
    """

    NOT_JSON: ClassVar = ("leaks",)

    out: Path
    by: str
    parts: dict[Split, SplitPart]
    groups: int
    largest: int
    copies: int
    kept: int
    moved: int
    drawn: dict[Split, tuple[int, int]]
    leaks: Leaks

    @property
    def exit_code(self) -> int:
        """1 if there is a leak. Split by movie, series in two splits are none."""
        return 1 if any(n for kind, n in self.leaks.counts().items() if (kind, self.by) != ("series", "movie")) else 0

    def as_json(self) -> dict[str, Any]:
        """All of it; of the leaks how many there are of each kind."""
        return {**Report.as_json(self), "leaks": self.leaks.counts()}


def splits(
    release: Path | str,
    out: Path | str,
    *,
    by: Literal["series", "movie"] = "series",
    seed: int = 0,
    parts: str = "train=0.9,validation=0.05,test=0.05",
    keep: Path | str | None = None,
    progress: Progress | None = None,
) -> SplitsReport:
    """Make splits without leaks, and write them in the official file's shape.

    Movies stay together if they are of one series, or if they have dialogues with the same words. `hard` and `bench` of
    the release keep what is in `test`.

    Args:
        release: the annotations.
        out: the JSON file to write.
        by: `series`, or `movie` to let episodes of one series part.
        seed: another one gives other splits, as balanced.
        parts: the shares of hours; names are train, validation (or eval) and test.
        keep: an earlier splits file: what it lists stays where it was, unless that would be a leak.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        UsageError, ConfigError: shares that are none, or fewer groups than parts.
        ReleaseNotFound, ReleaseUnreadable: no annotations, or `keep` is not a splits file.
        OutputError: it can't be written.
    """
    if by not in ("series", "movie"):
        raise UsageError(f"can't split by {by!r}", hint="choose series or movie")
    shares = shares_of(parts)
    old = None if keep is None else splits_of_file(Path(keep))[0]
    opened = open_release(release)
    seen = _Seen()
    for dialogue in opened.dialogues(progress=None if progress is None else partial(progress, "reading annotations")):
        seen.add(dialogue)
    group_of, copies = _groups(seen.leakage, by)
    loads: dict[str, Load] = {}
    for movie, ms, features in zip(seen.movies, seen.ms, seen.features, strict=True):
        loads.setdefault(group_of[movie], Load()).add(ms, features)
    if len(loads) < len(shares):
        more = by == "series" and len(set(_groups(seen.leakage, "movie")[0].values())) >= len(shares)
        raise ConfigError(
            f"{count_text(len(loads), 'group')} of movies can't fill {len(shares)} splits",
            where=opened.root,
            hint="give fewer --parts" + (", or try --by movie" if more else ""),
        )
    fixed, before = ({}, {}) if old is None else _kept(seen, group_of, old, shares)
    side = share_out(loads, shares, seed, fixed)
    part_of = {id_: side[group_of[movie]] for id_, movie in zip(seen.leakage.ids, seen.movies, strict=True)}
    new_splits, drawn = _lists(part_of, opened)
    write_splits(new_splits, Path(out), upstream=True)
    kept = sum(part_of[id_] == part for id_, part in before.items())
    sizes: dict[str, int] = {}
    for group in group_of.values():
        sizes[group] = sizes.get(group, 0) + 1
    return SplitsReport(
        out=Path(out),
        by=by,
        parts=_parts(seen, part_of, shares),
        groups=len(loads),
        largest=max(sizes.values()),
        copies=copies,
        kept=kept,
        moved=len(before) - kept,
        drawn=drawn,
        leaks=seen.leakage.leaks_of(new_splits),
    )


def shares_of(parts: str) -> dict[Split, float]:
    """``train=0.9,test=0.1`` as shares by split, in the order of splits. Raises UsageError."""
    hint = "give shares that add up to 1, such as train=0.9,validation=0.05,test=0.05"
    shares: dict[Split, float] = {}
    for item in parts.split(","):
        name, _, number = item.partition("=")
        split = part_name(name.strip())
        if split not in EXCLUSIVE or split in shares:
            raise UsageError(f"{name.strip()!r} is unknown or given twice", hint=hint)
        try:
            shares[split] = float(number)
        except ValueError:
            raise UsageError(f"{number.strip()!r} is not a number", hint=hint) from None
        if not 0 < shares[split] <= 1:
            raise UsageError(f"a share of {number.strip()} is not between 0 and 1", hint=hint)
    if abs(sum(shares.values()) - 1) > _ROUNDING:
        raise UsageError(f"the shares add up to {sum(shares.values()):g}", hint=hint)
    return {split: shares[split] for split in EXCLUSIVE if split in shares}


class _Seen:
    """What is kept of each dialogue."""

    def __init__(self) -> None:
        self.leakage = Leakage()
        self.movies: list[str] = []
        self.ms: list[int] = []
        self.features: list[tuple[tuple[str, str], ...]] = []

    def add(self, dialogue: Dialogue) -> None:
        self.leakage.add(dialogue)
        self.movies.append(dialogue.movie)
        self.ms.append(max(0, dialogue.span.duration_ms))
        triplet = dialogue.triplet
        self.features.append(
            (
                ("relationship", (triplet and triplet.relationship.label) or ""),
                ("interaction", (triplet and triplet.interaction.label) or ""),
            )
        )


def _groups(leakage: Leakage, by: str) -> tuple[dict[str, str], int]:
    """The group of each movie, and how many pairs of copies joined movies."""
    groups = Groups()
    for movie, series in leakage.series().items():
        groups.add(f"movie {movie}")
        for name in series if by == "series" else ():
            groups.join(f"movie {movie}", f"series {name}")
    copies = leakage.copies()
    for first, second in copies:
        groups.join(f"movie {first}", f"movie {second}")
    return {movie: groups.of(f"movie {movie}") for movie in leakage.names}, len(copies)


def _kept(
    seen: _Seen, group_of: Mapping[str, str], old: Splits, shares: Mapping[Split, float]
) -> tuple[dict[str, Split], dict[str, Split]]:
    """The part of each group that earlier splits know: where most of its time was; and of each dialogue."""
    listed: dict[str, Split] = {}
    for split in shares:
        for id_ in getattr(old, split):
            listed.setdefault(id_, split)
    time: dict[str, dict[Split, int]] = {}
    before: dict[str, Split] = {}
    for id_, movie, ms in zip(seen.leakage.ids, seen.movies, seen.ms, strict=True):
        earlier = listed.get(id_)
        if earlier is not None:
            before[id_] = earlier
            group = time.setdefault(group_of[movie], dict.fromkeys(shares, 0))
            group[earlier] += max(1, ms)
    return {group: max(per_split, key=lambda split: per_split[split]) for group, per_split in time.items()}, before


def _lists(part_of: Mapping[str, str], release: Release) -> tuple[Splits, dict[Split, tuple[int, int]]]:
    lists: dict[str, list[str]] = {}
    for id_, part in part_of.items():
        lists.setdefault(part, []).append(id_)
    drawn: dict[Split, tuple[int, int]] = {}
    names: tuple[Split, ...] = ("hard", "bench")
    for name in names:
        listed = () if release.splits is None else tuple(dict.fromkeys(getattr(release.splits, name)))
        if listed:
            lists[name] = [id_ for id_ in listed if part_of.get(id_) == "test"]
            drawn[name] = len(lists[name]), len(listed) - len(lists[name])
    return Splits.model_validate(lists), drawn


def _parts(seen: _Seen, part_of: Mapping[str, Split], shares: Mapping[Split, float]) -> dict[Split, SplitPart]:
    whole, loads = Load(), {split: Load() for split in shares}
    movies: dict[Split, set[str]] = {split: set() for split in shares}
    counts = dict.fromkeys(shares, 0)
    for part, movie, ms, features in zip(part_of.values(), seen.movies, seen.ms, seen.features, strict=True):
        whole.add(ms, features)
        loads[part].add(ms, features)
        movies[part].add(movie)
        counts[part] += 1

    def distance(load: Load, vocabulary: str) -> float:
        labels = [key for key in whole.features if key[0] == vocabulary]
        return 0.5 * sum(abs(load.features.get(k, 0) / max(1, load.ms) - whole.features[k] / whole.ms) for k in labels)

    return {
        split: SplitPart(
            wanted=shares[split],
            share=load.ms / whole.ms,
            hours=load.ms / 3_600_000,
            dialogues=counts[split],
            movies=len(movies[split]),
            relationships=distance(load, "relationship"),
            interactions=distance(load, "interaction"),
        )
        for split, load in loads.items()
    }

"""What several certificates have in common. This needs only the certificates: no release and no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mmdia_dataset.certificates.reading import certificate_hash
from mmdia_dataset.schema import SPLITS, Certificate, IdList, Split, SplitIds, Subset

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What certificates have in common, and what differs.

    Attributes:
        subset: the dialogues that all have, in the splits in which all have them.
        only: for each certificate, how many of its dialogues are not in the subset.
        other_spans: movies whose dialogues or spans differ between certificates; they are left out.
        other_splits: splits whose lists of dialogues differ between certificates.
        apart: number of dialogues that all have, but in no common split; they are left out.
        modes: whether all certificates have the same modes.
    """

    subset: Subset
    only: tuple[int, ...]
    other_spans: tuple[str, ...]
    other_splits: tuple[Split, ...]
    apart: int
    modes: bool = field(default=True)

    @property
    def differs(self) -> bool:
        """Whether the certificates are about different releases, splits or modes."""
        return bool(self.other_spans or self.other_splits or not self.modes)


def compare(certificates: Sequence[Certificate], split: Split | None = None) -> Comparison:
    """Compare certificates. Their ids must have been checked while reading them.

    Args:
        certificates: two or more.
        split: take only dialogues of this split.
    """
    spans = [{movie.movie: movie.sha256 for movie in certificate.movies} for certificate in certificates]
    shared = set(spans[0]).intersection(*spans[1:])
    differing = tuple(sorted(movie for movie in shared if len({hashes[movie] for hashes in spans}) > 1))
    # An id does not always tell its movie, but its prefix does where it is of the usual form.
    excluded = tuple(f"{movie}_clip_" for movie in differing)
    parts = [{coverage.split: coverage for coverage in certificate.splits} for certificate in certificates]
    common: dict[Split, frozenset[str]] = {}
    names: list[Split] = [name for name in SPLITS if split is None or name == split]
    for name in names:
        lists = [part[name].made.ids() if name in part else frozenset[str]() for part in parts]
        shared_ids = frozenset.intersection(*lists)
        common[name] = frozenset(id_ for id_ in shared_ids if not id_.startswith(excluded)) if excluded else shared_ids
    every = frozenset[str]().union(*common.values())
    made_by_each = [frozenset[str]().union(*(p.made.ids() for n, p in part.items() if n in names)) for part in parts]
    everywhere = frozenset.intersection(*made_by_each)
    apart = sum(1 for id_ in everywhere - every if not (excluded and id_.startswith(excluded)))
    listed = {name: {part[name].listed if name in part else None for part in parts} for name in names}
    return Comparison(
        subset=Subset(
            made_by="mmdia coverage",
            certificates=tuple(certificate_hash(certificate) for certificate in certificates),
            ids=IdList.of(every),
            splits=tuple(SplitIds(split=name, ids=IdList.of(ids)) for name, ids in common.items() if ids),
        ),
        only=tuple(len(ids - every) for ids in made_by_each),
        other_spans=differing,
        other_splits=tuple(name for name in names if len(listed[name]) > 1),
        apart=apart,
        modes=len({certificate.modes for certificate in certificates}) == 1,
    )

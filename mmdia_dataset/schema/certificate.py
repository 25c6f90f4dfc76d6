"""What a machine has of a release, in files that can be sent to others: certificates and subsets."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field

from mmdia_dataset.schema.base import Id, Index, Many, Mode, Model, Sha256, Split
from mmdia_dataset.schema.versioned import Versioned

MAX_IDS = 2_000_000
"""More ids than any release has: a list that claims more is refused before it is written out."""

Ranges = Annotated[
    str,
    Field(
        pattern=r"^(?:0|[1-9][0-9]{0,8})(?:-[1-9][0-9]{0,8})?(?:,(?:0|[1-9][0-9]{0,8})(?:-[1-9][0-9]{0,8})?)*(?![\s\S])"
    ),
]


def hash_of(lines: Iterable[str]) -> str:
    """SHA-256 over lines in the order of their UTF-8 bytes, each ended by a newline."""
    digest = hashlib.sha256()
    for line in sorted(line.encode("utf-8", "surrogatepass") for line in lines):
        digest.update(line + b"\n")
    return digest.hexdigest()


class MovieIds(Model):
    """The ids `<movie>_clip_<number>` of one movie."""

    movie: Id = Field(description="The part of the ids before `_clip_`.", examples=["tt0114388"])
    numbers: Ranges = Field(description="The numbers, ascending, runs as first-last.", examples=["0-63,65,70-99"])

    def runs(self) -> list[tuple[int, int]]:
        """First and last number of each run."""
        runs = []
        for part in self.numbers.split(","):
            first, _, last = part.partition("-")
            runs.append((int(first), int(last or first)))
        return runs


class IdList(Model):
    """A set of dialogue ids, short enough to be mailed: an id takes a byte or two if its neighbours are in the set."""

    count: Index = Field(description="How many ids.", examples=[95])
    sha256: Sha256 = Field(description="Hash over the sorted ids, each ended by a newline.", examples=["0" * 64])
    movies: Many[MovieIds] = Field(
        default=(), description="Ids of the usual form.", examples=[[{"movie": "tt0114388", "numbers": "0-63,65"}]]
    )
    others: Many[Id] = Field(default=(), description="Ids of any other form.", examples=[[]])

    @classmethod
    def of(cls, ids: Iterable[str]) -> IdList:
        """The list of some ids, each once. Same ids, same list."""
        numbers: dict[str, list[int]] = {}
        others, every = [], sorted(set(ids))
        for id_ in every:
            movie, mark, number = id_.rpartition("_clip_")
            if (
                mark
                and movie
                and number.isascii()
                and number.isdigit()
                and len(number) < 10
                and str(int(number)) == number
            ):
                numbers.setdefault(movie, []).append(int(number))
            else:
                others.append(id_)
        movies = tuple(
            MovieIds(movie=movie, numbers=_ranges(sorted(movie_numbers)))
            for movie, movie_numbers in sorted(numbers.items())
        )
        return cls(count=len(every), sha256=hash_of(every), movies=movies, others=tuple(others))

    def ids(self) -> frozenset[str]:
        """The ids.

        Raises:
            ValueError: the ids do not match the count or the hash.
        """
        runs = [(movie.movie, first, last) for movie in self.movies for first, last in movie.runs()]
        claimed = len(self.others) + sum(max(0, last - first + 1) for _, first, last in runs)
        if claimed != self.count or claimed > MAX_IDS:
            raise ValueError(f"it lists {claimed:,} ids but says that it has {self.count:,}")
        ids = frozenset(
            itertools.chain(self.others, (f"{m}_clip_{n}" for m, first, last in runs for n in range(first, last + 1)))
        )
        if hash_of(ids) != self.sha256:
            raise ValueError("its ids do not match its hash")
        return ids


def _ranges(numbers: list[int]) -> str:
    def runs() -> Iterator[str]:
        first = last = numbers[0]
        for number in [*numbers[1:], -1]:
            if number != last + 1:
                yield f"{first}-{last}" if last > first else f"{first}"
                first = number
            last = number

    return ",".join(runs())


class SplitCoverage(Model):
    """What there is of one split."""

    split: Split = Field(description="The split.", examples=["test"])
    wanted: Index = Field(description="Number of dialogues in it.", examples=[2700])
    listed: Sha256 = Field(
        description="Hash over their sorted ids, made or not; equal if the splits are the same.", examples=["0" * 64]
    )
    made: IdList = Field(description="Dialogues that have a clip.", examples=[{"count": 0, "sha256": "0" * 64}])
    hours: float = Field(ge=0, description="Total length of their spans.", examples=[16.1])


class MovieSpans(Model):
    """A hash of a movie's dialogues, so that others can see whether theirs are the same."""

    movie: Id = Field(description="The movie.", examples=["tt0114388"])
    sha256: Sha256 = Field(
        description="Hash over the sorted lines `id<tab>start_ms<tab>end_ms` of all its dialogues.",
        examples=["0" * 64],
    )


class ErrorBounds(Model):
    """How many clips have which bound of the timing error."""

    within_5_ms: Index = Field(default=0, description="At most 5 ms.", examples=[50100])
    within_40_ms: Index = Field(default=0, description="More, at most 40 ms.", examples=[0])
    within_160_ms: Index = Field(default=0, description="More, at most 160 ms.", examples=[0])
    above_160_ms: Index = Field(default=0, description="More than that.", examples=[0])
    unmeasured: Index = Field(default=0, description="Not measured: `--as-is` or `media.toml`.", examples=[0])


class Certificate(Versioned):
    """Which dialogues of a release have a clip on one machine. It holds ids and hashes, no content."""

    made_by: Literal["mmdia coverage"] = Field(description="Says what the file is.", examples=["mmdia coverage"])
    modes: Many[Mode] = Field(description="A dialogue counts if it has a clip of each of these.", examples=[["copy"]])
    release: Sha256 = Field(
        description="Fingerprint of the release: hash over the sorted lines `id<tab>start_ms<tab>end_ms` of all "
        "dialogues wanted.",
        examples=["0" * 64],
    )
    wanted: Index = Field(description="Number of these dialogues.", examples=[54700])
    made: Index = Field(description="Number of them that have a clip.", examples=[50100])
    hours: float = Field(ge=0, description="Total length of their spans.", examples=[330.5])
    splits: Many[SplitCoverage] = Field(description="By split; a dialogue can be in several.", examples=[[]])
    movies: Many[MovieSpans] = Field(description="By movie.", examples=[[]])
    bounds: ErrorBounds = Field(description="Clips by error bound; of a dialogue's clips, the widest.", examples=[{}])


class SplitIds(Model):
    """Dialogues of one split."""

    split: Split = Field(description="The split.", examples=["test"])
    ids: IdList = Field(description="The dialogues.", examples=[{"count": 0, "sha256": "0" * 64}])


class Subset(Versioned):
    """Dialogues that several machines have: what `load(subset=FILE)` takes."""

    made_by: Literal["mmdia coverage"] = Field(description="Says what the file is.", examples=["mmdia coverage"])
    certificates: Many[Sha256] = Field(description="Hashes of the certificates compared.", examples=[["0" * 64]])
    ids: IdList = Field(description="The dialogues.", examples=[{"count": 0, "sha256": "0" * 64}])
    splits: Many[SplitIds] = Field(description="The same by split.", examples=[[]])

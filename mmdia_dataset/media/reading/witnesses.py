"""Checks a file's timestamps against other times that the file stores, to notice flipped bits.

A timestamp is a few bytes that no checksum covers: one flipped bit moves a whole packet to another time. Matroska's
seek points (cues) repeat the time of every keyframe, MP4 stores each track's length beside its table of steps, and
sound packets hold a known number of samples. If two of them disagree, we can't tell which is wrong, so nothing is cut
there.

Layout: RFC 9559, sections 5.1.5 (cues) and 10.2 (blocks); ISO/IEC 14496-12, section 8.4.2 (mdhd).
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Container, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mmdia_dataset.media.containers.ebml import MatroskaSegment
from mmdia_dataset.media.containers.mp4index import BrokenIndex, Track, read_tracks
from mmdia_dataset.media.containers.packet_rows import STRANGE, Ints, Unsure

__all__ = ["Beat", "SeekPointWitness", "drift_of", "mp4_contradiction"]

_PROBES = 12
_LENGTH_SLACK = Fraction(1, 10)
_ROUNDED = 1.1  # ticks by which two rounded timestamps can be off
_LEAST_PICTURES = 24  # from which on a rate is judged
_SHORTEST_BEAT = 8  # ticks; of less, rounding is too much
_SLOPPY = Fraction(1, 1000)  # seconds
_FEW = 4  # pictures with doubtful timestamps, of a short row
_WINDOW = 64  # sound packets, over which rounding comes to little
_LEAST_WINDOWS = 3


class SeekPointWitness:
    """The seek points of a Matroska file: the time each gives for a block, beside the time in the block itself.

    Some writers' seek points are not exact. If several of a sample are not, none is used.

    Args:
        file: descriptor of the open file.

    Raises:
        Unsure: it has no seek points that lead to blocks of their times.
        OSError: it can't be read.
    """

    def __init__(self, file: int) -> None:
        self._segment = MatroskaSegment(file)
        points = [point for point in self._segment.seek_points if point.block is not None and point.track < 127]
        self._seek_points = sorted(points, key=lambda point: point.time)
        self._times = [point.time for point in self._seek_points]
        self._block_times: dict[int, int | None] = {}
        if not points:
            raise Unsure("no seek points that lead to blocks")
        probes = {len(points) * n // _PROBES for n in range(_PROBES)}
        if sum(self._time(n) == self._times[n] for n in probes) * 4 < len(probes) * 3:
            raise Unsure("seek points that are not exact")

    @property
    def first(self) -> Fraction:
        """The time of the first seek point, in seconds of the file's own clock."""
        return self._times[0] * self._segment.clock

    def contradiction(self, low: Fraction, high: Fraction) -> Fraction | None:
        """When, between two moments, a seek point leads to a block of another time; None if all agree.

        Args:
            low: seconds of the file's own clock; the seek point before it counts too.
            high: seconds of the file's own clock.

        Raises:
            OSError: the file can't be read.
        """
        clock = self._segment.clock
        begin = max(0, bisect_right(self._times, low / clock) - 1)
        for number in range(begin, bisect_left(self._times, high / clock)):
            if self._time(number) not in (None, self._times[number]):
                return self._times[number] * clock
        return None

    def _time(self, number: int) -> int | None:
        """The time in the block that a seek point leads to; None if no block is there."""
        if number not in self._block_times:
            try:
                self._block_times[number] = self._segment.block_time(self._seek_points[number])
            except Unsure:
                self._block_times[number] = -1
        return self._block_times[number]


def mp4_contradiction(path: str | os.PathLike[str]) -> str:
    """How the index of an MP4 file contradicts itself, as a sentence; empty if it does not, or can't be read."""
    try:
        with Path(path).open("rb") as file:
            tracks = read_tracks(file.fileno())
    except BrokenIndex as error:
        return str(error)
    except (OSError, *STRANGE):
        return ""  # others find the words for what is wrong with it
    try:
        spans = [_span_of(track) for track in tracks if track.count]
        begins, ends = (np.concatenate([span[side] for span in spans]) for side in (0, 1))
    except (ValueError, KeyError) as error:
        return str(error)
    order = np.lexsort((ends, begins))
    begins, ends = begins[order], ends[order]
    over = (ends[:-1] > begins[1:]) & ((begins[:-1] != begins[1:]) | (ends[:-1] != ends[1:]))
    return "some of its samples overlap" if over.any() else ""


def _span_of(track: Track) -> tuple[Ints, Ints]:
    """Where each sample of a track begins and ends. Raises ValueError if its tables contradict each other."""
    track.times()
    slack = max(round(_LENGTH_SLACK * track.timescale), 2 * track.length // track.count)
    if track.claimed and abs(track.claimed - track.length) > slack:
        claimed, added = Fraction(track.claimed, track.timescale), Fraction(track.length, track.timescale)
        raise ValueError(
            f"its index gives {float(claimed):.3f} s for a track whose samples add up to {float(added):.3f} s"
        )
    sizes = track.sizes()
    places = track.places(sizes)
    return places, places + sizes


@dataclass(frozen=True, slots=True)
class Beat:
    """The steady distance of a recording's pictures.

    Attributes:
        ticks: the distance.
        slack: ticks by which a timestamp may be off: by rounding, or by a millisecond in files of some writers.
        complete: whether the recording usually has a picture at every beat, so that a missing one was lost.
    """

    ticks: Fraction
    slack: float
    complete: bool

    @classmethod
    def of(cls, times: Sequence[int], clock: Fraction) -> Self | None:
        """The beat of timestamps in order, a few of which may be wrong; None if the rate varies.

        Args:
            times: in ticks.
            clock: seconds per tick.
        """
        steps: list[int] = sorted(after - before for before, after in pairwise(times))
        usual = steps[len(steps) // 2] if steps else 0
        if len(steps) < _LEAST_PICTURES or usual < _SHORTEST_BEAT:
            return None
        slack = max(_ROUNDED, float(_SLOPPY / clock))
        alike = [step for step in steps if abs(step - usual) <= slack]
        ticks = Fraction(sum(alike), len(alike))
        off, lost = cls(ticks, slack, False)._strays(np.asarray(times, np.int64))
        return cls(ticks, slack, int(lost.sum()) <= 1) if int(off.sum()) * 20 <= len(steps) else None

    def missed(self, times: Sequence[int] | Ints, keys: Container[int] = ()) -> list[int]:
        """The numbers of the pictures that are not a whole number of beats after the one before.

        Empty if there are many: some films change their rate, for example with parts for cinema and for television.

        Args:
            times: timestamps in order.
            keys: timestamps of keyframes; these may be anywhere, since a new part of the recording can begin with them.
        """
        off, lost = self._strays(np.asarray(times, np.int64))
        wrong = [n + 1 for n in np.flatnonzero(off).tolist() if times[n + 1] not in keys]
        if self.complete:
            wrong += (np.flatnonzero(lost) + 1).tolist()
        return sorted(wrong) if len(wrong) <= max(_FEW, len(off) // 10) else []

    def _strays(self, row: Ints) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Per step between pictures: whether it is not a whole number of beats, and whether it is several beats."""
        steps, beat = row[1:] - row[:-1], float(self.ticks)
        counts = np.maximum(1, np.rint(steps / beat))
        off = np.abs(steps - counts * beat) > self.slack
        return off, ~off & (counts > 1)


def drift_of(times: Sequence[int], per_packet: Fraction) -> Fraction | None:
    """How much faster the timestamps of sound packets run than their samples, as a fraction; None if too few packets.

    Args:
        times: timestamps of packets in a row; jitter has little effect, and parts with gaps are ignored.
        per_packet: ticks that a packet lasts by its samples.
    """
    rows = [times[n : n + _WINDOW + 1] for n in range(0, len(times) - _WINDOW, _WINDOW)]
    whole = [row for row in rows if max(after - before for before, after in pairwise(row)) < 2 * per_packet]
    if len(whole) < _LEAST_WINDOWS:
        return None
    lengths = sorted(row[-1] - row[0] for row in whole)
    return lengths[len(lengths) // 2] / (_WINDOW * per_packet) - 1

"""What was read of a span is whole, or it is refused: by packets taken out of what a film really holds."""

from __future__ import annotations

from fractions import Fraction

import pytest

from mmdia_dataset.errors import MediaDamaged
from mmdia_dataset.media import OpenRecording
from mmdia_dataset.media.reading.stretches import PacketBatch, frames_of
from tests.support.films import X264, make_film

STEP = Fraction(1, 24)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A film whose clips from 2 s on are made from frames since 1 s."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    make_film(path, seconds=4, rate=1 / STEP, options={**X264, "g": "24", "keyint_min": "24", "bf": "0"}, tracks=[])
    with OpenRecording(path) as recording:
        recording.packets = [packet for packet in recording.container.demux(recording.video) if packet.size]
        yield recording


def stretch_of(source, without=(), repeated=(), pictures=True):
    """1.5 s to 1.9 s of the film without some frames, or with timestamps that come twice, by frame number."""
    packets = [packet for number, packet in enumerate(source.packets) if number not in without]
    times = [packet.pts for packet in packets] + [source.packets[number].pts for number in repeated]
    batch = PacketBatch(video=packets, times=times, ended=True)
    return frames_of(source, batch, (Fraction(3, 2), Fraction(19, 10)), pictures, source.longest_pause, None)


def test_what_is_whole_is_taken_from_its_keyframe_on(source):
    stretch = stretch_of(source)
    assert [round(source.seconds(source.video, pts) / STEP) for pts in stretch.shown] == list(range(36, 46))
    assert stretch.video == source.packets[24:46]
    assert (stretch.start, stretch.end) == (36 * STEP, 46 * STEP)


@pytest.mark.parametrize("repeated", [30, 40, 50])
def test_a_timestamp_that_comes_twice_is_damage(source, repeated):
    """Which of the two frames is that moment's, and when the other is, nobody knows."""
    with pytest.raises(MediaDamaged, match="timestamp"):
        stretch_of(source, repeated=[repeated])


@pytest.mark.parametrize("gone", [26, 30, 34, 35, 36, 40, 45])
def test_a_hole_among_the_frames_shown_or_those_they_are_made_from_is_damage(source, gone):
    with pytest.raises(MediaDamaged, match=r"from \d\.\d+ s to \d\.\d+ s"):
        stretch_of(source, without=[gone, gone + 1])


@pytest.mark.parametrize("gone", [10, 22, 60])
def test_a_hole_elsewhere_is_no_matter(source, gone):
    assert stretch_of(source, without=[gone, gone + 1]).video == source.packets[24:46]


def test_where_only_times_are_wanted_hidden_frames_are_no_matter(source):
    assert stretch_of(source, without=[30, 31], pictures=False).shown == stretch_of(source).shown

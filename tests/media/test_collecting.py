"""Packets are taken in until no more is needed of either track: by packets that hold nothing but their times."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mmdia_dataset.media.reading.collecting import REORDER, Collector

PICTURE, SOUND = 0, 1


def collector(**given):
    """For the ticks 100 to 200 of a picture and a sound of the same clock; the sound is wanted 10 ticks further."""
    usual = {
        "picture": PICTURE,
        "first": 100,
        "last": 200,
        "give_up": 1000,
        "sound_last": 210,
        "sound_give_up": 1000,
        "sound_until": lambda pts: pts + 10,
        "keep_video": True,
        "has_dts": True,
        "picture_done": False,
        "sound_done": False,
    }
    return Collector(**{**usual, **given})


def packet(track, pts, dts=None, key=False, discard=False, size=1):
    return SimpleNamespace(stream_index=track, pts=pts, dts=dts, is_keyframe=key, is_discard=discard, size=size)


def picture(pts, dts=None, **given):
    return packet(PICTURE, pts, dts, **given)


def sound(pts):
    return packet(SOUND, pts)


def taken(target, packets):
    """How many of the packets are taken in before it is enough; None if all are, and more are needed."""
    return next((count for count, one in enumerate(packets, 1) if not target.take(one)), None)


def test_a_picture_alone_is_read_up_to_the_frame_after_the_last():
    target = collector(sound_done=True, sound_until=None)
    frames = [picture(pts, pts, key=pts % 80 == 0) for pts in range(0, 400, 20)]
    assert taken(target, frames) == 11
    batch = target.batch
    assert (batch.key, batch.keys, batch.undated) == (80, {0, 80, 160}, False)
    assert batch.times == [80, 100, 120, 140, 160, 180, 200]
    assert batch.video == frames[4:11]


def test_frames_that_were_overtaken_are_waited_for():
    """The frame at 220 comes first; whether it is the one after the last shows when decoding has reached it."""
    target = collector(sound_done=True, sound_until=None)
    order = [(160, 120), (220, 140), (180, 160), (200, 180), (280, 200), (240, 220)]
    assert taken(target, [picture(pts, dts) for pts, dts in order]) == 5
    assert target.batch.times == [160, 220, 180, 200, 280]


@pytest.mark.parametrize(("has_dts", "dts"), [(False, 10**6), (True, None)])
def test_without_decoding_times_as_many_frames_are_waited_for_as_can_be_overtaken(has_dts, dts):
    target = collector(sound_done=True, sound_until=None, has_dts=has_dts)
    assert taken(target, [picture(pts, dts) for pts in range(180, 1000, 20)]) == 1 + REORDER


def test_sound_is_read_to_the_end_of_the_frame_that_ends_the_clip():
    """The last frame lasts until 230, so sound is needed up to 240."""
    target = collector()
    packets = [picture(190, 190), sound(205), sound(215), picture(230, 230), sound(230), sound(239), sound(240)]
    assert taken(target, packets) == 7
    assert [one.pts for one in target.batch.audio] == [205, 215, 230, 239, 240]


def test_sound_alone_is_read_to_its_end():
    target = collector(picture=None, picture_done=True, sound_until=None)
    assert taken(target, [sound(pts) for pts in range(0, 400, 30)]) == 8
    assert target.batch.video == target.batch.times == []


def test_a_track_with_a_hole_is_not_waited_for_for_ever():
    assert taken(collector(), [sound(pts) for pts in range(100, 2000, 100)]) == 10
    target = collector()
    assert taken(target, [picture(pts, pts) for pts in range(100, 2000, 100)]) == 10
    assert target.batch.times == [100, 200]


def test_where_the_recording_ends_more_is_needed():
    assert taken(collector(), [picture(100, 100), sound(100), picture(180, 180), sound(180)]) is None


def test_what_has_no_time_or_is_not_shown_counts_apart():
    target = collector(sound_done=True, sound_until=None)
    packets = [picture(None), picture(140, 140, discard=True), picture(300, 300, size=0), picture(160, 160)]
    assert taken(target, packets) is None
    assert target.batch.undated
    assert target.batch.times == [160]
    assert target.batch.video == [packets[1], packets[3]]


def test_only_times_are_kept_where_no_picture_is_wanted():
    target = collector(keep_video=False)
    target.take(picture(100, 100, key=True))
    assert (target.batch.video, target.batch.times, target.batch.keys) == ([], [100], {100})

"""Timestamps with a bit turned: what they say is mended where the rest of the file proves it, else nothing is cut."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from mmdia_dataset.clips import (
    AudioSettings,
    CopySettings,
    KeyframeSettings,
    MadeClip,
    Moment,
    RefusedClip,
    cut,
)
from mmdia_dataset.media.sound.placing import sample_places
from mmdia_dataset.timing import TimeMap
from tests.support import films
from tests.support.films import RATE, Track, make_film
from tests.support.wishes import into, wish

SPANS = [(200, 900), (1100, 1900), (2100, 2900), (3300, 3900)]
LATEST = RATE // 1000  # Matroska's timestamps are whole milliseconds


@pytest.fixture(scope="module")
def mkv(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    return make_film(path, seconds=5, options=films.OPEN_GOP, tracks=[Track("ac3")])


@pytest.fixture(scope="module")
def mp4(tmp_path_factory):
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", seconds=12)


def results(path: Path, folder: Path, settings, spans=SPANS) -> list[MadeClip | RefusedClip]:
    still = isinstance(settings, KeyframeSettings)
    wishes = [
        wish(f"{start}", start, end, (Moment((start + end) // 2, None),) if still else ()) for start, end in spans
    ]
    return list(cut(path, TimeMap.linear(), wishes, settings, into(folder, settings.suffix)))


def turned(film, at: int, bit: int, folder: Path) -> Path:
    data = bytearray(film.path.read_bytes())
    data[at] ^= 1 << bit
    path = folder / film.path.name
    folder.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def block_time(film, kind: str, ms: int) -> int:
    """Where the first block of a track from a time on has its timestamp: two bytes, then come flags and the packet."""
    data = film.path.read_bytes()
    with av.open(str(film.path)) as opened:
        stream = opened.streams.best(kind)
        packets = sorted((packet for packet in opened.demux(stream) if packet.size), key=lambda packet: packet.pts)
        (packet, *_) = [packet for packet in packets if packet.pts >= ms]
        return data.index(bytes(packet), packet.pos) - 3


def frames_inside(film, start: int, end: int) -> list[int]:
    return [n for n, time in enumerate(film.times) if start <= round((time - film.times[0]) * 1000) < end]


def heard_rightly(made: MadeClip, start: Fraction, seconds: int) -> bool:
    heard = soundfile.read(made.file, always_2d=True)[0][:, 0]
    return all(abs(index - start * RATE) <= LATEST for index, _ in films.place(heard, 1, seconds))


@pytest.mark.parametrize("bit", range(15))
def test_a_bit_of_a_sound_packets_timestamp_costs_at_most_its_clips(mkv, bit, tmp_path):
    broken = turned(mkv, block_time(mkv, "audio", 1300) + (bit < 8), bit % 8, tmp_path)
    whole = results(mkv.path, tmp_path / "whole", AudioSettings(float32=True))
    found = results(broken, tmp_path / "broken", AudioSettings(float32=True))
    assert sum(isinstance(one, MadeClip) for one in found) >= (1 if bit == 11 else 2)  # it leads far into another clip
    assert bit > 3 or all(isinstance(one, MadeClip) for one in found)  # its neighbours prove where it lies
    for good, one in zip(whole, found, strict=True):
        if isinstance(one, MadeClip):
            left, right = (soundfile.read(made.file)[0] for made in (good, one))
            assert left.shape == right.shape
            assert np.abs(left - right).max() < 0.01


@pytest.mark.parametrize("settings", [CopySettings(), KeyframeSettings(), AudioSettings()], ids=lambda one: one.mode)
def test_a_bit_of_a_frames_timestamp_is_never_believed(mkv, settings, tmp_path):
    place = block_time(mkv, "video", 1500)
    for bit in range(1, 15):
        broken = turned(mkv, place + (bit < 8), bit % 8, tmp_path)
        found = results(broken, tmp_path / f"{bit}", settings)
        assert any(isinstance(one, RefusedClip) for one in found), bit
        for one in found:
            if isinstance(one, MadeClip):
                span, want = one.wish.span, frames_inside(mkv, one.wish.span.start_ms, one.wish.span.end_ms)
                assert abs(one.start - (mkv.times[want[0]] - mkv.times[0])) < Fraction(1, 1000), (bit, span)
                assert abs(one.end - (mkv.times[want[-1] + 1] - mkv.times[0])) < Fraction(1, 1000), (bit, span)
                if isinstance(settings, CopySettings):
                    assert films.numbers_av(one.file) == want


@pytest.mark.parametrize("settings", [CopySettings(), KeyframeSettings()], ids=lambda one: one.mode)
def test_a_frame_that_others_are_made_from_is_missed(settings, tmp_path):
    film = make_film(tmp_path / "film.mkv", seconds=16, options=films.OPEN_GOP, tracks=[Track("ac3")])
    for ms in range(5100, 5900, 100):  # its block's kind is none that there is
        place = block_time(film, "video", ms)
        data = film.path.read_bytes()
        broken = turned(film, data.rindex(b"\xa3", 0, place), 6, tmp_path / "broken")
        for one in results(broken, tmp_path / f"{settings.mode}{ms}", settings, [(5250, 5950)]):
            assert isinstance(one, RefusedClip), (ms, one)


@pytest.mark.parametrize("bit", range(1, 10))
def test_a_bit_of_a_clusters_time_is_never_believed(mkv, bit, tmp_path):
    data = mkv.path.read_bytes()
    cluster = data.index(b"\x1f\x43\xb6\x75", data.index(b"\x1f\x43\xb6\x75") + 4)
    place = data.index(b"\xe7\x82", cluster) + 3
    broken = turned(mkv, place - bit // 8, bit % 8, tmp_path)
    found = results(broken, tmp_path / "clips", AudioSettings())
    assert any(isinstance(one, RefusedClip) for one in found)
    for one in found:
        assert isinstance(one, RefusedClip) or heard_rightly(one, one.start + mkv.times[0], 7)


def test_a_film_whose_beginning_is_gone_is_not_taken_for_one_that_begins_later(mkv, tmp_path):
    at = mkv.path.read_bytes().index(b"\x1f\x43\xb6\x75")
    for one in results(turned(mkv, at, 4, tmp_path), tmp_path / "clips", CopySettings()):
        assert isinstance(one, RefusedClip)
        assert "file is damaged" in one.detail


@pytest.mark.parametrize("number", [0, 1], ids=["picture", "sound"])
@pytest.mark.parametrize("settings", [CopySettings(), AudioSettings()], ids=lambda one: one.mode)
def test_steps_that_do_not_add_up_are_never_believed(mp4, number, settings, tmp_path):
    data = mp4.path.read_bytes()
    at = -1
    for _ in range(number + 1):
        at = data.index(b"stts", at + 1)
    count, step = struct.unpack_from(">II", data, at + 12)
    assert count > 100
    for bit in range((step // 64).bit_length(), 20):
        broken = turned(mp4, at + 19 - bit // 8, bit % 8, tmp_path)
        found = results(broken, tmp_path / f"{bit}", settings, [(300, 1100), (4100, 4900)])
        assert all(isinstance(one, RefusedClip) for one in found), (bit, found)


@pytest.mark.parametrize("settings", [CopySettings(), AudioSettings()], ids=lambda one: one.mode)
def test_a_track_that_a_turned_bit_takes_away_is_missed(mp4, settings, tmp_path):
    data = mp4.path.read_bytes()
    at = data.index(b"mdhd", data.index(b"mdhd") + 1)  # of the sound
    track = data.rindex(b"trak", 0, at)
    for name, place, bit in (("size", at - 2, 4), ("kind", at + 1, 3), ("track", track - 2, 3)):
        broken = turned(mp4, place, bit, tmp_path)
        found = results(broken, tmp_path / name, settings, [(300, 1100)])
        assert all(isinstance(one, RefusedClip) for one in found), (name, found)


def test_frames_that_were_never_even_and_parts_put_together_are_cut(tmp_path):
    uneven = [Fraction(n * 3000 + (n * n * 7 % 5) * 900, 90000) for n in range(150)]
    joined = [Fraction(n, 25) + (Fraction(17, 1000) if n >= 48 else 0) for n in range(125)]  # a keyframe begins it
    sloppy = [Fraction(n, 25) + (Fraction(1, 1500) if n % 61 == 9 else 0) for n in range(125)]
    for name, times in (("uneven.mkv", uneven), ("joined.mkv", joined), ("sloppy.mp4", sloppy), ("sloppy.ts", sloppy)):
        film = make_film(tmp_path / name, times=times, rate=Fraction(25), tracks=[Track("ac3")])
        for one in results(film.path, tmp_path / film.path.stem, CopySettings()):
            assert isinstance(one, MadeClip), one
            assert films.numbers_av(one.file) == frames_inside(film, one.wish.span.start_ms, one.wish.span.end_ms)


@pytest.mark.parametrize("rates", [(24, 30), (50, 25)], ids=str)
@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_films_that_change_their_rate_are_cut(rates, suffix, tmp_path):
    one, other = (Fraction(1001, 1000 * rate) for rate in rates)
    count = int(22 / one)  # what the rate is judged by lies among these
    times = [n * one for n in range(count)] + [count * one + n * other for n in range(int(6 / other))]
    film = make_film(tmp_path / f"film.{suffix}", times=times, rate=Fraction(rates[0]), tracks=[Track("ac3")])
    spans = [(2100, 4900), (20500, 23500), (23600, 25500), (25600, 27500)]
    for settings in (CopySettings(), KeyframeSettings(), AudioSettings()):
        for made in results(film.path, tmp_path / settings.mode, settings, spans):
            assert isinstance(made, MadeClip), made
            if isinstance(settings, CopySettings):
                span = made.wish.span
                assert films.numbers_av(made.file) == frames_inside(film, span.start_ms, span.end_ms)


def test_a_run_between_neighbours_that_agree_lies_between_them():
    ticks = [n * 32 for n in range(12)]
    ticks[4] += 16
    ticks[5] += 16
    places, follow = sample_places(ticks, [1536] * 12, Fraction(48), Fraction(0))
    assert follow
    assert places == [1536 * n for n in range(12)]
    ticks[6:] = [tick + 16 for tick in ticks[6:]]  # now half of them lie there: two parts, put together
    places, follow = sample_places(ticks, [1536] * 12, Fraction(48), Fraction(0))
    assert not follow
    assert places == [1536 * n + (768 if n >= 4 else 0) for n in range(12)]

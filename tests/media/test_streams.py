"""Program and transport streams: timestamps that repeat, are missing, or begin anew."""

from __future__ import annotations

from fractions import Fraction

import av
import imageio_ffmpeg
import pytest
import soundfile

from mmdia_dataset.clips import (
    AudioSettings,
    CopySettings,
    EncodeSettings,
    KeyframeSettings,
    MadeClip,
    Moment,
    RefusedClip,
    cut,
)
from mmdia_dataset.timing import TimeMap
from tests.support import films
from tests.support.films import MPEG2, RATE, Track, make_film
from tests.support.wishes import into, wish

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
PAL = Fraction(25)
# Pictures larger than a block of a program stream, as on any DVD.
DVD = {"rate": PAL, "codec": "mpeg2video", "size": (352, 288), "options": {**MPEG2, "qmin": "1", "qmax": "3"}}
SPANS = [(start, start + 470) for start in range(0, 11_000, 330)]


@pytest.fixture(scope="module")
def vob(tmp_path_factory):
    return make_film(tmp_path_factory.mktemp("vob") / "film.vob", seconds=12, tracks=[Track("ac3")], **DVD)


def clips_of(path, folder, settings, spans=SPANS):
    still = isinstance(settings, KeyframeSettings)
    wishes = [wish(str(a), a, b, (Moment(a + 100, None),) if still else ()) for a, b in spans]
    results = cut(path, TimeMap.linear(), wishes, settings, into(folder, settings.suffix))
    return sorted(results, key=lambda one: one.wish.span.start_ms)


def test_sound_that_libavformat_dates_twice_is_where_it_belongs(vob, tmp_path):
    with av.open(str(vob.path)) as source:
        dates = [packet.pts for packet in source.demux(audio=0) if packet.size]
    assert len(set(dates)) < len(dates)  # else this film shows nothing
    for made in clips_of(vob.path, tmp_path, AudioSettings()):
        assert isinstance(made, MadeClip), made
        # The sound begins 6 ms before the picture, whose first frame is at 0.5 s of the file's clock.
        for index, peak in films.place(films.sound_ffmpeg(made.file, FFMPEG), 1, 14, 4800):
            assert peak > 0.9
            assert abs(index - made.start * RATE) <= 512


@pytest.mark.parametrize("settings", [CopySettings(), EncodeSettings(preset="ultrafast")])
def test_every_span_of_a_vob_is_cut_wherever_reading_begins(vob, settings, tmp_path):
    with av.open(str(vob.path)) as source:
        clock = source.streams.video[0].time_base
        stored = sorted(packet.pts * clock for packet in source.demux(video=0) if packet.size)
        origin = min(stream.start_time * clock for stream in source.streams)
    for made in clips_of(vob.path, tmp_path, settings):
        assert isinstance(made, MadeClip), made
        span = made.wish.span
        want = [n for n, at in enumerate(stored) if span.start_ms <= (at - origin) * 1000 < span.end_ms]
        assert films.numbers_av(made.file) == want


@pytest.mark.parametrize("suffix", ["vob", "ts"])
@pytest.mark.parametrize("settings", [CopySettings(), AudioSettings(), KeyframeSettings(), EncodeSettings()])
def test_a_moment_that_occurs_twice_is_refused_and_others_are_cut(tmp_path, suffix, settings):
    making = {**DVD, "tracks": [Track("mp2")]}
    parts = [make_film(tmp_path / f"{n}.{suffix}", seconds=n, **making) for n in (4, 14)]
    joined = tmp_path / f"joined.{suffix}"
    joined.write_bytes(b"".join(part.path.read_bytes() for part in parts))
    twice, once = clips_of(joined, tmp_path / "clips", settings, [(1000, 1600), (10_000, 10_600)])
    assert twice.rule == "damaged"
    assert "1.000 s is ambiguous" in twice.detail
    assert isinstance(once, MadeClip), once
    if isinstance(settings, CopySettings | EncodeSettings):
        shown = films.numbers_av(once.file)
        assert shown == list(range(shown[0], shown[0] + len(shown)))
        assert abs(shown[0] - 250) <= 1


def test_a_picture_that_begins_a_little_after_the_sound_is_no_hole(tmp_path):
    # Fragments without an edit list: what B-frames delay is the film's own beginning.
    film = make_film(tmp_path / "film.mp4", seconds=3, container={"movflags": "frag_keyframe+empty_moov"})
    with av.open(str(film.path)) as source:
        video = source.streams.video[0]
        first = min(packet.pts * video.time_base for packet in source.demux(video) if packet.size)
    assert first > 0
    for settings in (CopySettings(), EncodeSettings()):
        (made,) = clips_of(film.path, tmp_path / "clips", settings, [(0, 700)])
        assert isinstance(made, MadeClip), made
        assert made.start == first
        assert films.numbers_av(made.file)[:2] == [0, 1]
    (missed,) = clips_of(film.path, tmp_path / "clips", CopySettings(), [(0, 80)])
    assert missed.rule == "empty-span"


def test_a_film_cut_off_among_reordered_frames_does_not_lengthen_the_last_one(tmp_path):
    film = make_film(tmp_path / "film.mkv", seconds=4, options=films.OPEN_GOP, tracks=[Track("ac3")])
    with av.open(str(film.path)) as source:
        packets = [(packet.pts, packet.pos) for packet in source.demux(video=0) if packet.size]
    cut_off, data, wrong = tmp_path / "cut.mkv", film.path.read_bytes(), []
    for number, (pts, place) in enumerate(packets[50:70], 50):
        cut_off.write_bytes(data[:place])  # all packets before this one are there
        kept = sorted(pts for pts, _ in packets[:number])
        for last in kept[-8:]:
            (made,) = clips_of(cut_off, tmp_path / "clips", AudioSettings(), [(last - 500, last + 1)])
            if isinstance(made, MadeClip) and made.end * 1000 > last + 43:  # a frame lasts 41 or 42 ms
                wrong.append((pts, last))
    assert not wrong


def test_sound_of_a_dvd_that_is_not_compressed_is_never_torn(tmp_path):
    film = make_film(tmp_path / "film.vob", seconds=12, tracks=[Track("pcm_dvd")], **DVD)
    made = 0
    for one in clips_of(film.path, tmp_path / "clips", AudioSettings()):
        if isinstance(one, RefusedClip):  # libavformat's own timestamps drift, and jump by 10 ms every six seconds
            assert "do not match" in one.detail or "a jump" in one.detail, one
            continue
        made += 1
        heard = soundfile.read(one.file, always_2d=True)[0][:, 0]
        (first, _), *others = films.place(heard, 1, 14, window=2400)
        assert all(index == first for index, _ in others)
        assert abs(first - one.start * RATE) < RATE // 100
    assert made > 4

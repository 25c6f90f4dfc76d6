"""Recordings recognised among many movies by what is heard of them; strangers are not, even with a known tune."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
import soundfile as sf

from mmdia_dataset.alignment.by_fingerprint.content import ContentIndex, excerpts_of
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import TimingFingerprint
from mmdia_dataset.alignment.soundtrack import BANDS, FRAME_RATE, Soundtrack, hear, listen
from mmdia_dataset.errors import MediaUnreadable, NoAudio
from tests.support import films
from tests.support.editions import PAL, RATE, blocks, edition, make_film

CROWD = 60
MINUTES = 6


def cut(soundtrack, start_s, end_s):
    inside = slice(round(start_s * FRAME_RATE), round(end_s * FRAME_RATE))
    return Soundtrack(soundtrack.levels[inside], soundtrack.voice[inside])


def joined(*parts):
    levels, voice = zip(*((part.levels, part.voice) for part in parts), strict=True)
    return Soundtrack(np.concatenate(levels), np.concatenate(voice))


def excerpts(soundtrack, length_s=75.0):
    """Three of them, spread over a soundtrack."""
    starts = [soundtrack.duration_s * n / 4 - length_s / 2 for n in (1, 2, 3)]
    return [cut(soundtrack, start, start + length_s) for start in starts]


@dataclass(frozen=True)
class World:
    """Films one and two as heard, a third that no index knows, and the fingerprints of many."""

    one: Soundtrack
    two: Soundtrack
    unknown: Soundtrack
    fingerprints: dict
    index: ContentIndex


@pytest.fixture(scope="module")
def world():
    one, two, unknown = (listen(blocks(make_film(seed, MINUTES).samples())) for seed in (1, 2, 3))
    fingerprints = {"one": TimingFingerprint.of(one), "two": TimingFingerprint.of(two)}
    # Frames of real films in another order: the same bits are frequent, and no two films are alike.
    random = np.random.default_rng(7)
    frames = np.concatenate([fingerprint.bits for fingerprint in fingerprints.values()])
    for n in range(CROWD):
        fingerprints[f"crowd {n}"] = TimingFingerprint(random.choice(frames, 3600 * 3))
    return World(one, two, unknown, fingerprints, ContentIndex(fingerprints))


def movies(guesses):
    return [guess.movie for guess in guesses]


@pytest.mark.parametrize(
    ("rate", "options"),
    [
        (Fraction(1), {}),
        (Fraction(1), {"logo_s": 15.2, "removed": (3, 9)}),
        (Fraction(1), {"noise": 0.01}),
        (PAL, {"logo_s": 7.7}),
        (1 / PAL, {}),
        (Fraction(1001, 1000), {"logo_s": 3.3}),
        (Fraction(93, 100), {}),
        (Fraction(1115, 1000), {}),
    ],
)
def test_editions_are_recognised(world, rate, options):
    recording = listen(blocks(edition(make_film(1, MINUTES), rate=rate, **options).samples))
    guesses = world.index.identify(excerpts(recording))
    assert movies(guesses) == ["one"]
    assert guesses[0].rate == pytest.approx(float(rate), rel=0.02)
    assert guesses[0].score > 8


def test_a_recording_that_begins_late_is_recognised(world):
    assert movies(world.index.identify([cut(world.two, 231.37, 300)])) == ["two"]


def test_half_a_minute_is_enough(world):
    assert movies(world.index.identify([cut(world.two, 100, 130)])) == ["two"]


def test_foreign_sound_in_an_excerpt_does_no_harm(world):
    mixed = joined(cut(world.unknown, 50, 90), cut(world.one, 200, 235))
    assert movies(world.index.identify([mixed, cut(world.unknown, 100, 175)])) == ["one"]


def test_strangers_are_not_recognised(world):
    assert world.index.identify(excerpts(world.unknown)) == []
    dub = listen(blocks(edition(make_film(3, MINUTES), rate=PAL).samples))
    assert world.index.identify(excerpts(dub)) == []


def test_long_soundtracks_are_taken_in_pieces(world):
    whole = world.index.identify([world.one])
    assert movies(whole) == ["one"]
    assert whole[0].score > world.index.identify([cut(world.one, 0, 75)])[0].score


def test_a_film_shorter_than_the_excerpt_is_recognised(world):
    short = TimingFingerprint.of(cut(world.unknown, 40, 65))
    index = ContentIndex({**world.fingerprints, "short": short, "tiny": TimingFingerprint(short.bits[:2])})
    recording = joined(cut(world.unknown, 200, 220), cut(world.unknown, 40, 65), cut(world.unknown, 240, 260))
    assert movies(index.identify([recording])) == ["short"]
    assert movies(index.identify([cut(world.unknown, 40, 65)])) == ["short"]


def test_two_passports_of_one_movie_are_both_named(world):
    index = ContentIndex({**world.fingerprints, "one again": TimingFingerprint.of(cut(world.one, 3.21, 350))})
    assert sorted(movies(index.identify(excerpts(world.one)))) == ["one", "one again"]


def test_the_title_music_of_a_series_names_no_episode(world):
    """Sixty episodes with the same half minute: only what is an episode's own tells it."""
    theme = cut(world.unknown, 30, 60)
    own = dict(world.fingerprints)
    random = np.random.default_rng(3)
    for n in range(CROWD):
        early = random.uniform(0, 0.3)  # the fingerprint's frames fall anywhere in the tune
        tune = TimingFingerprint.of(cut(world.unknown, 30 + early, 60)).bits[:88]
        bits = own[f"crowd {n}"].bits.copy()
        start = random.integers(100, 4000)
        bits[start : start + len(tune)] = tune
        own[f"crowd {n}"] = TimingFingerprint(bits)
    episode = joined(cut(world.two, 0, 60), theme, cut(world.two, 60, 330))
    own["two"] = TimingFingerprint.of(episode)
    index = ContentIndex(own)
    assert movies(index.identify([cut(episode, 40, 115)])) == ["two"]
    assert movies(index.identify([theme, cut(episode, 150, 225)])) == ["two"]
    assert index.identify([theme]) == []
    other = joined(cut(world.unknown, 100, 130), theme, cut(world.unknown, 130, 300))
    assert index.identify([cut(other, 0, 75), cut(other, 80, 155)]) == []


def test_nothing_is_made_of_nothing(world):
    def silence(frames):
        return Soundtrack(np.zeros((frames, BANDS), np.uint8), np.zeros(frames, np.uint8))

    for given in ([], [silence(0)], [silence(1)], [silence(70)], [silence(7500)], [cut(world.one, 100, 101)]):
        assert world.index.identify(given) == []
    flat = TimingFingerprint(np.zeros(5000, np.uint8))
    for known in ({}, {"none": TimingFingerprint(np.zeros(0, np.uint8))}, {f"silent {n}": flat for n in range(3)}):
        index = ContentIndex(known)
        assert index.identify([silence(7500), cut(world.one, 100, 175)]) == []


def test_a_crowd_of_equal_keys_costs_little(world):
    """Hums and silences: a key in thousands of places is not followed."""
    hums = {f"hum {n}": TimingFingerprint(np.full(50_000, n, np.uint8)) for n in range(20)}
    index = ContentIndex({**world.fingerprints, **hums})
    assert movies(index.identify([cut(world.one, 100, 160)])) == ["one"]


def test_excerpts_are_spread_over_a_recording(tmp_path):
    samples = np.tile(make_film(1, MINUTES).samples(), 2)[: 400 * RATE]
    sf.write(tmp_path / "film.flac", samples, RATE)
    parts = excerpts_of(tmp_path / "film.flac")
    assert [part.duration_s for part in parts] == pytest.approx([75] * 3, abs=0.02)
    whole = hear(tmp_path / "film.flac")
    for part, start in zip(parts, (62.5, 162.5, 262.5), strict=True):
        expected = cut(whole, start, start + 75).levels.astype(int)
        both = min(len(expected), len(part.levels)) - 10
        assert np.abs(part.levels[10:both] - expected[10:both]).max() <= 2


def test_of_a_short_recording_everything_is_heard(tmp_path):
    sf.write(tmp_path / "film.flac", make_film(1, MINUTES).samples()[: 100 * RATE], RATE)
    (whole,) = excerpts_of(tmp_path / "film.flac")
    assert whole.duration_s == pytest.approx(100, abs=0.02)


def test_sound_shorter_than_the_picture_is_heard_where_it_is(tmp_path):
    tracks = [films.Track("flac", rate=8000, layout="mono", shorter=Fraction(340))]
    film = films.make_film(tmp_path / "film.mkv", seconds=400, rate=Fraction(1), tracks=tracks, options={"g": "10"})
    heard = excerpts_of(film.path)
    assert len(heard) == 1
    assert heard[0].duration_s == pytest.approx(60, abs=1)


def test_a_recording_without_sound_or_sense_says_so(tmp_path):
    with pytest.raises(NoAudio):
        excerpts_of(films.make_film(tmp_path / "film.mkv", seconds=1, tracks=[]).path)
    (tmp_path / "film.mp4").write_bytes(b"no film" * 1000)
    with pytest.raises(MediaUnreadable):
        excerpts_of(tmp_path / "film.mp4")

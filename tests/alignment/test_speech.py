"""Dialogues placed by voice activity alone: all that are there, none that are not."""

from fractions import Fraction

import numpy as np
import pytest

from mmdia_dataset.alignment.by_speech.lines import Rhythm
from mmdia_dataset.alignment.by_speech.speech import by_speech
from mmdia_dataset.alignment.evidence import NotPlaced, Placed
from mmdia_dataset.alignment.soundtrack import Soundtrack, listen
from mmdia_dataset.alignment.voice import VoiceDetector, speech_curves
from mmdia_dataset.timing import MAX_MS, Span
from tests.support.editions import PAL, RATE, Edition, blocks, edition, make_film


@pytest.fixture(scope="module")
def film():
    return make_film(1)


@pytest.fixture(scope="module")
def foreign():
    """Forty seconds of another film."""
    return make_film(2).samples()[60 * RATE : 100 * RATE]


def check(film, made, result, missing=0):
    """All that the edition has is placed within its error bound, except `missing`; what it lacks is refused."""
    assert set(result.verdicts) == {dialogue.id for dialogue in film.dialogues}
    refused = 0
    for dialogue in film.dialogues:
        verdict, true = result.verdicts[dialogue.id], made.place_s(dialogue.span)
        if true is None:
            assert isinstance(verdict, NotPlaced), dialogue.number
        elif isinstance(verdict, Placed):
            assert abs(verdict.start_s - true) * 1000 <= min(verdict.error_ms, 160), dialogue.number
            start, _ = result.time_map.place(dialogue.span)
            assert float(start) == pytest.approx(verdict.start_s, abs=0.001)
        else:
            refused += 1
    assert refused <= missing
    assert {piece.rate for piece in result.time_map.pieces} == {made.rate}


def rules(result):
    return {verdict.reason.rule for verdict in result.verdicts.values()}


@pytest.mark.parametrize(
    "changes",
    [{}, {"rate": PAL, "logo_s": 15.0}, {"rate": 1 / PAL}, {"rate": Fraction(1001, 1000)}, {"noise": 0.02}],
    ids=["same", "pal", "slow", "ntsc", "noise"],
)
def test_another_copy(film, changes):
    made = edition(film, **changes)
    result = by_speech(film.dialogues, made.soundtrack())
    check(film, made, result)
    assert result.confidence > 0.9
    assert result.error_ms == max(verdict.error_ms for verdict in result.verdicts.values())


def test_a_speed_nobody_expects(film):
    made = edition(film, rate=Fraction(1070, 1000))
    result = by_speech(film.dialogues, made.soundtrack())
    (rate,) = {piece.rate for piece in result.time_map.pieces}
    assert float(rate) == pytest.approx(1.07, rel=2e-4)
    errors = [abs(result.verdicts[one.id].start_s - made.place_s(one.span)) for one in film.dialogues]
    assert max(errors) < 0.15


def test_given_rates_are_the_only_ones(film):
    heard = edition(film, rate=PAL).soundtrack()
    assert by_speech(film.dialogues, heard, rates=[Fraction(1)]).reason.rule == "other-movie"
    assert by_speech(film.dialogues, heard, rates=[Fraction(1), PAL]).time_map.pieces[0].rate == PAL
    assert by_speech(film.dialogues, heard, rates=[]).reason.rule == "other-movie"


def test_scene_removed(film):
    made = edition(film, removed=(6, 7), rate=PAL)
    result = by_speech(film.dialogues, made.soundtrack())
    check(film, made, result)
    assert [result.verdicts[film.dialogues[number].id].reason.rule for number in (6, 7)] == ["absent", "absent"]
    assert len(result.time_map.pieces) == 2


def test_scene_put_in(film, foreign):
    made = edition(film, inserted={film.lines[11][0].start_s - 1.5: foreign})
    result = by_speech(film.dialogues, made.soundtrack())
    check(film, made, result, missing=1)
    assert len(result.time_map.pieces) == 2


@pytest.mark.parametrize("number", [9, 14])
def test_splice_inside(film, foreign, number):
    lines = film.lines[number]
    made = edition(film, inserted={(lines[2].end_s + lines[3].start_s) / 2: foreign})
    result = by_speech(film.dialogues, made.soundtrack())
    check(film, made, result, missing=1)
    assert result.verdicts[film.dialogues[number].id].reason.rule == "splice"


@pytest.mark.parametrize("seed", [1, 3])
def test_dub(seed):
    other = make_film(seed)
    result = by_speech(other.dialogues, edition(other, dub=True).soundtrack())
    assert rules(result) == {"other-language"}
    assert result.reason.rule == "other-language"
    assert not result.time_map.pieces


@pytest.mark.parametrize("seed", [2, 5])
def test_other_film(film, seed):
    result = by_speech(film.dialogues, edition(make_film(seed)).soundtrack())
    assert rules(result) == {"other-movie"}
    assert result.confidence == 0


def test_half_a_film(film):
    """The second half is on another disc: what is there is placed, although as much is missing."""
    whole = edition(film, rate=PAL, logo_s=5)
    half = whole.samples[: len(whole.samples) // 2]
    end_s = (film.duration_s + 5) / 2 - 5
    made = Edition(half, PAL, ((0, end_s, 5),))
    check(film, made, by_speech(film.dialogues, made.soundtrack()), missing=1)


def test_order_does_not_matter(film):
    heard = edition(film).soundtrack()
    forward, backward = (by_speech(list(film.dialogues)[::step], heard) for step in (1, -1))
    assert dict(forward.verdicts) == dict(backward.verdicts)


@pytest.mark.parametrize(
    "samples", [np.zeros(0), np.zeros(60 * RATE), np.ones(60 * RATE)], ids=["empty", "silent", "constant"]
)
def test_nothing_to_hear(film, samples):
    result = by_speech(film.dialogues, listen(blocks(samples.astype(np.float32))))
    assert rules(result) <= {"too-little-evidence", "other-movie"}


def test_noise_is_no_film(film):
    random = np.random.default_rng(0)
    noise = Soundtrack(random.integers(0, 256, (60_000, 33), np.uint8), random.integers(0, 256, 60_000, np.uint8))
    assert rules(by_speech(film.dialogues, noise)) == {"other-movie"}


def test_too_little_is_said_so(film):
    heard = edition(film).soundtrack()
    short = Soundtrack(heard.levels[:300], heard.voice[:300])
    assert rules(by_speech(film.dialogues, short)) == {"other-movie"}
    assert not by_speech([], heard).verdicts
    assert rules(by_speech(film.dialogues[:2], heard)) == {"too-little-evidence"}


def test_senseless_dialogues_do_no_harm(film):
    first, second, *others = film.dialogues
    huge = first.turns[0].model_copy(update={"span": Span(0, MAX_MS)})
    backward = second.turns[0].model_copy(update={"span": Span(5000, 4000)})
    strange = [
        first.model_copy(update={"turns": (huge,), "span": huge.span}),
        second.model_copy(update={"turns": (backward,)}),
        *others,
    ]
    result = by_speech(strange, edition(film).soundtrack())
    assert [isinstance(result.verdicts[one.id], Placed) for one in strange].count(False) == 2


def test_rhythm_of_untidy_spans():
    rhythm = Rhythm.of([(5000, 6000), (1000, 3000), (1000, 3000), (1020, 2000), (2500, 4000), (7000, 7000)])
    assert rhythm.cues.tolist() == [[1, 2.5], [2.5, 4], [5, 6]]
    assert rhythm.middle_s == 3.5


def test_voice_is_where_somebody_speaks(film):
    heard = edition(film).soundtrack()
    curves = speech_curves(heard.levels, heard.voice)
    assert curves.activity.shape == heard.voice.shape == curves.rise.shape
    spoken = np.zeros(len(heard.voice), bool)
    for line in (line for lines in film.lines for line in lines):
        spoken[int(line.start_s * 100) : int(line.end_s * 100)] = True
    assert heard.voice[spoken].mean() > 2 * heard.voice[~spoken].mean()
    assert curves.activity[spoken].mean() > curves.activity[~spoken].mean() + 1.5


def test_voice_does_not_depend_on_blocks(film):
    samples = film.samples()[: 30 * RATE]
    whole, parts = VoiceDetector(), VoiceDetector()
    whole.feed(samples)
    for start in range(0, len(samples), 1777):
        parts.feed(samples[start : start + 1777])
    assert np.array_equal(whole.result(3000), parts.result(3000))
    assert len(whole.result(3100)) == 3100

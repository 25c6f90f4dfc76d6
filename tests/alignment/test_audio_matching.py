"""The sounds that a release brings against recordings of all kinds: each dialogue where it is, or the right reason."""

from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest

from mmdia_dataset.alignment.by_audio import audio_limits
from mmdia_dataset.alignment.by_audio.audio_matching import by_audio
from mmdia_dataset.alignment.by_audio.dialogue_sounds import MovieSounds
from mmdia_dataset.alignment.evidence import Placed
from mmdia_dataset.timing import Piece, Span, TimeMap
from tests.support import editions
from tests.support.editions import PAL, RATE
from tests.support.editions_on_disk import write_sound

MINUTES = 5.0
_TAIL_S = 0.1  # a release's sound ends so much after its dialogue


@lru_cache
def film(seed=1):
    return editions.make_film(seed, MINUTES)


@lru_cache
def voices(seed=1):
    """The voices of a film alone, as separation leaves them: a little of the music is left."""
    return film(seed).samples() - 0.95 * film(seed).bed


def align(dialogues, files, soundtrack, movie_map=None):
    return by_audio(MovieSounds(dialogues, files), soundtrack, movie_map)


def cut(samples, span):
    return samples[span.start_ms * RATE // 1000 : round((span.end_ms / 1000 + _TAIL_S) * RATE)]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """The files of every dialogue, by id and kind."""
    root = tmp_path_factory.mktemp("sounds")
    return {
        dialogue.id: {
            "voice": str(write_sound(root / f"{dialogue.number}.wav", cut(voices(), dialogue.span))),
            "mix": str(write_sound(root / f"{dialogue.number}_orig.wav", cut(film().samples(), dialogue.span))),
        }
        for dialogue in film().dialogues
    }


def only(sounds, kind):
    return {id_: {kind: files[kind]} for id_, files in sounds.items()}


def untimed(dialogues):
    """The same as dialect 2 has them: times count from the dialogue."""

    def moved(span, start_ms):
        return Span(span.start_ms - start_ms, span.end_ms - start_ms)

    return [
        dialogue.model_copy(
            update={
                "timeline": "dialogue",
                "span": moved(dialogue.span, dialogue.span.start_ms),
                "turns": tuple(
                    turn.model_copy(update={"span": moved(turn.span, dialogue.span.start_ms)})
                    for turn in dialogue.turns
                ),
            }
        )
        for dialogue in dialogues
    ]


def rules(alignment):
    return {id_: verdict.reason.rule for id_, verdict in alignment.verdicts.items() if not isinstance(verdict, Placed)}


def assert_right(alignment, edition, worst_ms=10.0, but=()):
    """Each dialogue that the edition has is placed within its bound and `worst_ms`, and no other."""
    alignment = alignment.mapped(film().dialogues)
    for dialogue in film().dialogues:
        verdict, truth = alignment.verdicts[dialogue.id], edition.place_s(dialogue.span)
        if dialogue.number in but:
            continue
        if truth is None:
            assert not isinstance(verdict, Placed), dialogue.number
        else:
            assert isinstance(verdict, Placed), (dialogue.number, verdict)
            assert abs(verdict.start_s - truth) * 1000 <= min(worst_ms, verdict.error_ms)


def with_scenes(rate=Fraction(1)):
    """An edition with a logo before it, a dialogue cut out and a foreign scene put in."""
    foreign = film(2).samples()[60 * RATE : 85 * RATE]
    lines = film().lines
    return editions.edition(
        film(), rate=rate, logo_s=8, removed=(3,), inserted={(lines[-3][-1].end_s + lines[-2][0].start_s) / 2: foreign}
    )


@pytest.mark.parametrize("kind", ["voice", "mix"])
@pytest.mark.parametrize("rate", [Fraction(1), PAL], ids=["own speed", "PAL"])
def test_dialogues_are_found_in_an_edition_with_other_scenes(sounds, kind, rate):
    edition = with_scenes(rate)
    alignment = align(film().dialogues, only(sounds, kind), edition.soundtrack())
    assert_right(alignment, edition)
    assert alignment.tier == "audio"
    assert {piece.rate for piece in alignment.time_map.pieces} == {rate}
    assert len(alignment.time_map.pieces) == 3
    assert rules(alignment) == {film().dialogues[3].id: "absent"}
    assert not alignment.wrong_sounds


def test_a_speed_that_nobody_uses_is_found(sounds):
    edition = editions.edition(film(), rate=Fraction(97, 100))
    alignment = align(film().dialogues, only(sounds, "voice"), edition.soundtrack())
    assert_right(alignment, edition)
    assert float(alignment.time_map.pieces[0].rate) == pytest.approx(0.97, rel=2e-5)


def test_voices_are_found_under_noise(sounds):
    edition = editions.edition(film(), noise=0.02)
    assert_right(align(film().dialogues, only(sounds, "voice"), edition.soundtrack()), edition, worst_ms=15)


def test_dialogues_without_sound_are_placed_by_their_neighbours(sounds):
    edition = editions.edition(film(), logo_s=3)
    some = {id_: files for number, (id_, files) in enumerate(sounds.items()) if number % 3}
    alignment = align(film().dialogues, some, edition.soundtrack())
    assert_right(alignment, edition)
    heard = max(alignment.verdicts[id_].error_ms for id_ in some)
    unheard = [alignment.verdicts[id_].error_ms for id_ in sounds if id_ not in some]
    assert heard < min(unheard)
    assert max(unheard) <= 60


def test_one_sound_does_not_speak_for_what_is_far_away(sounds, monkeypatch):
    heard, *others = film().dialogues
    monkeypatch.setattr(audio_limits, "BEYOND_S", 60.0)
    alignment = align(film().dialogues, {heard.id: sounds[heard.id]}, editions.edition(film()).soundtrack())
    far = [dialogue for dialogue in others if dialogue.span.end_ms - heard.span.end_ms > 60_000]
    assert {rules(alignment)[dialogue.id] for dialogue in far} == {"too-little-evidence"}


def test_a_sound_of_another_dialogue_is_named_and_does_no_harm(sounds):
    edition = editions.edition(film(), logo_s=3)
    wrong, real = film().dialogues[2], film().dialogues[5]
    files = {**sounds, wrong.id: sounds[real.id]}
    alignment = align(film().dialogues, files, edition.soundtrack())
    assert_right(alignment, edition)
    assert alignment.wrong_sounds == {wrong.id: f"is that of {real.id}"}


def test_a_dialogue_that_was_cut_out_is_not_placed_for_want_of_sound(sounds):
    removed = film().dialogues[3]
    files = {id_: files for id_, files in sounds.items() if id_ != removed.id}
    alignment = align(film().dialogues, files, editions.edition(film(), removed=(3,)).soundtrack())
    assert_right(alignment, editions.edition(film(), removed=(3,)))
    assert rules(alignment) == {removed.id: "absent"}


def test_a_wrong_sound_is_named_by_its_length_where_its_own_dialogue_was_cut_out(sounds):
    wrong, removed = film().dialogues[5], film().dialogues[3]
    assert abs(wrong.span.duration_ms - removed.span.duration_ms) > 300
    edition = editions.edition(film(), removed=(3,))
    alignment = align(film().dialogues, {**sounds, wrong.id: sounds[removed.id]}, edition.soundtrack())
    assert_right(alignment, edition)
    assert alignment.wrong_sounds == {wrong.id: "is not as long as the dialogue"}


def test_sounds_that_hold_nothing_are_named(sounds, tmp_path):
    edition = editions.edition(film())
    silent, broken = film().dialogues[1].id, film().dialogues[4].id
    (tmp_path / "broken.wav").write_bytes(b"RIFF, but no more")
    files = {
        **sounds,
        silent: {"voice": str(write_sound(tmp_path / "silent.wav", np.zeros(3 * RATE)))},
        broken: {"voice": str(tmp_path / "broken.wav")},
    }
    alignment = align(film().dialogues, files, edition.soundtrack())
    assert_right(alignment, edition)
    assert alignment.wrong_sounds[silent] == "is silent"
    assert alignment.wrong_sounds[broken].startswith("can't be read")


@pytest.mark.parametrize("kind", ["voice", "mix"])
def test_dialogues_without_movie_times_are_found_anywhere(sounds, kind):
    edition = with_scenes(PAL)
    dialogues = untimed(film().dialogues)
    alignment = align(dialogues, only(sounds, kind), edition.soundtrack()).mapped(dialogues)
    for dialogue in film().dialogues:
        verdict, truth = alignment.verdicts[dialogue.id], edition.place_s(dialogue.span)
        if truth is None:
            assert rules(alignment)[dialogue.id] == "absent"
        else:
            assert abs(verdict.start_s - truth) * 1000 <= min(10, verdict.error_ms)
            assert alignment.spans[dialogue.id].duration_ms == dialogue.span.duration_ms
            assert float(alignment.time_map.place(alignment.spans[dialogue.id])[0]) == pytest.approx(truth, abs=0.01)


def test_dialogues_without_movie_times_get_those_of_a_known_map(sounds):
    edition = with_scenes()
    known = TimeMap.from_pieces(
        [
            Piece(round(start * 1000), round(end * 1000), Fraction(1), Fraction(round(shift * 1000)))
            for start, end, shift in edition.pieces
        ]
    )
    alignment = align(untimed(film().dialogues), only(sounds, "voice"), edition.soundtrack(), known)
    for dialogue in film().dialogues:
        if edition.place_s(dialogue.span) is not None:
            assert abs(alignment.spans[dialogue.id].start_ms - dialogue.span.start_ms) <= 10


def test_an_untimed_dialogue_with_the_sound_of_another_is_refused_and_named(sounds):
    dialogues = untimed(film().dialogues)
    wrong, real = dialogues[2], dialogues[5]
    assert abs(wrong.span.duration_ms - real.span.duration_ms) > 300
    alignment = align(dialogues, {**sounds, wrong.id: sounds[real.id]}, editions.edition(film()).soundtrack())
    assert rules(alignment) == {wrong.id: "no-movie-time"}
    assert list(alignment.wrong_sounds) == [wrong.id]


@pytest.mark.parametrize("seconds", [1.5, 20])
def test_a_splice_inside_a_dialogue_is_refused(sounds, seconds):
    spliced = max(film().dialogues, key=lambda dialogue: dialogue.span.duration_ms)
    middle = (spliced.span.start_ms + spliced.span.end_ms) / 2000
    foreign = film(2).samples()[60 * RATE : round((60 + seconds) * RATE)]
    edition = editions.edition(film(), inserted={middle: foreign})
    alignment = align(film().dialogues, only(sounds, "voice"), edition.soundtrack())
    assert_right(alignment, edition)
    assert rules(alignment) == {spliced.id: "splice"}


@pytest.mark.parametrize("kind", ["voice", "mix"])
def test_another_film_is_refused(sounds, kind):
    alignment = align(film().dialogues, only(sounds, kind), editions.edition(film(2)).soundtrack())
    assert set(rules(alignment).values()) == {"other-movie"}
    assert alignment.time_map.pieces == ()


def test_a_dub_is_refused_by_its_sound(sounds):
    dub = editions.edition(film(), dub=True).soundtrack()
    assert set(rules(align(film().dialogues, sounds, dub)).values()) == {"other-language"}
    assert set(rules(align(film().dialogues, only(sounds, "mix"), dub)).values()) == {"other-language"}


def test_a_silent_recording_says_nothing(sounds):
    silent = editions.Edition(np.zeros(60 * RATE, np.float32), Fraction(1), ())
    alignment = align(film().dialogues, sounds, silent.soundtrack())
    assert set(rules(alignment).values()) == {"too-little-evidence"}

"""A fingerprint from the sounds of dialogues alone: what it knows, what it places, and what it refuses."""

from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest

from mmdia_dataset.alignment.by_fingerprint.content import ContentIndex
from mmdia_dataset.alignment.by_fingerprint.from_dialogues import LaidSound, fingerprint_of_dialogues
from mmdia_dataset.alignment.by_fingerprint.matching import by_fingerprint
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import TimingFingerprint
from mmdia_dataset.alignment.evidence import Placed
from mmdia_dataset.alignment.soundtrack import listen
from mmdia_dataset.timing import Span
from tests.support import editions
from tests.support import editions_on_disk as disk
from tests.support.editions import PAL, RATE

MOVIE = "tt9900002"
UNHEARD = {2, 4}


@lru_cache
def film(seed=1):
    return editions.make_film(seed, 4.5)


def sounds_of(files, seed=1):
    return [LaidSound(one.id, one.span, files[one.number]) for one in film(seed).dialogues if one.number in files]


def end_ms(seed=1):
    return max(dialogue.span.end_ms for dialogue in film(seed).dialogues)


@pytest.fixture(scope="module")
def brought(tmp_path_factory):
    """The sounds of all dialogues but two, and the fingerprint that they make."""
    root = tmp_path_factory.mktemp("release")
    numbers = [dialogue.number for dialogue in film().dialogues if dialogue.number not in UNHEARD]
    files = disk.write_dialogue_sounds(root, MOVIE, film(), numbers)
    fingerprint, left_out = fingerprint_of_dialogues(sounds_of(files), end_ms())
    assert not left_out
    return SimpleNamespace(files=files, fingerprint=fingerprint)


def aligned(fingerprint, made, seed=1):
    return by_fingerprint(film(seed).dialogues, fingerprint, made.soundtrack()).verdicts


def test_its_frames_are_those_of_the_film_in_the_dialogues_and_nowhere_else(brought):
    whole = TimingFingerprint.of(listen(editions.blocks(film().samples())))
    known = brought.fingerprint.known
    every = np.arange(len(known)) / 4
    inside = np.zeros(len(known), bool)
    for number in brought.files:
        span = film().dialogues[number].span
        inside |= (every >= span.start_ms / 1000) & (every < span.end_ms / 1000 + 0.1)
    assert not (known & ~inside).any()
    assert known.sum() > 0.7 * inside.sum()  # the rest are pauses and edges
    alike = np.unpackbits(brought.fingerprint.bits[known] ^ whole.bits[: len(known)][known])
    assert alike.mean() < 0.01  # edges of what was written with 16 bits
    assert brought.fingerprint.duration_s * 1000 == pytest.approx(end_ms(), abs=250)


@pytest.mark.parametrize("changes", [{}, {"rate": PAL, "logo_s": 7.0}, {"noise": 0.02}], ids=["own", "pal", "noise"])
def test_dialogues_are_placed_those_in_a_gap_with_a_bound_that_says_so(brought, changes):
    made = editions.edition(film(), **changes)
    verdicts = aligned(brought.fingerprint, made)
    assert all(isinstance(verdict, Placed) for verdict in verdicts.values())
    for dialogue in film().dialogues:
        verdict = verdicts[dialogue.id]
        error_ms = abs(verdict.start_s - made.place_s(dialogue.span)) * 1000
        assert error_ms <= min(verdict.error_ms, 5)
        assert 30 <= verdict.error_ms <= 60 if dialogue.number in UNHEARD else verdict.error_ms < 20


def test_a_dialogue_in_a_gap_is_refused_where_the_recording_is_cut_beside_it(brought):
    made = editions.edition(film(), removed=(5,))
    verdicts = aligned(brought.fingerprint, made)
    refused = {id_: verdict.reason for id_, verdict in verdicts.items() if not isinstance(verdict, Placed)}
    assert {id_.rpartition("_")[2]: reason.rule for id_, reason in refused.items()} == {
        "4": "too-little-evidence",
        "5": "absent",
    }
    assert "cut or longer near it" in refused[f"{MOVIE}_clip_4"].detail


def test_first_and_last_dialogue_in_gaps_are_refused(brought, tmp_path):
    last = len(film().dialogues) - 1
    files = {number: file for number, file in brought.files.items() if number not in (0, last)}
    fingerprint, _ = fingerprint_of_dialogues(sounds_of(files), end_ms())
    verdicts = aligned(fingerprint, editions.edition(film()))
    refused = {id_: verdict.reason for id_, verdict in verdicts.items() if not isinstance(verdict, Placed)}
    assert set(refused) == {f"{MOVIE}_clip_0", f"{MOVIE}_clip_{last}"}
    assert {reason.rule for reason in refused.values()} == {"too-little-evidence"}


def test_a_dub_and_another_film_are_refused(brought):
    for made in (editions.edition(film(), dub=True), editions.edition(film(2))):
        alignment = by_fingerprint(film().dialogues, brought.fingerprint, made.soundtrack())
        assert alignment.reason.rule in ("other-movie", "other-language")
        assert not any(isinstance(verdict, Placed) for verdict in alignment.verdicts.values())


def test_a_wrong_sound_is_refused_and_does_no_harm(brought):
    files = {**brought.files, 6: brought.files[3]}
    span = film().dialogues[6].span
    sounds = [one for one in sounds_of(files) if not one.dialogue.endswith("_6")]
    # As long as its dialogue, so that nothing but the film can tell.
    wrong = film().dialogues[3].span.duration_ms
    other = LaidSound(f"{MOVIE}_clip_6", Span(span.start_ms, span.start_ms + wrong), files[6])
    fingerprint, left_out = fingerprint_of_dialogues([*sounds, other], end_ms())
    assert not left_out
    made = editions.edition(film())
    verdicts = aligned(fingerprint, made)
    assert not isinstance(verdicts[f"{MOVIE}_clip_6"], Placed)
    for dialogue in film().dialogues:
        if dialogue.number in brought.files and dialogue.number not in (6, 7):
            assert abs(verdicts[dialogue.id].start_s - made.place_s(dialogue.span)) < 0.005


def test_a_voice_alone_places_dialogues_in_the_mix(tmp_path):
    voices = film().samples() - film().bed
    files = {}
    for dialogue in film().dialogues:
        span = slice(dialogue.span.start_ms * 8, (dialogue.span.end_ms + 100) * 8)
        files[dialogue.number] = disk.write_sound(tmp_path / f"{dialogue.number}.wav", voices[span])
    fingerprint, left_out = fingerprint_of_dialogues(sounds_of(files), end_ms())
    assert not left_out
    made = editions.edition(film(), rate=PAL)
    verdicts = aligned(fingerprint, made)
    placed = {id_: verdict for id_, verdict in verdicts.items() if isinstance(verdict, Placed)}
    assert len(placed) >= 0.9 * len(verdicts)
    for dialogue in film().dialogues:
        if dialogue.id in placed:
            error_ms = abs(placed[dialogue.id].start_s - made.place_s(dialogue.span)) * 1000
            assert error_ms <= placed[dialogue.id].error_ms


def test_of_overlapping_dialogues_the_earlier_is_heard(brought):
    (first, second) = sounds_of({number: brought.files[number] for number in (0, 1)})
    late = LaidSound(second.dialogue, Span(1000, 1000 + second.span.duration_ms), second.path)
    early = LaidSound(first.dialogue, Span(0, first.span.duration_ms), first.path)
    alone, _ = fingerprint_of_dialogues([early], 40_000)
    both, _ = fingerprint_of_dialogues([late, early], 40_000)
    assert np.array_equal(both.bits[alone.known], alone.bits[alone.known])
    assert both.known.sum() > alone.known.sum()
    assert both.to_bytes() == fingerprint_of_dialogues([early, late], 40_000)[0].to_bytes()


def test_sounds_that_cannot_be_used_are_left_out_with_the_reason(brought, tmp_path):
    good = sounds_of({0: brought.files[0]})[0]
    seconds = good.span.duration_ms // 1000 + 1
    rows = {
        "silent": (disk.write_sound(tmp_path / "silent.wav", np.zeros(seconds * RATE)), "it is silent"),
        "short": (disk.write_sound(tmp_path / "short.wav", np.ones(RATE) / 9), "it has 1.0 s of sound, but"),
        "long": (disk.write_sound(tmp_path / "long.wav", film().samples()), "it has more than"),
        "none": (tmp_path / "none.wav", "the file does not exist"),
        "text": (tmp_path / "text.wav", "this is not a film"),
    }
    rows["text"][0].write_text("this is no sound")
    sounds = [LaidSound(name, good.span, path) for name, (path, _) in rows.items()]
    beyond = LaidSound("beyond", Span(10**12, 10**12 + good.span.duration_ms), good.path)
    fingerprint, left_out = fingerprint_of_dialogues([good, *sounds, beyond], 10**12 + 60_000)
    assert set(left_out) == {*rows, "beyond"}
    for name, (_, words) in rows.items():
        assert words in left_out[name]
    assert fingerprint.known.any()
    assert TimingFingerprint.from_bytes(fingerprint.to_bytes()).gaps == fingerprint.gaps


def test_an_unnamed_recording_is_recognised(brought):
    strangers = {f"stranger {seed}": TimingFingerprint.of(editions.edition(film(seed)).soundtrack()) for seed in (2, 3)}
    index = ContentIndex({**strangers, "this": brought.fingerprint, "nothing": TimingFingerprint.of_parts([], 1000)})
    made = editions.edition(film(), rate=PAL, logo_s=7.0)
    assert [guess.movie for guess in index.identify([made.soundtrack()])] == ["this"]
    assert index.identify([editions.edition(film(4)).soundtrack()]) == []

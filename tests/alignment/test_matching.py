"""A movie's fingerprint against recordings of all kinds: placed where it is, or refused with the right reason."""

from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdia_dataset.alignment.by_fingerprint import matching
from mmdia_dataset.alignment.by_fingerprint.judging import judge
from mmdia_dataset.alignment.by_fingerprint.matching import by_fingerprint
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import TimingFingerprint
from mmdia_dataset.alignment.evidence import Placed
from mmdia_dataset.alignment.soundtrack import BANDS, FRAME_RATE, Soundtrack, listen
from mmdia_dataset.schema import Turn
from mmdia_dataset.timing import Span
from tests.support import editions
from tests.support.editions import PAL, RATE

LENGTH_MS = 270_000
EDGE_S = 0.3  # an edit so near to a dialogue's edge may lie in the pause there
LEAST_SHARE = 0.9  # other sound in place of a little, no longer and no shorter, moves nothing and may pass


@lru_cache
def film(seed=1):
    return editions.make_film(seed, LENGTH_MS / 60_000)


@lru_cache
def heard(seed=1, dub=False):
    return listen(editions.blocks(film(seed).samples(dub=dub)))


@lru_cache
def fingerprint(seed=1):
    return TimingFingerprint.of(heard(seed))


def align(soundtrack, seed=1, dialogues=None):
    return by_fingerprint(film(seed).dialogues if dialogues is None else dialogues, fingerprint(seed), soundtrack)


def rules(found):
    """The rules dialogues were refused by."""
    return {verdict.reason.rule for verdict in found.verdicts.values() if not isinstance(verdict, Placed)}


def placed(found):
    return {id_ for id_, verdict in found.verdicts.items() if isinstance(verdict, Placed)}


def assert_right(found, dialogues, where, worst_ms=5.0):
    """Each dialogue that is there is placed within its bound and `worst_ms`; each other one is refused.

    Args:
        found: the alignment.
        dialogues: those asked for.
        where: start in the recording [s] by id; None where it is absent or cut.
        worst_ms: the largest error.
    """
    assert set(found.verdicts) == {dialogue.id for dialogue in dialogues}
    for dialogue in dialogues:
        verdict, truth = found.verdicts[dialogue.id], where[dialogue.id]
        if truth is None:
            assert not isinstance(verdict, Placed), dialogue
            continue
        assert isinstance(verdict, Placed), (dialogue.id, verdict)
        assert abs(verdict.start_s - truth) * 1000 <= min(worst_ms, verdict.error_ms)
        assert 0 <= verdict.confidence <= 1
        assert_mapped(found, dialogue)


def assert_mapped(found, dialogue):
    """The time map says of a placed dialogue what its verdict says."""
    piece = found.time_map.piece_of(dialogue.span)
    assert piece is not None
    assert float(piece.recording_s(dialogue.span.start_ms)) == pytest.approx(
        found.verdicts[dialogue.id].start_s, abs=1e-4
    )


def assert_edition(edition, worst_ms=5.0, seed=1):
    dialogues = film(seed).dialogues
    where = {dialogue.id: edition.place_s(dialogue.span) for dialogue in dialogues}
    found = align(edition.soundtrack(), seed)
    assert_right(found, dialogues, where, worst_ms)
    return found


def without_pitch(soundtrack, rate):
    """A soundtrack played faster at the pitch it had: its frames are taken at other times."""
    places = np.arange(int(len(soundtrack.levels) / rate)) * rate
    floor = np.minimum(places.astype(int), len(soundtrack.levels) - 2)
    part = (places - floor)[:, None]
    levels = soundtrack.levels[floor] * (1 - part) + soundtrack.levels[floor + 1] * part
    return Soundtrack(np.rint(levels).astype(np.uint8), soundtrack.voice[floor])


def edited(soundtrack, edits):
    """Frames of a soundtrack with (at, removed, put in) applied, in order of time and apart from each other."""
    levels, voice, at = [], [], 0
    for start, removed, inserted in edits:
        levels += [soundtrack.levels[at:start], inserted.levels]
        voice += [soundtrack.voice[at:start], inserted.voice]
        at = start + removed
    return Soundtrack(
        np.concatenate([*levels, soundtrack.levels[at:]]), np.concatenate([*voice, soundtrack.voice[at:]])
    )


def part(soundtrack, start, count):
    return Soundtrack(soundtrack.levels[start : start + count], soundtrack.voice[start : start + count])


NOTHING = Soundtrack(np.zeros((0, BANDS), np.uint8), np.zeros(0, np.uint8))


# --- editions that have the movie ----------------------------------------------------------------------------------


def test_the_same_edition_fits_as_it_is():
    found = assert_edition(editions.edition(film()), worst_ms=1)
    assert found.tier == "fingerprint"
    assert [piece.rate for piece in found.time_map.pieces] == [1]
    assert found.reason is None
    assert found.confidence > 0.9
    assert found.error_ms is not None
    assert found.error_ms < 10


@pytest.mark.parametrize("logo_s", [0.123, 37.4])
def test_something_may_come_first(logo_s):
    assert_edition(editions.edition(film(), logo_s=logo_s), worst_ms=1)


def test_the_beginning_may_be_missing():
    first = film().dialogues[0].span
    gone = round(first.end_ms / 10) + 100
    dialogues = film().dialogues
    found = align(part(heard(), gone, len(heard().levels)))
    late = {one.id: one.span.start_ms / 1000 - gone / FRAME_RATE if one.span != first else None for one in dialogues}
    assert_right(found, dialogues, late, worst_ms=1)


@pytest.mark.parametrize(
    "rate", [PAL, 1 / PAL, Fraction(1001, 1000), Fraction(93, 100), Fraction(10005, 10000)], ids=str
)
def test_speed_is_found_exactly(rate):
    found = assert_edition(editions.edition(film(), rate=rate, logo_s=15))
    assert float(found.time_map.pieces[0].rate) == pytest.approx(float(rate), rel=2e-5)
    if rate in (PAL, 1 / PAL, Fraction(1001, 1000)):
        assert found.time_map.pieces[0].rate == rate


@pytest.mark.parametrize("rate", [float(PAL), 1.07, 0.95])
def test_speed_may_leave_the_pitch_alone(rate):
    dialogues = film().dialogues
    found = align(without_pitch(heard(), rate))
    assert_right(found, dialogues, {one.id: one.span.start_ms / 1000 / rate for one in dialogues}, worst_ms=10)


def test_scenes_may_be_missing_and_others_be_put_in():
    foreign = film(2).samples()[60 * RATE : 90 * RATE]
    lines = film().lines
    at = (lines[2][-1].end_s + lines[3][0].start_s) / 2
    later = (lines[-4][-1].end_s + lines[-3][0].start_s) / 2
    edition = editions.edition(film(), logo_s=8, removed=(4,), inserted={at: foreign, later: foreign[: 11 * RATE]})
    found = assert_edition(edition)
    assert len(found.time_map.pieces) == 4
    assert rules(found) == {"absent"}
    assert [one.id for one in film().dialogues if one.id not in placed(found)] == [film().dialogues[4].id]


def test_cuts_and_speed_together():
    foreign = film(2).samples()[60 * RATE : 85 * RATE]
    at = (film().lines[-2][-1].end_s + film().lines[-1][0].start_s) / 2
    assert_edition(editions.edition(film(), rate=PAL, logo_s=3, removed=(2,), inserted={at: foreign}))


def test_noise_widens_the_bound_and_moves_nothing():
    clean, edition = align(heard()), editions.edition(film(), noise=0.02, logo_s=5)
    noisy = align(edition.soundtrack())
    assert len(placed(noisy)) == len(film().dialogues)
    assert noisy.error_ms > clean.error_ms
    assert noisy.confidence <= clean.confidence
    there = [dialogue for dialogue in film().dialogues if dialogue.id in placed(noisy)]
    for dialogue in there:
        verdict = noisy.verdicts[dialogue.id]
        assert abs(verdict.start_s - edition.place_s(dialogue.span)) * 1000 <= min(20, verdict.error_ms)


# --- what is not there, or not whole --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["removed", "put in", "silence"])
@pytest.mark.parametrize("seconds", [0.5, 20])
def test_a_splice_inside_a_dialogue_is_refused(kind, seconds):
    dialogues = film().dialogues
    spliced = max(dialogues, key=lambda one: one.span.duration_ms)
    count = round(seconds * FRAME_RATE)
    middle = (spliced.span.start_ms + spliced.span.end_ms) // 20
    if kind == "removed":
        soundtrack = edited(heard(), [(middle, count, NOTHING)])
    else:
        put_in = part(heard(2), 5000, count) if kind == "put in" else Soundtrack(*silence(count))
        soundtrack = edited(heard(), [(middle, 0, put_in)])
    found = align(soundtrack)
    verdict = found.verdicts[spliced.id]
    assert not isinstance(verdict, Placed)
    assert verdict.reason.rule == "splice"
    shift = (-1 if kind == "removed" else 1) * count / FRAME_RATE
    for one in dialogues:
        whole = one.span.start_ms / 10 > middle + (count if kind == "removed" else 0)
        if one.span.end_ms / 10 < middle or whole:
            expected = one.span.start_ms / 1000 + (shift if whole else 0)
            assert isinstance(found.verdicts[one.id], Placed), one.id
            assert found.verdicts[one.id].start_s == pytest.approx(expected, abs=0.002)


def silence(count):
    return np.full((count, BANDS), 20, np.uint8), np.zeros(count, np.uint8)


def test_another_film_is_refused_as_a_whole():
    found = align(heard(2))
    assert not placed(found)
    assert found.reason is not None
    assert found.reason.rule == "other-movie"
    assert rules(found) == {"other-movie"}
    assert found.time_map.pieces == ()


def test_a_dub_over_the_same_music_is_named_as_one():
    found = align(heard(dub=True))
    assert not placed(found)
    assert found.reason is not None
    assert found.reason.rule == "other-language"


def test_a_scene_spoken_by_others_is_refused_alone():
    dialogues = film().dialogues
    one = dialogues[4]
    start, end = one.span.start_ms // 10 - 50, one.span.end_ms // 10 + 50
    found = align(edited(heard(), [(start, end - start, part(heard(dub=True), start, end - start))]))
    assert_right(found, dialogues, {d.id: None if d is one else d.span.start_ms / 1000 for d in dialogues}, worst_ms=2)


def test_silence_says_nothing():
    found = align(listen(np.zeros(RATE * 10, np.float32) for _ in range(20)))
    assert not placed(found)
    assert found.reason is not None
    assert found.reason.rule in ("too-little-evidence", "other-movie")


def test_steady_noise_is_no_movie():
    random = np.random.default_rng(0)
    found = align(listen(0.1 * random.standard_normal(RATE * 10).astype(np.float32) for _ in range(6)))
    assert not placed(found)


@pytest.mark.parametrize("frames", [0, 1, 2, 99, 500])
def test_a_recording_of_a_moment_is_refused(frames):
    found = align(part(heard(), 3000, frames))
    assert not placed(found)
    assert found.reason is not None


def test_a_recording_of_one_dialogue_is_refused_or_right():
    one = film().dialogues[3]
    start = one.span.start_ms // 10 - 300
    found = align(part(heard(), start, one.span.duration_ms // 10 + 600))
    for id_ in placed(found):
        assert id_ == one.id
        assert found.verdicts[id_].start_s == pytest.approx(one.span.start_ms / 1000 - start / FRAME_RATE, abs=0.005)


# --- each rule of a verdict by itself -----------------------------------------------------------------------------


def refusal_of(found, dialogue):
    verdict = found.verdicts[dialogue.id]
    assert placed(found) == {one.id for one in film().dialogues} - {dialogue.id}
    return verdict.reason


def test_cues_in_another_voice_are_said_to_be_that():
    """What lies between and around the cues is the movie's, and something of its voices is heard."""
    spoken = film().dialogues[4]
    mine, others = film().samples().copy(), film().samples(dub=True)
    for turn in spoken.turns:
        cue = slice(turn.span.start_ms * RATE // 1000, turn.span.end_ms * RATE // 1000)
        mine[cue] = 0.3 * mine[cue] + 0.7 * others[cue]
    assert refusal_of(align(listen(editions.blocks(mine))), spoken).rule == "other-language"


def test_halves_that_lie_apart_are_a_splice_however_short():
    """30 ms are gone from the middle of a dialogue, which are too few for a piece of their own."""
    spoken = film().dialogues[4]
    middle = (spoken.span.start_ms + spoken.span.end_ms) // 20
    reason = refusal_of(align(edited(heard(), [(middle, 3, NOTHING)])), spoken)
    assert reason.rule == "splice"
    assert "29 ms" in reason.detail


@pytest.mark.parametrize("frames", [2, 3])
def test_a_dialogue_beside_its_place_is_refused(frames):
    """All of it comes later than its piece says, by too little for a piece of its own."""
    spoken = film().dialogues[4]
    start, end = spoken.span.start_ms // 10 - 30, spoken.span.end_ms // 10 + 30
    moved_on = edited(heard(), [(start, 0, part(heard(), start - 100, frames)), (end, frames, NOTHING)])
    reason = refusal_of(align(moved_on), spoken)
    assert reason.rule == "absent"
    assert f"{10 * frames} ms" in reason.detail


def test_a_bound_holds_three_standard_errors_of_its_piece(monkeypatch):
    asked = []

    def kept(*arguments):
        asked.append(arguments)
        return judge(*arguments)

    monkeypatch.setattr(matching, "judge", kept)
    align(heard())
    *known, errors_s = asked[0]
    exact, _ = judge(*known, errors_s)
    doubtful, _ = judge(*known, [error_s + 0.004 for error_s in errors_s])
    for id_, verdict in exact.items():
        assert doubtful[id_].error_ms - verdict.error_ms == pytest.approx(3 * 4)


# --- dialogues as releases have them --------------------------------------------------------------------------------


def moved(dialogue, id_, start_ms, end_ms, turns=()):
    return dialogue.model_copy(update={"id": id_, "span": Span(start_ms, end_ms), "turns": turns})


def test_no_dialogues_are_no_evidence():
    found = align(heard(), dialogues=())
    assert found.verdicts == {}
    assert found.reason is not None


def test_an_empty_fingerprint_is_no_evidence():
    empty = TimingFingerprint(np.zeros(0, np.uint8))
    found = by_fingerprint(film().dialogues, empty, heard())
    assert not placed(found)
    assert found.reason is not None
    assert found.reason.rule == "too-little-evidence"


@pytest.mark.parametrize(
    ("start_ms", "end_ms"),
    [
        (LENGTH_MS + 1000, LENGTH_MS + 20_000),  # beyond the reference's end
        (LENGTH_MS - 4000, LENGTH_MS + 8000),  # half beyond it
        (900 * 3_600_000, 900 * 3_600_000 + 10_000),
        (70_000, 70_000),  # empty
        (70_000, 60_000),  # ends before it starts
    ],
)
def test_dialogues_that_can_not_be_are_refused_and_spoil_no_other(start_ms, end_ms):
    dialogues = film().dialogues
    turn = Turn(speaker=0, span=Span(start_ms, end_ms), text="Where?", cue=1)
    odd = moved(dialogues[0], "odd", start_ms, end_ms, (turn,))
    silent = moved(dialogues[0], "silent", start_ms, end_ms)
    found = align(heard(), dialogues=(*dialogues, odd, silent))
    where = {one.id: one.span.start_ms / 1000 for one in dialogues}
    assert_right(found, (*dialogues, odd, silent), {**where, "odd": None, "silent": None}, worst_ms=1)


def test_dialogues_may_overlap():
    """Spans that cross, also at the two edges of a removed scene, still give pieces that follow each other."""
    dialogues = film().dialogues
    gone = dialogues[5].span
    soundtrack = edited(heard(), [(gone.start_ms // 10, gone.duration_ms // 10, NOTHING)])
    for reach in (-600, 600):
        before = moved(dialogues[4], "before", dialogues[4].span.start_ms, gone.start_ms + reach, dialogues[4].turns)
        after = moved(dialogues[6], "after", gone.end_ms - reach, dialogues[6].span.end_ms, dialogues[6].turns)
        found = align(soundtrack, dialogues=(*dialogues[:5], before, dialogues[5], after, *dialogues[6:]))
        assert {dialogues[0].id, dialogues[-1].id} <= placed(found)
        assert dialogues[5].id not in placed(found)


# --- any edits at all -----------------------------------------------------------------------------------------------

EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),  # where
        st.floats(0.3, 40),  # how long [s]
        st.sampled_from(["removed", "put in", "replaced"]),
    ),
    max_size=3,
)


def applied(soundtrack, edits):
    """A soundtrack with edits, and the stretches of it that are left: (from, to, shift), in its frames."""
    last = len(soundtrack.levels)
    steps, pieces, at, shift = [], [], 0, 0
    for where, seconds, kind in sorted(edits):
        start, count = max(at, int(where * last)), int(seconds * FRAME_RATE)
        removed = 0 if kind == "put in" else min(count, last - start)
        inserted = NOTHING if kind == "removed" else part(heard(2), 2000, count)
        pieces.append((at, start, shift))
        steps.append((start, removed, inserted))
        shift += len(inserted.levels) - removed
        at = start + removed
    return edited(soundtrack, steps), [*pieces, (at, last, shift)]


@settings(max_examples=8, deadline=None, derandomize=True)  # each takes seconds; more of them when working on it
@given(EDITS, st.sampled_from([1.0, float(PAL)]))
def test_whatever_was_edited_a_placed_dialogue_is_within_its_bound(edits, rate):
    soundtrack, pieces = applied(heard(), edits)
    if rate != 1:
        soundtrack = without_pitch(soundtrack, rate)
    found = align(soundtrack)
    for one in film().dialogues:
        verdict = found.verdicts[one.id]
        if not isinstance(verdict, Placed):
            continue
        assert_mapped(found, one)
        start, end = one.span.start_ms / 10, one.span.end_ms / 10
        early, late = start + EDGE_S * FRAME_RATE, end - EDGE_S * FRAME_RATE
        for before, after in pairwise(pieces):
            spliced = before[2] != after[2] and before[1] < late and after[0] > early
            assert not spliced, f"{one.id} was placed although a splice runs through it"
        inside = [piece for piece in pieces if piece[0] < late and piece[1] > early]
        heard_of_it = sum(min(end, last) - max(start, first) for first, last, _ in inside)
        assert heard_of_it >= LEAST_SHARE * (end - start), f"{one.id} was placed although it is not there"
        assert abs(verdict.start_s * 1000 - (start + inside[0][2]) * 10 / rate) <= verdict.error_ms


def test_the_title_music_that_episodes_share_makes_none_a_dub_of_the_other():
    """A stretch of one film's sound at the beginning and the end of another."""
    mine, other = heard(), heard(2)
    theme = slice(0, 30 * FRAME_RATE)
    levels, voice = other.levels.copy(), other.voice.copy()
    for at in (0, len(levels) - 30 * FRAME_RATE):
        levels[at : at + 30 * FRAME_RATE] = mine.levels[theme]
        voice[at : at + 30 * FRAME_RATE] = mine.voice[theme]
    found = align(Soundtrack(levels, voice))
    assert not placed(found)
    assert found.reason is not None
    assert found.reason.rule == "other-movie"


@pytest.mark.parametrize("other", [None, 2])
def test_a_stretch_in_the_middle_of_a_dialogue_that_another_film_speaks_or_nobody_is_noticed(other):
    """As long as what it stands for, so that everything else keeps its place."""
    dialogues = film().dialogues
    one = dialogues[4]
    middle = (one.span.start_ms + one.span.end_ms) // 20
    levels, voice = heard().levels.copy(), heard().voice.copy()
    foreign = slice(60 * FRAME_RATE, 65 * FRAME_RATE)
    levels[middle - 250 : middle + 250] = heard(other).levels[foreign] if other else 0
    voice[middle - 250 : middle + 250] = heard(other).voice[foreign] if other else 0
    found = align(Soundtrack(levels, voice))
    assert found.verdicts[one.id].reason.rule == "splice"
    assert placed(found) == {dialogue.id for dialogue in dialogues} - {one.id}

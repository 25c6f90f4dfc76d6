"""What tasks see of a dialogue: merged turns, transcripts, prompts, dropping, reference voices."""

import hashlib
import itertools
import string
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmdia_dataset.errors import ConfigError
from mmdia_dataset.schema import (
    AffectiveTriplet,
    Clip,
    Evidence,
    InteractionMode,
    Keyframe,
    MadeLine,
    Media,
    NonVerbal,
    Place,
    RecordingInfo,
    Relationship,
    Span,
    Speaker,
    Turn,
)
from mmdia_dataset.views import (
    TASKS,
    TEMPLATES,
    ClipTime,
    TaskOptions,
    Voices,
    controls_of,
    draw,
    lacking,
    merged_turns,
    prompt,
    task_row,
    transcript,
)

TRIPLET = AffectiveTriplet(
    relationship=Relationship(text="two siblings", label="Family"),
    interaction=InteractionMode(text=None, label="Conflict"),
    tone="cold anger",
)


def turn(speaker, text, start=0, end=1000, cue=1, sounds=()):
    nonverbal = tuple(NonVerbal(sound=sound, offset=offset, speaker=speaker) for sound, offset in sounds)
    return Turn(speaker=speaker, text=text, span=Span(start, end), cue=cue, nonverbal=nonverbal)


def clip(*turns, number=0, names=("Anna", "Ben"), start=0, end=20_000, audio=True, **others):
    id_ = f"tt0000001_clip_{number}"
    return Clip(
        id=id_,
        movie="tt0000001",
        batch=None,
        number=number,
        timeline="movie",
        span=Span(start, end),
        speakers=tuple(Speaker(id=n, name=name, named=name != "Man") for n, name in enumerate(names)),
        turns=turns,
        audio=Media(path=f"clips/{id_}.wav") if audio else None,
        **others,
    )


def test_a_transcript_numbers_speakers_as_they_speak_and_merges_their_turns():
    one = clip(
        turn(1, "Hello?", sounds=[("phone rings", 6)]),
        turn(1, "Who is it?", cue=2),
        turn(0, "Me.", cue=3, sounds=[("laughs", 0)]),
        turn(None, "Quiet!", cue=4),
        turn(1, "", cue=5, sounds=[("sighs", 0)]),
    )
    words = "[S1] Hello? <phone rings> Who is it? [S2] <laughs> Me. [S?] Quiet!"
    assert transcript(one) == f"{words} [S1] <sighs>"
    assert transcript(one, "drop") == "[S1] Hello? Who is it? [S2] Me. [S?] Quiet!"
    assert [(m.speaker, m.cues) for m in merged_turns(one.turns)] == [(1, (1, 2)), (0, (3,)), (None, (4,)), (1, (5,))]


def test_turns_of_nobody_known_stay_apart():
    assert [m.cues for m in merged_turns([turn(None, "a"), turn(None, "b", cue=2)])] == [(1,), (2,)]


texts = st.text("ab .!", max_size=8).map(str.strip)
turns = st.lists(
    st.builds(turn, st.none() | st.integers(0, 2), texts, cue=st.integers(0, 3), sounds=st.just([("laughs", 0)])),
    max_size=8,
)


@given(turns)
def test_merging_loses_no_turn_and_no_word(given_turns):
    merged = list(merged_turns(given_turns))
    assert [turn for m in merged for turn in m.turns] == given_turns
    assert all(a.speaker != b.speaker or a.speaker is None for a, b in itertools.pairwise(merged))
    said = transcript(clip(*given_turns, names=("A", "B", "C")), "drop")
    words = [word for word in said.split() if not word.startswith("[S")]
    assert words == [word for t in given_turns for word in t.text.split()]
    assert transcript(clip(*given_turns, names=("A", "B", "C"))).count("<laughs>") == len(given_turns)


# --- prompts ----------------------------------------------------------------------------------------------------------


def test_controls_are_the_free_words_else_the_label():
    assert controls_of(TRIPLET, " Slowly. ") == {
        "relationship": "two siblings",
        "interaction": "Conflict",
        "tone": "cold anger",
        "description": "Slowly.",
    }
    assert controls_of(None, "  ") == {}


@given(st.sets(st.sampled_from(["relationship", "interaction", "tone", "description"]), min_size=1), st.integers())
def test_a_prompt_says_all_there_is_whatever_there_is(names, seed):
    controls = {name: f"<{name}>" for name in names}
    said = prompt(controls, "a_clip_0", seed=seed)
    assert all(text in said for text in controls.values())
    assert said == prompt(controls, "a_clip_0", seed=seed)


def test_templates_are_chosen_by_seed_and_id():
    controls = controls_of(TRIPLET, None)
    said = {prompt(controls, f"a_clip_{n}", seed=3) for n in range(50)}
    usable = {
        t.format(**controls)
        for t in TEMPLATES
        if {f for _, f, _, _ in string.Formatter().parse(t) if f} == set(controls)
    }
    assert said == usable
    assert len(usable) == 3


def test_templates_of_the_users_own():
    controls = controls_of(TRIPLET, None)
    assert prompt(controls, "x", templates=["Say it with {tone}."]) == "Say it with cold anger."
    assert prompt(controls, "x", templates=["{description}"]) is None
    with pytest.raises(ConfigError, match=r"known fields are \{relationship\}"):
        TaskOptions(templates=["{tone.__class__}"])
    for wrong in (["{mood}"], ["{tone!r}"], ["{tone:>99999}"], ["no field"], ["{"], "{tone}", []):
        with pytest.raises(ConfigError):
            TaskOptions(templates=wrong)


def test_braces_in_an_annotation_are_words():
    assert prompt({"tone": "{description} {0}"}, "x", templates=["{tone}"]) == "{description} {0}"


def test_options_are_checked():
    for wrong in ({"control": "x"}, {"sounds": "x"}, {"drop": 1.5}, {"drop": True}, {"seed": 1.0}, {"speed": 1}):
        with pytest.raises(ConfigError, match=r"known|share|whole|options"):
            TaskOptions.taken_from(wrong)


# --- dropping ---------------------------------------------------------------------------------------------------------


def rows(drop, seed=0, count=2000, **options):
    task = TASKS["style_speech"]
    asked = TaskOptions(drop=drop, seed=seed, **options)
    for number in range(count):
        one = clip(turn(0, "Hi."), number=number, triplet=TRIPLET, description="Slowly.")
        yield task_row(task, asked, one, ClipTime.of(one, None), Voices())


def test_controls_are_dropped_at_the_rate_asked_and_the_same_ones_whatever_else_is_there():
    dropped = {row.id for row in rows(0.1) if row.dropped}
    assert 150 < len(dropped) < 250
    assert dropped < {row.id for row in rows(0.2) if row.dropped}
    assert dropped != {row.id for row in rows(0.1, seed=1) if row.dropped}
    assert {row.id for row in rows(0.1, count=100) if row.dropped} == {
        i for i in dropped if int(i.split("_")[-1]) < 100
    }
    assert not any(row.dropped for row in rows(0.0, count=50))
    assert all(row.dropped for row in rows(1.0, count=50))


def test_a_dropped_row_holds_no_control():
    for row in rows(0.5, count=50):
        assert (row.prompt is None) == (row.triplet is None) == (row.description is None) == row.dropped
        assert row.transcript == "[S1] Hi."


def test_the_control_asked_for_is_the_only_one():
    [row] = rows(0, count=1, control="triplet")
    assert (row.triplet, row.description) == (TRIPLET, None)
    assert "Slowly" not in row.prompt
    [row] = rows(0, count=1, control="description")
    assert (row.triplet, row.description) == (None, "Slowly.")


def test_key_frames_are_dropped_too_and_belong_to_merged_turns():
    pictures = tuple(Keyframe(image=Media(path=f"{n}.jpg"), time_ms=10_000 + n * 900, turn=n) for n in (0, 1, 2))
    turns = (turn(0, "a", 10_000, 11_000), turn(0, "b", 11_000, 12_000, 2), turn(1, "c", 12_000, 13_000, 3))
    one = clip(*turns, start=10_000, end=13_000, keyframes=pictures)
    task = TASKS["vision_speech"]
    kept, dropped = (task_row(task, TaskOptions(drop=d), one, ClipTime.of(one, None), Voices()) for d in (0.0, 1.0))
    assert [(k.image.path, k.time_ms, k.turn) for k in kept.keyframes] == [
        ("0.jpg", 0, 0),
        ("1.jpg", 900, 0),
        ("2.jpg", 1800, 1),
    ]
    assert (kept.dropped, dropped.dropped, dropped.keyframes) == (False, True, ())


def test_draws_are_what_the_docs_say_and_never_change():
    whole = int(hashlib.sha256(b"7\0drop\0tt1_clip_2").hexdigest(), 16)
    assert draw(7, "drop", "tt1_clip_2") == (whole >> 203) / 2**53


def test_what_is_lacking_is_said():
    task, options = TASKS["style_speech"], TaskOptions()
    assert lacking(task, options, clip(turn(0, "Hi."), audio=False)) == "no audio"
    assert lacking(task, options, clip(turn(0, "", sounds=[("laughs", 0)]))) == "no words"
    assert lacking(task, options, clip(turn(0, "Hi."))) == "no control"
    assert lacking(task, TaskOptions(control="triplet"), clip(turn(0, "Hi."), description="x")) == "no control"
    assert lacking(task, options, clip(turn(0, "Hi."), description="x")) is None
    assert lacking(TASKS["vision_speech"], options, clip(turn(0, "Hi."))) == "no keyframes"
    assert lacking(TASKS["speech_video"], options, clip(turn(0, "Hi."), description="x")) == "no video"


# --- reference voices -------------------------------------------------------------------------------------------------


def voices_of(*clips):
    voices = Voices()
    for one in clips:
        voices.add(one, ClipTime.of(one, None))
    return voices


def test_a_reference_is_of_the_same_speaker_in_another_dialogue():
    target = clip(turn(0, "Hi.", 0, 5000), turn(1, "No.", 5000, 9000), number=0, end=10_000)
    other = clip(
        turn(0, "Ben here.", 30_000, 34_000),
        turn(1, "Anna here.", 35_000, 38_000),
        number=1, names=("Ben", "Anna"), start=30_000, end=40_000,
    )  # fmt: skip
    voices = voices_of(target, other)
    found = voices.reference(target, "Anna")
    assert (found.dialogue, found.text, found.span) == (other.id, "Anna here.", Span(5000, 8000))
    assert found.audio.path == other.audio.path
    assert voices_of(target).reference(target, "Anna") is None
    assert voices.reference(target, "Eve") is None


def test_no_reference_holds_a_part_of_the_target():
    target = clip(turn(0, "Hi.", 0, 5000), number=0, end=10_000)
    over = clip(turn(0, "Hi.", 0, 5000), turn(0, "More.", 12_000, 15_000), number=1, start=0, end=16_000)
    assert voices_of(target, over).reference(target, "Anna") is None


def test_no_reference_where_two_speak_at_once_or_too_short_or_without_a_name():
    target = clip(turn(0, "Hi.", 0, 5000), number=0, end=10_000)
    both = clip(
        turn(0, "Yes.", 30_000, 34_000), turn(1, "No.", 33_000, 36_000), number=1, start=30_000, end=40_000
    )  # fmt: skip
    short = clip(turn(0, "Hm.", 50_000, 50_900), number=2, start=50_000, end=51_000)
    man = clip(turn(0, "I am another.", 60_000, 64_000), number=3, start=60_000, end=64_000, names=("Man",))
    voices = voices_of(target, both, short, man)
    assert voices.reference(target, "Anna") is None
    assert voices.reference(target, "Man") is None


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20), st.integers(0, 1)), min_size=2, max_size=8),
    st.integers(0, 9),
)
def test_references_stay_outside_the_target_and_inside_their_clip(places, seed):
    clips = [
        clip(turn(who, "Words.", s * 1000, (s + d) * 1000), number=n, start=s * 1000, end=(s + d) * 1000)
        for n, (s, d, who) in enumerate(places)
    ]
    voices = voices_of(*clips)
    for target in clips:
        for name in ("Anna", "Ben"):
            found = voices.reference(target, name, seed)
            if found is not None:
                other = clips[int(found.dialogue.rsplit("_", 1)[1])]
                assert other.id != target.id
                assert other.span.end_ms <= target.span.start_ms or target.span.end_ms <= other.span.start_ms
                assert 0 <= found.span.start_ms < found.span.end_ms <= other.span.duration_ms
                assert other.speakers[other.turns[0].speaker].name == name


# --- time -------------------------------------------------------------------------------------------------------------


def test_times_in_a_clip_follow_the_recordings_speed_and_the_clips_first_frame():
    one = clip(turn(0, "Hi.", 10_000, 12_000), start=10_000, end=20_000)
    line = MadeLine(
        id=one.id, movie=one.movie, splits=("train",), mode="audio", span=one.span, status="made", settings={},
        file=one.audio.path, sha256="0" * 64, size=1,
        recording=RecordingInfo(name="f", fingerprint="sha256:" + "0" * 64), rate="25025/24000", offset_ms=15015.0,
        at=Place(start_s=24.02, end_s=33.6), frames=None, samples=1, evidence=Evidence(tier="given"),
    )  # fmt: skip
    time = ClipTime.of(one, line)
    start = (10_000 + Fraction(15015)) / Fraction(25025, 24000) - 24_020
    assert time.span(Span(10_000, 12_000)) == Span(max(0, round(start)), round(start + 2000 / Fraction(25025, 24000)))
    assert time.span(Span(0, 99_000)) == Span(0, 9580)
    assert ClipTime.of(one, None).span(Span(11_000, 99_000)) == Span(1000, 10_000)

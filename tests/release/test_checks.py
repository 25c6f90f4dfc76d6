import json

import pytest

from mmdia_dataset.release.checks import RULES, Checker
from mmdia_dataset.schema import Dialogue, Splits
from mmdia_dataset.statistics import Statistics
from tests.support.dialogues import dialogue


def rules_of(*dialogues, splits=None):
    checker = Checker(splits, "splits.json")
    issues = [issue for d in dialogues for issue in checker.check(d, file="a.json", path="$.clips[0]")]
    return [(issue.rule, issue.path) for issue in [*issues, *checker.finish()]]


def test_a_good_dialogue_breaks_no_rule():
    assert rules_of(dialogue()) == []


ONE = "$.clips[0]"
SPEAKER = {"id": 0, "name": "Anna", "named": True}
SOUND = {"sound": "sigh", "offset": 99, "speaker": 7}
CASES = {
    "ends-before-start": (dialogue(turns=[(0, 500, 400, "a"), (1, 1000, 2000, "b")]), f"{ONE}.turns[0]"),
    "empty-span": (dialogue(turns=[(0, 500, 500, "a"), (1, 1000, 2000, "b")]), f"{ONE}.turns[0]"),
    "turn-outside-dialogue": (dialogue(turns=[(0, 0, 500, "a"), (1, 1000, 2001, "b")]), f"{ONE}.turns[1]"),
    "out-of-order": (dialogue(turns=[(0, 1000, 1500, "a"), (1, 0, 900, "b")]), f"{ONE}.turns[1]"),
    "overlap": (dialogue(turns=[(0, 0, 1500, "a"), (1, 1000, 1900, "b")]), f"{ONE}.turns[1]"),
    "very-short": (dialogue(turns=[(0, 0, 200, "a"), (1, 1000, 1900, "b")]), f"{ONE}.turns[0]"),
    "very-long": (
        dialogue(turns=[(0, 0, 60_001, "a"), (1, 60_100, 61_000, "b")], span={"start_ms": 0, "end_ms": 61_000}),
        f"{ONE}.turns[0]",
    ),
    "no-turns": (dialogue(turns=[], speakers=[]), ONE),
    "unknown-speaker": (
        dialogue(turns=[(0, 0, 900, "a"), (2, 1000, 1900, "b"), (1, 1950, 2000, "c")]),
        f"{ONE}.turns[1]",
    ),
    "speaker-ids": (dialogue(speakers=[SPEAKER, {**SPEAKER, "name": "Eve"}]), ONE),
    "duplicate-speaker": (dialogue(speakers=[SPEAKER, {**SPEAKER, "id": 1}]), ONE),
    "silent-speaker": (dialogue(turns=[(0, 0, 900, "a")]), ONE),
    "id-form": (dialogue(id="other"), ONE),
}


@pytest.mark.parametrize("rule", CASES)
def test_each_rule_finds_its_fault_at_its_place(rule):
    case, path = CASES[rule]
    assert (rule, path) in rules_of(case)


def test_a_sound_outside_its_text_and_of_nobody():
    base = json.loads(dialogue().model_dump_json())
    base["turns"][0]["nonverbal"] = [SOUND]
    found = rules_of(Dialogue.model_validate_json(json.dumps(base)))
    assert found == [("sound-outside-text", f"{ONE}.turns[0]"), ("unknown-speaker", f"{ONE}.turns[0]")]


def test_turns_of_one_cue_share_its_span():
    base = json.loads(dialogue(turns=[(0, 0, 2000, "a"), (1, 0, 2000, "b")]).model_dump_json())
    base["turns"][1]["cue"] = 0
    assert rules_of(Dialogue.model_validate_json(json.dumps(base))) == []


def test_ids_are_unique_over_the_release():
    assert rules_of(dialogue(), dialogue()) == [("duplicate-id", ONE)]


def test_rules_over_splits():
    a, b, c = (dialogue(n) for n in range(3))
    splits = Splits(train=(a.id, "gone_clip_1"), validation=(a.id,), test=(b.id, b.id), hard=(b.id,))
    assert sorted(rules_of(a, b, c, splits=splits)) == [
        ("dialogue-without-split", ONE),
        ("id-in-two-splits", "$.test"),
        ("id-in-two-splits", "$.validation"),
        ("movie-in-two-splits", "$.validation"),
        ("split-without-dialogue", "$.train"),
    ]


def test_without_splits_nothing_is_said_of_them():
    assert rules_of(dialogue(0), dialogue(1)) == []


def test_every_rule_is_shown_by_a_test():
    shown = {*CASES, "sound-outside-text", "duplicate-id", "split-without-dialogue", "dialogue-without-split"}
    assert shown | {"id-in-two-splits", "movie-in-two-splits"} == set(RULES)


def test_statistics_are_those_of_a_naive_count():
    dialogues = [dialogue(0, intensity=7), dialogue(1, intensity=4, volatility=2), dialogue(0, movie="tt0000002")]
    statistics = Statistics()
    for each in dialogues:
        statistics.add(each)
    figures = statistics.figures
    assert (figures.movies, figures.dialogues, figures.turns, figures.words) == (2, 3, 6, 6)
    assert figures.hours == pytest.approx(6 / 3600)
    assert (figures.speakers_per_dialogue, figures.turns_per_dialogue) == (2, 2)
    assert (figures.intensity, figures.volatility) == (5.5, 2)


def test_statistics_of_nothing():
    assert Statistics().figures.intensity is None

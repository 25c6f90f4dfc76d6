"""Reading and writing entries loses nothing, whatever they hold; and what is written is what the fields say."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mmdia_dataset.release import RULES, WRITERS, open_release, srt
from mmdia_dataset.release.drafts import drafts_to_table
from mmdia_dataset.release.identity import Home
from mmdia_dataset.release.movie_files import ENTRY_READERS
from mmdia_dataset.release.residue import apply, checksum, diff, same
from mmdia_dataset.release.rules import EntryError, Notes
from mmdia_dataset.release.transcript import Cast, TextPart, parse_line, render_line
from mmdia_dataset.schema import Dialogue, arrow
from tests.support.releases import ENTRIES, clip, write_release

HOME = Home("tt1234567", "movie_4")
QUICK = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def read(dialect, entry):
    notes = Notes()
    dialogue, places = ENTRY_READERS[dialect][0](entry, HOME, notes)
    return dialogue, places, notes.issues("f.json", "$")


def line(annotation, **more):
    times = {"abs_start_time": "00:00:50,260", "abs_end_time": "00:00:52,550"}
    times |= {"relative_start": "00:00:00,000", "relative_end": "00:00:02,290"}
    return {"index": 5, **times, "text": "?", "character_annotation": annotation, **more}


def entry(*lines, **more):
    return {"clip_id": 12, "speaker": ["Anna", "Man", "Anna's mother"], "srt": list(lines), **more}


@pytest.mark.parametrize("dialect", sorted(ENTRIES))
@QUICK
@given(data=st.data())
def test_read_then_written_is_equal(dialect, data):
    raw = data.draw(ENTRIES[dialect])
    before = copy.deepcopy(raw)
    try:
        dialogue, places, issues = read(dialect, raw)
    except (EntryError, ValidationError):
        return
    assert raw == before
    assert same(WRITERS[dialect](dialogue), raw)
    stored = Dialogue.model_validate(json.loads(json.dumps(dialogue.model_dump())))
    assert same(WRITERS[dialect](stored), raw)
    assert all(issue.rule in RULES for issue in issues)
    if places is not None:
        assert len(places) == len(dialogue.turns)
    again, _, _ = read(dialect, WRITERS[dialect](dialogue))
    bare = {"extra": {}}  # the order of keys, and so of operations, is not kept
    assert again.model_copy(update=bare) == dialogue.model_copy(update=bare)


@QUICK
@given(ENTRIES["srt"])
def test_the_quick_residue_is_the_full_one(raw):
    try:
        dialogue, _, _ = read("srt", raw)
    except (EntryError, ValidationError):
        return
    full = diff(srt.render(dialogue), raw, aliases=srt._ALIASES)
    key = lambda op: json.dumps(op)  # noqa: E731
    assert sorted(dialogue.extra.get("srt", []), key=key) == sorted(full, key=key)


@QUICK
@given(st.lists(ENTRIES["srt"], max_size=4), st.sampled_from(["tt1234567", "a/b", "x" * 199]))
def test_columns_of_drafts_are_those_of_their_dialogues(raws, movie):
    drafts, dialogues = [], []
    for raw in raws:
        try:
            drafts.append(srt.take_apart(raw, Home(movie, "movie_4"), Notes()))
            dialogues.append(drafts[-1].dialogue())
        except EntryError:
            continue
        except ValidationError:
            dialogues.append(None)
    if None not in dialogues:
        table = drafts_to_table(drafts)
        assert table.equals(arrow.to_table(dialogues, Dialogue), check_metadata=True)
        assert arrow.holds(table, Dialogue)
    elif len(drafts) == len(dialogues):
        assert not arrow.holds(drafts_to_table(drafts), Dialogue)


def test_plausible_entries_have_little_residue():
    import random

    rng = random.Random(1)
    for number in range(50):
        raw = clip(rng, number, 5, 60_000, 8)
        dialogue, _, issues = read("srt", raw)
        assert issues == ()
        assert same(WRITERS["srt"](dialogue), raw)
        assert all(op[0] == "/source" or "/text" in op[0] for op in dialogue.extra["srt"])


def test_an_edited_field_wins_over_its_residue():
    raw = entry(line("Anna: Hello?", text="<i>Hello?</i>", foo=[1]), bar=True, speakers=["x"])
    dialogue, _, _ = read("srt", raw)
    turn = dialogue.turns[0].model_copy(update={"text": "Bye."})
    written = WRITERS["srt"](dialogue.model_copy(update={"turns": (turn,)}))
    assert written["srt"][0]["text"] == "Bye."
    assert written["srt"][0]["character_annotation"] == "Anna: Bye."
    assert written["srt"][0]["foo"] == [1]
    assert written["bar"] is True


def test_another_spelling_of_an_edited_field_goes():
    times = {"start_time": 50.26, "end_time": "00:00:52.550", "index": "5"}
    raw = entry({**times, "text": "Hi", "character_annotation": "Anna: Hi"})
    dialogue, _, _ = read("srt", raw)
    assert same(WRITERS["srt"](dialogue), raw)
    moved = dialogue.turns[0].model_copy(update={"span": type(dialogue.span)(51_000, 52_550)})
    written = WRITERS["srt"](dialogue.model_copy(update={"turns": (moved,), "span": moved.span}))["srt"][0]
    assert "start_time" not in written
    assert written["abs_start_time"] == "00:00:51,000"
    assert written["end_time"] == "00:00:52.550"


def test_residue_finds_its_line_after_another_was_dropped():
    raw = entry(line("Anna: One", foo=1), line("Man: Two", index=6, foo=2, text="two"))
    dialogue, _, _ = read("srt", raw)
    written = WRITERS["srt"](dialogue.model_copy(update={"turns": dialogue.turns[1:]}))
    assert [(x["index"], x["foo"], x["text"]) for x in written["srt"]] == [(6, 2, "two")]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Anna: Hello?", [(0, "Hello?", [])]),
        ("Anna: Hello? <phone rings> Man: Anna?", [(0, "Hello?", [("phone rings", 6, 0)]), (1, "Anna?", [])]),
        ("<phone rings> Anna: Hello", [(0, "Hello", [("phone rings", 0, None)])]),
        ("Anna: <sighs> Well <sobs> no", [(0, "Well no", [("sighs", 0, 0), ("sobs", 4, 0)])]),
        ("Anna's mother: Hi Anna: Hi", [(2, "Hi", []), (0, "Hi", [])]),
        ("Anna: Joanna: no", [(0, "Joanna: no", [])]),
        ("Anna: at 10:30 Listen: go", [(0, "at 10:30 Listen: go", [])]),
        ("Anna : Hi", [(0, "Hi", [])]),
        ("ANNA: Hi", [(0, "Hi", [])]),
        ("Anna: <Man laughs>", [(0, "", [("Man laughs", 0, 1)])]),
        ("<music>", [(None, "", [("music", 0, None)])]),
        ("well, listen: go", [(None, "well, listen: go", [])]),
        ("Dr. Who: Hi", [(3, "Hi", [])]),
        ("Background music: soft Anna: Hi", [(0, "Hi", [("Background music: soft", 0, None)])]),
        ("Anna: Hi Background music: soft", [(0, "Hi", [("Background music: soft", 2, None)])]),
        ("Anna: a < x > c", [(0, "a c", [("x", 1, 0)])]),
        ("Anna: a <b>c</b>", [(0, "a c", [])]),
        ("Joe's Man: Hi", [(3, "Hi", [])]),
        ("Anna: a <b", [(0, "a <b", [])]),
        ("", [(None, "", [])]),
    ],
)
def test_lines(text, parts):
    cast = Cast(["Anna", "Man", "Anna's mother"])
    assert parse_line(text, cast, Notes()) == [TextPart(*part) for part in parts]


SPOKEN = st.lists(
    st.sampled_from(
        ["Hello?", "well", "at", "10:30", "go:", "Joanna:", "é", "it's", "no", "—", "…", "Anna,", "mother"]
    ),
    min_size=1,
    max_size=5,
)


@st.composite
def well_formed(draw):
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        speaker = draw(st.integers(0, 3))
        words = draw(SPOKEN)
        text = " ".join(words)
        cuts = sorted({0, len(text)} | {i for i, c in enumerate(text) if c == " "})
        offsets = sorted(draw(st.lists(st.sampled_from(cuts), max_size=3)))
        parts.append(
            TextPart(speaker, text, [(draw(st.sampled_from(["laughs", "a: b", "é!"])), o, speaker) for o in offsets])
        )
    return parts


@QUICK
@given(well_formed())
def test_well_formed_lines_come_back(parts):
    names = ["Anna", "Anna's mother", "Man in red #2", "10"]
    text = render_line(parts, names)
    notes = Notes()
    assert parse_line(text, Cast(names), notes) == parts
    assert notes.issues("", "") == ()


def rules(dialect, raw):
    return {issue.rule for issue in read(dialect, raw)[2]}


def test_warnings():
    assert rules("srt", entry(line("Anna: Hi"))) == set()
    assert rules("srt", entry(line("Bob: Hi"))) == {"speaker-not-listed"}
    assert rules("srt", entry(line("No annotation", text="Hi"))) == {"missing-annotation"}
    assert rules("srt", entry(line("so: hi"))) == {"line-without-speaker"}
    assert rules("srt", entry(line("Anna: Hi"), style_annotation={"Tags": ["a"], "Summary": "x"})) == {"tags-not-three"}
    assert rules("srt", entry(line("Anna: Hi"), relationship="Siblings")) == {"unknown-label"}
    assert rules(
        "srt", entry({"index": 1, "relative_start": 0.0, "relative_end": 1, "text": "Hi", "speaker": "Man"})
    ) == {"no-movie-times"}
    assert rules("srt", entry({"index": 1, "text": "Hi", "speaker": "Man"})) == {"no-movie-times", "missing-times"}
    many = entry(*(line("No annotation", index=i) for i in range(9)))
    (issue,) = read("srt", many)[2]
    assert "8 more" in issue.message
    assert issue.path == "$.srt[0]"


def test_raw_model_text_is_understood():
    raw = entry(
        line("Anna: Hi"), style_annotation={"Summary": '```json\n{"Tags": ["a", "b", "c"], "Summary": "s"}\n```'}
    )
    dialogue, _, _ = read("srt", raw)
    assert dialogue.description == "s"
    assert dialogue.triplet.tone == "c"
    assert same(WRITERS["srt"](dialogue), raw)


def test_times_of_all_forms():
    for start in ("00:00:50,260", "00:00:50.260", 50.26, "50.26"):
        dialogue, _, _ = read("srt", entry(line("Anna: Hi", abs_start_time=start)))
        assert dialogue.turns[0].span.start_ms == 50_260
        assert dialogue.timeline == "movie"
    mixed = line("Man: Yo", index=6, relative_start="00:00:03,000", relative_end="00:00:04,000")
    del mixed["abs_start_time"], mixed["abs_end_time"]
    dialogue, _, _ = read("srt", entry(line("Anna: Hi"), mixed))
    assert dialogue.turns[1].span.start_ms == 53_260


def test_readme_form():
    raw = {
        "clip_id": 3,
        "utterances": [
            {"speaker": "Anna", "text": "Hi", "timestamps": [0.5, 2], "non_verbal": ["laughs"]},
            {"speaker": "Man", "text": "Yo <sighs>", "start": "3.25", "end": "4"},
        ],
        "affective_triplet": {"Relationship": "a", "Interaction Type": "b", "Emotional State": "c"},
        "description": "slow",
        "emotion_intensity": 7,
        "emotion_volatility": "5",
        "speaker_visibility": {"Anna": True, "Man": "no"},
    }
    dialogue, _, issues = read("utterances", raw)
    assert {i.rule for i in issues} == {"no-movie-times", "missing-speakers"}
    assert [(t.span.start_ms, t.span.end_ms, t.text) for t in dialogue.turns] == [(500, 2000, "Hi"), (3250, 4000, "Yo")]
    assert dialogue.turns[0].nonverbal[0].sound == "laughs"
    assert (dialogue.triplet.relationship.text, dialogue.triplet.interaction.text, dialogue.triplet.tone) == (
        "a",
        "b",
        "c",
    )
    assert (dialogue.intensity, dialogue.volatility) == (7.0, 5.0)
    assert [s.visible for s in dialogue.speakers] == ["on_screen", "off_screen"]
    assert same(WRITERS["utterances"](dialogue), raw)


def test_training_form():
    raw = {
        "dialog_id": "tv_01_mad_men_S05E01-E02_clip_24",
        "path": "audio/tv_01_mad_men/S05E01-E02/clip_024.wav",
        "speakers": ["Anna:", "Background music:", "Man:"],
        "annotation_tag": ["a", "b", "c"],
        "annotation_text": "d",
        "segments": [
            {
                "segment_id": 0,
                "text": "[0]Hello?[2]Anna [7]?[1]la",
                "start": 0.0,
                "end": 1.5,
                "index": 4,
                "speaker": [0, 2],
            }
        ],
    }
    dialogue, _, _ = read("training", raw)
    assert (dialogue.movie, dialogue.batch, dialogue.number) == ("tv_01_mad_men_S05E01-E02", "tv_01_mad_men", 24)
    assert [(t.speaker, t.text) for t in dialogue.turns] == [(0, "Hello?"), (1, "Anna [7]?")]
    assert dialogue.turns[1].nonverbal[0].sound == "Background music: la"
    assert same(WRITERS["training"](dialogue), raw)


@pytest.mark.parametrize("clip_id", [None, "x", -1, True, 1.5, [], 10**30, "²"])
def test_no_usable_number(clip_id):
    with pytest.raises(EntryError) as caught:
        read("srt", {**entry(line("Anna: Hi")), "clip_id": clip_id})
    assert caught.value.rule == "no-clip-id"


def test_residue_takes_nothing_from_strangers():
    good = {"a": 1, "l": [{"index": 1}]}
    for bad in (
        None,
        3,
        [3],
        [["x"]],
        [["/a", 5, 1]],
        [["/l/index=9/x", None, 1]],
        [["/l/x/y", None, 1]],
        [["/a/b", None, 1]],
    ):
        assert apply(copy.deepcopy(good), bad) == good
    assert apply(1, [["", checksum(1), 2]]) == 2


@pytest.mark.parametrize("dialect", ["utterances", "training"])
def test_fields_pass_between_dialects(tmp_path, dialect):
    first = [r.dialogue for r in open_release(write_release(tmp_path / "r", 5, 20)).read()]
    other = {}
    for dialogue in first:
        raw = json.loads(json.dumps(WRITERS[dialect](dialogue)))
        again, _, _ = read(dialect, raw)
        other[dialogue.number, dialogue.movie] = again
        assert again.turns == dialogue.turns
        assert (again.span, again.timeline, again.triplet) == (dialogue.span, dialogue.timeline, dialogue.triplet)
        assert again.description == dialogue.description

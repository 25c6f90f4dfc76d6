import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mmdia_dataset import schema
from mmdia_dataset.schema import Clip, Dialogue, Span, arrow
from tests.support.examples import EXAMPLES

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SPAN = st.builds(Span, st.integers(0, 10**9), st.integers(0, 10**9))
SOUND = st.builds(schema.NonVerbal, sound=TEXT, offset=st.integers(0, 99), speaker=st.none() | st.integers(0, 3))
TURN = st.builds(
    schema.Turn,
    speaker=st.none() | st.integers(0, 3),
    span=SPAN,
    text=TEXT,
    cue=st.integers(-9, 2**31 - 1),
    nonverbal=st.lists(SOUND, max_size=2).map(tuple),
    visibility=st.sampled_from(schema.VISIBILITIES),
)
TRIPLET = st.builds(
    schema.AffectiveTriplet,
    relationship=st.builds(
        schema.Relationship, text=st.none() | TEXT, label=st.none() | st.sampled_from(schema.RELATIONSHIPS)
    ),
    interaction=st.builds(
        schema.InteractionMode, text=st.none() | TEXT, label=st.none() | st.sampled_from(schema.INTERACTION_MODES)
    ),
    tone=st.none() | TEXT,
)
DIALOGUE = st.builds(
    Dialogue,
    id=st.from_regex(r"\A[a-z0-9_]{1,20}\Z"),
    movie=st.from_regex(r"\A[a-z0-9_]{1,20}\Z"),
    batch=st.none() | TEXT,
    number=st.integers(0, 999),
    timeline=st.sampled_from(["movie", "dialogue"]),
    span=SPAN,
    speakers=st.lists(st.builds(schema.Speaker, id=st.integers(0, 3), name=TEXT, named=st.booleans()), max_size=2).map(
        tuple
    ),
    turns=st.lists(TURN, max_size=3).map(tuple),
    triplet=st.none() | TRIPLET,
    description=st.none() | TEXT,
    intensity=st.none() | st.floats(1, 10),
    volatility=st.none() | st.integers(1, 10).map(float),
    language=st.none() | TEXT,
    extra=st.dictionaries(TEXT, st.none() | st.booleans() | st.integers(-5, 5) | TEXT | st.lists(TEXT), max_size=2),
)


@settings(deadline=None)
@given(st.lists(DIALOGUE, max_size=4))
def test_dialogues_come_back_from_a_table_as_they_were(dialogues):
    table = arrow.to_table(dialogues, Dialogue)
    assert table.schema == arrow.arrow_schema(Dialogue)
    assert list(arrow.from_arrow(table, Dialogue)) == dialogues


@settings(deadline=None)
@given(DIALOGUE)
def test_dialogues_come_back_from_json_as_they_were(dialogue):
    assert Dialogue.model_validate_json(dialogue.model_dump_json()) == dialogue


def test_vocabularies_json_and_media_are_marked():
    fields = {field.name: field for field in arrow.arrow_schema(Clip)}
    assert arrow.is_json(fields["extra"])
    assert arrow.is_media(fields["video"])
    assert arrow.is_media(fields["audio"])
    assert not arrow.is_media(fields["span"])
    assert arrow.labels_of(fields["timeline"]) == ["movie", "dialogue"]
    assert arrow.labels_of(fields["id"]) is None
    label = fields["triplet"].type.field("relationship").type.field("label")
    assert arrow.labels_of(label) == list(schema.RELATIONSHIPS)
    assert label.nullable
    assert not fields["id"].nullable


def test_nothing_stands_under_a_missing_struct():
    without = json.loads(json.dumps(EXAMPLES["dialogue"])) | {"triplet": None}
    table = arrow.to_table([Dialogue.model_validate_json(json.dumps(without))], Dialogue)
    # Readers that take a struct apart see its children, also where the struct is null.
    labels = table.column("triplet").chunk(0).field("relationship").field("label")
    assert labels.to_pylist() == [None]


@given(st.lists(DIALOGUE, min_size=1, max_size=4))
def test_a_table_holds_what_its_model_demands(dialogues):
    assert arrow.holds(arrow.to_table(dialogues, Dialogue), Dialogue)


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (("id",), "../x"),
        (("movie",), "x" * 201),
        (("number",), -1),
        (("timeline",), "film"),
        (("intensity",), 10.5),
        (("span", "end_ms"), 3_600_000_001),
        (("speakers", 0, "visible"), "often"),
        (("turns", 0, "cue"), 2**31),
        (("turns", 0, "span", "start_ms"), -1),
        (("turns", 0, "nonverbal", 0, "offset"), -1),
        (("triplet", "relationship", "label"), "Enemies"),
    ],
)
def test_one_wrong_value_among_many_rows_is_noticed(place, wrong):
    def table(*changed):
        rows = arrow.to_table([Dialogue.model_validate_json(json.dumps(EXAMPLES["dialogue"]))] * 9, Dialogue)
        values = rows.to_pylist()
        for steps, value in changed:
            inner = values[5]
            for step in steps[:-1]:
                inner = inner[step]
            inner[steps[-1]] = value
        return pa.Table.from_pylist(values, rows.schema)

    assert arrow.holds(table(), Dialogue)
    assert not arrow.holds(table((place, wrong)), Dialogue)


def test_items_of_another_model_are_refused():
    with pytest.raises(pa.ArrowInvalid, match="Speaker is not a Dialogue"):
        arrow.to_table([schema.Speaker(id=0, name="Anna", named=True)], Dialogue)


def test_marks_survive_a_parquet_file(tmp_path):
    import pyarrow.parquet as pq

    dialogue = Dialogue.model_validate_json(json.dumps(EXAMPLES["dialogue"]))
    pq.write_table(arrow.to_table([dialogue], Dialogue), tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    visible = table.schema.field("turns").type.value_field.type.field("visibility")
    assert arrow.labels_of(visible) == list(schema.VISIBILITIES)
    assert list(arrow.from_arrow(table, Dialogue)) == [dialogue]


def test_rows_of_another_shape_are_refused():
    table = arrow.to_table([Dialogue.model_validate_json(json.dumps(EXAMPLES["dialogue"]))], Dialogue)
    with pytest.raises(ValidationError):
        list(arrow.from_arrow(table.append_column("more", pa.array([1])), Dialogue))
    with pytest.raises(ValidationError):
        list(arrow.from_arrow(table.drop_columns(["turns"]), Dialogue))

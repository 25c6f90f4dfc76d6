"""The models and their JSON Schemas accept and refuse the same; both are committed and documented."""

import copy
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter, ValidationError, create_model

from mmdia_dataset import schema
from mmdia_dataset.schema.arrow import JSON_SCHEMAS, json_schema
from tests.support.examples import EXAMPLES

ROOT = Path(__file__).parent.parent.parent


REFUSED_LINE = {
    "id": "a", "movie": "b", "splits": [], "mode": "audio", "status": "refused", "span": {"start_ms": 0, "end_ms": 1},
    "reasons": [{"rule": "no-recording", "detail": "no file"}],
}  # fmt: skip


def model_accepts(name, value):
    try:
        TypeAdapter(JSON_SCHEMAS[name]).validate_json(json.dumps(value))
    except ValidationError:
        return False
    return True


def schema_accepts(name, value):
    return Draft202012Validator(json_schema(name)).is_valid(value)


def places(value, path=()):
    """Every place in a JSON value, as a path of keys."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def changed(value, path, new):
    """A copy with the value at a path replaced; removed if `new` is REMOVED."""
    if not path:
        return new
    value = copy.deepcopy(value)
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    if new is REMOVED:
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return value


REMOVED = object()
ODD = [
    None, True, 0, 1, -1, 11, 1.5, 1e300, "", "1", "..", "../../x", "a/b", "/a", "a\n", "\n", "tt0114388\n", "x" * 300,
    "clips/../../x", "clips/./a", "Family", "on", "made", "refused", "0/1", "1/0", "5/1", [], {}, [None], {"a": 1},
    2**70,
]  # fmt: skip


@pytest.mark.parametrize("name", JSON_SCHEMAS)
def test_examples_are_accepted_by_both(name):
    Draft202012Validator.check_schema(json_schema(name))
    assert model_accepts(name, EXAMPLES[name])
    assert schema_accepts(name, EXAMPLES[name])


@pytest.mark.parametrize(
    ("name", "example"), [*EXAMPLES.items(), ("manifest_line", REFUSED_LINE)], ids=[*EXAMPLES, "refused_line"]
)
@pytest.mark.quick
def test_both_judge_every_change_of_an_example_alike(name, example):
    validator = Draft202012Validator(json_schema(name))
    refused = 0
    for path in places(example):
        news = [*ODD, REMOVED] if path and isinstance(path[-1], str) else ODD
        for new in news:
            case = changed(example, path, new)
            verdict = model_accepts(name, case)
            # JSON inside a text, and a rate's bounds, are what JSON Schema can't say.
            if name == "sample" and path == ("extra",) and isinstance(new, str):
                assert not verdict
                continue
            if path and path[-1] == "rate" and new == "5/1":
                assert not verdict
                continue
            assert validator.is_valid(case) == verdict, (path, new)
            refused += not verdict
    assert refused > 50
    assert not model_accepts(name, {**example, "unknown": 1})
    assert not validator.is_valid({**example, "unknown": 1})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 20) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_both_judge_random_changes_alike(data):
    name = data.draw(st.sampled_from(sorted(EXAMPLES)))
    path = data.draw(st.sampled_from(list(places(EXAMPLES[name]))))
    new = data.draw(JSON)
    if isinstance(new, float) and new.is_integer():
        new += 0.5  # JSON Schema can't tell 1.0 from 1, the models can
    case = changed(EXAMPLES[name], path, new)
    if "rate" in str(path):
        return
    assert schema_accepts(name, case) == model_accepts(name, case)


def all_models(model=BaseModel):
    for sub in model.__subclasses__():
        if sub.__module__.startswith("mmdia_dataset.") and sub.__name__ != "Alone":
            yield sub
            yield from all_models(sub)


@pytest.mark.parametrize("model", sorted(set(all_models()), key=lambda m: m.__name__), ids=lambda m: m.__name__)
def test_every_field_is_described_with_an_example_that_fits(model):
    assert model.__doc__
    for name, field in model.model_fields.items():
        assert field.description, f"{model.__name__}.{name} has no description"
        assert field.examples, f"{model.__name__}.{name} has no example"
        alone = create_model("Alone", __base__=schema.Model, value=(field.rebuild_annotation(), ...))
        for example in field.examples:
            alone.model_validate_json(json.dumps({"value": example}))


def test_spans_are_described():
    for field in dataclasses.fields(schema.Span):
        assert field.metadata["description"]
        assert field.metadata["examples"]


def test_models_are_frozen_and_strict():
    speaker = schema.Speaker(id=0, name="Anna", named=True)
    with pytest.raises(ValidationError):
        speaker.name = "Eve"
    for wrong in ({"id": 1.0}, {"id": "1"}, {"id": True}, {"named": 1}, {"name": b"x"}):
        with pytest.raises(ValidationError):
            schema.Speaker.model_validate({"id": 0, "name": "Anna", "named": True, **wrong})


@pytest.mark.quick
def test_committed_schemas_are_those_of_the_models():
    command = [sys.executable, "tools/export_schema.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_stale_schema_is_noticed(tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "export_schema.py").write_text((ROOT / "tools" / "export_schema.py").read_text())
    run = [sys.executable, str(tmp_path / "tools" / "export_schema.py")]
    assert subprocess.run([*run, "--check"], capture_output=True).returncode == 1
    assert subprocess.run([*run, "--write"], capture_output=True).returncode == 0
    assert subprocess.run([*run, "--check"], capture_output=True).returncode == 0
    (tmp_path / "schema" / "old.schema.json").write_text("{}")
    assert subprocess.run([*run, "--check"], capture_output=True).returncode == 1

import pickle

import pytest

from mmdia_dataset import errors


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name != "shown"])
def test_every_error_survives_pickling_and_is_one_sentence(name):
    error = getattr(errors, name)("the file is cut short", where="/films/a\nb.mkv", at="byte 12", hint="copy it again")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error) == "/films/a\\nb.mkv, at byte 12: the file is cut short; copy it again."
    assert "\n" not in str(error)
    assert error.exit_code in (2, 3)


@pytest.mark.parametrize(
    ("text", "printed"), [("a\x1b[31mb", "a\\x1b[31mb"), ("bad\udcff", "bad\\udcff"), ("ü 日本", "ü 日本")]
)
def test_names_are_shown_without_control_characters(text, printed):
    assert errors.shown(text) == printed


def test_long_names_are_cut_in_the_middle():
    assert len(errors.shown("x" * 5000)) <= 200

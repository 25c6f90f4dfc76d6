"""Every limit of alignment says what measures it, and what is said is so."""

from pathlib import Path

import pytest

from tools import calibrate_alignment as calibrate

TIERS = sorted(calibrate.TIERS)


@pytest.fixture(scope="module")
def sides():
    films, minutes = calibrate.QUICK
    return calibrate.measured(TIERS, films, minutes, quick=True)


@pytest.mark.parametrize("tier", TIERS)
def test_every_limit_is_used_and_says_how_it_was_found(tier):
    module = calibrate.TIERS[tier]
    limits = calibrate.limits_of(module)
    assert {limit.name for limit in limits} == {name for name in vars(module) if name.isupper()}
    file = Path(module.__file__)
    code = "".join(path.read_text(encoding="utf-8") for path in file.parent.glob("*.py") if path != file)
    assert [limit.name for limit in limits if f"limits.{limit.name}" not in code] == []


def test_a_limit_without_a_word_is_refused(tmp_path):
    file = tmp_path / "some_limits.py"
    file.write_text('LEAST = 3\n"""More than chance."""\n')
    module = type(calibrate)("some_limits")
    module.__file__, module.LEAST = str(file), 3
    with pytest.raises(ValueError, match="LEAST says neither"):
        calibrate.limits_of(module)


def test_every_row_is_measured_on_both_sides_and_has_a_limit(sides):
    named = {limit.row for tier in TIERS for limit in calibrate.limits_of(calibrate.TIERS[tier])} - {None}
    assert named == set(sides.right) == set(sides.wrong)
    assert [row for row in sorted(named) if not sides.right[row] or not sides.wrong[row]] == []
    assert named > calibrate.LOW_IS_RIGHT


def test_the_table_has_a_line_for_each_limit_that_is_measured(sides):
    lines = calibrate.table(TIERS, sides)
    names = [
        limit.name for tier in TIERS for limit in calibrate.limits_of(calibrate.TIERS[tier]) if limit.row is not None
    ]
    assert [line.split()[1] for line in lines[1:] if not line.startswith("--")] == names
    assert not [line for line in lines if "nothing measured" in line]


def test_a_margin_is_negative_where_values_lie_beyond_the_limit():
    sides = calibrate.Sides()
    sides.add("path-nats", right=[10.0] * 9, wrong=[0.0] * 9)
    assert calibrate.line("path-nats", "FOUND_NATS", 4.0, sides).split()[-2:] == ["0.60", "0.40"]
    assert calibrate.line("path-nats", "FOUND_NATS", 12.0, sides).split()[-2:] == ["-0.20", "1.20"]

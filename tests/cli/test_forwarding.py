"""What is typed arrives: every command is called with every option, and its function gets what was given."""

import inspect
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import get_args

import pytest
import typer
from typer.testing import CliRunner

import mmdia_dataset
from mmdia_dataset import cli
from mmdia_dataset.clips.settings import CutOptions, settings_for
from mmdia_dataset.errors import UsageError
from tests.support.shell import COMMANDS, RENAMED, SHELL_ONLY, mmdia

# What a shell types otherwise than a function gets it.
TYPED = {("bench", "selection"): ("intensity=8,max_turns=9", {"intensity": 8, "max_turns": 9})}
GIVEN_BY_THE_SHELL = {"progress", "before"}


class ArrivedError(Exception):
    """Ends a command once its function was called."""


def parameters_of(name):
    """The command's options and arguments, each as typer made it, with the type that the command wrote for it."""
    made = [one for one in typer.main.get_command(cli.app).commands[name].params if one.name != "help"]
    written = inspect.signature(getattr(getattr(cli, name), name), eval_str=True).parameters
    assert {one.name for one in made} == set(written)
    return [(one, kind_of(written[one.name].annotation)) for one in made]


def kind_of(annotation):
    """The type alone, of `Annotated[list[str] | None, …]`: str."""
    kinds = [kind for kind in get_args(annotation) if isinstance(kind, type) or get_args(kind)]
    return kind_of(next(kind for kind in kinds if kind is not NoneType)) if kinds else annotation


def another(command, parameter, kind, number):
    """A value that is not the default: as it is typed, and as the function should get it."""
    if (command, parameter.name) in TYPED:
        return TYPED[command, parameter.name]
    if kind is bool:
        return None, not parameter.default
    if issubclass(kind, Enum):
        value = next(one.value for one in kind if one != parameter.default)
    elif kind is int:
        value = 2000 + number
    else:
        value = f"{parameter.name}-{number}"
    several = parameter.multiple or parameter.nargs == -1
    return ([value, f"{value}-too"], [value, f"{value}-too"]) if several else (value, value)


def typed(parameter, value):
    """The words on the command line."""
    if parameter.param_type_name == "argument":
        return [*map(str, value)] if isinstance(value, list) else [str(value)]
    if getattr(parameter, "is_flag", False):
        return [parameter.secondary_opts[0] if parameter.default else parameter.opts[0]]
    return [word for one in (value if isinstance(value, list) else [value]) for word in (parameter.opts[0], str(one))]


def plain(value):
    """A value without the types that only a shell, or only a function, has."""
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def received(function, args, kwargs):
    """By name; what stands in ``**options`` among the others."""
    bound = inspect.signature(function).bind(*args, **kwargs).arguments
    options = bound.pop("options", {})
    assert options.keys() <= CutOptions.__annotations__.keys()
    return {**bound, **options}


@pytest.mark.parametrize("format_", ["text", "json"])
@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_arrives(monkeypatch, tmp_path, name, format_):
    function = getattr(mmdia_dataset, name)
    calls = []

    def recorder(*args, **kwargs):
        calls.append(received(function, args, kwargs))
        raise ArrivedError

    monkeypatch.setattr(mmdia_dataset, name, recorder)
    monkeypatch.chdir(tmp_path)
    line, expected = [], {}
    for number, (parameter, kind) in enumerate(parameters_of(name)):
        if parameter.name == "format_":
            line += ["--format", format_]
            continue
        value, arriving = another(name, parameter, kind, number)
        line += typed(parameter, value)
        if parameter.name not in SHELL_ONLY:
            expected[RENAMED.get(parameter.name, parameter.name)] = plain(arriving)
    result = CliRunner().invoke(cli.app, [name, *line])
    assert isinstance(result.exception, ArrivedError), (line, result.stderr, result.exception)
    (arrived,) = calls
    for argument in inspect.signature(function).parameters.keys() & GIVEN_BY_THE_SHELL:
        assert callable(arrived[argument])
    assert {argument: plain(arrived.get(argument)) for argument in expected} == expected


def test_every_cutting_option_is_one_of_the_shell():
    for name in ("rebuild", "pack"):
        assert CutOptions.__annotations__.keys() <= {parameter.name for parameter, _ in parameters_of(name)}


@pytest.mark.parametrize(("wrong", "nearest"), [("hight", "height"), ("job", "jobs"), ("float_32", "float32")])
def test_a_misspelt_option_is_refused_with_the_nearest(tmp_path, wrong, nearest):
    words = rf"no option '{wrong}'; the nearest is '{nearest}'\."
    with pytest.raises(UsageError, match=words):
        mmdia_dataset.rebuild(tmp_path, tmp_path, tmp_path / "out", **{wrong: 1})
    with pytest.raises(UsageError, match=words):
        mmdia_dataset.pack(tmp_path, tmp_path / "out", **{wrong: 1})
    with pytest.raises(UsageError, match=r"settings_for.. has no option 'hight'; the nearest is 'height'"):
        settings_for("encode", hight=180)
    assert not (tmp_path / "out").exists()


def test_ids_are_split_at_commas(monkeypatch):
    got = []
    monkeypatch.setattr(mmdia_dataset, "rebuild", lambda *_, ids, **__: got.extend(ids))
    CliRunner().invoke(
        cli.app, ["rebuild", "--release", "r", "--media", "m", "--out", "o", "--ids", "a,b", "--ids", "c"]
    )
    assert got == ["a", "b", "c"]


def test_commas_with_nothing_between_them_are_refused(tmp_path):
    _, err = mmdia("rebuild", "--release", "r", "--media", "m", "--out", tmp_path, "--ids", " , ", code=2)
    assert "nothing stands between the commas" in err

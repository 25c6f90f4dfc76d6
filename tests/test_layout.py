"""The walls of the house: which way imports run, and what the package shows."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import mmdia_dataset
from mmdia_dataset.cli import app

PACKAGE = Path(mmdia_dataset.__file__).parent

# Each room may import from rooms of earlier rows, and from its own module or package.
FLOW = [
    ["errors", "timing", "processes", "refusals", "reports"],
    ["files", "hub", "datasets_hook"],
    ["schema", "demofilm"],
    ["release", "media"],
    ["library", "splitting", "views", "clips", "alignment"],
    ["built"],
    ["statistics", "certificates", "exports", "metrics", "codec"],
    ["plots"],
    ["publishing"],
    ["building"],
    ["shards", "access"],
    ["loader"],
    ["commands"],
    ["cli"],
]
ROW = {room: row for row, rooms in enumerate(FLOW) for room in rooms}


def imports():
    """Every (importing file, room it is in, module imported), wherever in the file the import stands."""
    for file in sorted(PACKAGE.rglob("*.py")):
        inside = file.relative_to(PACKAGE)
        room = inside.parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((inside, room, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{inside}: imports name their module in full"
                if node.module == "mmdia_dataset":
                    yield from ((inside, room, f"mmdia_dataset.{alias.name}") for alias in node.names)
                else:
                    yield inside, room, node.module


def test_every_room_has_its_place():
    rooms = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert rooms - {"__init__", "__pycache__"} == set(ROW)


def test_no_import_runs_back():
    back = [
        f"{file} imports {name}"
        for file, room, name in imports()
        if name.startswith("mmdia_dataset.") and room != "__init__"
        for other in [name.split(".")[1]]
        if other in ROW and other != room and ROW[other] >= ROW[room]
    ]
    assert not back


def test_media_and_datasets_are_imported_in_one_room_each():
    homes = {"av": "media", "datasets": "loader", "matplotlib": "plots"}
    wrong = [f"{file} imports {name}" for file, room, name in imports() if homes.get(name.split(".")[0], room) != room]
    assert not wrong
    torch = [file for file, _, name in imports() if name.split(".")[0] in ("torch", "safetensors")]
    assert {str(file) for file in torch} == {"codec/network.py"}


def test_importing_the_package_is_light():
    heavy = ("av", "datasets", "torch", "pyarrow", "numpy", "pydantic")
    code = f"import sys, mmdia_dataset; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_is_what_the_package_has():
    for name in mmdia_dataset.__all__:
        assert getattr(mmdia_dataset, name) is not None
    assert set(mmdia_dataset.__all__) <= set(dir(mmdia_dataset))


def test_functions_keep_their_names_when_modules_load():
    code = (
        "import mmdia_dataset as m; import mmdia_dataset.cli, mmdia_dataset.commands, mmdia_dataset.loader;"
        "print(all(callable(getattr(m, n)) for n in m.__all__ if n != '__version__'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def files_by_stem():
    stems = {}
    for file in PACKAGE.rglob("*.py"):
        if file.stem != "__init__" and file.parent.name not in ("commands", "cli"):
            stems.setdefault(file.stem, []).append(str(file.relative_to(PACKAGE)))
    return stems


def test_a_file_is_found_by_its_name():
    """Those of `commands` and `cli` have the names of the commands, twice each, and nothing else has them."""
    commands = {file.stem for folder in ("commands", "cli") for file in (PACKAGE / folder).glob("*.py")}
    twice = [files for stem, files in files_by_stem().items() if len(files) > 1 or stem in commands]
    assert not twice


def test_a_class_is_found_by_its_name():
    homes = {}
    for file in PACKAGE.rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(str(file.relative_to(PACKAGE)))
    assert not [(name, files) for name, files in homes.items() if len(files) > 1]


def test_dataclasses_of_more_than_four_fields_take_keywords_only():
    wrong = []
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                marks = [ast.unparse(mark) for mark in node.decorator_list if "dataclass" in ast.unparse(mark)]
                fields = [x for x in node.body if isinstance(x, ast.AnnAssign) and "ClassVar" not in ast.unparse(x)]
                if marks and len(fields) > 4 and "kw_only=True" not in marks[0]:
                    wrong.append(f"{file.relative_to(PACKAGE)}: {node.name}")
    assert not wrong


def test_a_command_is_a_file_of_its_name():
    """`mmdia X` is cli/X.py, which calls commands/X.py, which the package shows as the function X."""
    names = {file.stem for file in (PACKAGE / "commands").glob("*.py")} - {"__init__"}
    shells = {file.stem for file in (PACKAGE / "cli").glob("*.py")} - {"__init__", "app", "options", "terminal"}
    functions = {n for n in mmdia_dataset.__all__ if type(getattr(mmdia_dataset, n)) is FunctionType}
    assert names == shells == {command.callback.__name__ for command in app.registered_commands}
    assert names == functions - {"load", "open_release", "open_shards", "row_of"}
    for name in names:
        function = getattr(mmdia_dataset, name)
        assert (function.__module__, function.__name__) == (f"mmdia_dataset.commands.{name}", name)
        assert (
            getattr(importlib.import_module(f"mmdia_dataset.cli.{name}"), name).__module__
            == f"mmdia_dataset.cli.{name}"
        )


def test_files_are_about_one_noun():
    long = {
        str(file.relative_to(PACKAGE)): count
        for file in PACKAGE.rglob("*.py")
        if (count := len(file.read_text(encoding="utf-8").splitlines())) > 420
    }
    assert not long


def test_no_bytesio_lends_its_buffer():
    """Some versions of Python crash when they collect a BytesIO and a buffer that it lends at once."""
    lends = [str(file) for file in sorted(PACKAGE.rglob("*.py")) if ".getbuffer(" in file.read_text(encoding="utf-8")]
    assert not lends

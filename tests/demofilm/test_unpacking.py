"""The demo's data: copied whole to where a user wants it, without anything heavy."""

import subprocess
import sys

import pytest

from mmdia_dataset.demofilm import DATA, unpack_demo_film
from mmdia_dataset.errors import OutputError


def test_film_and_release_are_copied_whole(tmp_path):
    (tmp_path / "release").mkdir()
    (tmp_path / "release" / "splits.json").write_text("half a file of a run before")
    made = unpack_demo_film(tmp_path)
    assert made.film.parent == made.media
    assert made.film.read_bytes() == (DATA / "film.mp4").read_bytes()
    copied = {file.relative_to(made.release): file.read_bytes() for file in made.release.rglob("*") if file.is_file()}
    source = DATA / "release"
    assert copied == {file.relative_to(source): file.read_bytes() for file in source.rglob("*") if file.is_file()}
    assert len([file for file in tmp_path.rglob("*") if file.is_file()]) == 3, "no temporary file is left"


def test_what_cannot_be_written_is_said(tmp_path):
    (tmp_path / "media").write_text("in the way")
    with pytest.raises(OutputError):
        unpack_demo_film(tmp_path)


def test_unpacking_is_light(tmp_path):
    code = f"""
import sys, pathlib
from mmdia_dataset.demofilm import unpack_demo_film
unpack_demo_film(pathlib.Path({str(tmp_path)!r}))
print([name for name in ("av", "numpy", "pydantic") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

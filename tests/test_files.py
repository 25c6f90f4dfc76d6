import errno
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmdia_dataset.errors import OutputError
from mmdia_dataset.files import content_of, file_name, make_folder, whole_file, write_text


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_a_file_appears_whole(tmp_path):
    target = tmp_path / "a" / "b.txt"
    with whole_file(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        temporary.write_text("whole")
    assert target.read_text() == "whole"
    assert names(target.parent) == ["b.txt"]


def test_nothing_is_left_when_writing_fails(tmp_path):
    write_text(tmp_path / "a", "old")

    def write():
        with whole_file(tmp_path / "a") as temporary:
            temporary.write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    write_text(tmp_path / "a", "old")
    code = (
        "import os, sys, pathlib; from mmdia_dataset.files import whole_file\n"
        "with whole_file(pathlib.Path(sys.argv[1])) as t: t.write_text('new'); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")]).returncode == -9
    assert (tmp_path / "a").read_text() == "old"
    write_text(tmp_path / "a", "newer")
    assert names(tmp_path) == ["a"]


def test_a_full_disk_is_one_sentence(tmp_path):
    def write():
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError, match="the disk is full; free some space"), whole_file(tmp_path / "a"):
        write()


def test_a_file_where_a_folder_is_needed(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(OutputError, match="not a folder; choose another output folder"):
        make_folder(tmp_path / "a" / "b")


@given(st.text(min_size=1), st.text(min_size=1))
def test_file_names_are_safe_and_never_shared(one, other):
    for text in (one, other):
        name = file_name(text)
        assert name.isascii()
        assert len(name) <= 200
        assert not set(name) & set("/\\\0\n:*?\"<>| '")
        assert not name.startswith(".")
    assert (file_name(one) == file_name(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "name"),
    [("tv_05_Friends_clip_341", "tv_05_Friends_clip_341"), ("..", "~2e."), ("a b/é", "a~20b~2f~c3~a9"), ("~", "~7e")],
)
def test_plain_ids_stay_readable(text, name):
    assert file_name(text) == name


def test_long_names_are_told_apart():
    one, other = "x" * 300 + "a", "x" * 300 + "b"
    assert file_name(one) != file_name(other)
    assert len(file_name(one)) <= 200


@pytest.mark.parametrize(("size", "read"), [(6, b"abcdef"), (9, b"abcdef"), (4, b"abcde"), (0, b"a")])
def test_a_file_is_read_to_the_size_it_should_have_and_one_byte_further(tmp_path, size, read):
    (tmp_path / "a").write_bytes(b"abcdef")
    assert content_of(str(tmp_path / "a"), size) == read
    with pytest.raises(FileNotFoundError):
        content_of(str(tmp_path / "b"), size)

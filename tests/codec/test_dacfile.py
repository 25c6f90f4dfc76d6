"""Files of encoded sound are read without running, importing or trusting anything in them."""

import contextlib
import io
import os
import pickle
import random
import struct
import sys
import warnings

import numpy as np
import pytest

from mmdia_dataset.codec import read_dac
from mmdia_dataset.codec.plainpickle import NotPlain, read_pickle
from mmdia_dataset.errors import MediaUnreadable
from tests.support.dacfiles import artifacts, write_dac

HEADER = 128
"""Bytes of numpy's header before the pickle."""


@pytest.fixture
def write(tmp_path):
    def written(content):
        path = tmp_path / "clip_000.dac"
        path.write_bytes(content)
        return path

    return written


def npy(pickled):
    """Numpy's file around a pickle."""
    head = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head.ljust(117) + b"\n" + pickled


def saved(content):
    file = io.BytesIO()
    np.save(file, content)
    return file.getvalue()


def refused(path):
    """The sentence that refuses a file: one, with the file's name."""
    with pytest.raises(MediaUnreadable) as error:
        read_dac(path)
    sentence = str(error.value)
    assert sentence.startswith(f"{path}: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 400
    return sentence


def test_what_the_codec_writes_is_read(tmp_path):
    content = artifacts(2.5, 24_000)
    encoded = read_dac(write_dac(tmp_path / "a.dac", content))
    assert np.array_equal(encoded.codes, content["codes"][0])
    assert encoded.codes.dtype == np.uint16
    assert (encoded.original_length, encoded.sample_rate, encoded.padded) == (60_000, 24_000, True)
    assert encoded.input_db == -23.5
    assert encoded.duration_s == 2.5


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_other_protocols_are_read_where_they_need_nothing_else(write, protocol):
    array = np.empty((), object)
    array[()] = artifacts(codes=np.ones((1, 4, 90)))
    path = write(npy(pickle.dumps(array, protocol)))
    if protocol in (3, 4):
        assert read_dac(path).codes.shape == (4, 90)
    else:  # 2 decodes text into bytes, 5 makes arrays of buffers: numpy's files use neither
        assert "which a file of sound has no use for; nothing was run" in refused(path)


def test_files_of_older_numpy_are_read(write):
    renamed = pickle.dumps(array_of(artifacts()), 3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert read_dac(write(npy(renamed))).sample_rate == 24_000


def array_of(content):
    array = np.empty((), object)
    array[()] = content
    return array


def test_numbers_may_be_numpys_own(tmp_path):
    content = artifacts(input_db=np.float32(-20), original_length=np.int64(24_000), sample_rate=np.array(24_000))
    encoded = read_dac(write_dac(tmp_path / "a.dac", content))
    assert (encoded.input_db, encoded.original_length, encoded.sample_rate) == (-20, 24_000, 24_000)


def test_either_order_of_bytes_and_of_axes_is_read(tmp_path):
    content = artifacts()
    codes = content["codes"]
    for stored in (codes.astype(">u2"), np.asfortranarray(codes)):
        path = write_dac(tmp_path / "a.dac", {**content, "codes": stored})
        assert np.array_equal(read_dac(path).codes, codes[0])


class Call:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Built(Call):
    """Pickles as a call, whose result is given a state."""

    def __reduce__(self):
        return (*self.call, {"__setstate__": 1})


def hostile(marker):
    """Programs that would leave a file behind, were they run."""
    touch = f"open({str(marker)!r}, 'w').close()"
    return {
        "system": Call(os.system, f"touch {marker}"),
        "eval": Call(eval, touch),
        "exec": Call(exec, touch),
        "open": Call(open, str(marker), "w"),
        "load": Call(np.load, str(marker)),
        "memmap": Call(np.memmap, str(marker), "u1", "w+", 0, (9,)),
        "fromfile": Call(np.fromfile, str(marker)),
        "attribute": Call(getattr, marker, "touch"),
        "built": Built(os.system, f"touch {marker}"),
        "exit": Call(sys.exit, 7),
        "again": Call(pickle.loads, pickle.dumps(Call(os.system, f"touch {marker}"))),
        "code": Call(np.frombuffer, b"abc"),
        "zeros": Call(np.zeros, 10**12),
        "date": np.datetime64("2020"),
        "complex": 1j,
        "set": {1},
        "bytes": bytearray(b"x"),
    }


@pytest.mark.parametrize("name", hostile("x"))
@pytest.mark.parametrize("place", ["alone", "as the dict", "as the codes", "in the metadata"])
def test_nothing_in_a_file_is_run(tmp_path, write, name, place):
    marker = tmp_path / "was-run"
    program = hostile(marker)[name]
    content = {
        "alone": lambda: npy(pickle.dumps(program)),
        "as the dict": lambda: saved(array_of(program)),
        "as the codes": lambda: saved({**artifacts(), "codes": program}),
        "in the metadata": lambda: saved(artifacts(input_db=program)),
    }[place]()
    sentence = refused(write(content))
    assert not marker.exists()
    if name in ("system", "eval", "load", "memmap", "again", "open"):
        assert "nothing was run" in sentence


@pytest.mark.parametrize(
    "text", [b"cos\nsystem\n(S'true'\ntR.", b"(S'true'\nios\nsystem\n.", b"cposix\nsystem\n(V1\ntR."]
)
def test_programs_of_the_first_protocol_are_refused_too(write, text):
    assert "nothing was run" in refused(write(npy(text)))


def big(shape, kind="<u2"):
    return (
        b"\x93NUMPY\x01\x00"
        + struct.pack("<H", 118)
        + (f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n")
    )


def test_memory_is_not_taken_for_what_is_only_claimed(write):
    assert "instead of a dict" in refused(write(big("(5000000000,)")))
    assert "header is damaged" in refused(write(big("(9,)", "<u2" * 40)))
    codes = artifacts(codes=np.ones((1, 9, 77)))
    claiming = saved(codes).replace(b"K\x01K\x09K\x4d\x87", b"\x8a\x05\x00\xe4\x0b\x54\x02K\x01K\x01\x87")
    assert claiming != saved(codes)
    assert "it claims to hold 20,000,000,000 bytes of numbers, and holds 1,386" in refused(write(claiming))
    for length in (b"B\xff\xff\xff\xff", b"\x8e" + struct.pack("<Q", 10**10), b"\x8b\xff\xff\xff\x7f"):
        refused(write(npy(b"\x80\x04" + length)))


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "clip_000.dac"
    with path.open("wb") as file:
        file.truncate(10**10)
    assert "10,000,000,000 bytes are more" in refused(path)


def test_a_folder_a_pipe_and_nothing_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.dac")
    (tmp_path / "folder.dac").mkdir()
    assert "not a file" in refused(tmp_path / "pipe.dac")
    assert "not a file" in refused(tmp_path / "folder.dac")
    assert "no such file" in refused(tmp_path / "absent.dac")


def test_values_that_grow_when_they_are_followed_are_not_followed(write):
    doubled = b"\x80\x04]\x94" + b"".join(b"](h" + bytes([n]) + b"h" + bytes([n]) + b"e\x94" for n in range(100))
    refused(write(npy(doubled + b"0" * 100 + b".")))
    itself = b"\x80\x04]\x94h\x00a."  # a list that holds itself
    refused(write(npy(itself)))
    keyed = b"\x80\x04)\x94" + b"".join(b"h" + bytes([n]) + b"h" + bytes([n]) + b"\x86\x94" for n in range(90))
    refused(write(npy(keyed + b"}h\x59K\x01s.")))  # a key whose hash would take for ever
    assert "more instructions" in refused(write(npy(b"\x80\x04" + b"N" * 5000 + b".")))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"dac_version": "2.0.0"}, r"of version 2\.0\.0, and only 1\.0\.0 is known here"),
        ({"dac_version": None}, "does not say its version"),
        ({"dac_version": "\x1b[31m\n"}, r"of version \\x1b"),
        ({"channels": 2}, "several channels"),
        ({"sample_rate": 0}, "its sample_rate is 0"),
        ({"sample_rate": 44100.0}, "its sample_rate is 44100.0"),
        ({"sample_rate": True}, "its sample_rate is no number"),
        ({"original_length": -1}, "its original_length is -1"),
        ({"original_length": 1 << 2000}, "its original_length is 1148"),
        ({"original_length": None}, "its original_length is missing"),
        ({"chunk_length": 0}, "its chunk_length is 0"),
        ({"chunk_length": 1}, "not in whole pieces of chunk_length 1"),
        ({"chunk_length": 50}, "not in whole pieces of chunk_length 50"),
        ({"padding": 1}, "its padding is neither"),
        ({"input_db": float("nan")}, "its input_db is no loudness"),
        ({"input_db": np.array([1e30])}, "its input_db is no loudness"),
        ({"input_db": np.zeros(2)}, "an array where there should be a number"),
        ({"input_db": np.array(["x"])}, "array of type 'U1'"),
    ],
)
def test_metadata_that_cant_be_are_refused_with_what_they_are(tmp_path, content, words):
    path = write_dac(tmp_path / "clip_000.dac", artifacts(**content))
    with pytest.raises(MediaUnreadable, match=words):
        read_dac(path)
    refused(path)


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (np.zeros((1, 4, 90), np.int64), "int64 of shape"),
        (np.zeros((4, 90), np.uint16), r"shape \(4, 90\)"),
        (np.zeros((2, 4, 90), np.uint16), r"shape \(2, 4, 90\)"),
        (np.zeros((1, 65, 90), np.uint16), "65 books"),
        (np.zeros((1, 4, 0), np.uint16), "0 frames"),
        (np.array([[[None, "a"]]]), "array of objects"),
        (np.zeros((1, 4, 90), "u2,u2"), "array of type 'V4'"),
        ([1, 2], "lacks codes"),
    ],
)
def test_codes_that_cant_be_are_refused_with_what_they_are(tmp_path, codes, words):
    with pytest.raises(MediaUnreadable, match=words):
        read_dac(write_dac(tmp_path / "clip_000.dac", {**artifacts(), "codes": codes}))


def test_a_file_cut_off_anywhere_is_refused(write):
    whole = saved(artifacts(0.2))
    for length in range(len(whole)):
        refused(write(whole[:length]))
    assert "something follows" in refused(write(whole + b"N."))


def test_a_damaged_file_is_read_or_refused_and_never_run(write, monkeypatch):
    """Ten thousand files with a few bytes changed: of values, of instructions, of lengths."""
    chance = random.Random(14)
    whole = saved(artifacts(0.2))

    def never(*_):
        raise AssertionError("something was run")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, never)
    monkeypatch.setattr(os, "system", never)
    read = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of text with odd escapes
        for _ in range(10_000):
            damaged = bytearray(whole)
            for _ in range(chance.randint(1, 4)):
                place = chance.randrange(len(damaged))
                if chance.random() < 0.2:
                    del damaged[place : place + chance.randint(1, 8)]
                else:
                    damaged[place] = chance.randrange(256)
            with contextlib.suppress(MediaUnreadable):
                read_dac(write(bytes(damaged)))
                read += 1
    assert 0 < read < 9000  # a changed code is a code


def test_instructions_in_any_order_are_read_or_refused():
    chance = random.Random(41)
    parts = [bytes([code]) for code in b"(.0)]}Nbetausq\x85\x86\x87\x88\x89\x93\x94R"]
    parts += [b"h\x00", b"h\x05", b"K\x01", b"J\xff\xff\xff\xff", b"C\x01b", b"\x8c\x02u2", b"\x8c\x05numpy"]
    parts += [b"cnumpy\ndtype\n", b"cnumpy\nndarray\n", b"cnumpy._core.multiarray\n_reconstruct\n"]
    for _ in range(20_000):
        program = b"\x80\x04" + b"".join(chance.choices(parts, k=chance.randint(1, 30))) + b"."
        with contextlib.suppress(NotPlain):
            read_pickle(program)

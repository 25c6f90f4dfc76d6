"""Timing fingerprints as bytes: what was written is read, and nothing else is."""

import base64
import hashlib
import json
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mmdia_dataset import schema
from mmdia_dataset.alignment.by_fingerprint.changes import CHANGES, changes_of
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import (
    GAPS_VERSION,
    MOST_FRAMES,
    VERSION,
    FingerprintPart,
    TimingFingerprint,
)
from mmdia_dataset.alignment.soundtrack import BANDS, FRAME_RATE, Soundtrack
from mmdia_dataset.errors import BadFingerprint

BITS = arrays.arrays(np.uint8, st.integers(0, 400))
SETTINGS = {"frame_rate": "4", "bands": 9, "low_hz": 300, "high_hz": 2800}


def sound(seconds, seed=0):
    levels = np.random.default_rng(seed).integers(60, 200, (round(seconds * FRAME_RATE), BANDS)).astype(np.uint8)
    return Soundtrack(levels, np.zeros(len(levels), np.uint8))


def built(header, bits=b"", version=1, magic=b"MMTF", length=None):
    """A fingerprint's bytes with a right checksum, whatever else is wrong."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    body = struct.pack("<4sBI", magic, version, len(text) if length is None else length) + text + bits
    return body + struct.pack("<I", zlib.crc32(body))


@given(BITS)
def test_bytes_are_read_as_they_were_written(bits):
    written = TimingFingerprint(bits).to_bytes()
    read = TimingFingerprint.from_bytes(written)
    assert np.array_equal(read.bits, bits)
    assert read.to_bytes() == written
    passport = TimingFingerprint(bits).to_schema()
    assert np.array_equal(TimingFingerprint.from_schema(passport).bits, bits)


@given(st.binary(max_size=300))
def test_bytes_that_are_none_are_refused(data):
    with pytest.raises(BadFingerprint):
        TimingFingerprint.from_bytes(data)


@given(st.binary(max_size=120), BITS)
def test_any_header_is_refused_or_says_what_ours_says(header, bits):
    data = built(header, bits.tobytes())
    try:
        read = TimingFingerprint.from_bytes(data)
    except BadFingerprint:
        return
    assert np.array_equal(read.bits, bits)


def test_every_changed_byte_is_noticed():
    data = TimingFingerprint.of(sound(8)).to_bytes()
    for place in range(len(data)):
        for flip in range(1, 256):
            changed = bytearray(data)
            changed[place] ^= flip
            with pytest.raises(BadFingerprint):
                TimingFingerprint.from_bytes(bytes(changed))


def test_every_truncation_and_every_addition_is_noticed():
    data = TimingFingerprint.of(sound(20)).to_bytes()
    for end in range(len(data)):
        with pytest.raises(BadFingerprint):
            TimingFingerprint.from_bytes(data[:end])
    for more in (b"\0", b"more", data):
        with pytest.raises(BadFingerprint):
            TimingFingerprint.from_bytes(data + more)


def test_the_layout_is_the_documented_one():
    bits = np.arange(9, dtype=np.uint8)
    data = TimingFingerprint(bits).to_bytes()
    assert data[:4] == b"MMTF"
    assert data[4] == VERSION == 1
    length = int.from_bytes(data[5:9], "little")
    assert json.loads(data[9 : 9 + length]) == {"frames": 9, **SETTINGS}
    assert data[9 + length : -4] == bits.tobytes()
    assert int.from_bytes(data[-4:], "little") == zlib.crc32(data[:-4])


def test_a_frame_lies_where_the_documentation_says():
    soundtrack = sound(30)
    fingerprint = TimingFingerprint.of(soundtrack)
    places = [25 * k for k in range(len(fingerprint.bits))]
    assert np.allclose(fingerprint.times * 100, places)
    rises = changes_of(soundtrack)[places] > 0
    assert np.array_equal(fingerprint.signs > 0, rises)
    for bit in range(CHANGES):
        assert np.array_equal(fingerprint.bits >> bit & 1, rises[:, bit])


@pytest.mark.parametrize("seconds", [0, 0.01, 0.34, 1, 60.005])
def test_short_sound_has_a_fingerprint_that_does_not_reach_beyond_it(seconds):
    fingerprint = TimingFingerprint.of(sound(seconds))
    assert (fingerprint.times < max(seconds, 0.01)).all()
    assert fingerprint.duration_s == pytest.approx(seconds, abs=0.35)
    assert np.array_equal(TimingFingerprint.from_bytes(fingerprint.to_bytes()).bits, fingerprint.bits)


def test_an_hour_takes_less_than_15_kb():
    assert len(TimingFingerprint.of(sound(3600)).to_bytes()) <= 15_000
    assert len(TimingFingerprint.of(sound(3600)).to_schema().data) <= 20_000  # the same bytes in base64


def test_another_version_is_named():
    with pytest.raises(BadFingerprint, match=r"version 3; this program reads versions 1 and 2; update mmdia-dataset"):
        TimingFingerprint.from_bytes(built({"frames": 0, **SETTINGS}, version=3))
    with pytest.raises(BadFingerprint, match="version 0"):
        TimingFingerprint.from_bytes(built({"frames": 0, **SETTINGS}, version=0))


@pytest.mark.parametrize("hours", [48.01, 1000, 1e9])
def test_a_claim_of_a_thousand_hours_is_refused_before_anything_is_reserved(hours):
    data = built({"frames": int(hours * 3600 * 4), **SETTINGS}, bytes(100))
    tracemalloc.start()
    try:
        with pytest.raises(BadFingerprint, match="48 hours are the most"):
            TimingFingerprint.from_bytes(data)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("frames", [-1, 1.0, "100", None, True, [100], {}, 1e400, 99, 101])
def test_frames_that_are_not_there_are_refused(frames):
    with pytest.raises(BadFingerprint):
        TimingFingerprint.from_bytes(built({"frames": frames, **SETTINGS}, bytes(100)))


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"frames": 100},
        {"frames": 100, **SETTINGS, "bands": 17},
        {"frames": 100, **SETTINGS, "frame_rate": "3"},
        {"frames": 100, **SETTINGS, "more": 1},
        [],
        100,
        None,
        b"",
        b"not JSON",
        b"\xff\xfe\xfd",
        b"[" * 4000,
        b'{"a":' * 800,
        b" " * 5000,
        b'{"frames": ' + b"9" * 4000 + b"}",
    ],
)
def test_a_header_that_says_something_else_is_refused(header):
    with pytest.raises(BadFingerprint):
        TimingFingerprint.from_bytes(built(header, bytes(100)))


@pytest.mark.parametrize("length", [0, 1, 4097, 2**31, 2**32 - 1])
def test_a_header_of_another_length_than_it_says_is_refused(length):
    with pytest.raises(BadFingerprint):
        TimingFingerprint.from_bytes(built({"frames": 100, **SETTINGS}, bytes(100), length=length))


@pytest.mark.parametrize("data", ["", "A", "AAA", "AA=", "====", "TU1URg=="])
def test_bad_base64_is_refused(data):
    fingerprint = schema.Fingerprint.model_construct(version=1, data=data)
    with pytest.raises(BadFingerprint):
        TimingFingerprint.from_schema(fingerprint)


def test_a_passport_cut_off_anywhere_is_refused():
    data = TimingFingerprint.of(sound(10)).to_schema().data
    for end in range(len(data)):
        with pytest.raises(BadFingerprint):
            TimingFingerprint.from_schema(schema.Fingerprint.model_construct(version=1, data=data[:end]))


def test_it_does_not_depend_on_volume():
    soundtrack = sound(60)
    quieter = Soundtrack((soundtrack.levels - 20).astype(np.uint8), soundtrack.voice)
    same = TimingFingerprint.of(soundtrack).bits == TimingFingerprint.of(quieter).bits
    assert same.mean() > 0.95


def test_what_it_holds_is_base64_of_its_bytes():
    fingerprint = TimingFingerprint.of(sound(5))
    assert base64.b64decode(fingerprint.to_schema().data) == fingerprint.to_bytes()
    assert fingerprint.to_schema().version == VERSION


# With gaps


def gapped(bits, known):
    """The fingerprint of frames of which only some are known; any bits of the others."""
    changes = np.where(np.unpackbits(bits[:, None], axis=1, bitorder="little"), 1.0, -1.0).astype(np.float32)
    return TimingFingerprint.of_parts([FingerprintPart(0, changes, known)], len(bits))


def test_the_bytes_of_a_whole_fingerprint_are_those_of_the_first_program():
    data = TimingFingerprint(np.arange(256, dtype=np.uint8)).to_bytes()
    assert hashlib.sha256(data).hexdigest() == "d92da419478b1287e3e29a8eba7b2069068d25f945b9940e66ab4e796d4d5374"


@given(st.data(), BITS)
def test_bytes_with_gaps_are_read_as_they_were_written(data, bits):
    known = data.draw(arrays.arrays(bool, len(bits)))
    fingerprint = gapped(bits, known)
    assert np.array_equal(fingerprint.known, known)
    assert np.array_equal(fingerprint.bits, np.where(known, bits, 0))
    assert np.array_equal(fingerprint.times, np.flatnonzero(known) / 4)
    assert fingerprint.signs.shape == (known.sum(), CHANGES)
    assert fingerprint.duration_s == len(bits) / 4
    written = fingerprint.to_bytes()
    assert written[4] == (VERSION if known.all() else GAPS_VERSION)  # programs that know no gaps refuse them
    read = TimingFingerprint.from_bytes(written)
    assert (read.gaps, read.to_bytes()) == (fingerprint.gaps, written)
    assert np.array_equal(read.bits, fingerprint.bits)
    assert TimingFingerprint.from_schema(fingerprint.to_schema()).gaps == fingerprint.gaps


def test_the_layout_with_gaps_is_the_documented_one():
    known = np.ones(100, bool)
    known[10:14] = known[16:96] = False
    bits = np.arange(100, dtype=np.uint8)
    data = gapped(bits, known).to_bytes()
    assert (data[:4], data[4]) == (b"MMTF", 2)
    length = int.from_bytes(data[5:9], "little")
    assert json.loads(data[9 : 9 + length]) == {"frames": 100, "gaps": [10, 4, 2, 80], **SETTINGS}
    assert data[9 + length : -4] == bits[known].tobytes()
    assert int.from_bytes(data[-4:], "little") == zlib.crc32(data[:-4])
    assert gapped(bits, known).to_schema().version == 2


def test_of_two_parts_that_know_a_frame_the_first_counts_and_none_reaches_beyond_the_end():
    rises, falls = np.ones((6, CHANGES), np.float32), -np.ones((6, CHANGES), np.float32)
    parts = [FingerprintPart(2, rises, np.arange(6) < 3), FingerprintPart(3, falls, np.arange(6) > 0)]
    made = TimingFingerprint.of_parts(parts, 8)
    assert made.gaps == ((0, 2),)
    assert made.bits.tolist() == [0, 0, 255, 255, 255, 0, 0, 0]


@pytest.mark.parametrize(
    "gaps",
    [
        [],
        None,
        "gaps",
        {},
        [5],
        [5, 5, 5],
        [5, 0],
        [-5, 10],
        [0, 5, 0, 5],
        [10, 20, -15, 5],
        [0, 101],
        [90, 5, 5, 5],
        [0, 5.0],
        [0, True],
        [0, "5"],
        [0, [5]],
        [0, 10**400],
        [0, -(10**400)],
    ],
)
def test_gaps_that_overlap_or_are_in_disorder_or_lie_outside_are_refused(gaps):
    for held in (100, 95, 0):
        with pytest.raises(BadFingerprint):
            TimingFingerprint.from_bytes(built({"frames": 100, "gaps": gaps, **SETTINGS}, bytes(held), version=2))


def test_gaps_and_version_must_fit():
    header = {"frames": 100, "gaps": [10, 4], **SETTINGS}
    assert TimingFingerprint.from_bytes(built(header, bytes(96), version=2)).gaps == ((10, 14),)
    for data in (
        built(header, bytes(96)),
        built(header, bytes(100), version=2),
        built({"frames": 100, **SETTINGS}, bytes(100), version=2),
    ):
        with pytest.raises(BadFingerprint):
            TimingFingerprint.from_bytes(data)
    outer = TimingFingerprint.from_bytes(built(header, bytes(96), version=2)).to_schema()
    with pytest.raises(BadFingerprint, match="the passport says version 1, but its timing fingerprint has version 2"):
        TimingFingerprint.from_schema(outer.model_copy(update={"version": 1}))


def test_a_million_gaps_take_no_memory_that_the_file_does_not_have():
    frames = MOST_FRAMES
    tracemalloc.start()
    try:
        with pytest.raises(BadFingerprint, match="cut off or damaged"):
            TimingFingerprint.from_bytes(built({"frames": frames, "gaps": [1, 1] * 400_000, **SETTINGS}, version=2))
        nothing = TimingFingerprint.from_bytes(built({"frames": frames, "gaps": [0, frames], **SETTINGS}, version=2))
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert len(nothing.times) == 0

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmdia_dataset.timing import (
    MAX_MS,
    Piece,
    Span,
    TimeMap,
    format_timestamp,
    ms_from_seconds,
    ms_from_timestamp,
    rate_from_text,
    rate_text,
)

MS = st.integers(0, MAX_MS - 1)
RATES = st.fractions(Fraction(1, 2), 2, max_denominator=100_000)


@given(MS)
def test_a_timestamp_is_read_as_it_was_written(ms):
    text = format_timestamp(ms)
    assert ms_from_timestamp(text) == ms
    assert ms_from_timestamp(text.replace(",", ".")) == ms


@given(MS)
def test_seconds_of_a_millisecond_are_that_millisecond(ms):
    assert ms_from_seconds(ms / 1000) == ms


@pytest.mark.parametrize(
    ("text", "ms"), [("0:00:01.5", 1500), ("00:00:00,0004", 0), ("00:00:00,0005", 1), (" 01:02:03 ", 3_723_000)]
)
def test_other_forms_of_timestamps(text, ms):
    assert ms_from_timestamp(text) == ms


@pytest.mark.parametrize("text", ["", "12", "00:60:00,000", "00:00:60,000", "-1:00:00,0", "1:2", "९:00:00", "a:b:c"])
def test_a_wrong_timestamp_is_refused(text):
    with pytest.raises(ValueError, match=r"is not|above 59"):
        ms_from_timestamp(text)


@pytest.mark.parametrize("seconds", [-0.001, float("nan"), float("inf"), 1e9])
def test_seconds_outside_any_movie_are_refused(seconds):
    with pytest.raises(ValueError, match="not a time inside a movie"):
        ms_from_seconds(seconds)


@given(RATES)
def test_a_rate_is_read_as_it_was_written(rate):
    assert rate_from_text(rate_text(rate)) == rate


@pytest.mark.parametrize("text", ["", "0", "1/0", "fast", "-1", "3", "1/3"])
def test_a_wrong_rate_is_refused(text):
    with pytest.raises(ValueError, match="rate"):
        rate_from_text(text)


@given(MS, st.integers(-100_000, 100_000), RATES)
def test_recording_time_follows_the_formula_exactly(ms, offset, rate):
    start, end = TimeMap.linear(offset, rate).place(Span(ms, ms + 1))
    assert start * rate * 1000 - offset == ms
    assert (end - start) * 1000 == 1 / rate


def test_a_span_over_a_splice_or_in_a_gap_has_no_place():
    time_map = TimeMap.from_pieces([Piece(2000, 3000, offset_ms=Fraction(-500)), Piece(0, 1000)])
    assert time_map.place(Span(100, 900)) == (Fraction(1, 10), Fraction(9, 10))
    assert time_map.place(Span(2000, 3000)) == (Fraction(3, 2), Fraction(5, 2))
    assert time_map.place(Span(900, 1100)) is None
    assert time_map.place(Span(1200, 1300)) is None


@pytest.mark.parametrize("pieces", [[Piece(5, 5)], [Piece(0, 10), Piece(9, 20)]])
def test_a_map_that_contradicts_itself_is_refused(pieces):
    with pytest.raises(ValueError, match="piece"):
        TimeMap.from_pieces(pieces)

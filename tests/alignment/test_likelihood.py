"""What frames say for a place, and where pieces end by what they say."""

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmdia_dataset.alignment.by_fingerprint.agreement import Agreement
from mmdia_dataset.alignment.by_fingerprint.likelihood import Likelihood
from mmdia_dataset.alignment.by_fingerprint.splices import splice_in
from mmdia_dataset.alignment.by_fingerprint.timing_fingerprint import TimingFingerprint
from mmdia_dataset.alignment.by_fingerprint.tracking import Run
from mmdia_dataset.alignment.cues import cued
from mmdia_dataset.alignment.soundtrack import BANDS, Soundtrack, listen
from mmdia_dataset.timing import Span
from tests.support import editions

TIMES = np.arange(400) / 4
RUNS = [Run(0, 200, 0.0), Run(200, 400, 7.0)]
SPAN = Span(20_000, 40_000)  # the first run's frames 80 to 159


@lru_cache
def film():
    return editions.make_film(1, 4.5)


@lru_cache
def fingerprint():
    return TimingFingerprint.of(listen(editions.blocks(film().samples())))


@lru_cache
def likelihood(noise=0.0):
    """Of a recording that is the reference, with noise."""
    reference = fingerprint()
    agreement = Agreement(reference, editions.edition(film(), noise=noise).soundtrack(), 1.0, 1.0)
    runs = [Run(0, len(reference.times), 0.0)]
    return Likelihood(agreement, runs, cued(reference.times, film().dialogues))


def spoken():
    return np.flatnonzero(cued(fingerprint().times, film().dialogues))


def test_a_clean_copy_speaks_for_its_place_and_against_every_other():
    assert likelihood().nats(spoken(), 0.0).mean() > 2
    assert likelihood().nats(spoken(), 11.3).mean() < -2


def test_noise_takes_evidence_away_and_makes_none_up():
    clean, noisy = likelihood().nats(spoken(), 0.0), likelihood(0.02).nats(spoken(), 0.0)
    assert 0 < noisy.mean() < clean.mean()
    elsewhere = likelihood(0.02).nats(spoken(), 11.3)
    assert likelihood().nats(spoken(), 11.3).mean() < elsewhere.mean() < 0


def test_silence_says_nothing_but_where_somebody_should_speak():
    reference = fingerprint()
    silent = Soundtrack(np.zeros((2000, BANDS), np.uint8), np.zeros(2000, np.uint8))
    talking = np.arange(len(reference.times)) < 20
    said = Likelihood(Agreement(reference, silent, 1.0, 1.0), [Run(0, 40, 0.0)], talking)
    assert said.nats(np.arange(20, 70), 0.0) == pytest.approx(0, abs=1e-9)
    assert (said.nats(np.arange(4, 20), 0.0) < 0).any()
    assert (said.nats(np.arange(200, 240), 0.0) < 0).all()  # it is over long before


def nats(ends_s, gap_s=0.0, strength=2.0):
    """What is said if the first run ends at a time, and the second begins some time later."""

    def said(frames, offset):
        times = TIMES[frames]
        right = times < ends_s if offset == 0.0 else times >= ends_s + gap_s
        return np.where(right, strength, -strength)

    return said


@given(st.floats(0, 100), st.floats(0, 20), st.floats(0.7, 5))
def test_a_piece_that_ends_inside_a_dialogue_is_found_there(ends_s, gap_s, strength):
    found = splice_in(SPAN, TIMES, nats(ends_s, gap_s, strength), RUNS, 0)
    if ends_s > 39.75:
        assert found is None
    elif 30 < ends_s <= 37:
        assert found == pytest.approx(ends_s, abs=0.25)
    elif ends_s <= 30:
        assert found is not None


def test_a_piece_that_begins_inside_a_dialogue_is_found_too():
    assert splice_in(Span(60_000, 80_000), TIMES, nats(66.0), RUNS, 1) == pytest.approx(65.75, abs=0.25)
    assert splice_in(Span(60_000, 80_000), TIMES, nats(60.0), RUNS, 1) is None


def test_nothing_said_is_no_splice():
    assert splice_in(SPAN, TIMES, lambda frames, _: np.zeros(len(frames)), RUNS, 0) is None
    assert splice_in(SPAN, TIMES, lambda frames, _: np.zeros(len(frames)), RUNS[:1], 0) is None


def test_a_dialogue_shorter_than_a_frame_is_not_spliced():
    assert splice_in(Span(20_010, 20_050), TIMES, nats(90.0), RUNS, 0) is None

"""What evidence from practice is weighted by: right on average over all draws, and wrong no more often than alpha."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from dermai.gate.eprocess import log_e_values
from dermai.gate.policy import GatePolicy
from dermai.gate.readings import Readings
from dermai.gate.results import LesionResults
from dermai.gate.shadow_evidence import Answers, Practice

POLICY = GatePolicy()
ALPHA, FLOOR = 0.05, POLICY.floors["MM"]

CASE = st.tuples(st.integers(1, 3), st.booleans(), st.booleans(), st.booleans())  # day, normal, a melanoma, found


def practice(patient, day, truth, found, probability, asked, share):
    """Of a first model, in a service that confirms what was asked to be read."""
    names = np.arange(len(truth)).astype(str)
    results = LesionResults(names, np.asarray(patient), np.where(asked, truth, ""), np.where(found, "MM", "Nev"))
    readings = Readings(names, probability, asked, share)
    return Practice.of(POLICY, Answers(results, None, None, np.asarray(day), readings))


@given(st.lists(CASE, min_size=1, max_size=5), st.sampled_from([0.02, 0.3, 1.0]))
def test_the_mean_over_all_draws_is_that_of_the_melanoma_which_counts(cases, share):
    day, normal, melanoma, found = (np.array(column) for column in zip(*cases, strict=True))
    found &= melanoma
    truth, probability = np.where(melanoma, "MM", "Nev"), np.where(normal, share, 1.0)
    sums = {"all read": 0.0, "drawn": 0.0}
    for wins in product([True, False], repeat=len(cases)):
        asked = (probability == 1) | np.array(wins)
        chance = np.prod(np.where(probability == 1, np.where(wins, 1.0, 0.0), np.where(wins, share, 1 - share)))
        if chance == 0:
            continue
        seen = practice(["p"] * len(cases), day, truth, found, probability, asked, share).evidence("MM", "floor")
        assert len(seen) <= 1
        sums["drawn"] += chance * float(seen.weights @ (seen.values - FLOOR))
    everything = np.ones(len(cases), dtype=bool)
    counting = Readings(np.arange(len(cases)).astype(str), probability, everything, share).counting(
        np.array(["p"] * len(cases)), day
    )
    first = day == day[counting & melanoma].min(initial=9)
    values = found[counting & melanoma & first] - FLOOR
    assert sums["drawn"] == pytest.approx(values.mean() if len(values) else 0.0)


def test_what_was_not_asked_for_counts_nothing_although_a_diagnosis_came_back():
    readings = Readings(np.array(["a", "b"]), np.array([0.1, 1.0]), np.array([False, True]), 0.1)
    assert readings.counting(np.array(["p", "q"]), np.array([1, 1])).tolist() == [False, True]
    assert readings.weights.tolist() == [0.0, 1.0]


def test_where_every_case_is_read_nothing_is_weighted():
    readings = Readings.of_everything(3)
    assert readings.counting(np.array(["p", "p", "q"]), np.array([1, 2, 3])).all()
    assert readings.weights.tolist() == readings.least_probability(np.array([1, 2, 3])).tolist() == [1.0, 1.0, 1.0]


def test_a_smaller_share_counts_from_the_day_on_which_it_was_set():
    readings = Readings(np.array(list("abcd")), np.array([0.5, 1.0, 0.1, 0.5]), np.ones(4, dtype=bool), 0.5)
    assert readings.least_probability(np.array([1, 2, 2, 3])).tolist() == [0.5, 0.1, 0.1, 0.1]


def test_what_was_bet_while_all_were_read_stays_so_when_a_later_challenger_has_a_smaller_share():
    everything = Readings(np.array(["a", "b"]), np.ones(2), np.ones(2, dtype=bool), 1.0)
    drawn = Readings(np.array(["c", "d"]), np.array([1.0, 0.02]), np.ones(2, dtype=bool), 0.02)
    together = Readings.joined([everything, drawn])
    assert together.least_probability(np.array([1, 2, 3, 4])).tolist() == [1.0, 1.0, 1.0, 0.02]


@pytest.mark.parametrize("wrong", [0.0, -0.1, 1.5])
def test_a_probability_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="probabilities"):
        Readings(np.array(["a"]), np.array([wrong]), np.array([True]), 0.5)
    with pytest.raises(ValueError, match="read anyway"):
        Readings(np.array(["a"]), np.array([1.0]), np.array([False]))


@pytest.mark.parametrize(("share", "sent_home"), [(0.1, 0.3), (0.5, 0.2)])
def test_a_model_at_the_floor_whose_misses_are_sent_home_is_shown_with_at_most_alpha_over_all_looks(share, sent_home):
    """Verification bias: misses that were sent home are known only where drawn, or years later by themselves, which is
    a hundredth here; the confirmed diagnoses alone would show the floor nearly always."""
    rng, runs, size = np.random.default_rng(20261128), 400, 800
    shown = {"weighted": 0, "as confirmed": 0}
    for _ in range(runs):
        found = rng.random(size) < FLOOR
        normal = ~found & (rng.random(size) < sent_home / (1 - FLOOR))
        asked = ~normal | (rng.random(size) < share)
        truth = np.full(size, "MM")
        seen = practice(np.arange(size).astype(str), np.arange(size), truth, found, np.where(normal, share, 1.0), asked,
                        share).evidence("MM", "floor")  # fmt: skip
        shown["weighted"] += seen.log_e_values(FLOOR, 0.0, POLICY.shadow).max() >= -np.log(ALPHA)
        known = asked | (rng.random(size) < 0.01)
        confirmed = log_e_values(found[known].astype(float), 0.0, FLOOR)
        shown["as confirmed"] += confirmed.max() >= -np.log(ALPHA)
    assert shown["weighted"] <= binom.ppf(0.9999, runs, ALPHA)
    assert shown["as confirmed"] > 0.9 * runs


def test_a_bet_that_followed_the_probability_would_gain_where_nothing_is_to_be_gained():
    """Why one bet is made on all: exact mean of the wealth's growth at the floor, half of the misses sent home."""
    share, bet = 0.1, 0.5
    hit, read, drawn = 1 - FLOOR, -FLOOR, -FLOOR / share
    chances = np.array([FLOOR, (1 - FLOOR) / 2, (1 - FLOOR) / 2 * share])
    one_bet = float(chances @ [bet * share * hit / FLOOR, bet * share * read / FLOOR, bet * share * drawn / FLOOR])
    by_probability = float(chances @ [bet * hit / FLOOR, bet * read / FLOOR, bet * share * drawn / FLOOR])
    assert one_bet == pytest.approx(0, abs=1e-12)
    assert by_probability > 0.05

"""Several lesions a patient, with errors that go together: no test finds more than it may."""

import numpy as np
import pytest
from scipy.stats import binom

from dermai.gate.clustered import pairs, proportion
from tests.gate.simulated import clustered

pytestmark = pytest.mark.slow  # simulated many times

ALPHA = 0.05


def most(runs, level=ALPHA):
    """Errors that a test at this level makes at most, but for one simulation in 10,000."""
    return binom.ppf(0.9999, runs, level)


@pytest.mark.parametrize("correlation", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("patients", [25, 80, 250])
def test_the_floor_is_shown_wrongly_with_at_most_alpha(patients, correlation):
    rng, runs, floor = np.random.default_rng(20211003), 800, 0.7
    above = below = 0
    for _ in range(runs):
        patient, hit = clustered(rng, patients, [1 - floor, floor], correlation)
        found = proportion(patient, hit == 1)
        above += found.p_value_above(floor) <= ALPHA
        below += found.p_value_below(floor) <= ALPHA
    assert above <= most(runs)
    assert below <= most(runs)


@pytest.mark.parametrize("correlation", [0.0, 0.4, 1.0])
@pytest.mark.parametrize(("patients", "gain_rate"), [(25, 0.05), (60, 0.02), (60, 0.15), (250, 0.05)])
def test_non_inferiority_and_harm_are_shown_wrongly_with_at_most_alpha(patients, gain_rate, correlation):
    rng, runs, margin = np.random.default_rng(20211003), 400, 0.10
    not_worse = worse = 0
    for _ in range(runs):
        at_margin = [gain_rate, gain_rate + margin, 1 - margin - 2 * gain_rate]
        patient, outcome = clustered(rng, patients, at_margin, correlation)
        not_worse += pairs(patient, outcome != 1, outcome != 0).p_value_not_worse(margin) <= ALPHA
        patient, outcome = clustered(rng, patients, [gain_rate, gain_rate, 1 - 2 * gain_rate], correlation)
        worse += pairs(patient, outcome != 1, outcome != 0).p_value_worse() <= ALPHA
    assert not_worse <= most(runs)
    assert worse <= most(runs)


def test_counting_lesions_as_if_they_were_patients_would_err():
    """Why patients count once: with like lesions, the naive test is wrong more than twice as often as it says."""
    from dermai.gate.exact import p_value_above

    rng, runs, floor, wrong = np.random.default_rng(1), 800, 0.7, 0
    for _ in range(runs):
        _, hit = clustered(rng, 60, [1 - floor, floor], 1.0)
        wrong += p_value_above(int(hit.sum()), len(hit), floor) <= ALPHA
    assert wrong > 2 * ALPHA * runs


def test_patients_whose_many_lesions_are_found_less_often_do_not_mislead():
    """The sensitivity that is judged weighs patients equally: 0.7 here, less over lesions."""
    rng, runs, shown = np.random.default_rng(2), 800, 0
    for _ in range(runs):
        sizes = rng.integers(1, 6, 80)
        patient = np.repeat(np.arange(80), sizes)
        chance = 0.7 + 0.1 * (3 - sizes)
        found = proportion(patient, rng.random(len(patient)) < chance[patient])
        shown += found.p_value_above(0.7) <= ALPHA
    assert shown <= most(runs)


def test_independent_lesions_of_a_patient_gain_precision_but_never_more_than_lesions():
    rng = np.random.default_rng(3)
    patient, hit = clustered(rng, 100, [0.3, 0.7], 0.0)
    independent = proportion(patient, hit == 1)
    assert 100 < independent.effective <= len(patient)
    patient, hit = clustered(rng, 100, [0.3, 0.7], 1.0)
    assert proportion(patient, hit == 1).effective == 100


def test_no_lesion_shows_nothing():
    nobody, nothing = np.zeros(0, dtype=int), np.zeros(0, dtype=bool)
    found, compared = proportion(nobody, nothing), pairs(nobody, nothing, nothing)
    assert (found.p_value_above(0.7), found.p_value_below(0.7), found.lower_bound(0.05)) == (1, 1, 0)
    assert (compared.p_value_not_worse(0.1), compared.p_value_worse(), compared.difference) == (1, 1, 0)

"""How many further cases a decision needs: enough of them decide it with the power that was asked for."""

import numpy as np
import pytest

from dermai.gate.clustered import EXACT_LIMIT, Pairs, pairs
from dermai.gate.eprocess import log_e_values
from dermai.gate.follow_up import miss_weighed
from dermai.gate.planning import further_patients_for_comparison, further_patients_for_floor, power, rejects
from dermai.gate.policy import GatePolicy
from dermai.gate.reign import challenger_alpha

POLICY = GatePolicy()
THRESHOLD = -np.log(challenger_alpha(POLICY))  # of the first challenger of a reign


@pytest.mark.parametrize("true", [0.8, 0.88, 0.95])
def test_so_many_further_patients_show_a_floor_with_the_power_asked_for(true):
    rng = np.random.default_rng(1)
    further = further_patients_for_floor(true * 10**6, 10**6, POLICY, "MM")
    hits = (rng.random((1000, further)) < true).astype(float)
    least, weighed = miss_weighed(hits, 0.7, 0.0, POLICY.shadow)
    ever = [log_e_values(values, least, 0.7).max() >= THRESHOLD for values in weighed]
    assert np.mean(ever) == pytest.approx(POLICY.planning.power, abs=0.08)


@pytest.mark.parametrize(("gains", "losses"), [(0.05, 0.05), (0.1, 0.1), (0.04, 0.08), (0.01, 0.01)])
def test_so_many_further_patients_rule_out_the_margin_with_the_power_asked_for(gains, losses):
    rng = np.random.default_rng(2)
    further = further_patients_for_comparison(gains * 10**6, losses * 10**6, 10**6, POLICY, 0.1)
    drawn = rng.choice([1.0, 0.0, -1.0], p=[gains, 1 - gains - losses, losses], size=(1000, further))
    least, weighed = miss_weighed(drawn, -0.1, -1.0, POLICY.shadow)
    ever = [log_e_values(values, least, -0.1).max() >= THRESHOLD for values in weighed]
    assert np.mean(ever) == pytest.approx(POLICY.planning.power, abs=0.08)


def test_a_model_that_seems_under_its_floor_or_worse_by_the_margin_is_not_helped_by_more_cases():
    assert further_patients_for_floor(30, 50, POLICY, "MM") is None
    assert further_patients_for_comparison(0, 10, 50, POLICY, 0.1) is None


def test_evidence_that_practice_gave_already_shortens_the_wait():
    numbers = [further_patients_for_floor(45, 50, POLICY, "MM", log_e) for log_e in (-1.0, 0.0, 2.0, THRESHOLD)]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-1] == 1


@pytest.mark.parametrize("n", [30, EXACT_LIMIT])
def test_the_table_of_rejections_is_what_the_test_says_of_each(n):
    rng = np.random.default_rng(3)
    gains, losses, _ = rng.multinomial(n, [0.06, 0.08, 0.86], size=40).T
    one_by_one = [
        Pairs(0, 0, 0, 0, n, float(b), float(c), float(n)).p_value_not_worse(0.1) <= 0.05
        for b, c in zip(gains, losses, strict=True)
    ]
    assert rejects(gains, losses, n, 0.1, 0.05).tolist() == one_by_one


def test_power_is_the_share_of_simulated_tests_that_show_it():
    rng, n = np.random.default_rng(4), 60
    patients = np.arange(n)
    shown = []
    for _ in range(600):
        cell = rng.choice(3, size=n, p=[0.05, 0.05, 0.9])
        shown.append(pairs(patients, cell != 1, cell != 0).p_value_not_worse(0.1) <= 0.05)
    assert np.mean(shown) == pytest.approx(power(n, 0.1, 0.1, 0.0, 0.05), abs=0.06)

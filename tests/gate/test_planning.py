"""How many further cases a decision needs: enough of them decide it with the power that was asked for."""

import numpy as np
import pytest

from dermai.gate.clustered import EXACT_LIMIT, Pairs, Proportion, pairs, proportion
from dermai.gate.planning import further_cases_for_comparison, further_cases_for_floor, power, rejects
from dermai.gate.policy import Planning
from tests.gate.simulated import clustered


def test_so_many_further_cases_show_a_floor_with_the_power_asked_for():
    rng, floor, true = np.random.default_rng(1), 0.7, 0.88
    found = Proportion(10, 9, 10, 0.9, 10.0)
    further = further_cases_for_floor(found, floor, true, 0.05, 0.8)
    hits = rng.binomial(10 + further, true, 4000)
    shown = [Proportion(10 + further, h, 10 + further, h / (10 + further), 10.0 + further) for h in hits]
    assert 0.7 <= np.mean([one.p_value_above(floor) <= 0.05 for one in shown]) <= 0.93


def test_a_model_that_seems_under_its_floor_or_worse_by_the_margin_is_not_helped_by_more_cases():
    assert further_cases_for_floor(Proportion(50, 30, 50, 0.6, 50.0), 0.7, 0.9, 0.05, 0.8) is None
    assert further_cases_for_comparison(Pairs(30, 0, 10, 10, 50, 0.0, 10.0, 50.0), 0.1, 0.05, Planning()) is None


def test_patients_with_several_like_lesions_are_counted_as_patients():
    patient, hit = clustered(np.random.default_rng(2), 12, [0.1, 0.9], 1.0)
    alone = proportion(np.arange(12), np.array([hit[patient == one][0] == 1 for one in range(12)]))
    found = proportion(patient, hit == 1)
    assert further_cases_for_floor(found, 0.7, 0.9, 0.05, 0.8) == further_cases_for_floor(alone, 0.7, 0.9, 0.05, 0.8)


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

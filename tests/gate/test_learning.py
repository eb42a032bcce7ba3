"""Learning, potential and retention are told apart."""

import numpy as np
import pytest

from dermai.gate.learning import changes
from dermai.gate.policy import GatePolicy
from tests.gate.simulated import lesions

POLICY = GatePolicy(gated_classes=("MM",))


def results(new, old):
    """Melanomas found among ten new and twenty old ones."""
    return lesions({"MM": np.concatenate([np.arange(10) < new, np.arange(20) < old])})


NEW = np.arange(30) < 10


def test_each_is_the_difference_that_it_says():
    (found,) = changes(POLICY, results(9, 17), results(5, 18), NEW)
    assert (found.new_lesions, found.old_lesions) == (10, 20)
    assert found.learning.value == pytest.approx(0.4)
    assert found.retention.value == pytest.approx(-0.05)
    assert found.potential.value == pytest.approx(0.5 - 0.9)
    for part in (found.learning, found.potential, found.retention):
        assert part.low < part.value < part.high


def test_without_new_lesions_there_is_nothing_to_learn_from():
    (found,) = changes(POLICY, results(9, 17), results(5, 18), np.zeros(30, dtype=bool))
    assert found.learning is None
    assert found.potential is None
    assert found.retention.value == pytest.approx(0.1)


def test_the_interval_of_the_potential_holds_the_truth_as_often_as_it_says():
    rng, inside, runs = np.random.default_rng(4), 0, 400
    for _ in range(runs):
        hit = np.concatenate([rng.random(10) < 0.6, rng.random(20) < 0.9])
        model = lesions({"MM": hit})
        (found,) = changes(POLICY, model, model, NEW)
        inside += found.potential.low <= -0.3 <= found.potential.high
    assert inside >= 0.95 * runs - 2 * np.sqrt(0.95 * 0.05 * runs)

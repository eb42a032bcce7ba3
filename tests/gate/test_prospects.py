"""What a policy can show, before any model is judged."""

from __future__ import annotations

import pytest

from dermai.gate.policy import GatePolicy
from dermai.gate.prospects import power


@pytest.mark.parametrize("discordance", [0.1, 0.2, 0.6])
def test_the_power_rises_with_the_true_difference_however_much_two_models_differ(discordance):
    policy = GatePolicy(planning={"discordance": discordance})
    patients = {"MM": 52, "BCC": 56, "benign": 90}
    chances = [power(policy, patients, 0.03, 1.1, difference) for difference in (-0.1, 0.05, 0.1)]
    assert chances == sorted(chances)
    assert chances[0] < 0.03

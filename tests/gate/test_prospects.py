"""What a policy can show, before any model is judged."""

from __future__ import annotations

import pytest

from dermai.gate.policy import GatePolicy
from dermai.gate.prospects import floors_in_practice, power


@pytest.mark.parametrize("discordance", [0.1, 0.2, 0.6])
def test_the_power_rises_with_the_true_difference_however_much_two_models_differ(discordance):
    policy = GatePolicy(planning={"discordance": discordance})
    patients = {"MM": 52, "BCC": 56, "benign": 90}
    chances = [power(policy, patients, 0.03, 1.1, difference) for difference in (-0.1, 0.05, 0.1)]
    assert chances == sorted(chances)
    assert chances[0] < 0.03


def test_the_fewer_normal_cases_are_read_the_longer_a_floor_takes_in_practice():
    per_month = {"MM": 20.0, "BCC": 20.0}
    found = [floors_in_practice(GatePolicy(), per_month, share) for share in (1.0, 0.5, 0.1, 0.02)]
    needed = [[of_class.patients for of_class in floors] for floors in found]
    assert needed == sorted(needed)
    assert [of_class.months for of_class in found[0]] == [11, 10]  # the six months of follow-up are among them
    assert [of_class.months for of_class in found[-1]] == [None, 104]
    assert {of_class.patients for of_class in floors_in_practice(GatePolicy(), per_month, 0.0)} == {None}

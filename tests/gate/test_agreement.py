"""The deployed model is compared with its sisters as they are with each other."""

import numpy as np
import pytest

from dermai.gate.agreement import agreement
from dermai.gate.policy import GatePolicy

POLICY = GatePolicy()


def calls(rng, base, share):
    """The same calls, but for a share of the lesions in which melanoma and naevus are exchanged."""
    changed = rng.random(len(base)) < share
    return np.where(changed, np.where(base == "MM", "Nev", "MM"), base)


@pytest.fixture
def base(rng=None):
    return np.random.default_rng(1).choice(["MM", "BCC", "Nev"], 400, p=[0.2, 0.2, 0.6])


def test_the_shares_are_those_of_all_pairs(base):
    rng = np.random.default_rng(2)
    deployed, sisters = calls(rng, base, 0.03), np.stack([calls(rng, base, 0.05) for _ in range(5)])
    (of_melanoma, _) = agreement(POLICY, deployed, sisters)
    pairs = [np.mean((sisters[a] == "MM") != (sisters[b] == "MM")) for a in range(5) for b in range(a)]
    assert of_melanoma.among_sisters == pytest.approx(np.mean(pairs))
    assert of_melanoma.with_sisters == pytest.approx(np.mean((sisters == "MM") != (deployed == "MM")))
    assert (of_melanoma.lesions, of_melanoma.verdict) == (400, "shown")


def test_a_model_that_calls_otherwise_than_its_sisters_does_not_agree(base):
    rng = np.random.default_rng(3)
    sisters = np.stack([calls(rng, base, 0.05) for _ in range(5)])
    found = {each.code: each.verdict for each in agreement(POLICY, calls(rng, base, 0.3), sisters)}
    assert found == {"MM": "not_shown", "BCC": "not_shown"}


def test_nothing_is_shown_without_lesions_or_with_a_single_sister(base):
    for deployed, sisters in ((base, base[None]), (base[:0], np.empty((5, 0), dtype=str))):
        assert {each.verdict for each in agreement(POLICY, deployed, sisters)} == {"not_shown"}


@pytest.mark.parametrize(("dropped", "least", "most"), [(0.0, 0.9, 1.0), (0.2, 0.0, 0.1)])
def test_a_model_that_drops_melanomas_is_found_although_they_are_few(dropped, least, most):
    rng, runs, agreed = np.random.default_rng(6), 100, 0
    for _ in range(runs):
        base = rng.permutation(np.repeat(["MM", "Nev"], [30, 250]))
        own = calls(rng, base, 0.01)
        own = np.where((own == "MM") & (rng.random(len(own)) < dropped), "Nev", own)
        sisters = np.stack([calls(rng, base, 0.01) for _ in range(5)])
        agreed += agreement(POLICY, own, sisters)[0].verdict == "shown"
    assert least <= agreed / runs <= most

"""Gate and shadow mode together, over a champion's reign."""

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks.gate.carry_over import SERIES, false_promotions
from dermai.gate.eprocess import log_e_values
from dermai.gate.ledger import Result, next_use
from dermai.gate.planning import rejects
from dermai.gate.policy import GatePolicy, ShadowRules
from dermai.gate.reign import carries, challenger_alpha, series_alpha

POLICY = GatePolicy()


@pytest.mark.parametrize("shadow", [0.01, 0.05, 0.2])
def test_test_patients_and_shadow_mode_share_alpha(shadow):
    policy = GatePolicy(shadow=ShadowRules(alpha=shadow))
    assert policy.test_set_alpha + policy.shadow_alpha == pytest.approx(policy.alpha)
    assert policy.shadow_alpha / policy.test_set_alpha == pytest.approx(shadow / policy.alpha)


@pytest.mark.parametrize("carry_over", [0, 20])
def test_all_challengers_of_a_reign_and_their_series_share_shadow_modes_part(carry_over):
    policy = GatePolicy(shadow=ShadowRules(carry_over=carry_over))
    shares = [challenger_alpha(policy, number) for number in range(1, 20_000)]
    of_series = [series_alpha(policy, number) for number in range(1, 20_000)]
    assert sum(shares) + sum(of_series) <= policy.shadow_alpha
    assert sum(shares) + sum(of_series) == pytest.approx(policy.shadow_alpha, rel=1e-3)
    assert (sum(of_series) > 0) == (carry_over > 0)
    assert shares == sorted(shares, reverse=True)


def test_a_first_challenger_pays_nothing_for_carrying_over():
    off = GatePolicy(shadow=ShadowRules(carry_over=0))
    assert challenger_alpha(POLICY) == challenger_alpha(off)
    assert challenger_alpha(POLICY, 2) < challenger_alpha(off, 2)


def test_a_challenger_is_carried_by_its_series_only_with_evidence_of_its_own():
    together, own = -np.log(series_alpha(POLICY)), -np.log(challenger_alpha(POLICY))
    assert carries(POLICY, together, own, 20)
    assert not carries(POLICY, together - 0.1, own, 20)
    assert not carries(POLICY, together, own - 0.1, 20)
    assert not carries(POLICY, together, own, 19)
    assert not carries(POLICY, together, own, 20, series=2)
    assert not carries(GatePolicy(shadow=ShadowRules(carry_over=0)), together, own, 20)


@pytest.mark.slow
@pytest.mark.parametrize("kinds", SERIES.values(), ids=SERIES)
def test_carrying_over_promotes_no_more_of_those_that_fall_short_than_shadow_modes_part(kinds):
    runs = 200
    counts = false_promotions(kinds, 60, 0.2, runs, np.random.default_rng(4))
    assert counts["carried", False] <= binom.ppf(0.9999, runs, POLICY.shadow_alpha)
    assert counts["carried", True] <= counts["carried", False]


def test_own_evidence_that_does_not_point_the_other_way_would_not_be_enough():
    kinds = SERIES["19 good, then one falls short"]
    assert false_promotions(kinds, 60, 0.2, 40, np.random.default_rng(5))["weak", False] > 20


@pytest.mark.slow
def test_20_challengers_worse_by_the_margin_are_promoted_with_at_most_alpha_over_a_reign():
    """The one test that should stop them decides alone, on test patients and at every look in practice."""
    rng, runs, n, gain, loss = np.random.default_rng(20211003), 600, 100, 0.05, 0.15
    pool = {name: [f"{number:04}" for number in range(n)] for name in ("MM", "BCC", "benign")}
    lines, promoted, fresh = [], np.zeros(runs, dtype=bool), np.zeros(runs, dtype=bool)
    for number in range(1, 21):
        use = next_use(lines, POLICY, pool, evaluated=str(number), candidate=str(number), champion="c")
        lines += [use, Result(number=use.number, at="", outcome="insufficient_evidence")]
        gains, losses, _ = rng.multinomial(n, [gain, loss, 1 - gain - loss], size=runs).T
        values = rng.choice([1.0, 0.0, -1.0], size=(runs, 150), p=[gain, 1 - gain - loss, loss])
        evidence = np.array([log_e_values(each, -1.0, -0.10).max() for each in values])
        promoted |= rejects(gains, losses, n, 0.10, use.level) & use.spends
        promoted |= evidence >= -np.log(challenger_alpha(POLICY, number))
        fresh |= evidence >= -np.log(POLICY.alpha)
    assert promoted.sum() <= binom.ppf(0.9999, runs, POLICY.alpha)
    assert fresh.mean() > 3 * POLICY.alpha  # what an alpha of its own for each challenger does

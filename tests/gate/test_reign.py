"""Gate and shadow mode together, over a champion's reign."""

import numpy as np
import pytest
from scipy.stats import binom

from dermai.gate.eprocess import log_e_values
from dermai.gate.ledger import Result, next_use
from dermai.gate.planning import rejects
from dermai.gate.policy import GatePolicy, ShadowRules
from dermai.gate.reign import challenger_alpha

POLICY = GatePolicy()


@pytest.mark.parametrize("shadow", [0.01, 0.05, 0.2])
def test_test_patients_and_shadow_mode_share_alpha(shadow):
    policy = GatePolicy(shadow=ShadowRules(alpha=shadow))
    assert policy.test_set_alpha + policy.shadow_alpha == pytest.approx(policy.alpha)
    assert policy.shadow_alpha / policy.test_set_alpha == pytest.approx(shadow / policy.alpha)


def test_all_challengers_of_a_reign_share_shadow_modes_half():
    shares = [challenger_alpha(POLICY, number) for number in range(1, 20_000)]
    assert sum(shares) <= POLICY.shadow_alpha
    assert sum(shares) == pytest.approx(POLICY.shadow_alpha, rel=1e-3)


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

"""Paired tests against published examples, and their error rates by exact sums over all tables."""

import numpy as np
import pytest
from scipy.special import gammaln, xlogy
from scipy.stats import norm

from dermai.gate import paired, unconditional
from dermai.gate.clustered import EXACT_LIMIT, Pairs
from dermai.gate.planning import power, rejects

LENSES = (0, 1, 44)  # gains, losses, pairs: chemical against thermal disinfection of soft contact lenses
AIRWAYS = (1, 7, 21)  # airway hyper-responsiveness before and after stem cell transplantation


def tables(n):
    """All counts of gains and losses of n pairs."""
    gains, losses = (grid.ravel() for grid in np.indices((n + 1, n + 1)))
    return gains[gains + losses <= n], losses[gains + losses <= n]


def chances(gains, losses, n, gain_rate, loss_rate):
    """Multinomial probability of each table."""
    rest = n - gains - losses
    ways = gammaln(n + 1) - gammaln(gains + 1) - gammaln(losses + 1) - gammaln(rest + 1)
    rates = xlogy(gains, gain_rate) + xlogy(losses, loss_rate) + xlogy(rest, 1 - gain_rate - loss_rate)
    return np.exp(ways + rates)


def test_score_test_and_interval_are_those_tango_published():
    """Tango, Statistics in Medicine 17 (1998) 891-908, the example of section 5."""
    assert float(paired.score(*LENSES, -0.1)) == pytest.approx(1.709, abs=5e-4)
    assert paired.p_value(*LENSES, 0.1) == pytest.approx(0.0437, abs=2e-4)
    assert paired.interval(*LENSES, 0.90) == pytest.approx((-0.096, 0.037), abs=6e-4)


def test_interval_and_exact_tests_are_those_published_by_fagerland():
    """Fagerland, Lydersen & Laake, Statistics in Medicine 33 (2014) 2850 (interval), BMC MRM 13 (2013) 91 (tests)."""
    assert paired.interval(*AIRWAYS, 0.95) == pytest.approx((-0.517, -0.026), abs=6e-4)
    assert 2 * paired.p_value_worse(1, 7) == pytest.approx(0.0703, abs=6e-5)  # McNemar's exact test, two-sided
    assert 2 * unconditional.p_value(7, 1, 21, 1e-9) == pytest.approx(0.0353, abs=3e-4)  # Suissa and Shuster


def test_intervals_are_the_differences_that_the_score_test_does_not_reject():
    for gains, losses, n in ((3, 5, 40), (0, 0, 30), (12, 2, 50), (0, 30, 30)):
        low, high = paired.interval(gains, losses, n, 0.95)
        assert -1 <= low <= (gains - losses) / n <= high <= 1
        for bound, sign in ((low, 1), (high, -1)):
            if abs(bound) < 1:
                assert sign * float(paired.score(gains, losses, n, bound)) == pytest.approx(norm.isf(0.025), abs=1e-6)


def test_the_asymptotic_test_errs_with_few_pairs_and_the_exact_one_does_not():
    """What the exact test is for: 25 pairs, margin 0.10, discordance 0.10."""
    gains, losses = tables(25)
    mass = chances(gains, losses, 25, 0.0, 0.10)
    score_test = norm.sf(paired.score(gains, losses, 25, -0.10)) <= 0.05
    assert mass[score_test].sum() == pytest.approx(0.072, abs=0.001)
    assert mass[rejects(gains, losses, 25, 0.10, 0.05)].sum() <= 0.05


@pytest.mark.parametrize("margin", [0.05, 0.10, 0.20])
@pytest.mark.parametrize("n", [10, 25, 60, 120])
def test_the_exact_test_keeps_its_level_at_every_discordance(n, margin):
    gains, losses = tables(n)
    for alpha in (0.05, 0.0094):
        shown = rejects(gains, losses, n, margin, alpha)
        sizes = [
            chances(gains, losses, n, rate, rate + margin)[shown].sum() for rate in np.linspace(0, (1 - margin) / 2, 60)
        ]
        assert max(sizes) <= alpha


@pytest.mark.parametrize("n", [EXACT_LIMIT + 1, 400])
def test_the_corrected_score_test_keeps_its_level_with_many_pairs(n):
    gains, losses = tables(n)
    keep = (gains < 0.35 * n) & (losses < 0.45 * n)
    gains, losses = gains[keep], losses[keep]
    distance = gains - losses + n * 0.1
    with np.errstate(divide="ignore", invalid="ignore"):
        corrected = norm.sf(paired.score(gains, losses, n, -0.1) * (distance - 0.5) / distance)
    p_values = np.where(distance <= 0.5, 1.0, corrected)
    for place in (0, 1, n // 3, len(gains) // 9):  # the formula above is the one in use
        found = Pairs(0, 0, 0, 0, n, float(gains[place]), float(losses[place]), float(n)).p_value_not_worse(0.1)
        assert found == pytest.approx(p_values[place]) or (found >= 0.5 and p_values[place] == 1)
    for alpha in (0.05, 0.0375, 0.0094, 0.0025):
        for rate in (0.0, 0.002, 0.01, 0.03, 0.1, 0.2):
            assert chances(gains, losses, n, rate, rate + 0.1)[p_values <= alpha].sum() <= alpha


def test_the_statistic_rises_with_gains_and_falls_with_losses():
    """The exact test's worst case lies on the margin because of this."""
    for n, margin in ((7, 0.1), (30, 0.05), (90, 0.2)):
        grid = paired.score(*np.indices((n + 1, n + 1)), n, -margin)
        gains, losses = np.indices((n + 1, n + 1))
        inside = gains + losses <= n
        rises = np.diff(grid, axis=0) >= -1e-9
        falls = np.diff(grid, axis=1) <= 1e-9
        assert rises[inside[1:]].all()
        assert falls[inside[:, 1:]].all()


@pytest.mark.parametrize(("gains", "losses", "n", "margin"), [(0, 1, 44, 0.1), (3, 6, 60, 0.1), (9, 9, 150, 0.05)])
def test_the_exact_p_value_is_the_largest_tail_found_by_a_fine_search(gains, losses, n, margin):
    all_gains, all_losses = tables(n)
    extreme = paired.score(all_gains, all_losses, n, -margin) >= float(paired.score(gains, losses, n, -margin)) - 1e-9
    rates = np.linspace(0, min((1 - margin) / 2, 0.3), 400)
    largest = max(chances(all_gains, all_losses, n, rate, rate + margin)[extreme].sum() for rate in rates)
    found = unconditional.p_value(gains, losses, n, margin)
    assert largest - 1e-9 <= found <= largest * 1.006 + 2e-4


def test_the_test_for_harm_keeps_its_level():
    """McNemar's exact test against the champion; against the anchor, where more than the margin is harm, corrected."""
    for n in (25, 60, 200):
        gains, losses = tables(n)
        p_values = np.array([paired.p_value_worse(b, c) for b, c in zip(gains, losses, strict=True)])
        for rate in (0.01, 0.05, 0.2):
            assert chances(gains, losses, n, rate, rate)[p_values <= 0.05].sum() <= 0.05
        distance = gains - losses + n * 0.1 + 0.5
        with np.errstate(divide="ignore", invalid="ignore"):
            corrected = norm.cdf(paired.score(gains, losses, n, -0.1) * distance / (distance - 0.5))
        p_values = np.where(distance >= 0, 1.0, corrected)
        level = 0.05 / 9  # as with two classes, champion and anchor
        for rate in (0.0, 0.01, 0.05, 0.2):
            assert chances(gains, losses, n, rate, rate + 0.1)[p_values <= level].sum() <= 1.1 * level


def test_power_by_an_exact_sum_and_the_pairs_planned_for_it():
    """A margin of 10 points, discordance 0.10, no true difference, at 5 %."""
    assert [round(power(n, 0.10, 0.10, 0.0, 0.05), 2) for n in (25, 50, 100, 200)] == [0.25, 0.64, 0.89, 0.99]
    needed = paired.pairs_needed(0.10, 0.10, 0.0, 0.05, 0.80)
    assert 0.75 <= power(needed, 0.10, 0.10, 0.0, 0.05) <= 0.85


def test_a_true_loss_of_the_margin_cannot_be_planned_for():
    with pytest.raises(ValueError, match="cannot be shown to be non-inferior"):
        paired.pairs_needed(0.10, 0.10, -0.10, 0.05, 0.80)

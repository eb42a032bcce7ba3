"""Clopper-Pearson bounds against published tables, and their coverage by exact sums."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from dermai.gate import exact


@pytest.mark.parametrize(
    ("hits", "n", "lower", "upper"),
    [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0.0, 0.1684), (1, 29, 0.0009, 0.1776)],
)
def test_intervals_are_those_published_by_newcombe(hits, n, lower, upper):
    """Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 5."""
    assert exact.interval(hits, n, 0.95) == pytest.approx((lower, upper), abs=6e-5)


@pytest.mark.parametrize(("n", "floor", "needed"), [
    (25, 0.8, 24), (50, 0.8, 45), (100, 0.8, 87), (200, 0.8, 170),
    (25, 0.9, None), (50, 0.9, 49), (100, 0.9, 96), (200, 0.9, 188),
])  # fmt: skip
def test_hits_needed_for_a_floor(n, floor, needed):
    assert exact.hits_needed(n, floor, 0.05) == needed


@pytest.mark.parametrize(("hits", "n"), [(0, 12), (7, 12), (12, 12), (40, 52)])
def test_bounds_and_p_values_agree_with_scipy(hits, n):
    found = binomtest(hits, n).proportion_ci(0.9, "exact")
    assert (exact.lower_bound(hits, n, 0.05), exact.upper_bound(hits, n, 0.05)) == pytest.approx(
        (found.low, found.high)
    )
    assert exact.p_value_above(hits, n, 0.7) == pytest.approx(binomtest(hits, n, 0.7, "greater").pvalue)
    assert exact.p_value_below(hits, n, 0.7) == pytest.approx(binomtest(hits, n, 0.7, "less").pvalue)


@pytest.mark.parametrize("alpha", [0.05, 0.0094])
@pytest.mark.parametrize("n", [14, 52, 400])
def test_the_floor_is_shown_wrongly_with_at_most_alpha(n, alpha):
    counts = np.arange(n + 1)
    for floor in (0.6, 0.7, 0.9):
        shown = [exact.p_value_above(k, n, floor) <= alpha for k in counts]
        assert binom.pmf(counts, n, floor)[shown].sum() <= alpha
        assert shown == [exact.lower_bound(k, n, alpha) >= floor for k in counts]

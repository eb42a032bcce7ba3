"""How many more confirmed cases a decision needs, and the power of a test with those there are."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import gammaln, xlogy
from scipy.stats import binom

from dermai.gate import unconditional
from dermai.gate.clustered import EXACT_LIMIT, Pairs, Proportion
from dermai.gate.paired import pairs_needed, score
from dermai.gate.policy import Planning

PRIOR_CASES = 10  # weight of the policy's assumption beside what was observed
MOST_CASES = 20_000


def further_cases_for_floor(found: Proportion, floor: float, expected: float, alpha: float, power: float) -> int | None:
    """Further cases that will probably show the floor; None where the model does not seem to be above it.

    The true sensitivity is taken to be what was observed, drawn a little towards `expected`.

    >>> further_cases_for_floor(Proportion(0, 0, 0, 0.0, 0.0), 0.7, 0.9, 0.05, 0.8)
    28
    """
    assumed = (found.hits + PRIOR_CASES * expected) / (found.effective + PRIOR_CASES)
    if assumed <= floor:
        return None
    n = np.arange(1, MOST_CASES + 1)
    likely = np.asarray(binom.sf(_most_misleading(floor, alpha), n, assumed) >= power)
    if not likely.any():
        return None
    return max(math.ceil(int(n[likely.argmax()]) * _patients_per_effective(found) - found.patients), 1)


@lru_cache(maxsize=64)
def _most_misleading(floor: float, alpha: float) -> np.ndarray:
    """For 1, 2, ... cases, the largest number of hits that does not show the floor."""
    return np.asarray(binom.isf(alpha, np.arange(1, MOST_CASES + 1), floor))


def further_cases_for_comparison(found: Pairs, margin: float, alpha: float, planning: Planning) -> int | None:
    """Further cases that will probably show non-inferiority; None where the candidate seems worse by the margin.

    Discordance is taken to be what was observed, drawn a little towards the policy's; the true difference to be none,
    or the observed one where that is negative.

    >>> further_cases_for_comparison(Pairs(0, 0, 0, 0, 0, 0.0, 0.0, 0.0), 0.1, 0.05, Planning())
    81
    """
    gains, losses, n = found.effective_counts
    discordance = (gains + losses + PRIOR_CASES * planning.discordance) / (n + PRIOR_CASES)
    difference = min(found.difference, 0.0) * n / (n + PRIOR_CASES)
    if difference <= -0.8 * margin:
        return None
    needed = pairs_needed(margin, discordance, difference, alpha, planning.power)
    if needed > MOST_CASES:
        return None
    return max(math.ceil(needed * _patients_per_effective(found) - found.patients), 1)


def _patients_per_effective(found: Proportion | Pairs) -> float:
    return found.patients / found.effective if found.patients else 1.0


def power(n: int, margin: float, discordance: float, difference: float, alpha: float) -> float:
    """Probability that the gate's paired test shows non-inferiority, n patients with one lesion each; exact sum.

    >>> round(power(100, 0.10, 0.10, 0.0, 0.05), 2)
    0.89
    """
    gains, losses = (grid.ravel() for grid in np.indices((n + 1, n + 1)))
    inside = gains + losses <= n
    gains, losses = gains[inside], losses[inside]
    gain_rate, loss_rate = (discordance + difference) / 2, (discordance - difference) / 2
    rest = n - gains - losses
    log_ways = gammaln(n + 1) - gammaln(gains + 1) - gammaln(losses + 1) - gammaln(rest + 1)
    log_mass = xlogy(gains, gain_rate) + xlogy(losses, loss_rate) + xlogy(rest, max(1 - discordance, 0.0))
    mass = np.exp(log_ways + log_mass)
    return float(mass[rejects(gains, losses, n, margin, alpha)].sum())


def rejects(gains: np.ndarray, losses: np.ndarray, n: int, margin: float, alpha: float) -> np.ndarray:
    """Which tables show non-inferiority at this level; boolean, as `Pairs.p_value_not_worse` would say each.

    The exact p-value rises as the score statistic falls, so a few evaluations find the statistic where it passes alpha.
    """
    if n > EXACT_LIMIT:
        tables = (_table(int(b), int(c), n) for b, c in zip(gains, losses, strict=True))
        return np.array([table.p_value_not_worse(margin) <= alpha for table in tables], dtype=bool)
    statistic = np.round(score(gains, losses, n, -margin), 9)
    levels, first = np.unique(-statistic, return_index=True)
    low, high = 0, len(levels)  # levels before `low` pass, from `high` on they fail
    while low < high:
        middle = (low + high) // 2
        at = first[middle]
        if unconditional.p_value(int(gains[at]), int(losses[at]), n, margin) <= alpha:
            low = middle + 1
        else:
            high = middle
    return -statistic <= levels[low - 1] if low else np.zeros(len(statistic), dtype=bool)


def _table(gains: int, losses: int, n: int) -> Pairs:
    return Pairs(n - gains - losses, gains, losses, 0, n, float(gains), float(losses), float(n))

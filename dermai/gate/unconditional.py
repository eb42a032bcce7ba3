"""The exact unconditional test of non-inferiority for paired proportions, for the numbers where the score test errs.

Source: Hsueh, Liu & Chen, Biometrics 57 (2001) 478-483: tables are ordered by Tango's score statistic, and the p-value
is the largest probability, over the unknown discordance, of a table at least as extreme. It never exceeds its level:
the statistic rises with gains and falls with losses (checked in the tests), so the worst case lies where the candidate
is worse by exactly the margin, and the maximum over the discordance is bounded from above, not merely searched for.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import bdtr, gammaln, xlog1py, xlogy

from dermai.gate.paired import score

RELATIVE_TOLERANCE = 0.005  # how far the returned upper bound may lie above the true maximum
ABSOLUTE_TOLERANCE = 1e-4
TIE = 1e-9
NEGLIGIBLE = 1e-15  # chance below which a number of gains counts in full instead of being computed


@lru_cache(maxsize=65536)
def p_value(gains: int, losses: int, n: int, margin: float) -> float:
    """Exact p-value of H0: the candidate is worse by the margin or more; at most 0.5 % + 0.0001 too large.

    >>> round(p_value(0, 1, 44, 0.1), 3)  # Tango's example, 0.044 by the score test
    0.057
    >>> round(p_value(0, 0, 30, 0.1), 3), round(0.9**30, 3)
    (0.043, 0.042)
    """
    if n == 0:
        return 1.0
    largest_losses = _region(gains, losses, n, margin)
    most = (1 - margin) / 2
    rates = np.linspace(0.0, most, 65)
    tails = _tail(rates, largest_losses, n, margin)
    low, high, at_low, at_high = rates[:-1], rates[1:], tails[:-1], tails[1:]
    best = float(tails.max())
    ceiling = best
    # Branch and bound: between two rates the tail exceeds both ends by width^2 / 8 times its concavity at most.
    while low.size:
        ends, bend = np.maximum(at_low, at_high), (high - low) ** 2 / 8
        bounds = ends + bend * _concavity(low, high, n, margin, np.ones_like(low))
        bounds = ends + bend * _concavity(low, high, n, margin, bounds)
        ceiling = max(best, float(bounds.max()))
        open_ = bounds > best * (1 + RELATIVE_TOLERANCE) + ABSOLUTE_TOLERANCE
        if not open_.any():
            break
        low, high, at_low, at_high = low[open_], high[open_], at_low[open_], at_high[open_]
        middle = (low + high) / 2
        at_middle = _tail(middle, largest_losses, n, margin)
        best = max(best, float(at_middle.max()))
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        at_low, at_high = np.concatenate([at_low, at_middle]), np.concatenate([at_middle, at_high])
    return min(ceiling, 1.0)


def _concavity(low: np.ndarray, high: np.ndarray, n: int, margin: float, ceiling: np.ndarray) -> np.ndarray:
    """Upper bound of minus the second derivative of a tail that stays below `ceiling` between these gain rates.

    With S the score of one rate for the counts X of gains, losses and the rest, the derivative is E[1 (S^2 + S')], so
    minus it is E[1 (-S')] at most, a sum of weight / rate^2 E[1 X]. There E[1 X] = n rate P(tail | one pair is of this
    kind), and that probability is at most 1, and at most the tail's divided by the rate. Where a rate is nearly 0, the
    bound is 8 n (n - 1): the argument moves along (1, 1, -2) and the tail is the mean of a 0/1 function of counts.
    """
    bound = np.zeros_like(low)
    for weight, rate in ((1, low), (1, low + margin), (4, 1 - 2 * high - margin)):
        least = np.maximum(rate, 1e-12)
        bound += weight * n / least * np.minimum(ceiling / least, 1)
    return np.asarray(np.minimum(bound, 8 * n * (n - 1)))


def _region(gains: int, losses: int, n: int, margin: float) -> np.ndarray:
    """For each number of gains, [n + 1], the largest number of losses that is at least as extreme; -1 for none."""
    counts = np.arange(n + 1)
    statistics = score(counts[:, None], counts[None, :], n, -margin)
    extreme = statistics >= float(score(gains, losses, n, -margin)) - TIE
    extreme &= counts[:, None] + counts[None, :] <= n
    return np.asarray(np.where(extreme, counts[None, :], -1).max(axis=1))


def _tail(gain_rates: np.ndarray, largest_losses: np.ndarray, n: int, margin: float) -> np.ndarray:
    """Probability of the region where gains have these rates and losses exceed them by the margin."""
    gains = np.flatnonzero(largest_losses >= 0)
    rates = np.maximum(gain_rates, 0.0)[:, None]
    log_choose = gammaln(n + 1) - gammaln(gains + 1) - gammaln(n - gains + 1)
    of_gains = np.exp(log_choose + xlogy(gains, rates) + xlog1py(n - gains, -rates))
    loss_share = np.minimum((rates + margin) / (1 - rates), 1.0)
    allowed = np.minimum(largest_losses[gains], n - gains)
    row, column = np.nonzero((of_gains > NEGLIGIBLE) & (allowed < n - gains))
    within = np.ones_like(of_gains)
    within[row, column] = bdtr(allowed[column].astype(float), (n - gains)[column], loss_share[row, 0])
    return np.asarray((of_gains * within).sum(axis=1))

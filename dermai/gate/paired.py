"""Tango's score test and interval for the difference of two paired proportions, and McNemar's exact test.

Sources: Tango, Statistics in Medicine 17 (1998) 891-908; McNemar, Psychometrika 12 (1947) 153-157.
Throughout, of n pairs `gains` are hits of the candidate alone and `losses` hits of the reference alone; the difference
(gains - losses) / n is positive where the candidate is better. Counts may be fractional.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import betainc
from scipy.stats import norm


def score(gains: ArrayLike, losses: ArrayLike, n: float, difference: float) -> np.ndarray:
    """Score statistic of H0: the true difference is `difference`; large where the candidate is better than that.

    The probability of a loss is estimated under the hypothesis: the larger root of a quadratic (Tango's equation 15).
    """
    gains, losses = np.asarray(gains, dtype=float), np.asarray(losses, dtype=float)
    linear = -gains - losses + (2 * n - gains + losses) * difference
    constant = -losses * difference * (1 - difference)
    loss_rate = (np.sqrt(np.maximum(linear**2 - 8 * n * constant, 0)) - linear) / (4 * n)
    variance = np.maximum(n * (2 * loss_rate + difference * (1 - difference)), 0)
    distance = gains - losses - n * difference
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(distance == 0, 0.0, distance / np.sqrt(variance))


def p_value(gains: float, losses: float, n: float, margin: float) -> float:
    """Non-inferiority: H0, the candidate is worse by the margin or more. Asymptotic.

    Tango's example, chemical against thermal disinfection of contact lenses with margin 0.1:

    >>> round(p_value(0, 1, 44, 0.1), 4)
    0.0438
    """
    return float(norm.sf(score(gains, losses, n, -margin))) if n > 0 else 1.0


def interval(gains: float, losses: float, n: float, confidence: float) -> tuple[float, float]:
    """Two-sided score interval of the difference; (-1, 1) without pairs.

    The same example, 90 %:

    >>> tuple(round(bound, 3) for bound in interval(0, 1, 44, 0.90))
    (-0.096, 0.037)
    """
    if n <= 0:
        return -1.0, 1.0
    limit = float(norm.isf((1 - confidence) / 2))
    estimate = (gains - losses) / n

    def excess(target: float) -> Callable[[float], float]:
        return lambda difference: float(score(gains, losses, n, difference)) - target

    edge = 1 - 1e-9
    lower = brentq(excess(limit), -edge, estimate) if excess(limit)(-edge) > 0 else -1.0
    upper = brentq(excess(-limit), estimate, edge) if excess(-limit)(edge) < 0 else 1.0
    return float(lower), float(upper)


def p_value_worse(gains: float, losses: float) -> float:
    """McNemar's exact one-sided test of H0: the candidate is at least as good; small where it is worse.

    >>> p_value_worse(1, 9), p_value_worse(0, 0)
    (0.0107421875, 1.0)
    """
    return float(betainc(losses, gains + 1, 0.5)) if losses > 0 else 1.0


def pairs_needed(margin: float, discordance: float, true_difference: float, alpha: float, power: float) -> int:
    """Pairs for which the score test shows non-inferiority with the given power.

    Asymptotic, with the variance under the hypothesis at its expected value; never fewer than an identical model needs.

    >>> pairs_needed(0.10, 0.10, 0.0, 0.05, 0.80)
    81
    """
    shift = true_difference + margin
    if shift <= 0:
        raise ValueError("a candidate that is truly worse by the margin cannot be shown to be non-inferior")
    discordance = max(discordance, abs(true_difference), 1e-9)
    gains, losses = (discordance + true_difference) / 2, (discordance - true_difference) / 2
    z_of_one = float(score(gains, losses, 1.0, -margin))
    null_deviation = shift / z_of_one
    deviation = math.sqrt(max(discordance - true_difference**2, 0.0))
    asymptotic = ((norm.isf(alpha) * null_deviation + norm.isf(1 - power) * deviation) / shift) ** 2
    identical = math.log(alpha) / math.log1p(-margin)
    return math.ceil(max(asymptotic, identical) - 1e-9)

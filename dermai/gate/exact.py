"""Exact (Clopper-Pearson) bounds and tests of one proportion.

Source: Clopper & Pearson, Biometrika 26 (1934) 404-413. Counts may be fractional where lesions of one patient share
that patient's weight: the beta quantiles then interpolate, as in Korn & Graubard, Survey Methodology 24 (1998) 193-201.
SciPy is imported where it is called: `dermai status` reads what was decided with these and computes nothing.
scipy.special is used as scipy.stats has the same numbers, a second later.
"""

from __future__ import annotations

import math


def lower_bound(hits: float, n: float, alpha: float) -> float:
    """One-sided lower bound at confidence 1 - alpha; 0 where there is no hit.

    >>> round(lower_bound(45, 50, 0.05), 4)
    0.8012
    """
    from scipy.special import betaincinv

    return float(betaincinv(hits, n - hits + 1, alpha)) if hits > 0 else 0.0


def upper_bound(hits: float, n: float, alpha: float) -> float:
    """One-sided upper bound at confidence 1 - alpha; 1 where there is no miss.

    >>> round(upper_bound(0, 100, 0.05), 4)  # the rule of three: about 3/n
    0.0295
    """
    from scipy.special import betaincinv

    return float(betaincinv(hits + 1, n - hits, 1 - alpha)) if hits < n else 1.0


def interval(hits: float, n: float, confidence: float) -> tuple[float, float]:
    """Two-sided interval with equal tails.

    >>> tuple(round(bound, 4) for bound in interval(1, 10, 0.95))
    (0.0025, 0.445)
    """
    tail = (1 - confidence) / 2
    return lower_bound(hits, n, tail), upper_bound(hits, n, tail)


def p_value_above(hits: float, n: float, floor: float) -> float:
    """P(at least so many hits) when the true proportion is the floor; at most alpha where `lower_bound` >= floor.

    >>> round(p_value_above(14, 14, 0.8), 3)
    0.044
    """
    from scipy.special import betainc

    return float(betainc(hits, n - hits + 1, floor)) if hits > 0 else 1.0


def p_value_below(hits: float, n: float, floor: float) -> float:
    """P(at most so many hits) when the true proportion is the floor; at most alpha where `upper_bound` <= floor.

    >>> round(p_value_below(0, 5, 0.5), 5)
    0.03125
    """
    from scipy.special import betainc

    return float(1 - betainc(hits + 1, n - hits, floor)) if hits < n else 1.0


def hits_needed(n: int, floor: float, alpha: float) -> int | None:
    """Fewest hits of n that put the lower bound at or above the floor; None where even n of n do not.

    >>> hits_needed(100, 0.8, 0.05), hits_needed(25, 0.9, 0.05)
    (87, None)
    """
    return next((hits for hits in range(n + 1) if p_value_above(hits, n, floor) <= alpha), None)


def fewest_without_miss(floor: float, alpha: float) -> int:
    """Cases that show the floor if none is missed.

    >>> [fewest_without_miss(floor, 0.05) for floor in (0.80, 0.85, 0.90)]
    [14, 19, 29]
    """
    return math.ceil(math.log(alpha) / math.log(floor) - 1e-9)

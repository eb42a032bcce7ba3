"""Betting e-processes: evidence that may be looked at after every case without inflating the error rate.

Source: Waudby-Smith & Ramdas, JRSS B 86 (2024) 1-27; Ville's inequality. A bet of a share b of one's wealth against
"the mean is at most m" multiplies the wealth by 1 + b (x - m) / (m - least); under the hypothesis the wealth does not
grow on average, so the chance that it ever reaches 1/alpha is at most alpha. The wealth is spread evenly over a fixed
set of bets: no tuning, no peeking ahead, and what is left after n cases does not depend on their order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BETS = (np.arange(20) + 0.5) / 20


def log_e_values(values: np.ndarray, least: float | np.ndarray, null_mean: float) -> np.ndarray:
    """Logarithm of the e-value of H0 "the mean is at most `null_mean`" after each value; [N] from [N].

    Values are at least `least` and may depend on what came before, as long as their conditional mean is at most
    `null_mean` under H0. `least` may be another one for each value, [N], where it is known before the value is: the
    farther it lies below the mean, the less is bet.

    >>> identical = np.zeros(60)  # candidate and champion never differ; margin 0.1
    >>> e_values = np.exp(log_e_values(identical, least=-1, null_mean=-0.1))
    >>> int(np.argmax(e_values >= 20)) + 1
    43
    """
    growth = np.log1p(BETS[:, None] * (np.asarray(values, dtype=float) - null_mean) / (null_mean - least))
    return np.asarray(np.logaddexp.reduce(np.cumsum(growth, axis=1), axis=0) - np.log(len(BETS)))


def growth(
    outcomes: Sequence[float] | np.ndarray, chances: Sequence[float] | np.ndarray, least: float, null_mean: float
) -> tuple[float, float]:
    """Growth of the logarithm a case with the best bet, where outcomes have these chances: mean, standard deviation."""
    each = np.log1p(BETS[:, None] * (np.asarray(outcomes) - null_mean) / (null_mean - least))
    means = each @ np.asarray(chances)
    best = int(means.argmax())
    variance = float((each[best] - means[best]) ** 2 @ np.asarray(chances))
    return float(means[best]), variance**0.5

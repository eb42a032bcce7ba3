"""How many more patients with a confirmed diagnosis a decision needs, and the power of a test with those there are.

The number is that of shadow mode (`dermai.gate.shadow`), where every patient whose diagnosis comes back counts: the
update's page and every later look compute it alike, from the test patients and from what practice has shown since.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.special import gammaln, xlogy
from scipy.stats import norm

from dermai.gate import unconditional
from dermai.gate.clustered import EXACT_LIMIT, Pairs
from dermai.gate.eprocess import growth
from dermai.gate.follow_up import miss_weighed
from dermai.gate.paired import score
from dermai.gate.policy import GatePolicy
from dermai.gate.reign import challenger_alpha

PRIOR_CASES = 10  # weight of what is assumed beside what was observed
LEAST_GROWTH = 1e-4  # of the evidence, a patient; below it no number of patients seems enough
MOST_CASES = 20_000


def further_patients_for_floor(
    hits: float,
    patients: float,
    policy: GatePolicy,
    code: str,
    log_e_value: float = 0.0,
    alpha: float | None = None,
    share: float = 1.0,
) -> int | None:
    """Patients with a confirmed lesion of a class after which its floor will probably be shown; None if never.

    `hits` among `patients` are what is known of the model; they are drawn a little towards the sensitivity it is meant
    to have. `log_e_value` is the evidence of daily practice so far, `alpha` the challenger's share of the reign's
    budget: that of its first challenger where it is not known yet. What is missed is taken to be sent home, unless it
    is drawn with the probability `share`: it is confirmed then, and counts 1 / `share` times.

    >>> from dermai.gate.policy import GatePolicy
    >>> further_patients_for_floor(45, 50, GatePolicy(), "MM"), further_patients_for_floor(30, 50, GatePolicy(), "MM")
    (84, None)
    >>> further_patients_for_floor(45, 50, GatePolicy(), "MM", share=0.1)
    616
    """
    floor = policy.floors[code]
    assumed = max(policy.target_sensitivities.get(code, 0.0), (1 + floor) / 2)
    expected = (hits + PRIOR_CASES * assumed) / (patients + PRIOR_CASES)
    least, outcomes = miss_weighed(np.array([1.0, 0.0]), floor, 0.0, policy.shadow)
    return _patients(
        _drawn(outcomes, (expected, 1 - expected), (False, True), least, floor, share), policy, log_e_value, alpha
    )


def further_patients_for_comparison(
    gains: float,
    losses: float,
    patients: float,
    policy: GatePolicy,
    margin: float,
    log_e_value: float = 0.0,
    alpha: float | None = None,
    share: float = 1.0,
    *,
    called: bool = True,
) -> int | None:
    """Patients after which a loss of the margin will probably be ruled out; None where it seems that large.

    `gains` and `losses` among `patients` are known of the two models. Their discordance is drawn a little towards the
    policy's; a candidate that seems better counts as equal. Losses, and equal answers unless the lesions are `called`,
    are taken to be sent home, as in `further_patients_for_floor`.

    >>> from dermai.gate.policy import GatePolicy
    >>> further_patients_for_comparison(2, 2, 40, GatePolicy(), 0.10)
    266
    """
    prior, total = PRIOR_CASES * policy.planning.discordance / 2, patients + PRIOR_CASES
    gain_rate, loss_rate = (gains + prior) / total, (losses + prior) / total
    if gain_rate > loss_rate:
        gain_rate = loss_rate = (gain_rate + loss_rate) / 2
    chances = (gain_rate, 1 - gain_rate - loss_rate, loss_rate)
    least, outcomes = miss_weighed(np.array([1.0, 0.0, -1.0]), -margin, -1.0, policy.shadow)
    return _patients(
        _drawn(outcomes, chances, (False, not called, True), least, -margin, share), policy, log_e_value, alpha
    )


def _drawn(
    outcomes: np.ndarray,
    chances: Sequence[float],
    sent_home: Sequence[bool],
    least: float,
    null_mean: float,
    share: float,
) -> tuple[float, float]:
    """Growth of the evidence a confirmed patient where what is sent home is confirmed with the probability `share`."""
    seen = np.where(sent_home, share, 1.0)
    confirmed = float(seen @ chances)
    values = null_mean + (np.asarray(outcomes) - null_mean) / seen
    return growth(values, seen * chances / confirmed, null_mean - (null_mean - least) / share, null_mean)


def _patients(
    growth_of_evidence: tuple[float, float], policy: GatePolicy, log_e_value: float, alpha: float | None
) -> int | None:
    """The number n for which mean n - z deviation sqrt(n) is what is missing; z is the normal quantile of the power."""
    mean, deviation = growth_of_evidence
    if mean < LEAST_GROWTH:
        return None
    missing = math.log(1 / (alpha or challenger_alpha(policy))) - log_e_value
    if missing <= 0:
        return 1
    missing += 0.583 * deviation  # what a walk in steps passes its boundary by (Siegmund, Sequential Analysis, 1985)
    spread = float(norm.ppf(policy.planning.power)) * deviation
    root = (spread + math.sqrt(spread**2 + 4 * mean * missing)) / (2 * mean)
    needed = math.ceil(root**2)
    return max(needed, 1) if needed <= MOST_CASES else None


def most(numbers: Iterable[int | None]) -> int | None:
    """The largest; None where one is unknown, and 0 of none."""
    found = list(numbers)
    return None if None in found else max((number for number in found if number is not None), default=0)


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

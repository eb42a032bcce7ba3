"""The error budget of a champion's reign, over the test patients and shadow mode together.

A reign begins when a version becomes the regular champion on evidence, or with the first attempt, and ends when the
next does; a provisional champion and a rollback begin none. Its budget is the policy's alpha, divided between the
test patients and shadow mode in the proportion of `alpha` and `shadow.alpha`: as shipped four fifths and one. The
ledger accounts for the first part (`dermai.gate.ledger`); the k-th challenger of a reign that waits for evidence has
the share 6 / (pi k)^2 of the second, and these shares add up to one.

With `shadow.carry_over` challengers of one recipe, one after the other, are a series. A test has one e-process over a
whole series, and a challenger passes the test, too, where this one and its own both reach their thresholds
(`carries`). For this the second and later challengers give up a part of their shares, `RECIPES` of shadow mode's budget
in all, of which the i-th series of a reign has the share 6 / (pi i)^2.

Theorem. Let the next candidate depend on earlier uses of the test patients through their outcomes only (promote,
reject or insufficient evidence), and on daily practice in any way. Then the chance that a reign ends with the
promotion of a candidate that falls short is at most alpha, for one set of test patients; new test patients add their
share of the first part. With `shadow.carry_over` this holds as long as the challengers of a series all fall short in
one test, or none does. Where one that falls short comes after others that do not, carrying over adds at most the share
of a first challenger for each such one.

Proof. Such a promotion needs, in a test whose hypothesis is true, a p-value at or under the level L of its use of the
test patients, or an e-process at or over 1 / a of daily practice, whose patients are new. Given everything that was
known when the k-th challenger was made, the second has at most the chance a = a_k (Ville's inequality), whatever
chose the challenger; so over all challengers at most the sum of a_k. The e-process of a series in which all fall
short has at most the chance of its own share, again by Ville's inequality: it bets on each patient's difference of the
challenger that waited when the patient was referred, whose conditional mean is under the hypothesis whichever one that
was. Both sums make up the second part. Given all of daily practice, the first has at most the first part by the
ledger's theorem. A union bound adds the two. A challenger carried by others has reached its own threshold 1 / a_1,
which one that falls short does with at most the chance a_1. How often it happens is measured
(benchmarks/results/carry_over.md).
"""

from __future__ import annotations

import math

from dermai.gate.policy import GatePolicy

RECIPES = 0.2  # of shadow mode's part: what the series of challengers of one recipe share
FIRST = 6 / math.pi**2


def challenger_alpha(policy: GatePolicy, number: int = 1) -> float:
    """What the challenger of this number in a reign (from 1) may spend of shadow mode's part of the budget.

    >>> round(challenger_alpha(GatePolicy()), 4), round(challenger_alpha(GatePolicy(), 2), 5)
    (0.0061, 0.00074)
    >>> round(challenger_alpha(GatePolicy(shadow={"carry_over": 0}), 2), 5)
    0.00152
    """
    given_up = RECIPES / (1 - FIRST) if policy.shadow.carry_over and number > 1 else 0.0
    return FIRST / number**2 * policy.shadow_alpha * (1 - given_up)


def series_alpha(policy: GatePolicy, number: int = 1) -> float:
    """What all challengers of the series of this number in a reign (from 1) may spend together; 0 without carry-over.

    >>> round(series_alpha(GatePolicy()), 5)
    0.00122
    """
    return FIRST / number**2 * policy.shadow_alpha * RECIPES if policy.shadow.carry_over else 0.0


def carries(
    policy: GatePolicy, log_e_of_series: float, log_e_of_its_own: float, own_patients: int, series: int = 1
) -> bool:
    """Whether a challenger passes a test by the evidence of its series and its own.

    Its own must reach what is asked of a reign's first challenger, with at least `shadow.carry_over` patients: so what
    is carried over is that a later one does not pay for the number of those before it.
    """
    if not policy.shadow.carry_over or own_patients < policy.shadow.carry_over:
        return False
    asked = ((log_e_of_series, series_alpha(policy, series)), (log_e_of_its_own, challenger_alpha(policy)))
    return all(log_e >= -math.log(alpha) - 1e-12 for log_e, alpha in asked)

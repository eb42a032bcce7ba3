"""The error budget of a champion's reign, over the test patients and shadow mode together.

A reign begins when a version becomes the regular champion on evidence, or with the first attempt, and ends when the
next does; a provisional champion and a rollback begin none. Its budget is the policy's alpha, divided between the
test patients and shadow mode in the proportion of `alpha` and `shadow.alpha`: as shipped four fifths and one. The
ledger accounts for the first part (`dermai.gate.ledger`); the k-th challenger of a reign that waits for evidence has
the share 6 / (pi k)^2 of the second, and these shares add up to one.

Theorem. Let the next candidate depend on earlier uses of the test patients through their outcomes only (promote,
reject or insufficient evidence), and on daily practice in any way. Then the chance that a reign ends with the
promotion of a candidate that falls short is at most alpha, for one set of test patients; new test patients add their
share of the first part.

Proof. Such a promotion needs, in a test whose hypothesis is true, a p-value at or under the level L of its use of the
test patients, or an e-process at or over 1 / a of daily practice, whose patients are new. Given everything that was
known when the k-th challenger was made, the second has at most the chance a = a_k (Ville's inequality), whatever
chose the challenger; so over all challengers at most the sum of a_k, which is the second part. Given all of daily
practice, the first has at most the first part by the ledger's theorem. A union bound adds the two.
"""

from __future__ import annotations

import math

from dermai.gate.policy import GatePolicy


def challenger_alpha(policy: GatePolicy, number: int = 1) -> float:
    """What the challenger of this number in a reign (from 1) may spend of shadow mode's part of the budget.

    >>> round(challenger_alpha(GatePolicy()), 4), round(challenger_alpha(GatePolicy(), 2), 4)
    (0.0061, 0.0015)
    """
    return 6 / (math.pi * number) ** 2 * policy.shadow_alpha

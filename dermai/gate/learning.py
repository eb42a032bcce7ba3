"""What an update brought, apart from what the data alone brought: learning, potential and retention.

With the champion's answers and the candidate's, on lesions that came since the champion was made and on older ones:

    learning    candidate less champion, on the new lesions
    potential   champion on the new lesions less champion on the old: what the data alone change
    retention   candidate less champion, on the old lesions

Source: arXiv 2604.04878, for models that are updated again and again.
"""

from __future__ import annotations

import math

import numpy as np

from dermai.gate import exact
from dermai.gate.clustered import Pairs, pairs
from dermai.gate.findings import Change, Estimated
from dermai.gate.policy import GatePolicy
from dermai.gate.results import LesionResults


def changes(
    policy: GatePolicy, candidate: LesionResults, champion: LesionResults, new: np.ndarray, confidence: float = 0.95
) -> tuple[Change, ...]:
    """The three for each gated class, as differences of sensitivity; `new` [N] marks the lesions that came since.

    Both results are on the same lesions in the same order. What has no lesion is None.
    """
    found = []
    for code in policy.gated_classes:
        own, before = candidate.hits(code, policy), champion.hits(code, policy)
        parts = [(candidate.truth == code) & chosen for chosen in (new, ~new)]
        learnt, kept = (pairs(candidate.patient_id[part], own[part], before[part]) for part in parts)
        found.append(
            Change(
                code=code,
                new_lesions=int(parts[0].sum()),
                old_lesions=int(parts[1].sum()),
                learning=_paired(learnt, confidence),
                potential=_difference(before[parts[0]], before[parts[1]], confidence),
                retention=_paired(kept, confidence),
            )
        )
    return tuple(found)


def _paired(found: Pairs, confidence: float) -> Estimated | None:
    if not found.patients:
        return None
    low, high = found.interval(confidence)
    return Estimated(value=found.difference, low=low, high=high)


def _difference(one: np.ndarray, other: np.ndarray, confidence: float) -> Estimated | None:
    """Difference of two shares of independent lesions, its interval combined from those of the shares.

    Source: Newcombe, Statistics in Medicine 17 (1998) 873-890, method 10, with exact intervals.
    """
    if not len(one) or not len(other):
        return None
    first, second = float(one.mean()), float(other.mean())
    (low_one, high_one), (low_other, high_other) = (
        exact.interval(float(hits.sum()), len(hits), confidence) for hits in (one, other)
    )
    value = first - second
    below = math.hypot(first - low_one, high_other - second)
    above = math.hypot(high_one - first, second - low_other)
    return Estimated(value=value, low=max(value - below, -1.0), high=min(value + above, 1.0))

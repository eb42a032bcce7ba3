"""Whether the deployed model calls what its sisters call: their evidence is of the way in which it was made."""

from __future__ import annotations

import numpy as np

from dermai.gate.findings import Agreement
from dermai.gate.policy import GatePolicy


def agreement(policy: GatePolicy, deployed: np.ndarray, sisters: np.ndarray) -> tuple[Agreement, ...]:
    """For each gated class, how often deployed model and sisters differ about it, and what it misses of their calls.

    Called classes: `deployed` [N] and `sisters` [K, N] on lesions that none of them has learnt, whatever their
    diagnosis. With fewer than two sisters, or without lesions, nothing is shown.

    >>> calls = np.array(["MM", "Nev", "MM", "Nev"])
    >>> [found.verdict for found in agreement(GatePolicy(), calls, np.stack([calls, calls]))]
    ['shown', 'shown']
    >>> [found.verdict for found in agreement(GatePolicy(), calls[::-1], np.stack([calls, calls]))]
    ['not_shown', 'shown']
    """
    rules = policy.all_lesions
    found = []
    for code in policy.gated_classes:
        own, theirs = deployed == code, sisters == code
        count, lesions = theirs.shape
        enough = count >= 2 and lesions > 0
        called = theirs.sum(axis=0)
        # Of count (count - 1) / 2 pairs of sisters, `called` times the others differ; the others miss each such call.
        among = float((called * (count - called)).mean() / (count * (count - 1) / 2)) if enough else 0.0
        differing = float((own != theirs).mean()) if enough else 0.0
        calls = max(int(called.sum()), 1)
        missed = float((theirs & ~own).sum() / calls)
        missed_among = float((called * (count - called)).sum() / (calls * (count - 1))) if enough else 0.0
        agreed = differing <= among + rules.most_disagreement + 1e-12
        agreed = agreed and missed <= missed_among + rules.most_missed_calls + 1e-12
        found.append(
            Agreement(
                code=code,
                lesions=lesions,
                with_sisters=differing,
                among_sisters=among,
                allowed=rules.most_disagreement,
                missed=missed,
                missed_among_sisters=missed_among,
                allowed_missed=rules.most_missed_calls,
                verdict="shown" if enough and agreed else "not_shown",
            )
        )
    return tuple(found)

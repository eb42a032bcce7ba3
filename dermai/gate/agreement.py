"""Whether the deployed model calls what its sisters call: their evidence is of the way in which it was made."""

from __future__ import annotations

import numpy as np

from dermai.gate.findings import Agreement
from dermai.gate.policy import GatePolicy


def agreement(policy: GatePolicy, deployed: np.ndarray, sisters: np.ndarray) -> tuple[Agreement, ...]:
    """For each gated class, how often deployed model and sisters differ about it, and two sisters.

    Called classes: `deployed` [N] and `sisters` [K, N] on lesions that none of them has learnt, whatever their
    diagnosis. With fewer than two sisters, or without lesions, nothing is shown.

    >>> calls = np.array(["MM", "Nev", "MM", "Nev"])
    >>> [found.verdict for found in agreement(GatePolicy(), calls, np.stack([calls, calls]))]
    ['shown', 'shown']
    >>> [found.verdict for found in agreement(GatePolicy(), calls[::-1], np.stack([calls, calls]))]
    ['not_shown', 'shown']
    """
    allowed = policy.all_lesions.most_disagreement
    found = []
    for code in policy.gated_classes:
        own, theirs = deployed == code, sisters == code
        count, lesions = theirs.shape
        enough = count >= 2 and lesions > 0
        called = theirs.sum(axis=0)
        # Of count (count - 1) / 2 pairs of sisters, `called` times the others differ.
        among = float((called * (count - called)).mean() / (count * (count - 1) / 2)) if enough else 0.0
        differing = float((own != theirs).mean()) if enough else 0.0
        found.append(
            Agreement(
                code=code,
                lesions=lesions,
                with_sisters=differing,
                among_sisters=among,
                allowed=allowed,
                verdict="shown" if enough and differing <= among + allowed + 1e-12 else "not_shown",
            )
        )
    return tuple(found)

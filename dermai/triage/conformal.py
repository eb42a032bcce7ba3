"""Sets of diagnoses that hold the true one with a promised frequency, or no answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def conformal_threshold(probabilities: ArrayLike, labels: ArrayLike, coverage: float) -> float:
    """Smallest probability that keeps a class in the set, from labelled photographs the weights did not learn from.

    Split conformal prediction (Vovk et al. 2005; Sadinle, Lei & Wasserman 2019): a new exchangeable photograph's true
    class is in the set with probability at least `coverage`, on average over cases, not within each class.

    >>> conformal_threshold([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]], [0, 0, 1, 1], 0.75)
    0.6

    Args:
        probabilities: [N, C].
        labels: [N] class positions.
    """
    found = np.asarray(probabilities, dtype=float)
    true = np.sort(found[np.arange(len(found)), np.asarray(labels, dtype=int)])
    allowed = int(np.floor((len(true) + 1) * (1 - coverage) + 1e-9))
    return float(true[allowed - 1]) if allowed >= 1 else 0.0


def conformal_sets(probabilities: ArrayLike, classes: Sequence[str], threshold: float) -> list[tuple[str, ...]]:
    """The classes of each photograph that reach the threshold, most probable first; may be empty."""
    found: NDArray[np.float64] = np.asarray(probabilities, dtype=float)
    return [tuple(classes[place] for place in np.argsort(-row) if row[place] >= threshold) for row in found]

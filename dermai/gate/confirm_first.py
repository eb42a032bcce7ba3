"""Which unconfirmed cases to confirm first, so that open shadow tests are decided sooner and stay valid.

Two strata, drawn at random with known probabilities: cases that at least one of the models calls malignant, which is
where the lesions of the gated classes and every difference between the models are, and the others. What that keeps:

- *No worse than the champion.* A gain (the challenger finds what the champion misses) and a loss are both called
  malignant by one of the models, so both are drawn with the same probability a, and equal answers with at most a. So
  the mean difference of the drawn lesions has the sign of the true one and is at least as far from 0: a challenger
  whose loss is the margin or more still has it among the drawn, and one that is as good is not made worse.
- *Floors.* A lesion that the challenger finds is drawn with a, one that all models miss with less, so that no
  challenger is rejected for what was drawn. A floor counts as shown only where few referrals are left unconfirmed, as
  ever.

No model's confidence and nothing that tells the models apart enters: a draw that followed the challenger's probability
would find its gains more often than its losses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dermai.gate.policy import GatePolicy
from dermai.gate.results import LesionResults

REST = 0.1  # of the list, on average, that is drawn from what no model calls malignant


def called_by_any(policy: GatePolicy, models: Sequence[LesionResults]) -> np.ndarray:
    """Which lesions at least one model calls malignant, or by a gated class; boolean [N], whatever the models' order.

    All results are on the same lesions in the same order.
    """
    called = [~found.not_called_malignant() | np.isin(found.predicted, policy.gated_classes) for found in models]
    return np.asarray(np.logical_or.reduce(called))


def drawing_probabilities(called: np.ndarray, number: int) -> np.ndarray:
    """With which probability each case is drawn, so that about `number` are; [N] from boolean [N].

    Never 0 where `number` is not, and never larger for a case that no model calls than for one that some do.

    >>> drawing_probabilities(np.array([True, True, False, False]), 1).round(2).tolist()
    [0.45, 0.45, 0.05, 0.05]
    >>> drawing_probabilities(np.array([True, False, False, False]), 40).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    some, rest = int(called.sum()), int((~called).sum())
    high = min(1.0, (1 - REST) * number / some) if some else 1.0
    left = number - high * some
    low = min(high, left / rest) if rest else 0.0
    return np.where(called, high, low)

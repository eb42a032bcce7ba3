"""A linear head on what a network sees: class-balanced, regularised, and the same whatever it starts from."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dermai.models.calibration import log_softmax

NEVER_SEEN = -20.0  # score of a class that the head has no photograph of: it is never called
_TOLERANCE = 1e-4  # largest slope of the mean loss at which the fit ends
_MOST_STEPS = 1000


@dataclass(frozen=True)
class LinearHead:
    """Class scores `features @ weight.T + bias`; `weight` is float32 [C, D], `bias` float32 [C]."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which of the C classes it has learnt."""
        return np.asarray(self.bias > NEVER_SEEN)

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Log-probabilities [N, C] of features [N, D]."""
        return log_softmax(features.astype(np.float64) @ self.weight.T.astype(np.float64) + self.bias)


def fit_linear_head(
    features: NDArray[np.float32],
    labels: Sequence[int] | NDArray[np.integer],
    classes: int,
    blocks: Sequence[int],
    regularisation: float,
    start: LinearHead | None = None,
) -> LinearHead:
    """Multinomial logistic regression of `labels` [N] on `features` [N, D], each class with the same say.

    `blocks` are the lengths of the parts of the features, in order; each part is centred and scaled to a mean square
    length of 1, so that none outweighs the others by its units. `regularisation` is the ridge penalty on the weights,
    for a log-likelihood summed over the photographs. The loss is convex: `start`, the head of an earlier model, saves
    steps and changes nothing else. A class without photographs is never called.

    Raises:
        ValueError: the blocks do not add up to D, or all photographs are of one class.
    """
    from sklearn.linear_model import LogisticRegression

    found = np.asarray(labels)
    present = np.unique(found)
    if sum(blocks) != features.shape[1]:
        raise ValueError(f"blocks of {sum(blocks)} features in all, but there are {features.shape[1]}")
    if len(present) < 2:
        raise ValueError("a head needs photographs of two classes or more")
    mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    scale = _block_scales(features, mean, blocks)
    inputs = (features - mean) * scale
    regression = LogisticRegression(
        C=1 / regularisation, class_weight="balanced", tol=_TOLERANCE, max_iter=_MOST_STEPS, warm_start=True
    )
    if start is not None and len(present) > 2:
        weight = start.weight[present] / scale
        regression.coef_, regression.intercept_ = weight, start.bias[present] + start.weight[present] @ mean
    regression.fit(inputs, found)
    rows, offsets = regression.coef_, regression.intercept_
    if len(present) == 2:
        rows, offsets = np.concatenate([-rows, rows]) / 2, np.concatenate([-offsets, offsets]) / 2
    weight = np.zeros((classes, features.shape[1]), np.float32)
    bias = np.full(classes, NEVER_SEEN, np.float32)
    weight[present] = rows * scale
    bias[present] = offsets - weight[present] @ mean
    return LinearHead(weight, bias)


def _block_scales(
    features: NDArray[np.float32], mean: NDArray[np.float32], blocks: Sequence[int]
) -> NDArray[np.float32]:
    """What each feature [D] is multiplied by; 1 in a block in which nothing varies."""
    variances = features.var(axis=0, dtype=np.float64)
    edges = np.cumsum([0, *blocks])
    energies = np.array([variances[low:high].sum() for low, high in itertools.pairwise(edges)])
    return np.repeat(1 / np.sqrt(np.where(energies > 0, energies, 1.0)), blocks).astype(np.float32)

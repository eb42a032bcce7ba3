"""How common each diagnosis has become, from the model's scores alone (BBSE), or a refusal to say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEWEST_PER_CLASS = 10
WORST_CONDITION = 30.0


@dataclass(frozen=True)
class LabelShift:
    """Shares of the classes in the window, with intervals; or why they cannot be estimated."""

    classes: tuple[str, ...]
    reference: tuple[float, ...]
    window: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    refused: str = ""

    @property
    def weights(self) -> tuple[float, ...]:
        """Window share over reference share, class by class."""
        return tuple(now / before for now, before in zip(self.window, self.reference, strict=True))

    def moved(self) -> tuple[str, ...]:
        """Classes whose interval leaves the reference share outside."""
        if self.refused:
            return ()
        rows = zip(self.classes, self.reference, self.low, self.high, strict=True)
        return tuple(name for name, before, low, high in rows if not low <= before <= high)


def estimate_label_shift(
    window_scores: ArrayLike,
    reference_scores: ArrayLike,
    reference_labels: ArrayLike,
    classes: tuple[str, ...],
    confidence: float,
    draws: int,
    generator: np.random.Generator,
) -> LabelShift:
    """Class shares of the window by black-box shift estimation (Lipton, Wang & Smola, ICML 2018), soft scores.

    Solves `mean score in the window = C q`, where column j of C is the mean score of reference photographs of class
    j, for the shares q; a percentile bootstrap over both samples gives the interval. It assumes that the photographs
    of a diagnosis look as they did: with a new camera it is not to be believed. Refused where a class has fewer than
    ten reference photographs, or C is so nearly singular that noise would decide.

    Args:
        window_scores: [n, C], one independent row a patient.
        reference_scores: [m, C].
        reference_labels: [m] positions in `classes`.
    """
    scores, known = np.asarray(window_scores, dtype=float), np.asarray(reference_scores, dtype=float)
    labels = np.asarray(reference_labels, dtype=int)
    counts = np.bincount(labels, minlength=len(classes))
    shares = tuple(float(share) for share in counts / max(1, counts.sum()))
    if counts.min() < FEWEST_PER_CLASS:
        fewest = classes[int(counts.argmin())]
        return LabelShift(
            classes, shares, refused=f"the reference holds {counts.min()} of {fewest}; {FEWEST_PER_CLASS} are needed"
        )
    condition = float(np.linalg.cond(_mean_scores(known, labels, len(classes))))
    if condition > WORST_CONDITION:
        return LabelShift(
            classes,
            shares,
            refused=f"the model does not tell the classes apart well enough (condition number {condition:.0f})",
        )
    point = _shares(scores.mean(axis=0), _mean_scores(known, labels, len(classes)))
    by_class = [np.flatnonzero(labels == position) for position in range(len(classes))]
    resampled = np.empty((draws, len(classes)))
    for draw in range(draws):
        rows = np.concatenate([generator.choice(members, len(members)) for members in by_class])
        mean = scores[generator.integers(len(scores), size=len(scores))].mean(axis=0)
        resampled[draw] = _shares(mean, _mean_scores(known[rows], labels[rows], len(classes)))
    low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return LabelShift(classes, shares, tuple(point.tolist()), tuple(low.tolist()), tuple(high.tolist()))


def _mean_scores(scores: NDArray[np.float64], labels: NDArray[np.intp], classes: int) -> NDArray[np.float64]:
    return np.stack([scores[labels == position].mean(axis=0) for position in range(classes)], axis=1)


def _shares(mean: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least squares, then the shares made non-negative and scaled to one."""
    solution = np.clip(np.linalg.lstsq(matrix, mean, rcond=None)[0], 0, None)
    return solution / solution.sum() if solution.sum() else np.full(len(mean), 1 / len(mean))

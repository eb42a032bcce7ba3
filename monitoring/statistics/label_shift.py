"""How common each diagnosis has become, from the model's scores alone (BBSE), or a refusal to say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dermai.language.messages import message

FEWEST_PER_CLASS = 10
WORST_CONDITION = 30.0
BATCH = 200  # bootstrap samples drawn at once: bounds memory


@dataclass(frozen=True)
class LabelShift:
    """Shares of the classes in the window, with intervals; or why they cannot be estimated."""

    classes: tuple[str, ...]
    reference: tuple[float, ...]
    window: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    p_value: float = 1.0  # that no share changed, Bonferroni over the classes
    refused: str = ""

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
    known: tuple[ArrayLike, ArrayLike] | None = None,
) -> LabelShift:
    """Class shares of the window by black-box shift estimation (Lipton, Wang & Smola, ICML 2018), soft scores.

    Solves `mean score = C q` for the shares q, in the window and in the reference, where column j of C is the mean
    score of photographs of class j; the window's share is the reference's true share plus the difference of the two
    solutions, so that what C gets wrong on both sides cancels. A percentile bootstrap over all samples gives the
    interval. It assumes that the photographs of a diagnosis look as they did: with a new camera it is not to be
    believed. Refused where C would rest on fewer than ten photographs of a class, or is so nearly singular that noise
    would decide.

    Args:
        window_scores: [n, C], one independent row a patient.
        reference_scores: [m, C].
        reference_labels: [m] positions in `classes`.
        known: scores [k, C] and labels [k] that C is learnt from, where the reference holds too few of a rare class.
    """
    scores, others = np.asarray(window_scores, dtype=float), np.asarray(reference_scores, dtype=float)
    other_labels = np.asarray(reference_labels, dtype=int)
    shares = np.bincount(other_labels, minlength=len(classes)) / max(1, len(other_labels))
    learnt, labels = others, other_labels
    if known is not None:
        learnt, labels = np.asarray(known[0], dtype=float), np.asarray(known[1], dtype=int)
    counts = np.bincount(labels, minlength=len(classes))
    before = tuple(shares.tolist())
    if counts.min() < FEWEST_PER_CLASS:
        fewest = classes[int(counts.argmin())]
        return LabelShift(
            classes,
            before,
            refused=message(
                "the reference holds %(count)s of %(diagnosis)s; %(total)s are needed",
                count=counts.min(),
                diagnosis=fewest,
                total=FEWEST_PER_CLASS,
            ),
        )
    matrix = _mean_scores(learnt, labels, len(classes))
    condition = float(np.linalg.cond(matrix))
    if condition > WORST_CONDITION:
        return LabelShift(
            classes,
            before,
            refused=message(
                "the model does not tell the classes apart well enough (condition number %(count)s)",
                count=f"{condition:.0f}",
            ),
        )
    point = shares + _shares(scores.mean(axis=0), matrix) - _shares(others.mean(axis=0), matrix)
    columns = [_bootstrap_means(learnt[labels == position], draws, generator) for position in range(len(classes))]
    inverses = np.asarray(np.linalg.pinv(np.stack(columns, axis=2)), dtype=np.float64)
    change = _solved(inverses, _bootstrap_means(scores, draws, generator))
    change -= _solved(inverses, _bootstrap_means(others, draws, generator))
    low, high = shares + np.quantile(change, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    now, lowest, highest = (tuple(np.clip(row, 0, 1).tolist()) for row in (point, low, high))
    beyond = np.minimum((change <= 0).sum(axis=0), (change >= 0).sum(axis=0))
    p_value = min(1.0, 2 * len(classes) * float(beyond.min() + 1) / (draws + 1))
    return LabelShift(classes, before, now, lowest, highest, p_value)


def _mean_scores(scores: NDArray[np.float64], labels: NDArray[np.intp], classes: int) -> NDArray[np.float64]:
    return np.stack([scores[labels == position].mean(axis=0) for position in range(classes)], axis=1)


def _bootstrap_means(scores: NDArray[np.float64], draws: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Mean scores [draws, C] of samples with replacement of the rows [n, C]."""
    found = [
        scores[generator.integers(len(scores), size=(min(BATCH, draws - start), len(scores)))].mean(axis=1)
        for start in range(0, draws, BATCH)
    ]
    return np.concatenate(found)


def _shares(mean: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least squares, then the shares made non-negative and scaled to one."""
    inverse = np.asarray(np.linalg.pinv(matrix), dtype=np.float64)
    return np.asarray(_solved(inverse[None], mean[None])[0])


def _solved(inverses: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares [B, C] of mean scores [B, C] through pseudo-inverses [B, C, C]."""
    solution = np.clip(np.einsum("bij,bj->bi", inverses, means), 0, None)
    total = solution.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, solution / np.where(total > 0, total, 1), 1 / means.shape[1]))

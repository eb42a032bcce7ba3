"""Balanced accuracy, forgetting and transfer over a stream of updates, with intervals over resampled patients.

Every statistic is a function of the hits by patient, so that all of them are resampled together and differences
between strategies are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 4000
BOOTSTRAP_SEED = 1934


@dataclass(frozen=True)
class Answers:
    """What the models of one strategy say of the test lesions after each arrival.

    `right` is boolean [stages, N]; `patients`, `classes` and `arrivals` (from 1) are [N].
    """

    patients: np.ndarray
    classes: np.ndarray
    arrivals: np.ndarray
    right: np.ndarray

    @property
    def stages(self) -> int:
        return len(self.right)


Statistic = Callable[[Answers, np.ndarray], np.ndarray]  # answers, weights [D, N] of the lesions -> values [D]


@dataclass(frozen=True)
class Interval:
    """An estimate, its 95 % percentile interval over resampled patients, and all that was drawn."""

    value: float
    low: float
    high: float
    drawn: np.ndarray


def balanced_accuracy(stage: int, arrivals: Sequence[int] | None = None) -> Statistic:
    """Mean sensitivity over the classes of the test lesions of some arrivals (all), after a stage (-1: the last)."""

    def compute(answers: Answers, weights: np.ndarray) -> np.ndarray:
        inside = np.isin(answers.arrivals, arrivals) if arrivals is not None else np.ones(len(answers.classes), bool)
        shares = []
        for name in np.unique(answers.classes[inside]):
            of_class = inside & (answers.classes == name)
            seen = weights[:, of_class].sum(1)
            hits = weights[:, of_class & answers.right[stage]].sum(1)
            shares.append(np.divide(hits, seen, out=np.full(len(weights), np.nan), where=seen > 0))
        return np.nanmean(shares, axis=0)

    return compute


def sensitivity(stage: int, name: str) -> Statistic:
    """Share of a class's test lesions that are found after a stage."""

    def compute(answers: Answers, weights: np.ndarray) -> np.ndarray:
        of_class = answers.classes == name
        seen = weights[:, of_class].sum(1)
        hits = weights[:, of_class & answers.right[stage]].sum(1)
        return np.divide(hits, seen, out=np.full(len(weights), np.nan), where=seen > 0)

    return compute


def forgetting(arrival: int) -> Statistic:
    """Balanced accuracy on an arrival just after it was learnt, less that at the end of the stream."""

    def compute(answers: Answers, weights: np.ndarray) -> np.ndarray:
        then = balanced_accuracy(arrival - 1, [arrival])(answers, weights)
        return then - balanced_accuracy(-1, [arrival])(answers, weights)

    return compute


def mean_forgetting(answers: Answers, weights: np.ndarray) -> np.ndarray:
    """Mean over all arrivals but the last; backward transfer (Lopez-Paz & Ranzato 2017) is its negative."""
    return np.mean([forgetting(arrival)(answers, weights) for arrival in range(1, answers.stages)], axis=0)


def forward_transfer(answers: Answers, weights: np.ndarray) -> np.ndarray:
    """Balanced accuracy on each arrival just before it is learnt, less chance; mean over all but the first.

    Chance is one over the classes that the arrival's test lesions have.
    """
    gains = []
    for arrival in range(2, answers.stages + 1):
        chance = 1 / len(np.unique(answers.classes[answers.arrivals == arrival]))
        gains.append(balanced_accuracy(arrival - 2, [arrival])(answers, weights) - chance)
    return np.mean(gains, axis=0)


def estimate(statistic: Statistic, answers: Answers, other: Answers | None = None) -> Interval:
    """The statistic, or its difference from that of another strategy on the same lesions."""
    weights = patient_weights(answers.patients)
    drawn = statistic(answers, weights)
    if other is not None:
        drawn = drawn - statistic(other, weights)
    low, high = np.nanquantile(drawn[1:], [0.025, 0.975])
    return Interval(float(drawn[0]), float(low), float(high), drawn[1:])


def p_value(difference: Interval, bound: float) -> float:
    """One-sided bootstrap p-value of H0: the true difference is at most the bound."""
    drawn = difference.drawn[~np.isnan(difference.drawn)]
    return float((np.sum(drawn <= bound) + 1) / (len(drawn) + 1))


def patient_weights(patients: np.ndarray) -> np.ndarray:
    """Weights [1 + DRAWS, N]: first all lesions once, then patients drawn with replacement; the same in every call."""
    distinct, place = np.unique(patients, return_inverse=True)
    count = len(distinct)
    drawn = np.random.default_rng(BOOTSTRAP_SEED).multinomial(count, np.full(count, 1 / count), size=DRAWS)
    return np.concatenate([np.ones((1, len(patients))), drawn[:, place]]).astype(np.float32)

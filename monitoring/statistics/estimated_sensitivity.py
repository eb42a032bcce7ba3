"""What the sensitivity probably is while no diagnosis has come back, as a band; or why nobody can know yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dermai.language.messages import message

FEWEST_REFERENCE_CASES = 10
LEAST_EXPECTED_CASES = 1.0
NEWTON_STEPS, HALVINGS, TOLERANCE = 50, 30, 1e-7


@dataclass(frozen=True)
class EstimatedSensitivity:
    """Estimated share of a class's photographs in the window that the model calls by that class."""

    lesion_class: str
    expected_cases: float
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    unknown: str = ""  # why there is no estimate


def estimate_sensitivity(
    lesion_class: str,
    window_scores: ArrayLike,
    window_called: ArrayLike,
    reference_scores: ArrayLike,
    reference_is_class: ArrayLike,
    confidence: float,
    draws: int,
    generator: np.random.Generator,
    doubt: str = "",
    window_lesions: ArrayLike | None = None,
    reference_patients: ArrayLike | None = None,
) -> EstimatedSensitivity:
    """CBPE, one class against the rest: true positives expected from calibrated scores, with a band.

    Each draw refits the calibration on resampled reference patients, then draws a diagnosis for every lesion of the
    window from its calibrated scores (its photographs share it, and a patient's photographs are taken together:
    drawn one by one, the band would be too narrow) and computes the sensitivity that this window would have shown.
    The band therefore covers the sensitivity of this very window, not only its mean. It holds while the score means
    the same (no concept drift), which nobody can check without diagnoses: `doubt` says why it must not be believed
    here (the photographs or the scores changed). Confidence-based estimation with intervals: Kivimaki et al.,
    arXiv:2505.05295.

    Args:
        window_scores: [n] the model's probability of the class.
        window_called: [n] whether the model called the class.
        reference_scores: [m] the same probability on reference photographs with a diagnosis.
        reference_is_class: [m] whether the diagnosis was this class.
        window_lesions: [n] which lesion each photograph shows; each its own where not given.
        reference_patients: [m] likewise, whose photograph it is.
    """
    scores, called = np.asarray(window_scores, dtype=float), np.asarray(window_called, dtype=bool)
    known, truth = np.asarray(reference_scores, dtype=float), np.asarray(reference_is_class, dtype=bool)
    if len(scores) == 0:
        return EstimatedSensitivity(lesion_class, 0.0, unknown=message("the window holds no photographs"))
    if truth.sum() < FEWEST_REFERENCE_CASES or (~truth).sum() < FEWEST_REFERENCE_CASES:
        return EstimatedSensitivity(
            lesion_class,
            float(scores.sum()),
            unknown=message(
                "the reference holds %(count)s confirmed %(diagnosis)s; %(total)s are needed",
                count=truth.sum(),
                diagnosis=lesion_class,
                total=FEWEST_REFERENCE_CASES,
            ),
        )
    fitted = calibrated(scores, *fit_calibration(known, truth))
    expected = float(fitted.sum())
    if doubt:
        return EstimatedSensitivity(lesion_class, expected, unknown=doubt)
    if expected < LEAST_EXPECTED_CASES:
        few = message(
            "about %(count)s %(diagnosis)s are expected in the window: too few",
            count=f"{expected:.1f}",
            diagnosis=lesion_class,
        )
        return EstimatedSensitivity(lesion_class, expected, unknown=few)
    _, lesion = np.unique(np.arange(len(scores)) if window_lesions is None else window_lesions, return_inverse=True)
    patients = np.arange(len(truth)) if reference_patients is None else np.asarray(reference_patients)
    members = [np.flatnonzero(patients == name) for name in np.unique(patients)]
    weights, drawn = np.empty((draws, len(truth))), np.empty((draws, len(scores)))
    for draw in range(draws):
        weights[draw] = np.bincount(_resample(truth, members, generator), minlength=len(truth))
        drawn[draw] = generator.random(lesion.max() + 1)[lesion]
    slopes, intercepts = fit_calibrations(known, truth, weights)
    probabilities = 1 / (1 + np.exp(-(slopes[:, None] * _logit(scores) + intercepts[:, None])))
    diagnosis = drawn < probabilities
    with np.errstate(invalid="ignore"):  # a draw without a case says nothing
        realised = (diagnosis & called).sum(axis=1) / diagnosis.sum(axis=1)
    low, high = np.nanquantile(realised, [(1 - confidence) / 2, (1 + confidence) / 2])
    return EstimatedSensitivity(
        lesion_class, expected, float((fitted * called).sum() / expected), float(low), float(high)
    )


def _resample(
    truth: NDArray[np.bool_], members: list[NDArray[np.intp]], generator: np.random.Generator
) -> NDArray[np.intp]:
    """A bootstrap sample of whole patients with at least one photograph of each kind."""
    while True:
        rows = np.concatenate([members[place] for place in generator.integers(len(members), size=len(members))])
        if truth[rows].any() and not truth[rows].all():
            return rows


def fit_calibration(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept of a logistic recalibration (Platt 1999), lightly held to the model's own scores.

    >>> generator = np.random.default_rng(0)
    >>> scores = generator.random(5000)
    >>> slope, intercept = fit_calibration(scores, generator.random(5000) < scores)
    >>> abs(slope - 1) < 0.1 and abs(intercept) < 0.1
    True
    """
    slopes, intercepts = fit_calibrations(scores, truth, np.ones((1, len(scores))))
    return float(slopes[0]), float(intercepts[0])


def fit_calibrations(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`fit_calibration` for many weightings [B, m] of the same photographs at once: slopes [B], intercepts [B].

    Newton's method on the penalised log-likelihood, which is convex; a step that would raise it is halved.
    """
    logits, target = _logit(scores), truth.astype(float)

    def loss(slope: NDArray[np.float64], intercept: NDArray[np.float64]) -> NDArray[np.float64]:
        value = slope[:, None] * logits + intercept[:, None]
        penalty = (slope - 1) ** 2 / 2 + intercept**2 / 8  # a prior worth about a photograph: few cases, no separation
        return np.asarray((weights * (np.logaddexp(0, value) - target * value)).sum(axis=1) + penalty)

    slope, intercept = np.ones(len(weights)), np.zeros(len(weights))
    held = loss(slope, intercept)
    for _ in range(NEWTON_STEPS):
        fitted = 1 / (1 + np.exp(-(slope[:, None] * logits + intercept[:, None])))
        residual, curvature = weights * (fitted - target), weights * fitted * (1 - fitted)
        by_slope, by_intercept = residual @ logits + slope - 1, residual.sum(axis=1) + intercept / 4
        first, mixed, second = curvature @ logits**2 + 1, curvature @ logits, curvature.sum(axis=1) + 1 / 4
        determinant = first * second - mixed**2
        along = (second * by_slope - mixed * by_intercept) / determinant
        across = (first * by_intercept - mixed * by_slope) / determinant
        size = np.ones(len(weights))
        for _ in range(HALVINGS):
            tried = loss(slope - size * along, intercept - size * across)
            worse = tried > held + 1e-12 * np.abs(held)
            if not worse.any():
                break
            size[worse] /= 2
        size[worse] = 0
        slope, intercept = slope - size * along, intercept - size * across
        held = np.where(worse, held, tried)
        if np.abs(size * along).max() < TOLERANCE and np.abs(size * across).max() < TOLERANCE:
            break
    return slope, intercept


def calibrated(scores: NDArray[np.float64], slope: float, intercept: float) -> NDArray[np.float64]:
    """Probabilities after the logistic recalibration."""
    return 1 / (1 + np.exp(-(slope * _logit(scores) + intercept)))


def _logit(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(scores, 1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))

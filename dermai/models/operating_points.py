"""Per-class decision thresholds, chosen on validation cases to reach the sensitivity that is asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from dermai.percentages import per_cent

FEWEST_CASES = 5
LEAST_SPECIFICITY = 0.7
ARGMAX_THRESHOLD = 0.5  # a probability above it is the largest anyway: a higher threshold would change nothing


def choose_operating_points(
    probabilities: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    targets: Mapping[str, float],
    *,
    fewest_cases: int = FEWEST_CASES,
    least_specificity: float = LEAST_SPECIFICITY,
) -> dict[str, float]:
    """The highest threshold of each class in `targets` that reaches its target sensitivity.

    The highest threshold that reaches the target loses the least specificity. Three rules keep few cases from
    choosing wildly:

    - Of n cases of the class, the threshold lets ceil(target (n + 1)) pass, not target n: a new case then passes with
      at least the target's probability (the split-conformal quantile). Where that needs more than n, all n pass.
    - Whatever the target, at least `least_specificity` of the validation cases of other classes stay below.
    - A class with fewer than `fewest_cases`, or one that the model does not know, gets no threshold: it is called by
      the largest probability alone. `explain_operating_points` says so.

    Probabilities are [N, C]; labels [N] index the classes, -1 for a class that the model does not know. Both should be
    per lesion where the model is judged per lesion.

    >>> probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4], [0.8, 0.2], [0.9, 0.1]])
    >>> labels = np.array([0, 1, 1, 1, 1, 0])
    >>> choose_operating_points(probabilities, labels, ["Nev", "MM"], {"MM": 0.6}, fewest_cases=4)
    {'MM': 0.2}
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    labels = np.asarray(labels)
    points: dict[str, float] = {}
    for code, target in targets.items():
        if code not in classes:
            continue
        position = list(classes).index(code)
        of_class = labels == position
        if of_class.sum() < max(fewest_cases, 1):
            continue
        own = np.sort(probabilities[of_class, position])[::-1]
        others = np.sort(probabilities[~of_class, position])[::-1]
        passing = min(math.ceil(target * (len(own) + 1) - 1e-9), len(own))
        threshold = min(float(own[max(passing, 1) - 1]), ARGMAX_THRESHOLD)
        points[code] = max(threshold, _lowest_allowed(others, least_specificity), np.finfo(np.float64).tiny)
    return points


def _lowest_allowed(others: np.ndarray, least_specificity: float) -> float:
    """The lowest threshold that at most a share `1 - least_specificity` of the other cases reaches; at most 0.5."""
    allowed = math.floor((1 - least_specificity) * len(others) + 1e-9)
    if allowed >= len(others):
        return 0.0
    return min(float(np.nextafter(others[allowed], 1.0)), ARGMAX_THRESHOLD)


def predict(
    probabilities: np.ndarray, classes: Sequence[str], operating_points: Mapping[str, float] | None = None
) -> np.ndarray:
    """Class index [N] of each case.

    A case is called a class with an operating point when its probability reaches that threshold; among several such
    classes the highest ratio of probability to threshold wins. All other cases are called by the largest probability.

    >>> predict(np.array([[0.7, 0.3], [0.9, 0.1]]), ["Nev", "MM"], {"MM": 0.25}).tolist()
    [1, 0]

    Raises:
        ValueError: an operating point names a class the model does not know, or is not a positive number.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    answers = probabilities.argmax(axis=1)
    if not operating_points or not len(probabilities):
        return answers
    for code, threshold in operating_points.items():
        if code not in classes:
            raise ValueError(f"operating point for {code!r}, which is not one of {', '.join(classes)}")
        if not threshold > 0:
            raise ValueError(f"operating point of {code} is {threshold}, not a positive probability")
    positions = np.array([list(classes).index(code) for code in operating_points])
    ratios = probabilities[:, positions] / np.array(list(operating_points.values()))
    called = ratios.max(axis=1) >= 1
    return np.where(called, positions[ratios.argmax(axis=1)], answers)


def explain_operating_points(
    probabilities: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    targets: Mapping[str, float],
    points: Mapping[str, float],
) -> dict[str, str]:
    """One sentence a class: what its threshold gives on the same validation cases, or why it has none."""
    labels = np.asarray(labels)
    by_largest = predict(probabilities, classes)
    by_points = predict(probabilities, classes, points)
    sentences = {}
    for code, target in targets.items():
        if code not in classes:
            sentences[code] = f"{code}: no threshold, the model does not know this class."
            continue
        position = list(classes).index(code)
        own = labels == position
        cases = f"{own.sum()} validation {'case' if own.sum() == 1 else 'cases'}"
        if code not in points:
            sentences[code] = f"{code}: called by the largest probability; {cases} are too few to choose a threshold."
            continue
        found = int((by_points[own] == position).sum())
        sentences[code] = (
            f"{code}: called from a probability of {points[code]:.3f} on; finds {found} of {cases} "
            f"(asked {per_cent(target)}; by the largest probability {int((by_largest[own] == position).sum())}), "
            f"specificity {_share(by_points[~own] != position)} "
            f"(by the largest probability {_share(by_largest[~own] != position)})."
        )
    return sentences


def _share(hits: np.ndarray) -> str:
    return per_cent(float(hits.mean()), 1) if len(hits) else "unknown"

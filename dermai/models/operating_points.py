"""Per-class decision thresholds, chosen on validation cases to reach the sensitivity that is asked for, and the call.

A package holds the number of the rule by which its thresholds call, so that a registered version answers for ever as it
was judged. Rule 1: a class whose threshold is reached is called whatever else is probable. Rule 2: a class without a
threshold does not lose to one that is less probable and no more serious merely because that one has a threshold.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence

import numpy as np

from dermai.gate.exact import lower_bound
from dermai.percentages import per_cent
from dermai.taxonomy import RiskLevel, load_taxonomy

CALL_RULE = 2
FEWEST_CASES = 5
LEAST_SPECIFICITY = 0.7
CONFIDENCE = 0.95  # one-sided, that the least specificity holds for cases to come
RESAMPLINGS, RESAMPLING_SEED = 50, 1996
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
    - Whatever the target, so many validation cases of other classes stay below that the exact lower bound of their
      share is at least `least_specificity`: the fewer they are, the more of them.
    - A class with fewer than `fewest_cases`, or one that the model does not know, gets no threshold, nor does any class
      where the others are too few for that bound. `explain_operating_points` says so.

    Probabilities are [N, C]; labels [N] index the classes, -1 for a class that the model does not know. Both should be
    per lesion where the model is judged per lesion.

    >>> probabilities = np.array([[0.8, 0.2], [0.7, 0.3], [0.6, 0.4], [0.8, 0.2], *([[0.9, 0.1]] * 9)])
    >>> labels = np.array([1] * 4 + [0] * 9)
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
        allowed = _false_calls_allowed(len(others), least_specificity)
        if allowed is None:
            continue
        passing = min(math.ceil(target * (len(own) + 1) - 1e-9), len(own))
        threshold = min(float(own[max(passing, 1) - 1]), ARGMAX_THRESHOLD)
        points[code] = max(threshold, _lowest_allowed(others, allowed), np.finfo(np.float64).tiny)
    return points


def steady_operating_points(
    probabilities: np.ndarray,
    labels: np.ndarray,
    patients: Sequence[str],
    classes: Sequence[str],
    targets: Mapping[str, float],
) -> dict[str, float]:
    """The geometric mean of what `choose_operating_points` chooses over resampled patients.

    One choice hangs on the two or three least probable cases of a class: other patients would have chosen another one.
    The mean of many varies less, and reaches the target on average instead of at least (Breiman, Bagging predictors,
    1996). The same classes have a threshold, and the least specificity holds on the cases that are given.

    `patients` [N] says whose each case is; the other arguments are as in `choose_operating_points`.
    """
    chosen = choose_operating_points(probabilities, labels, classes, targets)
    _, owner = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    cases = [np.flatnonzero(owner == number) for number in range(owner.max() + 1)] if len(owner) else []
    generator = np.random.default_rng(RESAMPLING_SEED)
    logarithms: dict[str, list[float]] = {code: [] for code in chosen}
    for _ in range(RESAMPLINGS if chosen else 0):
        drawn = np.concatenate([cases[number] for number in generator.integers(len(cases), size=len(cases))])
        found = choose_operating_points(probabilities[drawn], labels[drawn], classes, targets, fewest_cases=1)
        for code in chosen.keys() & found.keys():
            logarithms[code].append(math.log(found[code]))
    points = {}
    for code, single in chosen.items():
        position = list(classes).index(code)
        others = np.sort(probabilities[labels != position, position])[::-1]
        lowest = _lowest_allowed(others, _false_calls_allowed(len(others), LEAST_SPECIFICITY) or 0)
        mean = math.exp(math.fsum(logarithms[code]) / len(logarithms[code])) if logarithms[code] else single
        points[code] = max(mean, lowest, np.finfo(np.float64).tiny)
    return points


def _false_calls_allowed(others: int, least_specificity: float) -> int | None:
    """How many of the other cases may be called for the bound to hold; None where even none is not enough."""
    if least_specificity <= 0 or not others:
        return others

    def fails(calls: int) -> bool:  # and then with more calls, too
        return lower_bound(others - calls, others, 1 - CONFIDENCE) < least_specificity

    holding = bisect.bisect_left(range(others), True, key=fails)
    return holding - 1 if holding else None


def _lowest_allowed(others: np.ndarray, allowed: int) -> float:
    """The lowest threshold that at most `allowed` of the other cases, sorted downwards, reach; at most 0.5."""
    if allowed >= len(others):
        return 0.0
    return min(float(np.nextafter(others[allowed], 1.0)), ARGMAX_THRESHOLD)


def predict(
    probabilities: np.ndarray,
    classes: Sequence[str],
    operating_points: Mapping[str, float] | None = None,
    rule: int = CALL_RULE,
) -> np.ndarray:
    """Class index [N] of each case.

    A case is called a class with an operating point when its probability reaches that threshold; among several such
    classes the highest ratio of probability to threshold wins. From rule 2 on, the most probable class without a
    threshold that is more probable than the winner and at least as serious is called instead. All other cases are
    called by the largest probability.

    >>> predict(np.array([[0.7, 0.3], [0.9, 0.1]]), ["Nev", "MM"], {"MM": 0.25}).tolist()
    [1, 0]
    >>> predict(np.array([[0.5, 0.2, 0.3]]), ["Nev", "BCC", "MM"], {"BCC": 0.142}).tolist()
    [2]

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
    winner = positions[ratios.argmax(axis=1)]
    if rule >= 2:
        winner = _or_its_rival(probabilities, winner, classes, operating_points)
    return np.where(called, winner, answers)


def _or_its_rival(
    probabilities: np.ndarray, winner: np.ndarray, classes: Sequence[str], operating_points: Mapping[str, float]
) -> np.ndarray:
    """The winner [N] of each case, or the most probable class that must not lose to it."""
    levels = list(RiskLevel)
    seriousness = np.array([-levels.index(load_taxonomy().risk(code)) for code in classes])
    without = np.array([code not in operating_points for code in classes])
    more_probable = probabilities > np.take_along_axis(probabilities, winner[:, None], axis=1)
    rivals = without & (seriousness >= seriousness[winner][:, None]) & more_probable
    best_rival = np.where(rivals, probabilities, -1.0).argmax(axis=1)
    return np.where(rivals.any(axis=1), best_rival, winner)


def explain_operating_points(
    probabilities: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    targets: Mapping[str, float],
    points: Mapping[str, float],
    rule: int = CALL_RULE,
    fewest_cases: int = FEWEST_CASES,
    kind: str = "validation",
) -> dict[str, str]:
    """One sentence a class: what its threshold gives on the same cases, of this `kind`, or why it has none."""
    labels = np.asarray(labels)
    by_largest = predict(probabilities, classes)
    by_points = predict(probabilities, classes, points, rule)
    otherwise = ", or where it is more probable than a class no more serious that its threshold calls" if points else ""
    sentences = {}
    for code, target in targets.items():
        if code not in classes:
            sentences[code] = f"{code}: no threshold, the model does not know this class."
            continue
        position = list(classes).index(code)
        own = labels == position
        cases = f"{own.sum()} {kind} {'case' if own.sum() == 1 else 'cases'}"
        if code not in points:
            few = "{} are too few to choose a threshold"
            why = "no threshold was chosen"
            if own.sum() < fewest_cases:
                why = few.format(cases)
            elif _false_calls_allowed(int((~own).sum()), LEAST_SPECIFICITY) is None:
                why = few.format(f"{(~own).sum()} {kind} cases of other classes")
            sentences[code] = f"{code}: called by the largest probability{otherwise if rule >= 2 else ''}; {why}."
            continue
        found = int((by_points[own] == position).sum())
        sentences[code] = (
            f"{code}: called from {per_cent(points[code], 1)} on; finds {found} of {cases} "
            f"(asked {per_cent(target)}; by the largest probability {int((by_largest[own] == position).sum())}), "
            f"specificity {_share(by_points[~own] != position)} "
            f"(by the largest probability {_share(by_largest[~own] != position)})."
        )
    return sentences


def _share(hits: np.ndarray) -> str:
    return per_cent(float(hits.mean()), 1) if len(hits) else "unknown"

"""What the sisters answer to the patients whom they never saw, and all that is chosen by these answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.models.calibration import apply_temperature, fit_temperature, log_probabilities
from dermai.models.fusion import Fusions, choose_fusions
from dermai.models.operating_points import choose_operating_points
from dermai.models.package import ModelPackage
from dermai.models.validation_lesions import validation_lesions


def with_chosen(
    package: ModelPackage, learnt: pd.DataFrame, features: NDArray[np.float32], targets: Mapping[str, float]
) -> ModelPackage:
    """The package with fusion, temperature and operating points, with its out-of-fold answers and with its evidence.

    `learnt` are the case table's rows in the order of `features`. Each photograph is answered by the sister that never
    saw its fold. All of these answers choose for the deployed model, but those to a diagnosis that the sister has never
    seen in anybody; for the evidence on a fold those of the other folds do, so that no threshold is chosen by a case
    that it then decides.
    """
    answers = _answers(package, learnt, features)
    photograph, clinical, labels, seen = (answers[name] for name in ("photograph", "clinical", "labels", "seen"))
    there = learnt[answers["answered"]].reset_index(drop=True)
    folds = there["fold"].to_numpy()

    def chosen_by(choosing: NDArray[np.bool_]) -> ModelPackage:
        given = photograph[choosing], clinical[choosing]
        return _chosen_by(package, there[choosing], choose_fusions(*given, labels[choosing]), *given, targets)

    found = chosen_by(seen)
    evidence = []
    for fold in sorted(set(folds)):
        own, others = folds == fold, seen & (folds != fold)
        if others.any():
            evidence.append(_evidence(chosen_by(others), there[own], photograph[own], clinical[own]))
    return replace(found, evidence=pd.concat(evidence, ignore_index=True) if evidence else None)


def with_thresholds(package: ModelPackage, targets: Mapping[str, float]) -> ModelPackage:
    """The package with the temperature and the operating points that its held-out answers choose, by lesion."""
    probabilities, labels = validation_lesions(package.with_temperature(1.0))
    package = package.with_temperature(fit_temperature(log_probabilities(probabilities), labels))
    probabilities, labels = validation_lesions(package)
    points = choose_operating_points(probabilities, labels, package.classes, targets)
    return package.with_operating_points(points)


def _answers(package: ModelPackage, learnt: pd.DataFrame, features: NDArray[np.float32]) -> dict[str, NDArray]:
    """Scores of photograph and columns [N, C] and class indices [N] of the photographs that a sister answers.

    `seen` [N]: whether she has learnt the photograph's diagnosis.
    """
    assert package.linear_parts is not None
    index = {code: place for place, code in enumerate(package.classes)}
    folds = learnt["fold"].astype(int).to_numpy()
    answered = np.isin(folds, list(package.linear_parts.sisters))
    labels = learnt["diagnosis"].map(index).to_numpy(dtype=int)
    photograph, clinical = np.zeros((2, len(learnt), len(package.classes)))
    seen = np.zeros(len(learnt), dtype=bool)
    for fold, sister in package.linear_parts.sisters.items():
        own = folds == fold
        photograph[own] = sister.head.scores(features[own])
        seen[own] = sister.head.known[labels[own]]
        if sister.clinical is not None:
            clinical[own] = sister.clinical.scores(learnt[own])
    return {
        "answered": answered,
        "photograph": photograph[answered],
        "clinical": clinical[answered],
        "labels": labels[answered],
        "seen": seen[answered],
    }


def _chosen_by(
    package: ModelPackage,
    rows: pd.DataFrame,
    fusions: Fusions,
    photograph: NDArray[np.float64],
    clinical: NDArray[np.float64],
    targets: Mapping[str, float],
) -> ModelPackage:
    """The package with these fusions, and the thresholds that the answers to these rows choose."""
    probabilities = apply_temperature(fusions.scores(photograph, clinical), 1.0)
    table = _table(rows, probabilities, package.classes)
    return with_thresholds(replace(package, fusions=fusions, validation=table), targets)


def _evidence(
    judge: ModelPackage, rows: pd.DataFrame, photograph: NDArray[np.float64], clinical: NDArray[np.float64]
) -> pd.DataFrame:
    """Answers to one fold at the choices of the others; `called` is what the lesion is called, in all its rows."""
    assert judge.fusions is not None
    probabilities = apply_temperature(judge.fusions.scores(photograph, clinical), judge.temperature)
    table = _table(rows, probabilities, judge.classes)
    names = [f"p_{code}" for code in judge.classes]
    means = table[names].groupby(rows["lesion_id"].to_numpy()).transform("mean")
    return table.assign(called=judge.called(means.to_numpy()))


def _table(rows: pd.DataFrame, probabilities: NDArray[np.float64], classes: tuple[str, ...]) -> pd.DataFrame:
    table = rows[["image", "diagnosis", "fold"]].reset_index(drop=True)
    return table.join(pd.DataFrame(probabilities, columns=[f"p_{code}" for code in classes]))

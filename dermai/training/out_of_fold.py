"""What the sisters answer to the patients whom they never saw, and all that is chosen by these answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.models.calibration import apply_temperature, fit_temperature, log_probabilities
from dermai.models.fusion import Fusions, PartScores, choose_fusions
from dermai.models.operating_points import choose_operating_points, steady_operating_points
from dermai.models.package import ModelPackage
from dermai.models.seen_features import NetworkLogits
from dermai.models.sister_answers import answers_of, sister_scores
from dermai.models.validation_lesions import validation_lesions, validation_patients


def with_chosen(
    package: ModelPackage,
    learnt: pd.DataFrame,
    features: NDArray[np.float32],
    targets: Mapping[str, float],
    networks: NetworkLogits | None = None,
) -> ModelPackage:
    """The package with fusion, temperature and operating points, with its out-of-fold answers and with its evidence.

    `learnt` are the case table's rows in the order of `features` and of `networks`, which a package with fine-tuned
    networks needs. Each photograph is answered by the sister that never
    saw its fold. All of these answers choose for the deployed model, but those to a diagnosis that the sister has never
    seen in anybody; for the evidence on a fold those of the other folds do, so that no threshold is chosen by a case
    that it then decides.
    """
    scores = sister_scores(package, learnt, features, networks)
    there = learnt[scores.answered].reset_index(drop=True)
    folds = there["fold"].to_numpy()

    def chosen_by(choosing: NDArray[np.bool_]) -> ModelPackage:
        given = scores.answers.of(choosing)
        return _chosen_by(package, there[choosing], choose_fusions(given, scores.labels[choosing]), given, targets)

    found = chosen_by(scores.seen)
    assert found.linear_parts is not None
    sisters, evidence = dict(found.linear_parts.sisters), []
    for fold in sorted(set(folds)):
        own, others = folds == fold, scores.seen & (folds != fold)
        if others.any():
            choices = chosen_by(others).choices
            sisters[int(fold)] = replace(sisters[int(fold)], choices=choices)
            rows = there[own].reset_index(drop=True)
            evidence.append(answers_of(choices, package.classes, rows, *scores.answers.of(own)))
    return replace(
        found,
        linear_parts=replace(found.linear_parts, sisters=sisters),
        evidence=pd.concat(evidence, ignore_index=True) if evidence else None,
    )


def with_thresholds(package: ModelPackage, targets: Mapping[str, float]) -> ModelPackage:
    """The package with the temperature and the operating points that its held-out answers choose, by lesion.

    Sisters answer to enough patients for these to be resampled.
    """
    probabilities, labels = validation_lesions(package.with_temperature(1.0))
    package = package.with_temperature(fit_temperature(log_probabilities(probabilities), labels))
    probabilities, labels = validation_lesions(package)
    if package.linear_parts is None:
        points = choose_operating_points(probabilities, labels, package.classes, targets)
    else:
        patients = validation_patients(package)
        points = steady_operating_points(probabilities, labels, patients, package.classes, targets)
    return package.with_operating_points(points)


def _chosen_by(
    package: ModelPackage, rows: pd.DataFrame, fusions: Fusions, answers: PartScores, targets: Mapping[str, float]
) -> ModelPackage:
    """The package with these fusions, and the thresholds that the answers to these rows choose."""
    table = _table(rows, apply_temperature(fusions.scores(answers), 1.0), package.classes)
    return with_thresholds(replace(package, fusions=fusions, validation=table), targets)


def _table(rows: pd.DataFrame, probabilities: NDArray[np.float64], classes: tuple[str, ...]) -> pd.DataFrame:
    table = rows[["image", "diagnosis", "fold"]].reset_index(drop=True)
    return table.join(pd.DataFrame(probabilities, columns=[f"p_{code}" for code in classes]))

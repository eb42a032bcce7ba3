"""What the sisters of a model say of patients whom they never saw."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.models.calibration import apply_temperature
from dermai.models.fusion import Choices
from dermai.models.operating_points import predict
from dermai.models.package import ModelPackage


def sister_scores(package: ModelPackage, cases: pd.DataFrame, features: NDArray[np.float32]) -> dict[str, NDArray]:
    """Scores of photograph and columns [N, C] and class indices [N] of the photographs that a sister answers.

    `cases` are rows of the case table of patients who are no test patients, in the order of `features`; `answered` [M]
    says of which of them there is a sister who learnt from no photograph of the patient. `seen` [N]: whether she has
    learnt the photograph's diagnosis. A diagnosis that the model does not know has the index -1.
    """
    parts = package.linear_parts
    assert parts is not None
    index = {code: place for place, code in enumerate(package.classes)}
    folds = cases["fold"].astype(int).to_numpy()
    labels = cases["diagnosis"].map(index).fillna(-1).to_numpy(dtype=int)
    photograph, clinical = np.zeros((2, len(cases), len(package.classes)))
    answered, seen = np.zeros((2, len(cases)), dtype=bool)
    for fold, sister in parts.sisters.items():
        known = set(package.manifest["patient_id"].to_numpy()[sister.learnt])
        own = (folds == fold) & ~cases["patient_id"].isin(known).to_numpy()
        answered |= own
        photograph[own] = sister.head.scores(features[own])
        seen[own] = (labels[own] >= 0) & sister.head.known[labels[own]]
        if sister.clinical is not None:
            clinical[own] = sister.clinical.scores(cases[own])
    return {
        "answered": answered,
        "photograph": photograph[answered],
        "clinical": clinical[answered],
        "labels": labels[answered],
        "seen": seen[answered],
    }


def answers_of(
    choices: Choices,
    classes: tuple[str, ...],
    cases: pd.DataFrame,
    photograph: NDArray[np.float64],
    clinical: NDArray[np.float64],
) -> pd.DataFrame:
    """Image, diagnosis, fold and `p_<class>` of each case, and `called`: what its lesion is called, in all its rows."""
    probabilities = apply_temperature(choices.fusions.scores(photograph, clinical), choices.temperature)
    names = [f"p_{code}" for code in classes]
    table = cases[["image", "diagnosis", "fold"]].reset_index(drop=True)
    table = table.join(pd.DataFrame(probabilities, columns=names))
    means = table[names].groupby(cases["lesion_id"].to_numpy()).transform("mean").to_numpy()
    places = predict(means, classes, choices.operating_points, choices.call_rule)
    return table.assign(called=np.asarray(classes, dtype=object)[places])


def evidence_answers(package: ModelPackage, cases: pd.DataFrame, features: NDArray[np.float32]) -> pd.DataFrame:
    """The answers that are evidence on each patient: of the sister who never saw them, under choices that never did.

    `cases` and `features` are as in `sister_scores`, of patients whom the model may never have met; who cannot be
    answered so is left out. Columns as in `answers_of`.
    """
    parts = package.linear_parts
    assert parts is not None
    scores = sister_scores(package, cases, features)
    there = cases[scores["answered"]].reset_index(drop=True)
    folds = there["fold"].astype(int).to_numpy()
    found = []
    for fold, sister in parts.sisters.items():
        own = folds == fold
        if sister.choices is not None and own.any():
            rows = there[own].reset_index(drop=True)
            given = scores["photograph"][own], scores["clinical"][own]
            found.append(answers_of(sister.choices, package.classes, rows, *given))
    if found:
        return pd.concat(found, ignore_index=True)
    return pd.DataFrame(columns=["image", "diagnosis", "fold", *(f"p_{code}" for code in package.classes), "called"])

"""A linear opinion from the clinical columns, added to the network's class scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.models.calibration import apply_temperature, fit_temperature, log_probabilities
from dermai.models.clinical_columns import encode, known_sites

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)


class ClinicalModel(BaseModel):
    """Multinomial logistic regression without an intercept, on columns centred at the average of their known values.

    An unknown value therefore adds nothing, and a case of which nothing is known is left to the photograph alone.
    `weights` are [D, C], `centre` is [D]; `strength` scales the whole opinion.
    """

    model_config = ConfigDict(frozen=True)

    columns: tuple[str, ...]
    sites: tuple[str, ...]
    classes: tuple[str, ...]
    centre: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    strength: float = 1.0

    def scores(self, cases: pd.DataFrame) -> np.ndarray:
        """What to add to each class's score, float64 [N, C] in the order of `classes`.

        Zero for a case of which no column is known; columns that the table lacks are unknown.
        """
        centred = encode(cases, self.columns, self.sites) - np.array(self.centre)
        known = self.strength * np.where(np.isnan(centred), 0.0, centred)
        # Case by case, not as a product of matrices: company would change the last bits
        return np.asarray((known[:, :, np.newaxis] * np.array(self.weights)).sum(axis=1))


def fit_clinical(
    cases: pd.DataFrame, columns: Sequence[str], classes: Sequence[str], regularisation: float
) -> ClinicalModel:
    """Learn from the lesions in `cases` whose diagnosis is among `classes`, each class with the same say.

    `regularisation` is the ridge penalty on the weights, for a log-likelihood summed over the lesions. A class without
    lesions, and every class where all lesions have one diagnosis, gets no opinion.
    """
    from sklearn.linear_model import LogisticRegression

    lesions = cases[cases["diagnosis"].isin(list(classes))].drop_duplicates("lesion_id")
    sites = known_sites(lesions) if "body_site" in columns else ()
    encoded = encode(lesions, columns, sites)
    known = ~np.isnan(encoded)
    centre = np.where(known, encoded, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    weights = np.zeros((encoded.shape[1], len(classes)))
    present = sorted(set(lesions["diagnosis"]))
    if len(present) > 1 and encoded.shape[1]:
        regression = LogisticRegression(
            C=1 / regularisation, class_weight="balanced", fit_intercept=False, max_iter=1000
        ).fit(np.where(known, encoded - centre, 0.0), lesions["diagnosis"])
        rows = regression.coef_ if len(present) > 2 else np.concatenate([-regression.coef_, regression.coef_]) / 2
        for code, row in zip(regression.classes_, rows, strict=True):
            weights[:, list(classes).index(code)] = row
    return ClinicalModel(
        columns=tuple(columns),
        sites=sites,
        classes=tuple(classes),
        centre=tuple(centre.tolist()),
        weights=tuple(tuple(row) for row in weights.tolist()),
    )


def choose_strength(
    photograph: np.ndarray, scores: np.ndarray, labels: np.ndarray, strengths: Sequence[float] = STRENGTHS
) -> float:
    """How much of the clinical opinion makes validation labels likeliest, each class with the same say.

    Log-probabilities of the photographs and scores at strength 1 are [N, C]; labels [N] index the classes, -1 is left
    out. Each strength is judged at its own temperature; among equals the weakest wins, and 0 without cases.
    """
    known = labels >= 0
    photograph, scores, labels = photograph[known], scores[known], labels[known]
    if len(labels) == 0:
        return 0.0
    weights = 1 / np.bincount(labels, minlength=photograph.shape[1])[labels]

    def cost(strength: float) -> float:
        fused = photograph + strength * scores
        probabilities = apply_temperature(fused, fit_temperature(fused, labels))
        return float(-(weights * log_probabilities(probabilities)[np.arange(len(labels)), labels]).sum())

    return min(strengths, key=lambda strength: (round(cost(strength), 9), strength))

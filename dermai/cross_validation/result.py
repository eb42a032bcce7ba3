"""What a cross-validation found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.config import Params
from dermai.evaluation.metrics import Estimate
from dermai.evaluation.predictions import known_classes, per_lesion
from dermai.evaluation.scores import Scores, score_seeds
from dermai.taxonomy import load_taxonomy

OVERALL = ("balanced_accuracy", "macro_f1", "accuracy")


@dataclass(frozen=True)
class FoldAnswers:
    """A fold's prediction table, one row a photograph, and the operating points its model was given."""

    predictions: pd.DataFrame
    operating_points: dict[str, float]
    training_seconds: float


class CrossValidation(BaseModel):
    """The answers of all folds together, per lesion, with intervals over resampled patients.

    `as_served` holds the metrics with each fold's own operating points, `largest_probability` those without any;
    their names are `balanced_accuracy`, `macro_f1`, `accuracy` and `sensitivity_<class>`. `lesions` counts by class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folds: int
    seed: int
    photographs: int
    patients: int
    lesions: dict[str, int]
    confidence: float
    as_served: dict[str, Estimate]
    largest_probability: dict[str, Estimate]
    training_minutes: float
    params: dict[str, Any]


def lesion_scores(answers: Sequence[FoldAnswers], confidence: float, served: bool = True) -> Scores:
    """Scores of all folds' lesions, as served or by the largest probability.

    Raises:
        InvalidCases: photographs of one lesion have different diagnoses.
    """
    tables = [per_lesion(fold.predictions, fold.operating_points if served else None) for fold in answers]
    there = {code for table in tables for code in (*table["diagnosis"], *known_classes(table))}
    classes = [code for code in load_taxonomy().codes if code in there]
    return score_seeds([pd.concat(tables, ignore_index=True)], classes, confidence)


def summarise(answers: Sequence[FoldAnswers], params: Params) -> CrossValidation:
    """The metrics of all folds together.

    Raises:
        InvalidCases: photographs of one lesion have different diagnoses.
    """
    confidence = params.evaluation.confidence
    photographs = pd.concat([fold.predictions for fold in answers])
    served, likeliest = (lesion_scores(answers, confidence, kind) for kind in (True, False))
    lesions = {code: count for code, count in served.cases.items() if count}
    names = (*OVERALL, *(f"sensitivity_{code}" for code in lesions))
    return CrossValidation(
        folds=len(answers),
        seed=params.seed,
        photographs=len(photographs),
        patients=photographs["patient_id"].nunique(),
        lesions=lesions,
        confidence=confidence,
        as_served={name: served.estimate(name) for name in names},
        largest_probability={name: likeliest.estimate(name) for name in names},
        training_minutes=round(sum(fold.training_seconds for fold in answers) / 60, 1),
        params=params.model_dump(mode="json", include={"model", "training", "clinical"}),
    )

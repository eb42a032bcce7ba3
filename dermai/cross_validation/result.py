"""What a cross-validation found, as it is written to JSON and shown in tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.config import Params
from dermai.evaluation.metrics import Estimate
from dermai.evaluation.predictions import known_classes, per_lesion
from dermai.evaluation.scores import Scores, score_seeds
from dermai.evaluation.tables import ResultTable, percent
from dermai.files import sha256_json, write_json, write_text
from dermai.taxonomy import load_taxonomy
from dermai.workspace import Workspace

OVERALL = {"balanced_accuracy": "Balanced accuracy", "macro_f1": "Macro F1", "accuracy": "Accuracy"}


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


def metrics_table(result: CrossValidation) -> ResultTable:
    """One row a metric: as served, and by the largest probability, in percent with intervals."""

    def row(title: str, name: str, count: int) -> tuple[str, ...]:
        return title, str(count), percent(result.as_served[name]), percent(result.largest_probability[name])

    total = sum(result.lesions.values())
    return ResultTable(
        ("Metric", "Lesions", "As served", "By the largest probability"),
        (
            *(row(title, name, total) for name, title in OVERALL.items()),
            *(row(f"Sensitivity {code}", f"sensitivity_{code}", count) for code, count in result.lesions.items()),
        ),
    )


def write_result(workspace: Workspace, result: CrossValidation) -> Path:
    """Write cross_validation.json and tables.md, and point `latest` at them; returns their folder."""
    from dermai.report.publication import point_latest_at

    content = result.model_dump(mode="json")
    folder = workspace.reports / "cross_validate" / sha256_json(content)[:12]
    write_json(folder / "cross_validation.json", content)
    write_text(
        folder / "tables.md",
        f"{result.photographs} photographs of {result.patients} patients, {result.folds} folds by patient, "
        f"seed {result.seed}; {100 * result.confidence:g} % intervals over resampled patients.\n\n"
        + metrics_table(result).markdown(),
    )
    point_latest_at(folder)
    return folder

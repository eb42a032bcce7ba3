"""Several models on the same test photographs."""

from __future__ import annotations

from collections.abc import Mapping
from operator import not_

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from dermai.config import Params
from dermai.data.cases import trainable
from dermai.errors import InvalidCases
from dermai.evaluation.metrics import Evaluation, evaluate
from dermai.evaluation.predictions import PREFIX, per_lesion, prediction_table
from dermai.models.inference import predict_probabilities
from dermai.models.package import ModelPackage
from dermai.models.validation_lesions import operating_point_notes
from dermai.workspace import Workspace

ROLES = ("candidate", "champion", "anchor")


class ModelEvaluation(BaseModel):
    """One model on the test patients, per lesion (what the gate judges) and per photograph."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    operating_points: dict[str, float]
    call_rule: int = Field(1, exclude_if=lambda rule: rule == 1)
    operating_point_notes: dict[str, str] = Field(default_factory=dict, exclude_if=not_)
    lesions: Evaluation
    photographs: Evaluation


class ModelComparison(BaseModel):
    """The evaluations of all models by role."""

    model_config = ConfigDict(frozen=True)

    models: dict[str, ModelEvaluation]


def compare(predictions: pd.DataFrame, models: Mapping[str, ModelPackage], params: Params) -> ModelComparison:
    """Evaluate each model's part of the test predictions."""
    confidence, bins = params.evaluation.confidence, params.evaluation.calibration_bins
    found: dict[str, ModelEvaluation] = {}
    for role, package in models.items():
        same = next((known for known in found.values() if known.sha256 == package.sha256), None)
        photographs = predictions_of(predictions, role)
        if same is not None or photographs is None:
            found.update({role: same} if same is not None else {})
            continue
        lesions = per_lesion(photographs, package.operating_points, package.call_rule)
        found[role] = ModelEvaluation(
            sha256=package.sha256,
            operating_points=package.operating_points,
            call_rule=package.call_rule,
            operating_point_notes=operating_point_notes(package, params.gate.target_sensitivities),
            lesions=evaluate(lesions, package.classes, confidence, bins=bins),
            photographs=evaluate(photographs, package.classes, confidence, bins=bins),
        )
    return ModelComparison(models=found)


def lesion_predictions(predictions: pd.DataFrame, comparison: ModelComparison) -> dict[str, pd.DataFrame]:
    """The table of `per_lesion` of each model, by role."""
    tables = {role: predictions_of(predictions, role) for role in comparison.models}
    return {
        role: per_lesion(table, comparison.models[role].operating_points, comparison.models[role].call_rule)
        for role, table in tables.items()
        if table is not None
    }


def test_predictions(workspace: Workspace, cases: pd.DataFrame, models: Mapping[str, ModelPackage]) -> pd.DataFrame:
    """Prediction tables of each model, one under the other, distinguished by the column `role`.

    Models with the same weights and operating points (champion and anchor after the first promotion) are run once.

    Raises:
        InvalidCases: no test photograph has a diagnosis.
    """
    test = trainable(cases)
    test = test[test["split"] == "test"]
    if test.empty:
        raise InvalidCases("data/cases.csv: no test photograph has a diagnosis: import more patients")
    tables: dict[str, pd.DataFrame] = {}
    by_hash: dict[str, pd.DataFrame] = {}
    for role, package in models.items():
        if package.sha256 not in by_hash:
            probabilities = predict_probabilities(
                package, list(test["image"]), workspace.data, workspace.cache, progress=True, clinical=test
            )
            by_hash[package.sha256] = prediction_table(
                test, probabilities, package.classes, package.operating_points, package.call_rule
            )
        tables[role] = by_hash[package.sha256].assign(role=role)
    return pd.concat(tables.values(), ignore_index=True)


def predictions_of(predictions: pd.DataFrame, role: str) -> pd.DataFrame | None:
    """One model's prediction table out of several; None where that model was not evaluated.

    A class that only another model knows leaves no column behind.
    """
    table = predictions[predictions["role"] == role].drop(columns="role").reset_index(drop=True)
    if table.empty:
        return None
    unknown = [name for name in table.columns if name.startswith(PREFIX) and table[name].isna().all()]
    return table.drop(columns=unknown)

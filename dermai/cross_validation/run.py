"""Every fold trained as `incremental_finetune` trains its first model, and answered by that model."""

from __future__ import annotations

import json

import pandas as pd

from dermai.config import Params, model_parameters
from dermai.continual.plan import UpdatePlan, plan_update
from dermai.cross_validation.folds import patient_folds, split_for_fold
from dermai.cross_validation.result import FoldAnswers
from dermai.data.cases import trainable
from dermai.errors import InvalidCases
from dermai.evaluation.predictions import prediction_table
from dermai.files import sha256_json, write_bytes, write_json
from dermai.source_code import source_hash
from dermai.workspace import Workspace

RESULT, PREDICTIONS = "result.json", "predictions.csv"


def answer_folds(workspace: Workspace, cases: pd.DataFrame, params: Params, folds: int = 5) -> list[FoldAnswers]:
    """Train and answer fold by fold, with all of `cases` that have a diagnosis and with the parameters as they are.

    `params.seed` draws the folds and seeds the trainings. A finished fold is found in the cache, and a training that
    was killed goes on from its last epoch. Whether test patients take part is the caller's choice.

    Raises:
        InvalidCases: no photograph has a diagnosis, or there are fewer patients than folds.
        CannotTrain: a fold leaves fewer than two classes to train on.
    """
    from tqdm import tqdm

    rows = trainable(cases)
    if rows.empty:
        raise InvalidCases("no photograph has a diagnosis: import cases first (`dermai import --help`)")
    dealt = patient_folds(rows, folds, params.seed)
    inner, seed = params.data.folds, params.seed
    return [
        answer_fold(workspace, split_for_fold(rows, dealt, fold, inner, seed), params)
        for fold in tqdm(range(folds), desc="folds", unit="fold")
    ]


def answer_fold(workspace: Workspace, cases: pd.DataFrame, params: Params) -> FoldAnswers:
    """Train on the split `train`, answer the photographs of `test`."""
    plan = plan_update(cases, None, params)
    folder = workspace.cache / "cross_validate" / _key(plan, cases, params)[:16]
    if not (folder / RESULT).is_file():
        from dermai.models.inference import predict_probabilities
        from dermai.models.package import ModelPackage
        from dermai.training.candidate import train_candidate

        package = ModelPackage.load(train_candidate(workspace, params, plan, cases, None))
        test = cases[cases["split"] == "test"]
        probabilities = predict_probabilities(
            package, list(test["image"]), workspace.data, workspace.cache, progress=True, clinical=test
        )
        table = prediction_table(test, probabilities, package.classes)
        write_bytes(folder / PREDICTIONS, table.to_csv(index=False, lineterminator="\n").encode())
        summary = {"operating_points": package.operating_points, "training_seconds": package.training["seconds"]}
        write_json(folder / RESULT, summary)
    predictions = pd.read_csv(folder / PREDICTIONS, keep_default_na=False)
    return FoldAnswers(predictions, **json.loads((folder / RESULT).read_text(encoding="utf-8")))


def _key(plan: UpdatePlan, cases: pd.DataFrame, params: Params) -> str:
    """Hash of all that a fold's answers depend on: its training, and what calibrates and answers."""
    from dermai.training.finetune import training_key

    return sha256_json(
        {
            "training": training_key(plan, cases, params, None),
            "cases": cases.sort_values("image").to_csv(index=False),
            "params": model_parameters(params),
            "code": source_hash(__name__),
        }
    )

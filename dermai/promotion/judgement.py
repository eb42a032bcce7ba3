"""The gate applied to the models of one update."""

from __future__ import annotations

import pandas as pd

from dermai.config import Params
from dermai.evaluation.comparison import ModelComparison, lesion_predictions
from dermai.gate.judge import Judgement, judge
from dermai.gate.results import LesionResults
from dermai.workspace import Workspace


def judge_update(
    workspace: Workspace, params: Params, predictions: pd.DataFrame, comparison: ModelComparison
) -> Judgement:
    """Decide on the candidate's answers per lesion, beside those of the champion and the anchor."""
    results = {
        role: LesionResults.from_table(table) for role, table in lesion_predictions(predictions, comparison).items()
    }
    ids = {f"{role}_id": model.sha256 for role, model in comparison.models.items()}
    return judge(
        workspace.ledger,
        params.gate,
        results["candidate"],
        results.get("champion"),
        results.get("anchor"),
        confidence=params.evaluation.confidence,
        **ids,
    )

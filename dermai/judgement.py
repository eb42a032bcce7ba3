"""The gate applied to the models of one update."""

from __future__ import annotations

import pandas as pd

from dermai.config import Params
from dermai.evaluation.comparison import Comparison, lesion_predictions
from dermai.gate.decision import GateDecision, decide
from dermai.gate.results import LesionResults
from dermai.workspace import Workspace


def judge(workspace: Workspace, params: Params, predictions: pd.DataFrame, comparison: Comparison) -> GateDecision:
    """Decide on the candidate's answers per lesion, beside those of the champion and the anchor."""
    results = {
        role: LesionResults.from_table(table) for role, table in lesion_predictions(predictions, comparison).items()
    }
    return decide(
        params.gate,
        results["candidate"],
        results.get("champion"),
        results.get("anchor"),
        confidence=params.evaluation.confidence,
    )

"""Judge the candidate by the gate's policy."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from zenml import step

from dermai.config import Params
from dermai.evaluation.comparison import Comparison
from dermai.gate.decision import GateDecision
from dermai.judgement import judge
from dermai.workspace import find_workspace


@step(enable_cache=False)
def decide_promotion(
    predictions: pd.DataFrame, comparison: Comparison, params: Params
) -> Annotated[GateDecision, "decision"]:
    """Spends from the test-set ledger; the same candidate on the same test patients keeps its decision."""
    return judge(find_workspace(), params, predictions, comparison)

"""Judge the candidate by the gate's policy."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from zenml import step

from dermai.config import Params
from dermai.evaluation.comparison import ModelComparison
from dermai.gate.judgement import Judgement
from dermai.promotion.judgement import judge_update
from dermai.workspace import find_workspace


@step(enable_cache=False)
def decide_promotion(
    predictions: pd.DataFrame, comparison: ModelComparison, params: Params
) -> Annotated[Judgement, "judgement"]:
    """Spends from the test-set ledger; the same candidate on the same test patients keeps its decision."""
    return judge_update(find_workspace(), params, predictions, comparison)

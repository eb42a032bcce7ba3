"""Judge the candidate by the gate's policy."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from zenml import step

from dermai.config import Params
from dermai.evaluation.all_lesions import AllLesionsAnswers
from dermai.evaluation.comparison import ModelComparison
from dermai.gate.judgement import Judgement
from dermai.promotion.judgement import judge_update
from dermai.workspace import find_workspace


@step(enable_cache=False)
def decide_promotion(
    predictions: pd.DataFrame,
    comparison: ModelComparison,
    all_lesions: pd.DataFrame,
    calls: pd.DataFrame,
    no_second_column: str,
    params: Params,
) -> Annotated[Judgement, "judgement"]:
    """Spends from the test-set ledger; the same candidate on the same patients keeps its decision."""
    answers = AllLesionsAnswers(all_lesions, calls, no_second_column)
    return judge_update(find_workspace(), params, predictions, comparison, answers)

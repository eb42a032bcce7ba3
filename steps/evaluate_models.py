"""Candidate, champion and anchor on the same test patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
from zenml import step

from dermai.config import Params
from dermai.evaluation.comparison import ModelComparison, compare, test_predictions
from dermai.registry.champion import ReferenceModels, compared_packages
from dermai.source_code import source_hash
from dermai.workspace import find_workspace
from steps.caching import by_value


def code() -> str:
    """What ZenML compares to know that the code behind this step is the same."""
    return source_hash(__name__)


@step(cache_policy=by_value(code))
def evaluate_models(
    cases: pd.DataFrame, references: ReferenceModels, params: Params, candidate: Path | None = None
) -> tuple[Annotated[pd.DataFrame, "test_predictions"], Annotated[ModelComparison, "comparison"]]:
    """One row a test photograph and model, every prediction kept; and what follows from them.

    Without a candidate the champion is judged again, on test labels that have changed.
    """
    workspace = find_workspace()
    models = compared_packages(workspace, references, candidate)
    predictions = test_predictions(workspace, cases, models)
    return predictions, compare(predictions, models, params)

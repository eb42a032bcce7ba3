"""What is new, what was taken back, what is replayed."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from zenml import step

from dermai.config import Params
from dermai.continual import plan
from dermai.registry.champion import ReferenceModels, load_reference_package
from dermai.source_code import source_hash
from dermai.workspace import find_workspace
from steps.caching import by_value


def code() -> str:
    """What ZenML compares to know that the code behind this step is the same."""
    return source_hash(__name__)


@step(cache_policy=by_value(code))
def plan_update(
    cases: pd.DataFrame, references: ReferenceModels, params: Params
) -> Annotated[plan.UpdatePlan, "update_plan"]:
    """Compares the case table with the champion's manifest, and the parameters with those it was trained with."""
    champion = load_reference_package(find_workspace(), references.champion)
    if champion is None:
        return plan.plan_update(cases, None, params)
    return plan.plan_update(cases, champion.manifest, params, champion.training.get("parameters"))

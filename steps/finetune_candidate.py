"""Train the candidate, from the champion on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
from zenml import step

from dermai.champion import ReferenceModels, load_reference_package
from dermai.config import Params
from dermai.continual.plan import UpdatePlan
from dermai.workspace import find_workspace
from steps.caching import BY_VALUE


@step(cache_policy=BY_VALUE)
def finetune_candidate(
    plan: UpdatePlan, cases: pd.DataFrame, references: ReferenceModels, params: Params
) -> Annotated[Path, "candidate"]:
    """The folder of the candidate's package; an interrupted training resumes where its last checkpoint was."""
    from dermai.candidate import train_candidate

    workspace = find_workspace()
    parent = None
    if plan.mode == "update":
        parent = load_reference_package(workspace, params, references.champion)
    return train_candidate(workspace, params, plan, cases, parent)

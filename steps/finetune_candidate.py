"""Train the candidate, from the champion on, or from the anchor where photographs were taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
from zenml import get_step_context, step

from dermai.config import Params
from dermai.continual.plan import UpdatePlan
from dermai.registry.champion import ReferenceModels, load_reference_package
from dermai.source_code import source_hash
from dermai.workspace import find_workspace
from steps.caching import by_value


def code() -> str:
    """What ZenML compares to know that the code behind this step is the same."""
    return source_hash(__name__)


@step(cache_policy=by_value(code))
def finetune_candidate(
    plan: UpdatePlan, cases: pd.DataFrame, references: ReferenceModels, params: Params
) -> Annotated[Path, "candidate"]:
    """The folder of the candidate's package; an interrupted training resumes where its last checkpoint was.

    With `training.processes: auto` the step's ZenML setting `resources: {gpu_count: N}` is its number of processes.
    """
    from dermai.training.candidate import train_candidate

    workspace = find_workspace()
    start = {"update": references.champion, "from_anchor": references.anchor}.get(plan.mode)
    parent = load_reference_package(workspace, start)
    champion = load_reference_package(workspace, references.champion)
    step_gpus = get_step_context().step_run.config.resource_settings.gpu_count
    return train_candidate(workspace, params, plan, cases, parent, step_gpus, champion)

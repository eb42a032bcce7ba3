"""A candidate from a plan: training, then temperature and operating points from patients that it held out.

With it go a summary of the photographs that it has learnt, made anew from those that are in the dataset now, and the
engine that runs its network, compared with torch.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from dermai.config import Params, model_parameters
from dermai.continual.plan import UpdatePlan
from dermai.files import sha256_json
from dermai.models.package import ModelPackage
from dermai.training.out_of_fold import with_thresholds
from dermai.workspace import Workspace


def train_candidate(
    workspace: Workspace,
    params: Params,
    plan: UpdatePlan,
    cases: pd.DataFrame,
    parent: ModelPackage | None,
    step_gpus: int | None = None,
) -> Path:
    """Folder of the finished package, below the cache and named after everything that determines it.

    The same plan, parameters and parent find the finished training, or the newest checkpoint of one that died.
    `step_gpus` is how many GPUs the orchestrator gives to the training, where it says so.

    Raises:
        LicenceRefused: the network's weights are under a licence that is not allowed.
    """
    from dermai.models.weights_licence import weights_source
    from dermai.training.clinical_opinion import with_clinical
    from dermai.training.distributed import finetune_in_processes, processes_for
    from dermai.training.finetune import finetune, training_key

    weights_source(params.model)  # before hours are spent
    if params.training.learner == "linear_heads":
        return _refitted(workspace, params, plan, cases, parent)
    folder = workspace.cache / "training" / training_key(plan, cases, params, parent)[:16]
    processes = processes_for(params, step_gpus)
    train = finetune if processes == 1 else partial(finetune_in_processes, processes)
    package = train(plan, cases, workspace.data, params, parent, folder, cache=workspace.cache)
    name = "package"
    if params.clinical.columns:
        package = with_clinical(package, cases, params.clinical)
        name += "-" + sha256_json(params.clinical.model_dump(mode="json"))[:8]
    package = with_thresholds(package, params.gate.target_sensitivities)
    return _finished(package, workspace, params, cases).save(folder / name)


def _refitted(
    workspace: Workspace, params: Params, plan: UpdatePlan, cases: pd.DataFrame, parent: ModelPackage | None
) -> Path:
    from dermai.training.refit import refit, refit_key

    folder = workspace.cache / "training" / refit_key(plan, cases, params, parent)[:16] / "package"
    if folder.is_dir():
        return folder
    package = refit(plan, cases, workspace.data, params, parent, workspace.cache)
    return _finished(package, workspace, params, cases).save(folder)


def _finished(package: ModelPackage, workspace: Workspace, params: Params, cases: pd.DataFrame) -> ModelPackage:
    """With its parameters, a summary of the photographs that it has learnt, and its engine."""
    from dermai.models.engine_check import with_checked_engine
    from dermai.models.learnt_photographs import familiarity_of
    from dermai.models.weights_licence import weights_source

    source = weights_source(params.model)
    weights = f"{source.name}, licence {source.licence}" if source.licence else source.name
    training = {**package.training, "weights": weights, "parameters": model_parameters(params)}
    summary = familiarity_of(package.manifest, cases, workspace.data, workspace.cache, params.triage.false_flags)
    return with_checked_engine(replace(package, training=training, familiarity=summary), workspace.cache)

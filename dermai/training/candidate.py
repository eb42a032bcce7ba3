"""A candidate from a plan: training, then temperature and operating points from patients that it held out.

With it go a summary of the photographs that it has learnt, made anew from those that are in the dataset now, and the
engine that runs its network, compared with torch.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from dermai.config import Params, model_parameters
from dermai.continual.plan import UpdatePlan
from dermai.files import sha256_json
from dermai.models.package import ModelPackage
from dermai.training.out_of_fold import with_thresholds
from dermai.workspace import Workspace

if TYPE_CHECKING:
    from dermai.models.fine_tuned import FineTunedNetworks
    from dermai.training.fine_tuning import Train


def train_candidate(
    workspace: Workspace,
    params: Params,
    plan: UpdatePlan,
    cases: pd.DataFrame,
    parent: ModelPackage | None,
    step_gpus: int | None = None,
    champion: ModelPackage | None = None,
) -> Path:
    """Folder of the finished package, below the cache and named after everything that determines it.

    The same plan, parameters and parent find the finished training, or the newest checkpoint of one that died.
    `step_gpus` is how many GPUs the orchestrator gives to the training, where it says so. `champion` has the fine-tuned
    networks that may be kept or trained on; None: the parent.

    Raises:
        LicenceRefused: the network's weights are under a licence that is not allowed.
    """
    from dermai.models.weights_licence import weights_source
    from dermai.training.clinical_opinion import with_clinical
    from dermai.training.finetune import training_key

    weights_source(params.model)  # before hours are spent
    if params.training.learner == "linear_heads":
        return _refitted(workspace, params, plan, cases, parent, champion or parent, step_gpus)
    folder = workspace.cache / "training" / training_key(plan, cases, params, parent)[:16]
    package = _train(params, step_gpus)(plan, cases, workspace.data, params, parent, folder, cache=workspace.cache)
    name = "package"
    if params.clinical.columns:
        package = with_clinical(package, cases, params.clinical)
        name += "-" + sha256_json(params.clinical.model_dump(mode="json"))[:8]
    package = with_thresholds(package, params.gate.target_sensitivities)
    return _finished(package, workspace, params, cases).save(folder / name)


def _train(params: Params, step_gpus: int | None) -> Train:
    """What trains a network, on as many processes as are asked for."""
    from dermai.training.distributed import finetune_in_processes, processes_for
    from dermai.training.finetune import finetune

    processes = processes_for(params, step_gpus)
    return finetune if processes == 1 else partial(finetune_in_processes, processes)


def _refitted(
    workspace: Workspace,
    params: Params,
    plan: UpdatePlan,
    cases: pd.DataFrame,
    parent: ModelPackage | None,
    champion: ModelPackage | None,
    step_gpus: int | None,
) -> Path:
    from dermai.training.fine_tuning import fine_tuned_networks
    from dermai.training.refit import refit, refit_key

    folder = workspace.cache / "training" / refit_key(plan, cases, params, parent, champion)[:16]
    if (folder / "package").is_dir():
        return folder / "package"
    networks = folder / "networks"

    def fine_tune(learnt: pd.DataFrame) -> FineTunedNetworks | None:
        train = _train(params, step_gpus)
        return fine_tuned_networks(plan, learnt, workspace.data, params, champion, networks, workspace.cache, train)

    package = refit(plan, cases, workspace.data, params, parent, workspace.cache, fine_tune=fine_tune)
    found = _finished(package, workspace, params, cases).save(folder / "package")
    shutil.rmtree(networks, ignore_errors=True)  # their weights are in the package
    return found


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

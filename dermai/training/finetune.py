"""Fine-tuning, from ImageNet weights or from the champion on, to a finished model package."""

from __future__ import annotations

import os
import resource
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from dermai.config import Params, network_parameters
from dermai.continual.plan import UpdatePlan
from dermai.continual.recipes import RECIPES
from dermai.data.folds import training_roles
from dermai.files import locked, sha256_json, write_json
from dermai.models.package import ModelPackage
from dermai.source_code import source_hash
from dermai.training.hierarchy import parts
from dermai.training.processes import Processes
from dermai.training.starting_model import CannotTrain, starting_model, usable_parent
from dermai.training.summary import EpochSummary, TrainingSummary
from dermai.training.training_cases import manifest_after, training_cases, training_photographs
from dermai.training.withdrawal import forget_withdrawn

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor

    from dermai.training.interpolation import MixScore

LONGEST_WAIT = timedelta(days=1)  # for a process whose machine decodes slowly; torchrun ends all if one dies
FINISHED, KEY, CHECKPOINTS = "trained", "training.json", "checkpoints"


def finetune(
    plan: UpdatePlan,
    cases: pd.DataFrame,
    data_folder: Path,
    params: Params,
    parent: ModelPackage | None,
    folder: Path,
    progress: bool = True,
    cache: Path | None = None,
) -> ModelPackage:
    """Train what the plan says; the model is uncalibrated (temperature 1, no operating points).

    `folder` holds the checkpoints and at the end the finished package: the same call again finds it and costs
    seconds, and a training that was killed goes on from its last epoch to the same weights. `cache` keeps decoded
    pixels and frozen activations and may be shared by all trainings; without one they are kept in `folder`.

    Under torchrun or `accelerate launch` all processes call this, on a folder that all of them see; each computes its
    share of every batch (`dermai.training.processes`).

    Raises:
        CannotTrain: the plan is empty, the photographs are of fewer than two classes, the parent has another
            backbone, or a process does not see the folder.
        CannotShare: `training.samples_per_class` cannot be divided by the number of processes.
        InvalidCases: a photograph is missing or damaged.
    """
    accelerator = make_accelerator(params)
    is_main = accelerator.is_main_process
    Processes.of(accelerator).check(params.training.samples_per_class)
    with locked(folder / ".lock") if is_main else nullcontext():
        key = training_key(plan, cases, params, parent)
        if is_main and not _belongs_to(folder, key):
            shutil.rmtree(folder / FINISHED, ignore_errors=True)
            shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
            write_json(folder / KEY, {"key": key})
        accelerator.wait_for_everyone()
        if not _belongs_to(folder, key):
            raise CannotTrain(f"this process does not see what the first one wrote to {folder}: all must share it")
        if not (folder / FINISHED).is_dir():
            package = _train(
                plan, cases, data_folder, params, parent, folder / CHECKPOINTS, cache or folder, accelerator, progress
            )
            if is_main:
                package.save(folder / FINISHED)
                shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
        accelerator.wait_for_everyone()
    return ModelPackage.load(folder / FINISHED)


def make_accelerator(params: Params) -> Accelerator:
    """Where to compute and how precisely: `auto` is bfloat16 on a GPU that has it, else full precision."""
    import torch
    from accelerate import Accelerator
    from accelerate.utils import InitProcessGroupKwargs

    precision: str = params.training.mixed_precision
    if precision == "auto":
        precision = "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "no"
    together = int(os.environ.get("WORLD_SIZE", "1")) > 1
    return Accelerator(
        cpu=together and not torch.cuda.is_available(),  # Accelerate joins processes without a GPU only when asked
        mixed_precision=precision,
        kwargs_handlers=[InitProcessGroupKwargs(timeout=LONGEST_WAIT)],
    )


def training_key(plan: UpdatePlan, cases: pd.DataFrame, params: Params, parent: ModelPackage | None) -> str:
    """Hash of everything the trained weights depend on.

    Raises:
        CannotTrain: the parent has another backbone, input size, resampling or crop than the parameters.
    """
    from dermai.models.backbones import weights_sha256

    used = cases[cases["split"] != "test"]
    return sha256_json(
        {
            "plan": plan.model_dump(mode="json", exclude={"test_changes"}),
            "cases": sorted(zip(used["image"], used["diagnosis"], training_roles(used), strict=True)),
            "params": network_parameters(params),
            "parent": parent.sha256 if parent else None,
            "pretrained": None if usable_parent(plan, params, parent, cases) else weights_sha256(params.model),
            "code": source_hash(__name__),
        }
    )


def _belongs_to(folder: Path, key: str) -> bool:
    file = folder / KEY
    return file.is_file() and key in file.read_text(encoding="utf-8")


def _train(
    plan: UpdatePlan,
    cases: pd.DataFrame,
    data_folder: Path,
    params: Params,
    parent: ModelPackage | None,
    checkpoints: Path,
    cache: Path,
    accelerator: Accelerator,
    progress: bool,
) -> ModelPackage:
    from dermai.models.backbones import input_statistics, split_frozen
    from dermai.training.activations import FrozenActivations
    from dermai.training.interpolation import interpolate
    from dermai.training.phases import PhasedTraining

    started = time.perf_counter()
    parent = usable_parent(plan, params, parent, cases)
    learnt, validation, classes = training_cases(plan, cases, parent)
    if accelerator.is_main_process:
        forget_withdrawn(cache, plan.removed)
    levels = [parts(level, classes) for level in params.training.hierarchy]
    photographs = training_photographs(plan.replay if parent else (), learnt, validation, classes, levels)
    model = starting_model(params, classes, parent).to(accelerator.device)
    prefix, tail = split_frozen(model, params.model.frozen_share)
    statistics = input_statistics(params.model.backbone)
    activations = FrozenActivations(prefix, params, statistics, cache, data_folder, accelerator.device)
    activations.prepare(
        photographs.train,
        photographs.validation,
        progress,
        accelerator.process_index,
        accelerator.num_processes,
        accelerator.wait_for_everyone,
    )
    prepared = time.perf_counter()
    recipe, known = RECIPES[params.continual.strategy], parent.classes if parent and plan.mode == "update" else ()
    penalty = partial(recipe.penalty, params.continual, len(known)) if recipe.penalty else None
    phases = PhasedTraining(
        tail,
        activations,
        photographs,
        params,
        accelerator,
        progress,
        penalty if known else None,
        bool(known) and recipe.short_epochs,
    )
    champion = {name: tensor.clone() for name, tensor in tail.state_dict().items()}
    position = phases.run(params.training.update_epochs if parent else params.training.first_epochs, checkpoints)
    mixes: list[MixScore] = []
    chosen: MixScore | None = None
    if known and recipe.interpolates:
        chosen, mixes = interpolate(phases, champion, classes, params)
    summary = TrainingSummary(
        mode=plan.mode,
        strategy=params.continual.strategy,
        started_from=f"package {parent.sha256}" if parent else f"{params.model.pretrained} weights",
        photographs=dict(sorted(Counter(learnt["diagnosis"]).items())),
        validation_photographs=len(validation),
        seed=params.seed,
        device=str(accelerator.device),
        processes=accelerator.num_processes,
        mixed_precision=str(accelerator.mixed_precision),
        seconds=round(time.perf_counter() - started, 1),
        seconds_before_the_first_epoch=round(prepared - started, 1),
        images_per_second=_images_per_second(position.history),
        peak_memory_mb=_peak_memory_mb(),
        best_epoch=position.best_epoch,
        history=tuple(EpochSummary.model_validate(epoch, extra="ignore") for epoch in position.history),
        interpolation=tuple(mixes),
        interpolation_chosen=chosen.share if chosen else None,
    )
    kept_champion = chosen is not None and chosen.share == 0 and parent is not None and classes == parent.classes
    return ModelPackage(
        weights={name: tensor.cpu().clone() for name, tensor in model.state_dict().items()},
        backbone=params.model.backbone,
        classes=classes,
        image_size=params.model.image_size,
        interpolation=params.model.interpolation,
        crop=params.model.crop,
        mean=statistics[0],
        std=statistics[1],
        manifest=manifest_after(parent, None if kept_champion else learnt, validation),
        validation=_predictions(validation, classes, phases.validation_logits()),
        parent=parent.sha256 if parent else None,
        training=summary.model_dump(mode="json"),
    )


def _predictions(validation: pd.DataFrame, classes: Sequence[str], logits: Tensor) -> pd.DataFrame:
    probabilities = logits.double().softmax(dim=1).cpu().numpy()
    table = pd.DataFrame(probabilities, columns=[f"p_{name}" for name in classes])
    table.insert(0, "image", validation["image"].to_numpy())
    table.insert(1, "diagnosis", validation["diagnosis"].to_numpy())
    return table


def _images_per_second(history: Sequence[Mapping[str, Any]]) -> float | None:
    """Of the epochs that train blocks; None without one."""
    epochs = [record for record in history if record["phase"] == "blocks"]
    seconds = sum(record["seconds"] for record in epochs)
    return round(sum(record["images"] for record in epochs) / seconds, 1) if seconds else None


def _peak_memory_mb() -> dict[str, int]:
    import torch

    peak = {"process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
    if torch.cuda.is_available():
        peak["gpu"] = torch.cuda.max_memory_allocated() // 2**20
    return peak

"""One cell of the grid: an architecture, a strategy and a seed, trained stage by stage and tested on the target."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.config import Params, network_parameters
from dermai.data.cases import trainable
from dermai.data.folds import training_roles
from dermai.files import sha256_json, write_bytes, write_json
from dermai.source_code import source_hash
from dermai.strategies.stages import Stage, plan_stages
from dermai.workspace import Workspace

RESULT, PREDICTIONS = "result.json", "predictions.csv"
BATCH_NORM_STATE = ("running_mean", "running_var", "num_batches_tracked")  # not trained, so not counted


class Cell(BaseModel):
    """One training of the grid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str
    strategy: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.architecture}-{self.strategy}-{self.seed}"

    @property
    def command(self) -> str:
        """What runs this cell alone."""
        return f"dermai compare --architecture {self.architecture} --strategy {self.strategy} --seed {self.seed}"


@dataclass(frozen=True)
class CellResult:
    """The test predictions of a cell, one row a photograph, and what made them."""

    cell: Cell
    predictions: pd.DataFrame
    summary: dict[str, Any]


def run_cell(
    workspace: Workspace,
    cell: Cell,
    cases: pd.DataFrame,
    params: Params,
    merged: Mapping[str, Sequence[str]] | None = None,
    progress: bool = False,
) -> CellResult:
    """Train and test a cell, or read what an earlier run left; a killed training goes on from its last epoch.

    Raises:
        UnknownSource, UnknownBackbone, CannotTrain: the cell cannot be trained.
    """
    from dermai.evaluation.predictions import prediction_table
    from dermai.models.inference import predict_probabilities

    strategy = params.compare.strategies[cell.strategy]
    stages = plan_stages(strategy, cases, params.compare.target, merged if strategy.automatic else None)
    rows = trainable(cases)
    test = rows[(rows["split"] == "test") & (rows["source"] == params.compare.target)]
    params, random = cell_params(cell, params)
    folder = workspace.cache / "compare" / f"{cell.name}-{_key(cell, stages, test, params)[:12]}"
    if not (folder / RESULT).is_file():
        started = time.perf_counter()
        package, trained = _train(workspace, stages, params, folder, progress)
        probabilities = predict_probabilities(package, list(test["image"]), workspace.data, workspace.cache, progress)
        table = prediction_table(test, probabilities, package.classes)
        write_bytes(folder / PREDICTIONS, table.to_csv(index=False, lineterminator="\n").encode())
        summary = {
            "architecture": cell.architecture,
            "strategy": cell.strategy,
            "seed": cell.seed,
            "start": "random weights" if random or strategy.start == "none" else "ImageNet weights",
            "weights_missing": random,
            "parameters": sum(
                tensor.numel() for name, tensor in package.weights.items() if not name.endswith(BATCH_NORM_STATE)
            ),
            "seconds": round(time.perf_counter() - started, 1),
            "stages": trained,
            "command": cell.command,
        }
        write_json(folder / RESULT, summary)
    predictions = pd.read_csv(folder / PREDICTIONS, keep_default_na=False)
    return CellResult(cell, predictions, json.loads((folder / RESULT).read_text(encoding="utf-8")))


def cell_params(cell: Cell, params: Params) -> tuple[Params, bool]:
    """The parameters of a cell's first stage, and whether ImageNet weights were asked for and are not to be had.

    The experiment is of networks trained by epochs, whatever learns the updates. Random layers are never frozen: a
    strategy that starts from them trains the whole network.
    """
    from dermai.models.backbones import WeightsUnavailable, imagenet_weights

    start, missing = params.compare.strategies[cell.strategy].start, False
    model = params.model.model_copy(update={"backbone": cell.architecture, "pretrained": start})
    if start == "imagenet":
        try:
            imagenet_weights(model)
        except WeightsUnavailable:
            missing = True
    if start == "none" or missing:
        model = model.model_copy(update={"pretrained": "none", "frozen_share": 0.0})
    training = params.training.model_copy(update={"learner": "network"})
    return params.model_copy(update={"model": model, "training": training, "seed": cell.seed}), missing


def _train(
    workspace: Workspace, stages: Sequence[Stage], params: Params, folder: Path, progress: bool
) -> tuple[Any, list[dict[str, Any]]]:
    """The last stage's package. Each stage has a new head, on the layers that the one before has left."""
    from dermai.continual.plan import plan_update
    from dermai.models.stored_weights import weights_file
    from dermai.training.finetune import finetune

    trained, package = [], None
    for number, stage in enumerate(stages):
        if package is not None:
            weights = folder / f"weights-{number}"
            write_bytes(weights / f"{params.model.backbone}.safetensors", weights_file(package.weights))
            model = params.model.model_copy(update={"pretrained": "imagenet", "weights_folder": str(weights)})
            params = params.model_copy(update={"model": model})
        package = finetune(
            plan_update(stage.cases, None, params),
            stage.cases,
            workspace.data,
            params,
            None,
            folder / f"stage-{number}",
            progress,
            workspace.cache,
        )
        learnt = stage.cases[training_roles(stage.cases) == "train"]
        trained.append(
            {
                "name": stage.name,
                "photographs": dict(sorted(Counter(learnt["diagnosis"]).items())),
                "sources": dict(sorted(Counter(learnt["source"]).items())),
                "seconds": package.training["seconds"],
                "best_epoch": package.training["best_epoch"],
            }
        )
    return package, trained


def _key(cell: Cell, stages: Sequence[Stage], test: pd.DataFrame, params: Params) -> str:
    """Hash of all that a cell's numbers depend on."""
    from dermai.models.backbones import weights_sha256

    return sha256_json(
        {
            "cell": cell.model_dump(),
            "cases": [
                sorted(zip(part["image"], part["diagnosis"], training_roles(part), strict=True))
                for part in (*(stage.cases for stage in stages), test)
            ],
            "params": network_parameters(params, of_updates=False),
            "pretrained": weights_sha256(params.model),
            "code": source_hash(__name__),
        }
    )

"""The parameters of the trainings on streams, and where each cell's numbers are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.folders import BENCHMARKS, REPOSITORY
from dermai.config import Params, load_params
from dermai.files import sha256_json

FOLDER = BENCHMARKS / "workspaces_streams"
# The training by epochs, smaller and faster than the paper's: photographs of 128 px, all blocks frozen (the last
# convolution and the head are trained), half the epochs at ten times the rates.
OVERRIDES: dict[str, Any] = {
    "training.learner": "network",
    "model.interpolation": "nearest",
    "clinical.columns": [],
    "model.image_size": 128,
    "model.frozen_share": 1.0,
    "training.first_epochs": 12,
    "training.update_epochs": 6,
    "training.augmented_views": 3,
    "training.head_learning_rate": 1e-3,
    "training.backbone_learning_rate": 1e-4,
    "training.activation_cache_gb": 40,
    "training.checkpoint_every": 100,
}
SEEDS = (11, 23, 37, 41, 53, 61, 71, 83, 97, 101, 113, 127, 131, 149, 151)  # of the trainings, one a repetition
DEFAULT = "balanced_replay"


def parameters(repetition: int, strategy: str, overrides: dict[str, Any]) -> Params:
    own = {"seed": SEEDS[repetition], "continual.strategy": strategy}
    return load_params(REPOSITORY / "params.yaml", OVERRIDES | overrides | own)


def cell_file(stream: str, number: int, strategy: str, overrides: dict[str, Any]) -> Path:
    """Where a cell is kept, by the parameters of its trainings."""
    key = sha256_json(parameters(number, DEFAULT, overrides).model_dump(mode="json", include={"model", "training"}))
    return FOLDER / "cells" / key[:8] / f"{stream}-{number}-{strategy}.json"

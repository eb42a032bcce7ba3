"""A small champion with validation photographs, for triage tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from dermai.registry.registry import Registry
from dermai.registry.versions import ModelVersion
from tests.packages import CLASSES, make_package
from tests.records.made import crown


def make_champion(registry: Registry, folder: Path) -> ModelVersion:
    """Registered, and champion by a signed record; its random weights answer anything."""
    version = register_small_model(registry, folder)
    crown(registry, version)
    return version


def register_small_model(registry: Registry, folder: Path) -> ModelVersion:
    """Registered and no more."""
    columns = [f"p_{name}" for name in CLASSES]
    validation = pd.DataFrame(np.random.default_rng(0).dirichlet([1] * 3, 60), columns=columns).assign(
        image=[f"{number:064x}" for number in range(60)], diagnosis=[CLASSES[n % 3] for n in range(60)]
    )
    package = replace(make_package(), validation=validation[["image", "diagnosis", *columns]])
    return registry.register(package.save(folder / "package"), {}, "test", {}, {})

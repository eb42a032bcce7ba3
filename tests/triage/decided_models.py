"""Models whose answer is known beforehand: one class for every photograph, almost certain of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from dermai.models.package import MANIFEST_COLUMNS, ModelPackage
from dermai.registry.registry import Registry
from dermai.registry.versions import ModelVersion
from tests.packages import CLASSES, make_package
from tests.records.made import crown

CERTAIN = 40.0  # added to the class's score, far above what the others reach


def always(code: str, patients: tuple[str, ...] = ()) -> ModelPackage:
    """A package that calls this class, with a conformal set of it alone, and has learnt from these patients."""
    package = make_package()
    weights = {name: tensor.clone() for name, tensor in package.weights.items()}
    (bias,) = (name for name in weights if name.endswith("classifier.bias"))
    weights[bias][CLASSES.index(code)] += CERTAIN
    columns = [f"p_{name}" for name in CLASSES]
    sure = {f"p_{name}": float(name == code) * 0.98 + 0.01 for name in CLASSES}
    validation = pd.DataFrame([{"image": f"{n:064x}", "diagnosis": code, **sure} for n in range(60)])
    learnt = [[f"{n:064x}", "c", patient, "l", "MM", "dermai", "", "train"] for n, patient in enumerate(patients)]
    return replace(
        package,
        weights=weights,
        operating_points={},
        validation=validation[["image", "diagnosis", *columns]],
        manifest=pd.DataFrame(learnt, columns=list(MANIFEST_COLUMNS)) if learnt else package.manifest,
    )


def make_decided_champion(registry: Registry, folder: Path, code: str) -> ModelVersion:
    """Registered and made champion."""
    version = registry.register(always(code).save(folder / f"always-{code}"), {}, "test", {}, {})
    crown(registry, version)
    return version

"""Small model packages for tests."""

from __future__ import annotations

import pandas as pd

from dermai.config import ModelParams
from dermai.models.package import MANIFEST_COLUMNS, ModelPackage

CLASSES = ("Nev", "BCC", "MM")


def make_package(seed: int = 0) -> ModelPackage:
    """A small network with random weights, as a package."""
    import torch

    from dermai.models.backbones import build_model

    torch.manual_seed(seed)
    params = ModelParams(backbone="mobilenetv3_small_050", pretrained="none", image_size=64)
    weights = build_model(params, CLASSES).state_dict()
    return ModelPackage(
        weights=dict(weights),
        backbone=params.backbone,
        classes=CLASSES,
        image_size=64,
        interpolation="nearest",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        manifest=pd.DataFrame(
            [["0" * 64, "c", "p", "l", "MM", "dermai", "simulated", "train"]], columns=list(MANIFEST_COLUMNS)
        ),
        validation=pd.DataFrame(columns=["image", "diagnosis", *(f"p_{code}" for code in CLASSES)]),
        operating_points={"MM": 0.3},
    )

"""The reference backbone sees the same by itself and within the pass of a model whose network it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dermai.config import ModelParams
from dermai.models.backbones import build_model, input_statistics
from dermai.models.package import ModelPackage
from dermai.models.package_network import ready_to_predict
from dermai.models.reference_backbone import appearance, embed, kept_appearance, reference_pixels
from dermai.models.seen_features import package_features
from tests.packages import make_package
from tests.training.training_data import make_cases

BACKBONE = "tf_efficientnet_lite0"


@pytest.fixture(scope="module")
def shipped() -> ModelPackage:
    mean, std = input_statistics(BACKBONE)
    network = build_model(ModelParams(backbone=BACKBONE), ("MM", "Nev"))
    return replace(
        make_package(), weights=dict(network.state_dict()), backbone=BACKBONE, classes=("MM", "Nev"), image_size=224,
        interpolation="bilinear", mean=mean, std=std, views=("whole", "lesion"), late_stages=3,
    )  # fmt: skip


def test_features_of_a_model_bring_the_appearance_along(shipped: ModelPackage, tmp_path: Path) -> None:
    images = list(make_cases(tmp_path, {"train": {"Nev": 2, "MM": 1}})["image"])
    features = package_features(shipped, images, tmp_path, tmp_path / "shared")
    assert not kept_appearance(tmp_path / "shared").missing(images)
    alone = appearance(images, tmp_path, tmp_path / "alone")
    assert np.abs(kept_appearance(tmp_path / "shared").read(images) - alone).max() < 1e-4
    assert np.abs(features[:, :1280] - embed(images, tmp_path, tmp_path / "alone")).max() < 1e-4


def test_a_pass_for_answers_gives_embedding_and_appearance(shipped: ModelPackage, tmp_path: Path) -> None:
    images = list(make_cases(tmp_path, {"train": {"Nev": 1, "MM": 1}})["image"])
    network = ready_to_predict(replace(shipped, views=(), late_stages=0), tmp_path)
    pixels = reference_pixels(tmp_path)
    pixels.fill(images, tmp_path)
    seen = network.look_at(pixels.read(images))
    assert seen.pooled is not None
    assert seen.looks is not None
    assert np.abs(seen.pooled - embed(images, tmp_path, tmp_path)).max() < 1e-4
    assert np.abs(seen.looks - appearance(images, tmp_path, tmp_path)).max() < 1e-4


@pytest.mark.parametrize(
    "changed", [{"image_size": 192}, {"interpolation": "nearest"}, {"views": ("lesion", "whole")}, {"crop": "lesion"}]
)
def test_a_network_that_is_shown_another_picture_is_not_the_reference(
    shipped: ModelPackage, changed: dict[str, object], tmp_path: Path
) -> None:
    package = replace(shipped, **{"views": (), **changed})
    assert not ready_to_predict(package, tmp_path).is_the_reference


def test_a_network_that_was_trained_is_not_the_reference(shipped: ModelPackage, tmp_path: Path) -> None:
    weights = {
        name: tensor + 1e-3 if name == "conv_head.weight" else tensor for name, tensor in shipped.weights.items()
    }
    assert ready_to_predict(shipped, tmp_path).is_the_reference
    assert not ready_to_predict(replace(shipped, weights=weights), tmp_path).is_the_reference

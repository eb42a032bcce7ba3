"""Heat maps: Grad-CAM as pytorch_grad_cam computes it, by arithmetic where the head weighs the maps' means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dermai.models.package import ModelPackage
from dermai.models.package_network import ready_to_predict
from dermai.triage.heat_maps import class_activation, evidence, gradient_activation, heat_maps
from dermai.workspace import Workspace
from tests.models.test_engine import photographs
from tests.models.test_package_network import package_of
from tests.training.test_refit import arrival, linear_params, made

STORED = Path(__file__).parents[1] / "serving/stored/format_8/artifacts/p8"
STORED_WITHOUT = Path(__file__).parents[1] / "serving/stored/format_7/artifacts/p7"


@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite0", "resnet18"])
def test_weighed_maps_are_grad_cam(backbone: str) -> None:
    network, called = ready_to_predict(package_of(backbone)), [0, 2, 1, 1]
    maps = network.look_at(photographs(4, 64)).maps
    expected = gradient_activation(network.torch_network, maps, called)
    found = class_activation(maps, network.weight[called])
    assert network.features_are_means
    assert expected.max() > 0.5
    assert found == pytest.approx(expected, abs=2e-3)
    assert np.array_equal(evidence(network, maps, called), found)


def test_a_map_without_evidence_for_the_class_is_dark() -> None:
    maps, weights = np.ones((1, 2, 3, 3), np.float32), np.array([[-1.0, -2.0]])
    assert not class_activation(maps, weights).any()


def test_a_network_with_layers_between_maps_and_head_is_differentiated() -> None:
    package, pixels = package_of("mobilenetv3_small_050"), photographs(2, 64)
    network = ready_to_predict(package)
    maps = network.look_at(pixels).maps
    expected = gradient_activation(network.torch_network, maps, [0, 1])
    assert np.array_equal(heat_maps(package, pixels, [0, 1], network), expected)


def test_linear_heads_on_a_network_with_layers_after_its_maps_are_differentiated(workspace: Workspace) -> None:
    cases = arrival(workspace.data, Nev=6, BCC=6, MM=6)
    params = linear_params()
    package = made(workspace, cases, params)
    network = ready_to_predict(package)
    pixels = np.stack([photographs(3, params.model.image_size)] * len(package.views), axis=1)
    found = heat_maps(package, pixels, [0, 1, 2])
    assert not network.features_are_means
    assert found.shape[0] == 3
    assert found.min() >= 0
    assert 0.9 < found.max() <= 1


def test_a_package_with_a_fine_tuned_network_shows_what_its_frozen_one_weighs() -> None:
    package = ModelPackage.load(STORED)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 2, 64, 64, 3), dtype=np.uint8)
    assert np.array_equal(
        heat_maps(package, pixels, [0, 2]), heat_maps(ModelPackage.load(STORED_WITHOUT), pixels, [0, 2])
    )

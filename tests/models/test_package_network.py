"""A package's network: what torch says of the whole, from an engine and a head; without torch where there is one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dermai.config import ModelParams
from dermai.images.augmentation import normalise
from dermai.models.backbones import build_model
from dermai.models.engine_check import with_checked_engine
from dermai.models.package import ModelPackage
from dermai.models.package_network import PackageNetwork, ready_to_predict
from dermai.models.photograph_network import photograph_network
from dermai.models.torch_engine import TorchEngine, gpu_is_there
from tests.conftest import REPOSITORY
from tests.models.test_engine import photographs
from tests.packages import CLASSES, make_package

WITHOUT_TORCH = """
import sys
from pathlib import Path
import numpy as np
from dermai.models.inference import predict_pixels
from dermai.models.package import ModelPackage

pixels = np.load(sys.argv[2])
package = ModelPackage.load(Path(sys.argv[1]))
np.save(sys.argv[3], predict_pixels(package, lambda start, stop: pixels[start:stop], len(pixels)))
print(*[name for name in ("torch", "timm") if name in sys.modules])
"""


def package_of(backbone: str) -> ModelPackage:
    torch.manual_seed(0)
    network = build_model(ModelParams(backbone=backbone, pretrained="none"), CLASSES)
    return replace(make_package(), backbone=backbone, weights=dict(network.state_dict()))


def test_an_older_package_and_one_with_its_engine_give_the_whole_networks_scores(tmp_path: Path) -> None:
    older, pixels = make_package(), photographs(4, 64)
    newer = ModelPackage.load(with_checked_engine(older, tmp_path).save(tmp_path / "package"))
    with torch.inference_mode():
        expected = older.build()(normalise(torch.from_numpy(pixels), older.mean, older.std)).numpy()
    found = ready_to_predict(older, tmp_path).logits(pixels)
    assert found == pytest.approx(expected, abs=1e-4)
    assert np.abs(ready_to_predict(newer).logits(pixels) - found).max() < 1e-4


def test_a_photograph_gets_the_same_bits_alone_and_in_any_company() -> None:
    network, pixels = ready_to_predict(make_package()), photographs(5, 64)
    logits, maps, *_ = network.look_at(pixels)
    for place in range(5):
        alone = network.look_at(pixels[place : place + 1])
        assert np.array_equal(alone[0][0], logits[place])
        assert np.array_equal(alone[1][0], maps[place])
    assert np.array_equal(network.logits(pixels[::-1])[::-1], logits)


@pytest.mark.parametrize(
    ("backbone", "means"), [("tf_efficientnet_lite0", True), ("resnet18", True), ("mobilenetv3_small_050", False)]
)
def test_whether_features_are_the_maps_means_is_found_out(backbone: str, means: bool) -> None:
    assert ready_to_predict(package_of(backbone)).features_are_means is means


def test_torch_in_the_engines_place_gives_the_same_scores() -> None:
    package, pixels = make_package(), photographs(3, 64)
    below = TorchEngine(photograph_network(package.backbone, package.weights, package.mean, package.std))
    expected = ready_to_predict(package).logits(pixels)
    assert PackageNetwork(package, below).logits(pixels) == pytest.approx(expected, abs=1e-4)


@pytest.mark.skipif(gpu_is_there(), reason="a GPU is used by torch")
def test_a_package_with_an_engine_answers_without_torch(tmp_path: Path) -> None:
    from dermai.models.inference import predict_pixels

    package, pixels = with_checked_engine(make_package(), tmp_path), photographs(3, 64)
    folder = package.save(tmp_path / "package")
    np.save(tmp_path / "pixels.npy", pixels)
    command = [sys.executable, "-c", WITHOUT_TORCH, str(folder), "pixels.npy", "answers.npy"]
    command[4:] = [str(tmp_path / name) for name in command[4:]]
    done = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
    assert np.array_equal(np.load(tmp_path / "answers.npy"), predict_pixels(package, lambda a, b: pixels[a:b], 3))

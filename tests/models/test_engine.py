"""Engines: what torch says, the same bits in any company, the same file from the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch

from dermai.models.backbones import UnknownBackbone, input_statistics
from dermai.models.engine import Engine, export, export_network
from dermai.models.packaged_weights import WeightsUnavailable
from dermai.models.photograph_network import (
    FEATURES,
    LOOKS,
    feature_blocks,
    late_stage_names,
    photograph_network,
    reference_network,
)

HALF = (0.5, 0.5, 0.5)
SIZES = {"mobilenetv3_small_050": 64, "tf_efficientnet_lite0": 96, "resnet18": 64, "vit_tiny_patch16_224": 224}


def random_weights(backbone: str) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    network = timm.create_model(backbone, pretrained=False, num_classes=5)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
    return dict(network.state_dict())


def photographs(count: int, size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def small() -> Engine:
    return Engine(export_network("mobilenetv3_small_050", random_weights("mobilenetv3_small_050"), 64, HALF, HALF))


@pytest.mark.parametrize("backbone", SIZES)
def test_an_engine_sees_what_torch_sees(backbone: str) -> None:
    weights, pixels = random_weights(backbone), photographs(3, SIZES[backbone])
    mean, std = input_statistics(backbone)
    features, maps = Engine(export_network(backbone, weights, SIZES[backbone], mean, std)).run(pixels)
    with torch.inference_mode():
        expected = photograph_network(backbone, weights, mean, std)(torch.from_numpy(pixels))
    assert np.abs(features - expected[0].numpy()).max() < 1e-4
    assert np.abs(maps - expected[1].numpy()).max() < 1e-4
    assert features.std() > 1e-3, "not all the same"


@pytest.mark.parametrize("backbone", SIZES)
def test_a_linear_head_on_an_engines_features_gives_what_timm_gives(backbone: str) -> None:
    weights, pixels = random_weights(backbone), photographs(2, SIZES[backbone])
    network = timm.create_model(backbone, pretrained=False, num_classes=5).eval()
    network.load_state_dict(weights)
    features = Engine(export_network(backbone, weights, SIZES[backbone], HALF, HALF)).features(pixels)
    head = network.get_classifier()
    answers = features.astype(float) @ head.weight.detach().double().numpy().T + head.bias.detach().double().numpy()
    with torch.inference_mode():
        expected = network((torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5).numpy()
    assert answers == pytest.approx(expected, abs=1e-4)


def test_a_photograph_gets_the_same_bits_alone_and_in_any_company(small: Engine) -> None:
    pixels = photographs(9, 64)
    features, maps = small.run(pixels)
    for place in range(9):
        alone = small.run(pixels[place : place + 1])
        assert np.array_equal(alone[0][0], features[place])
        assert np.array_equal(alone[1][0], maps[place])
    assert np.array_equal(small.features(pixels[::-1]), features[::-1])


def test_of_no_photographs_there_is_nothing_to_say(small: Engine) -> None:
    features, maps = small.run(photographs(0, 64))
    assert features.shape[0] == maps.shape[0] == 0
    assert features.shape[1] == small.features(photographs(1, 64)).shape[1]


def test_the_same_weights_give_the_same_file_whatever_the_head() -> None:
    weights = random_weights("mobilenetv3_small_050")
    other_head = {name: tensor + 1 if "classifier" in name else tensor for name, tensor in weights.items()}
    first, second = (export_network("mobilenetv3_small_050", one, 64, HALF, HALF) for one in (weights, other_head))
    assert first == second


def test_the_random_state_stays_as_it_was() -> None:
    weights = random_weights("mobilenetv3_small_050")
    before = torch.get_rng_state()
    export_network("mobilenetv3_small_050", weights, 64, HALF, HALF)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_reference_backbone_sees_what_torch_sees() -> None:
    network, pixels = reference_network(), photographs(2, 224)
    found = Engine(export(network, 224)).measure(pixels, (FEATURES, LOOKS))
    with torch.inference_mode():
        expected = network(torch.from_numpy(pixels))[0::2]
    assert [part.shape for part in found] == [(2, 1280), (2, 166)]
    for ours, theirs in zip(found, expected, strict=True):
        assert np.abs(ours - theirs.numpy()).max() < 1e-4


def test_weights_of_another_network_and_an_unknown_network_are_refused() -> None:
    with pytest.raises(WeightsUnavailable, match="not the weights of resnet18"):
        export_network("resnet18", random_weights("mobilenetv3_small_050"), 64, HALF, HALF)
    with pytest.raises(UnknownBackbone, match="resnet51"):
        export_network("resnet51", {}, 64, HALF, HALF)


@pytest.mark.parametrize("backbone", SIZES)
def test_late_stages_stand_behind_the_features(backbone: str) -> None:
    weights, pixels = random_weights(backbone), photographs(2, SIZES[backbone])
    blocks = feature_blocks(backbone, 2)
    plain, staged = (
        Engine(export_network(backbone, weights, SIZES[backbone], HALF, HALF, late)).features(pixels) for late in (0, 2)
    )
    assert staged.shape[1] == sum(blocks)
    assert len(blocks) == 5
    assert np.abs(staged[:, : blocks[0]] - plain).max() < 1e-4
    network = photograph_network(backbone, weights, HALF, HALF, 2)
    with torch.inference_mode():
        assert np.abs(staged - network(torch.from_numpy(pixels))[0].numpy()).max() < 1e-4
        seen = []
        last = late_stage_names(network.network, 1)[0]
        network.network.get_submodule(last).register_forward_hook(lambda _m, _i, output: seen.append(output))
        network(torch.from_numpy(pixels))
    places = 1 if seen[0].ndim == 3 else (2, 3)
    mean = seen[0].mean(places).numpy()
    assert np.abs(staged[:, blocks[0] : blocks[0] + blocks[1]] - mean).max() < 1e-4


def test_a_network_whose_stages_are_not_known_is_named() -> None:
    with pytest.raises(UnknownBackbone, match=r"Linear has no numbered stages: set model\.late_stages to 0"):
        late_stage_names(torch.nn.Linear(1, 1), 2)

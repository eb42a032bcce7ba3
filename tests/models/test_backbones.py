"""Networks: weights without a network, the head, the frozen boundary."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from dermai.config import ModelParams
from dermai.models.backbones import (
    UnknownBackbone,
    WeightsUnavailable,
    build_model,
    fuse_batch_norm,
    head_name,
    input_statistics,
    split_frozen,
)
from dermai.models.photograph_network import feature_blocks

PAPER = ("mobilenetv2_100", "resnet50", "efficientnet_b3", "tf_efficientnet_lite0")
LARGE = ("resnet50", "efficientnet_b3")
CLASSES = ("Nev", "BCC", "MM")


def test_the_offline_default_has_its_imagenet_weights() -> None:
    model = build_model(ModelParams(), CLASSES)
    assert model.classifier.out_features == 3
    # the running variances of a network that never saw an image are all 1
    assert not torch.allclose(model.bn2.running_var, torch.ones(1280))
    assert input_statistics("tf_efficientnet_lite0") == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.mark.parametrize(
    "backbone", [pytest.param(name, marks=pytest.mark.long if name in LARGE else ()) for name in PAPER]
)
def test_prefix_and_tail_of_the_papers_networks_are_the_whole(backbone: str) -> None:
    model = build_model(ModelParams(backbone=backbone, pretrained="none"), CLASSES).eval()
    x = torch.rand(2, 3, 64, 64)
    expected = model(x)
    for share in (0.0, 0.5, 1.0):
        prefix, tail = split_frozen(model, share)
        tail.eval()
        assert torch.allclose(tail(prefix(x)), expected, atol=1e-5)
        assert not any(parameter.requires_grad for parameter in prefix.parameters())
        assert isinstance(tail[-1], torch.nn.Linear)
    assert torch.allclose(fuse_batch_norm(model)(x), expected, atol=1e-3)


def test_more_share_freezes_more_blocks() -> None:
    model = build_model(ModelParams(pretrained="none"), CLASSES)
    assert [len(split_frozen(model, share)[0]) for share in (0, 0.25, 0.75, 1)] == [0, 6, 14, 18]  # with the stem's two


def test_a_network_that_is_no_chain_of_blocks_is_refused() -> None:
    model = build_model(ModelParams(backbone="vit_tiny_patch16_224", pretrained="none"), CLASSES)
    with pytest.raises(UnknownBackbone, match="not one chain"):
        split_frozen(model, 0.5)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownBackbone, match="resnet51"):
        build_model(ModelParams(backbone="resnet51", pretrained="none"), CLASSES)


def test_weights_come_from_the_folder_if_one_is_set(tmp_path: Path) -> None:
    params = ModelParams(backbone="mobilenetv3_small_050", weights_folder=str(tmp_path))
    with pytest.raises(WeightsUnavailable, match="does not exist"):
        build_model(params, CLASSES)
    there = build_model(params.model_copy(update={"pretrained": "none"}), ("a",) * 1000)
    save_file(
        {name: value.contiguous() for name, value in there.state_dict().items()},
        tmp_path / "mobilenetv3_small_050.safetensors",
    )
    model = build_model(params, CLASSES)
    assert torch.equal(model.conv_stem.weight, there.conv_stem.weight)
    assert model.get_submodule(head_name(model)).out_features == 3


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    other = build_model(ModelParams(backbone="mobilenetv3_small_075", pretrained="none"), CLASSES)
    save_file({k: v for k, v in other.state_dict().items() if "conv_stem" not in k}, tmp_path / "resnet18.safetensors")
    with pytest.raises(WeightsUnavailable, match="not the weights of resnet18"):
        build_model(ModelParams(backbone="resnet18", weights_folder=str(tmp_path)), CLASSES)


def test_no_weights_and_no_network_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(WeightsUnavailable, match=r"no ImageNet weights for resnet50 .*model\.weights_folder"):
        build_model(ModelParams(backbone="resnet50"), CLASSES)


def test_a_vision_transformer_takes_its_weights_from_a_folder_and_is_a_frozen_extractor(tmp_path: Path) -> None:
    backbone = "vit_tiny_patch16_224"
    torch.manual_seed(3)
    weights = timm.create_model(backbone, pretrained=False).state_dict()
    save_file(dict(weights), tmp_path / f"{backbone}.safetensors")
    model = build_model(ModelParams(backbone=backbone, weights_folder=str(tmp_path)), ("Nev", "MM"))
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items() if "head" not in name)
    pooled, *stages = feature_blocks(backbone, 3)
    assert (pooled, stages) == (192, [192] * 6)

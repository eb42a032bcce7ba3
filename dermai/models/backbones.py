"""Networks by timm name: ImageNet weights with or without a network, a new head, the frozen boundary."""

from __future__ import annotations

import copy
import itertools
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dermai.config import ModelParams
from dermai.errors import DermaiError
from dermai.files import sha256_file
from dermai.models.packaged_weights import PACKAGES, WeightsUnavailable, packaged_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

BUNDLED_BACKBONE = "tf_efficientnet_lite0"
HEAD_STD = 0.01


class UnknownBackbone(DermaiError):
    """timm knows no such network, or it cannot be split at the frozen boundary."""


def build_model(params: ModelParams, classes: Sequence[str]) -> nn.Module:
    """A timm network with dropout and a new linear head, one output a class; a convolutional one pools by the mean.

    The head's initial weights are small and come from torch's random state (timm's own can be large for few classes,
    and start at a loss far above chance); `pretrained: imagenet` fills everything below it.

    Raises:
        UnknownBackbone: timm has no network of that name.
        WeightsUnavailable: `pretrained: imagenet` and no weights in the folder, in a package or on the network.
    """
    import timm
    import torch

    if not timm.is_model(params.backbone):
        raise UnknownBackbone(f"model.backbone: timm has no network {params.backbone!r}")
    settings = timm.get_pretrained_cfg(params.backbone)
    # A transformer pools as its weights were trained: another way has other layers.
    pooling = {"global_pool": "avg"} if settings is None or settings.pool_size else {}
    model = timm.create_model(
        params.backbone, pretrained=False, num_classes=len(classes), drop_rate=params.dropout, **pooling
    )
    layer = model.get_submodule(head_name(model))
    torch.nn.init.normal_(layer.weight, std=HEAD_STD)
    torch.nn.init.zeros_(layer.bias)
    if params.pretrained == "imagenet":
        weights = imagenet_weights(params)
        theirs, ours = (
            {name: tensor for name, tensor in tensors.items() if not name.startswith(head_name(model) + ".")}
            for tensors in (weights, model.state_dict())
        )
        fitting = {name for name in theirs.keys() & ours.keys() if theirs[name].shape == ours[name].shape}
        if wrong := sorted((theirs.keys() | ours.keys()) - fitting):
            raise WeightsUnavailable(
                f"these are not the weights of {params.backbone}: {wrong[0]} is missing, unexpected or of another shape"
            )
        model.load_state_dict(theirs, strict=False)
    return model.to(memory_format=torch.channels_last)


def input_statistics(backbone: str) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and standard deviation per channel, of pixels in 0 to 1, that the ImageNet weights expect."""
    import timm

    settings = timm.get_pretrained_cfg(backbone)
    if settings is None:
        raise UnknownBackbone(f"model.backbone: timm has no network {backbone!r}")
    return tuple(settings.mean), tuple(settings.std)


def head_name(model: nn.Module) -> str:
    """Name of the linear layer that gives the class scores."""
    settings = cast("dict[str, Any]", model.pretrained_cfg)
    if not isinstance(settings["classifier"], str):
        raise UnknownBackbone(f"{settings['architecture']} has several heads: choose another model.backbone")
    return settings["classifier"]


def imagenet_weights(params: ModelParams) -> dict[str, Tensor]:
    """ImageNet weights in timm's names: the weights folder's, the bundled package's, or timm's download."""
    from safetensors.torch import load_file

    file = _file_in_weights_folder(params)
    if file:
        if not file.is_file():
            raise WeightsUnavailable(f"model.weights_folder: {file} does not exist")
        return load_file(file)
    if params.backbone in PACKAGES:
        return packaged_weights(params.backbone)
    return _downloaded_weights(params.backbone)


def weights_sha256(params: ModelParams) -> str | None:
    """Hash of the file in the weights folder, where ImageNet weights are asked for and it has one; else None.

    The other sources need none: the bundled package's hash is checked, and timm's version names its download.
    """
    file = _file_in_weights_folder(params) if params.pretrained == "imagenet" else None
    return sha256_file(file) if file and file.is_file() else None


def _file_in_weights_folder(params: ModelParams) -> Path | None:
    if not params.weights_folder:
        return None
    return Path(params.weights_folder).expanduser() / f"{params.backbone}.safetensors"


def _downloaded_weights(backbone: str) -> dict[str, Tensor]:
    import timm
    from huggingface_hub import constants, get_session, try_to_load_from_cache

    hub_name = getattr(timm.get_pretrained_cfg(backbone), "hf_hub_id", None) or ""
    try:
        if not isinstance(try_to_load_from_cache(hub_name, "model.safetensors"), str):
            get_session().head(constants.ENDPOINT, timeout=10)  # the download itself would retry for a minute
        return timm.create_model(backbone, pretrained=True).state_dict()
    except Exception as error:  # the hub's client raises a dozen kinds where there is no network
        raise WeightsUnavailable(
            f"no ImageNet weights for {backbone} ({type(error).__name__}): "
            f"put {backbone}.safetensors into model.weights_folder, or set model.pretrained: none"
        ) from None


def split_frozen(model: nn.Module, frozen_share: float) -> tuple[nn.Module, nn.Module]:
    """The network as two parts that share its modules: the prefix that is never trained, and the tail.

    The tail ends with dropout and the linear head. `frozen_share` counts the backbone's blocks from the input on;
    the stem is frozen with the first block. A share of 0 freezes nothing, 1 leaves the layers behind the last block.

    Raises:
        UnknownBackbone: the network is more than one chain of blocks, so it cannot be cut.
    """
    import torch
    from torch import nn

    units, is_block = _chain(model)
    frozen_blocks = round(frozen_share * sum(is_block))
    cut = 0
    if frozen_blocks:
        ends = [position + 1 for position, block in enumerate(is_block) if block]
        cut = ends[frozen_blocks - 1]
    layers = OrderedDict(units)
    names = list(layers)
    prefix = nn.Sequential(OrderedDict((name, layers[name]) for name in names[:cut]))
    rest = OrderedDict((name, layers[name]) for name in names[cut:-1])
    if not isinstance(layers[names[-2]], nn.Dropout):  # timm drops out in a functional call instead
        rest["dropout"] = nn.Dropout(getattr(model, "drop_rate", 0.0))
    rest[names[-1]] = layers[names[-1]]
    tail = nn.Sequential(rest)

    was_training = model.training
    model.eval()
    tail.eval()
    with torch.no_grad():
        probe = torch.linspace(-1, 1, 3 * 64 * 64).reshape(1, 3, 64, 64)
        probe = probe.to(next(model.parameters()).device)
        try:
            same = isinstance(tail[-1], nn.Linear) and bool(
                torch.allclose(tail(prefix(probe)), model(probe), atol=1e-4)
            )
        except (RuntimeError, TypeError, AttributeError, AssertionError):
            same = False
    model.train(was_training)
    tail.train(was_training)
    if not same:
        raise UnknownBackbone(f"{type(model).__name__} is not one chain of blocks: set another model.backbone")
    for parameter in prefix.parameters():
        parameter.requires_grad_(False)
    return prefix.eval(), tail


def _chain(model: nn.Module) -> tuple[list[tuple[str, nn.Module]], list[bool]]:
    """The layers in order under names without dots, and which of them are blocks (members of a stage)."""
    from torch import nn

    head = head_name(model).split(".")[0]

    units: list[tuple[str, nn.Module]] = []
    is_block: list[bool] = []

    def add(name: str, module: nn.Module, inside: bool) -> None:
        if isinstance(module, nn.Sequential) or (name == head and not isinstance(module, nn.Linear)):
            for key, child in module.named_children():
                add(f"{name}_{key}", child, name != head)
        else:
            units.append((name, module))
            is_block.append(inside)

    for name, child in model.named_children():
        add(name, child, False)
    return units, is_block


def fuse_batch_norm(model: nn.Module) -> nn.Module:
    """A copy for prediction only, each BatchNorm folded into the convolution before it: a third less work on a CPU.

    Which layers follow each other is seen in a run; where the copy does not give the same output, the model itself
    is returned.
    """
    import torch
    from torch import nn
    from torch.nn.modules.batchnorm import _BatchNorm
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    if not any(isinstance(layer, _BatchNorm) for layer in model.modules()):
        return model.eval()
    fused = copy.deepcopy(model).eval()
    calls: list[tuple[str, nn.Module, Tensor, Tensor]] = []
    hooks = [
        layer.register_forward_hook(
            lambda layer, inputs, output, name=name: calls.append((name, layer, inputs[0], output))
        )
        for name, layer in fused.named_modules()
        if isinstance(layer, nn.Conv2d | _BatchNorm)
    ]
    with torch.no_grad():
        probe = torch.linspace(-1, 1, 3 * 64 * 64, device=next(model.parameters()).device).reshape(1, 3, 64, 64)
        fused(probe)
        for hook in hooks:
            hook.remove()
        for (_, conv, _, output), (name, norm, given, _) in itertools.pairwise(calls):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, _BatchNorm) and output is given:
                folded = fuse_conv_bn_eval(conv, norm)
                conv.weight, conv.bias = folded.weight, folded.bias
                parent, _, own = name.rpartition(".")
                setattr(fused.get_submodule(parent), own, getattr(norm, "act", nn.Identity()))
        same = torch.allclose(fused(probe), model.eval()(probe), atol=1e-3, rtol=1e-3)
    return fused.to(memory_format=torch.channels_last) if same else model

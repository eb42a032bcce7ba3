"""Networks that take photographs as they are decoded and give what is wanted of them: what an engine is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dermai.config import ModelParams

if TYPE_CHECKING:
    from torch import Tensor, nn

FEATURES, MAPS, LOOKS = "features", "maps", "appearance"
EARLY_STAGES = 4  # of the reference backbone: they see textures rather than things


def photograph_network(
    backbone: str, weights: Mapping[str, Tensor], mean: Sequence[float], std: Sequence[float], late_stages: int = 0
) -> nn.Module:
    """A timm network without its linear head: pixels uint8 [N, S, S, 3] to features and maps.

    Features float32 [N, D] are what the head weighs (timm's `pre_logits`), behind them, for each of the last
    `late_stages` stages or blocks, the mean and the standard deviation of every channel over the photograph. Maps
    [N, C, h, w] are what `forward_features` gives, of a vision transformer its tokens [N, T, C]. Where it is the
    reference backbone (`is_reference`), its appearance [N, 166] is the third: mean and standard deviation of the three
    colours, then of the feature maps after `EARLY_STAGES`. The head's weights may be among those given.

    Raises:
        UnknownBackbone: timm has no network of that name.
        WeightsUnavailable: these are not the weights of that network.
    """

    import torch

    network: Any = _without_head(backbone, weights)
    parts_of = _features_in_parts(network, late_stages)
    early: dict[str, Tensor] = {}
    with_looks = is_reference(backbone, weights, mean, std)
    if with_looks:
        network.blocks[EARLY_STAGES - 1].register_forward_hook(
            lambda _module, _inputs, output: early.update({"maps": output})
        )

    def measure(network: Any, inputs: Tensor) -> tuple[Tensor, ...]:
        maps = network.forward_features(inputs)
        features = torch.cat(parts_of(maps), dim=1)
        if not with_looks:
            return features, maps
        looks = [part for seen in (inputs, early.pop("maps")) for part in (seen.mean((2, 3)), seen.std((2, 3)))]
        return features, maps, torch.cat(looks, dim=1)

    return _wrapped(network, measure, (FEATURES, MAPS, LOOKS) if with_looks else (FEATURES, MAPS), mean, std)


def _features_in_parts(network: Any, late_stages: int) -> Callable[[Tensor], list[Tensor]]:
    """What makes the parts of the features from the last maps of the network's newest pass, in their order."""
    seen: dict[str, Tensor] = {}
    watched = late_stage_names(network, late_stages)
    for name in watched:
        network.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: seen.update({name: output})
        )

    def parts(maps: Tensor) -> list[Tensor]:
        found = [network.forward_head(maps, pre_logits=True)]
        for name in watched:
            found += _over_the_photograph(seen[name], getattr(network, "output_fmt", "NCHW"))
        seen.clear()
        return found

    return parts


def late_stage_names(network: nn.Module, count: int) -> tuple[str, ...]:
    """Names of the network's last `count` stages or blocks, as many as there are, the last one first.

    Raises:
        UnknownBackbone: timm does not say of this network where its stages end.
    """
    from dermai.models.backbones import UnknownBackbone

    if count == 0:
        return ()
    described: Any = getattr(network, "feature_info", None)
    last = described[-1]["module"] if described else ""
    stem = last.rstrip("0123456789")
    if stem == last:
        raise UnknownBackbone(f"{type(network).__name__} has no numbered stages: set model.late_stages to 0")
    modules = dict(network.named_modules())
    names = [f"{stem}{number}" for number in range(int(last[len(stem) :]), -1, -1)]
    return tuple(name for name in names if name in modules)[:count]


@lru_cache(maxsize=8)  # it takes building the network
def feature_blocks(backbone: str, late_stages: int) -> tuple[int, ...]:
    """Lengths of the parts of a photograph's features: the pooled ones, then mean and deviation of each stage."""
    import torch

    from dermai.models.backbones import build_model

    with torch.random.fork_rng(devices=[]):
        network: Any = build_model(ModelParams(backbone=backbone, pretrained="none"), ("unused",)).eval()
    parts_of = _features_in_parts(network, late_stages)
    side = network.pretrained_cfg["input_size"][-1]
    with torch.inference_mode():
        parts = parts_of(network.forward_features(torch.zeros((1, 3, side, side))))
    return tuple(part.shape[1] for part in parts)


def _over_the_photograph(maps: Tensor, form: str) -> list[Tensor]:
    """Mean and standard deviation of each channel, [N, C] each, of feature maps or of a transformer's tokens."""
    channels_last = maps.ndim == 3 or form == "NHWC"
    places = tuple(range(1, maps.ndim - 1)) if channels_last else tuple(range(2, maps.ndim))
    mean = maps.mean(places, keepdim=True)
    deviation = ((maps - mean) ** 2).mean(places).sqrt()
    return [mean.flatten(1), deviation]


def reference_network() -> nn.Module:
    """The frozen reference backbone with its ImageNet weights, as `photograph_network` describes it."""
    from dermai.models.backbones import BUNDLED_BACKBONE, input_statistics

    return photograph_network(BUNDLED_BACKBONE, _reference_weights(), *input_statistics(BUNDLED_BACKBONE))


def is_reference(backbone: str, weights: Mapping[str, Tensor], mean: Sequence[float], std: Sequence[float]) -> bool:
    """Whether this is the reference backbone below the head, with the weights that no update touches."""
    import timm
    import torch

    from dermai.models.backbones import BUNDLED_BACKBONE, input_statistics
    from dermai.models.packaged_weights import WeightsUnavailable

    if backbone != BUNDLED_BACKBONE or (tuple(mean), tuple(std)) != input_statistics(backbone):
        return False
    try:
        theirs = _reference_weights()
    except WeightsUnavailable:
        return False
    head = timm.get_pretrained_cfg(backbone).classifier
    return all(
        name in weights and torch.equal(weights[name].detach().cpu(), tensor)
        for name, tensor in theirs.items()
        if not name.startswith(f"{head}.")
    )


@lru_cache(maxsize=1)
def _reference_weights() -> Mapping[str, Tensor]:
    from dermai.models.backbones import BUNDLED_BACKBONE, imagenet_weights

    return imagenet_weights(ModelParams(backbone=BUNDLED_BACKBONE))


def _without_head(backbone: str, weights: Mapping[str, Tensor]) -> nn.Module:
    """The network of `build_model` with these weights below its head, which is as small as can be."""
    import torch

    from dermai.models.backbones import build_model, head_name
    from dermai.models.packaged_weights import WeightsUnavailable

    with torch.random.fork_rng(devices=[]):  # what draws after this draws the same
        network = build_model(ModelParams(backbone=backbone, pretrained="none"), ("unused",))
    head = head_name(network) + "."
    try:
        wrong = network.load_state_dict(
            {name: tensor for name, tensor in weights.items() if not name.startswith(head)}, strict=False
        )
    except RuntimeError as error:
        raise WeightsUnavailable(f"these are not the weights of {backbone}: {error}") from None
    if unfit := [*wrong.unexpected_keys, *(name for name in wrong.missing_keys if not name.startswith(head))]:
        raise WeightsUnavailable(f"these are not the weights of {backbone}: {unfit[0]} is missing or unexpected")
    return network.eval().requires_grad_(False)


def _wrapped(
    network: nn.Module, measure: Any, outputs: tuple[str, ...], mean: Sequence[float], std: Sequence[float]
) -> nn.Module:
    import torch

    class PhotographNetwork(torch.nn.Module):
        """`outputs` names what `forward` gives, in order."""

        shift: Tensor
        scale: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.network, self.outputs = network, outputs
            for name, values in (("shift", mean), ("scale", std)):
                of_channels = torch.tensor(tuple(values), dtype=torch.float32).mul(255).view(1, 3, 1, 1)
                self.register_buffer(name, of_channels, persistent=False)

        def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
            inputs = pixels.permute(0, 3, 1, 2).to(torch.float32)
            return measure(self.network, (inputs - self.shift) / self.scale)

    return PhotographNetwork().eval()

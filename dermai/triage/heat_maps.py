"""Where in the photograph the evidence for the called class lies: Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dermai.models.inference import predict_with
from dermai.models.package import ModelPackage
from dermai.models.package_network import PackageNetwork, ready_to_predict

if TYPE_CHECKING:
    from torch import nn

_SMALLEST = 1e-7  # added to the largest value before division, as in pytorch_grad_cam


def heat_maps(
    package: ModelPackage, pixels: NDArray[np.uint8], called: Sequence[int], network: PackageNetwork | None = None
) -> NDArray[np.float32]:
    """Grad-CAM (Selvaraju et al., ICCV 2017) at the last feature map, 0 to 1, [N, h, w] for uint8 [N, S, S, 3]."""
    network = network or ready_to_predict(package)
    found: list[NDArray[np.float32]] = []
    predict_with(
        network,
        lambda start, stop: pixels[start:stop],
        len(pixels),
        look=lambda start, seen, _: found.append(evidence(network, seen.maps, called[start : start + len(seen.maps)])),
    )
    return np.concatenate(found) if found else np.zeros((0, 1, 1), dtype=np.float32)


def evidence(network: PackageNetwork, maps: NDArray[np.float32], called: Sequence[int]) -> NDArray[np.float32]:
    """Grad-CAM from the last feature maps [N, K, h, w] of a pass that was made for the answers anyway: [N, h, w].

    Where the linear head weighs the maps' means, its weights are the gradients; for any other head torch derives them.
    Of a head that weighs several views and earlier stages too, the map shows the share of the first view's last maps.
    A network whose last features are no maps, such as a vision transformer, has an empty one.
    """
    if network.features_are_means:
        return class_activation(maps, network.weight[list(called), : maps.shape[1]])
    if maps.ndim != 4:
        return np.zeros((len(maps), 1, 1), dtype=np.float32)
    linear = network.weight if network.package.linear_parts is not None else None
    return gradient_activation(network.torch_network, maps, called, linear)


def class_activation(maps: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """Maps [N, K, h, w] weighed by their channels' weights [N, K] for the class, 0 to 1, as pytorch_grad_cam scales."""
    gradients = weights / (maps.shape[2] * maps.shape[3])  # of the mean
    weighed = np.stack([np.tensordot(own, seen, 1) for own, seen in zip(gradients, maps, strict=True)])
    return _scaled(_scaled(np.maximum(weighed, 0))).astype(np.float32)


def _scaled(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    maps = maps - maps.min(axis=(1, 2), keepdims=True)
    return maps / (_SMALLEST + maps.max(axis=(1, 2), keepdims=True))


def gradient_activation(
    network: nn.Module, maps: NDArray[np.float32], called: Sequence[int], linear: NDArray[np.float64] | None = None
) -> NDArray[np.float32]:
    """Grad-CAM [N, h, w] of a timm network from its last maps [N, K, h, w]; only the head is differentiated.

    `linear` [C, D] is a head that weighs the network's last features first, in the place of the network's own.
    """
    import torch
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    class Head(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = torch.nn.Identity()
            self.network: Any = network

        def forward(self, features: torch.Tensor) -> torch.Tensor:
            seen = self.features(features)
            if linear is None:
                answers: torch.Tensor = self.network.forward_head(seen)
                return answers
            last = self.network.forward_head(seen, pre_logits=True)
            weight = torch.from_numpy(linear[:, : last.shape[1]].astype(np.float32))
            return torch.as_tensor(last @ weight.T)

    head = Head()
    targets = [ClassifierOutputTarget(int(place)) for place in called]
    with torch.inference_mode(False), torch.enable_grad(), GradCAM(head, [head.features]) as grad_cam:
        found = grad_cam(input_tensor=torch.from_numpy(maps.copy()).requires_grad_(True), targets=targets)
    return np.asarray(found, dtype=np.float32)

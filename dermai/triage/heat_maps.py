"""Where in the photograph the evidence for the called class lies: Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dermai.models.inference import predict_with, ready_to_predict
from dermai.models.package import ModelPackage

if TYPE_CHECKING:
    from torch import Tensor, nn


def heat_maps(package: ModelPackage, pixels: NDArray[np.uint8], called: Sequence[int]) -> NDArray[np.float32]:
    """Grad-CAM (Selvaraju et al., ICCV 2017) at the last feature map, 0 to 1, [N, h, w] for uint8 [N, S, S, 3]."""
    network = ready_to_predict(package.build())
    found: list[NDArray[np.float32]] = []
    predict_with(
        network,
        package,
        lambda start, stop: pixels[start:stop],
        len(pixels),
        look=lambda start, maps, _: found.append(evidence(network, maps, called[start : start + len(maps)])),
    )
    return np.concatenate(found) if found else np.zeros((0, 1, 1), dtype=np.float32)


def evidence(network: nn.Module, maps: Tensor, called: Sequence[int]) -> NDArray[np.float32]:
    """Grad-CAM from the last feature maps [N, C, h, w] of a pass that was made for the answers anyway: [N, h, w].

    Only the head is differentiated, so a heat map costs no second pass through the network.
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
            answers: torch.Tensor = self.network.forward_head(self.features(features))
            return answers

    head = Head()
    targets = [ClassifierOutputTarget(int(place)) for place in called]
    with torch.inference_mode(False), torch.enable_grad(), GradCAM(head, [head.features]) as grad_cam:
        found = grad_cam(input_tensor=maps.clone().requires_grad_(True), targets=targets)
    return np.asarray(found, dtype=np.float32)

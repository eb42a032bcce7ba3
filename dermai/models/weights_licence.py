"""Where a network's ImageNet weights come from, under which licence, and whether that is allowed here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dermai.errors import DermaiError
from dermai.models.packaged_weights import PACKAGES

if TYPE_CHECKING:
    from dermai.config import ModelParams

UNKNOWN = "unknown"


class LicenceRefused(DermaiError):
    """The weights are under a licence that `model.licences` does not name."""


@dataclass(frozen=True)
class WeightsSource:
    """Who gives the weights, and an SPDX name or `unknown`."""

    name: str
    licence: str


def weights_source(params: ModelParams) -> WeightsSource:
    """Where the weights of `params` come from; random ones have no licence to ask for.

    Raises:
        LicenceRefused: `model.licences` names licences, and this one is not among them.
    """
    found = _source(params)
    if params.licences and found.licence and found.licence.lower() not in {name.lower() for name in params.licences}:
        raise LicenceRefused(
            f"the weights of {params.backbone} ({found.name}) are under the licence {found.licence}, and "
            f"model.licences allows {', '.join(params.licences)}: choose another model.backbone, or add the licence "
            "after reading it"
        )
    return found


def _source(params: ModelParams) -> WeightsSource:
    if params.pretrained == "none":
        return WeightsSource("random weights", "")
    if params.weights_folder:
        return WeightsSource("model.weights_folder", params.weights_licence or UNKNOWN)
    if params.backbone in PACKAGES:
        package = PACKAGES[params.backbone]
        return WeightsSource(package.name, package.licence)
    import timm

    settings = timm.get_pretrained_cfg(params.backbone)
    licence = getattr(settings, "license", None) if settings else None
    return WeightsSource(f"timm, {params.backbone}", str(licence) if licence else UNKNOWN)

"""What the pass for a model's answers shows beside them: heat maps, and embeddings where it is the reference's too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dermai.models.package_network import PackageNetwork, Seen
from dermai.models.reference_backbone import embed, kept_appearance
from dermai.triage.heat_maps import evidence

HeatMaps = dict[tuple[str, str], NDArray[np.float32]]  # of a photograph and a called class


class Looked:
    """Keeps what a pass for the answers shows beside them."""

    def __init__(self, network: PackageNetwork, images: Sequence[str], heat: HeatMaps | None) -> None:
        self.network, self.images, self.heat = network, images, heat
        self.pooled: list[NDArray[np.float32]] = []
        self.looks: list[NDArray[np.float32]] = []

    def __call__(self, start: int, seen: Seen, probabilities: NDArray[np.float64]) -> None:
        if seen.pooled is not None and seen.looks is not None:
            self.pooled.append(seen.pooled)
            self.looks.append(seen.looks)
        if self.heat is not None:
            keep_heat(self.network, self.images[start : start + len(probabilities)], self.heat, seen, probabilities)


def keep_heat(
    network: PackageNetwork, images: Sequence[str], heat: HeatMaps, seen: Seen, probabilities: NDArray[np.float64]
) -> None:
    """Add the Grad-CAM of each photograph's called class."""
    package = network.package
    names = package.called(probabilities)
    found = evidence(network, seen.maps, [package.classes.index(name) for name in names])
    heat.update(zip(zip(images, names, strict=True), found, strict=True))


def embeddings(seen: Looked, images: Sequence[str], store: Path, cache: Path) -> NDArray[np.float32]:
    """Float32 [N, 1280] of the reference backbone; `appearance` of the same photographs is kept on the way."""
    if not seen.pooled:
        return embed(images, store, cache).astype(np.float32)
    kept_appearance(cache).append(images, np.concatenate(seen.looks))
    return np.concatenate(seen.pooled)

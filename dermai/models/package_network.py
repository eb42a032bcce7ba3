"""A package's network, ready for many predictions: an engine for what lies below the head, arithmetic for the head."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dermai.images.photograph_views import PhotographViews
from dermai.models.engine import Measuring, NotExportable, opened
from dermai.models.engine_files import engine_for
from dermai.models.package import ModelPackage, head_of
from dermai.models.photograph_network import FEATURES, LOOKS, MAPS
from dermai.models.reference_backbone import POOLED, sees_the_same
from dermai.models.stored_weights import linear_head
from dermai.models.torch_engine import TorchEngine, gpu_is_there

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn


_AT_ONCE = 64  # photographs whose products with every class's weights are in memory together


class Seen(NamedTuple):
    """What one pass over photographs gives: class scores [N, C], and the last feature maps [N, K, h, w] of the first
    view, which these come from; where `sees_the_same` of the network holds, also pooled features [N, 1280] and
    appearance [N, 166] of the reference backbone.
    """

    logits: NDArray[np.float64]
    maps: NDArray[np.float32]
    pooled: NDArray[np.float32] | None = None
    looks: NDArray[np.float32] | None = None


class PackageNetwork:
    """The head is weighed in float64, photograph by photograph, so that company changes no bit."""

    def __init__(self, package: ModelPackage, below: Measuring, below_fine_tuned: Measuring | None = None) -> None:
        self.package, self.below, self.below_fine_tuned = package, below, below_fine_tuned
        self.weight, self.bias = package.linear_head()

    def logits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Class scores [N, C] of pixels uint8 [N, S, S, 3], or [N, V, S, S, 3] of a package with several views."""
        return self.weigh(features_of_views(self.below, pixels))

    def fine_tuned_logits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """Scores [N, K] of the fine-tuned network for its own classes, of pixels as in `logits`; None without one."""
        if self.package.fine_tuned is None or self.below_fine_tuned is None:
            return None
        if pixels.ndim == 5:
            pixels = pixels[:, self.package.views.index(self.package.fine_tuned.view)]
        return weighed(self.below_fine_tuned.measure(pixels, (FEATURES,))[0], *self._fine_tuned_head)

    def look_at(self, pixels: NDArray[np.uint8]) -> Seen:
        """All that a pass over photographs gives; pixels are as in `logits`."""
        if pixels.ndim == 4:
            pixels = pixels[:, np.newaxis]
        features, maps, *looks = self.below.measure(
            pixels[:, 0], (FEATURES, MAPS, LOOKS) if self.is_the_reference else (FEATURES, MAPS)
        )
        pooled = features[:, :POOLED] if looks else None
        if pixels.shape[1] > 1:
            features = np.concatenate([features, features_of_views(self.below, pixels[:, 1:])], axis=1)
        return Seen(self.weigh(features), maps, pooled, *looks)

    @cached_property
    def is_the_reference(self) -> bool:
        """Whether the reference backbone sees nothing else in a photograph than this network in its first view."""
        return sees_the_same(self.package, self.below)

    @cached_property
    def features_are_means(self) -> bool:
        """Whether the first features are the maps' means, so that the head weighs the maps themselves."""
        size = self.package.image_size
        probe = np.linspace(0, 255, size * size * 3).reshape(1, size, size, 3).astype(np.uint8)
        features, maps = self.below.measure(probe, (FEATURES, MAPS))
        if maps.ndim != 4 or maps.shape[1] > features.shape[1]:
            return False
        first = features[:, : maps.shape[1]]
        alone = self.package.linear_parts is not None or first.shape == features.shape
        return alone and np.allclose(maps.mean((2, 3)), first, 1e-4)

    @cached_property
    def torch_network(self) -> nn.Module:
        """The whole network in torch, for what needs gradients; of linear heads without a head of its own."""
        return self.package.build().requires_grad_(False)

    def weigh(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Class scores [N, C] of the features [N, V D] of all views."""
        return weighed(features, self.weight, self.bias)

    @cached_property
    def _fine_tuned_head(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        assert self.package.fine_tuned is not None
        return linear_head(self.package.fine_tuned.deployed.weights, head_of(self.package.backbone))


def weighed(
    features: NDArray[np.float32], weight: NDArray[np.float64], bias: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Class scores [N, C] of features [N, D] by a head; each photograph's are the same bits in any company."""
    scores = np.empty((len(features), len(bias)))
    for start in range(0, len(features), _AT_ONCE):
        few = features[start : start + _AT_ONCE].astype(np.float64)
        scores[start : start + _AT_ONCE] = (few[:, np.newaxis] * weight).sum(axis=2) + bias
    return scores


def features_of_views(network: Measuring, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Features [N, V D] of pixels uint8 [N, V, S, S, 3], view after view; of [N, S, S, 3] those of the one view."""
    if pixels.ndim == 4:
        pixels = pixels[:, np.newaxis]
    count, views = pixels.shape[:2]
    found = network.measure(pixels.reshape(count * views, *pixels.shape[2:]), (FEATURES,))[0]
    return found.reshape(count, views * found.shape[1])


def model_pixels(package: ModelPackage, cache: Path) -> PhotographViews:
    """Photographs as the package's network takes them in."""
    return PhotographViews(
        cache / "pixels", package.image_size, package.interpolation, package.views or (package.crop,)
    )


def ready_to_predict(package: ModelPackage, cache: Path | None = None) -> PackageNetwork:
    """The package's network: by torch on a GPU, else by its engine, which is exported where the package has none.

    `cache` is the workspace's cache folder, which keeps an exported engine.
    """
    tuned = package.fine_tuned
    beside = below_fine_tuned(package, tuned.deployed.weights, tuned.engine, cache) if tuned else None
    return PackageNetwork(package, below_the_head(package, cache), beside)


def below_the_head(package: ModelPackage, cache: Path | None) -> Measuring:
    """What gives the features that the package's head weighs; `cache` is as in `ready_to_predict`."""
    return _made_ready(package, package.weights, package.engine, cache, package.late_stages)


def below_fine_tuned(
    package: ModelPackage, weights: Mapping[str, Tensor], engine: bytes | None, cache: Path | None
) -> Measuring:
    """What gives the features of a fine-tuned network with these weights, of the package's backbone and input."""
    return _made_ready(package, weights, engine, cache, 0)


def _made_ready(
    package: ModelPackage, weights: Mapping[str, Tensor], engine: bytes | None, cache: Path | None, late_stages: int
) -> Measuring:
    from dermai.models.photograph_network import photograph_network

    statistics = package.mean, package.std
    if not gpu_is_there():
        if engine is not None:
            return opened(engine)
        try:
            return engine_for(package.backbone, weights, package.image_size, statistics, cache, late_stages)
        except NotExportable:
            pass
    return TorchEngine(photograph_network(package.backbone, weights, *statistics, late_stages))

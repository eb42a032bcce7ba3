"""Whether a package's engine, which patients get, answers what its weights say, which were trained and validated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dermai.errors import DermaiError
from dermai.models.engine import NotExportable, opened
from dermai.models.engine_files import engine_file
from dermai.models.fine_tuned import FineTunedNetworks
from dermai.models.package import ModelPackage, head_of
from dermai.models.package_network import PackageNetwork, weighed
from dermai.models.stored_weights import linear_head

# Of a logit, and of a feature as a share of the largest. ONNX Runtime adds in another order, which makes about 1e-5.
LARGEST_DIFFERENCE = 1e-3


class EngineDiffers(DermaiError):
    """A package's engine does not answer what its weights say."""


def with_checked_engine(package: ModelPackage, cache: Path) -> ModelPackage:
    """The package with its engine, compared with torch; one that ONNX cannot express stays without.

    Raises:
        EngineDiffers: the engine's answers are others than torch's.
    """
    try:
        statistics = package.mean, package.std
        about = package.backbone, package.weights, package.image_size
        content = engine_file(*about, statistics, cache, package.late_stages)
    except NotExportable:
        return replace(package, engine=None, head="")
    found = package.with_engine(content)
    if found.fine_tuned is not None:
        about = package.backbone, found.fine_tuned.deployed.weights, package.image_size
        found = replace(found, fine_tuned=replace(found.fine_tuned, engine=engine_file(*about, statistics, cache)))
    check_engine(found)
    return found


def check_engine(package: ModelPackage) -> None:
    """Compare the engine of a package, where it has one, with its weights in torch, on fixed pixel arrays.

    Raises:
        EngineDiffers: they differ by more than `LARGEST_DIFFERENCE`, or the engine takes in another size.
    """
    if package.engine is None:
        return
    import torch

    from dermai.images.augmentation import normalise
    from dermai.models.photograph_network import FEATURES, photograph_network

    pixels, engine = _probe(package.image_size), opened(package.engine)
    if engine.image_size != package.image_size:
        raise EngineDiffers(f"the engine takes in {engine.image_size} px, the model {package.image_size} px")
    below = photograph_network(package.backbone, package.weights, package.mean, package.std, package.late_stages)
    with torch.inference_mode():
        features = below(torch.from_numpy(pixels))[0].numpy()
        if package.linear_parts is None:
            logits = package.build()(normalise(torch.from_numpy(pixels), package.mean, package.std)).double().numpy()
    views = np.repeat(pixels[:, np.newaxis], max(len(package.views), 1), axis=1)
    network = PackageNetwork(package, engine)
    if package.linear_parts is not None:
        logits = network.weigh(np.tile(features, len(package.views)))
    found = engine.measure(pixels, (FEATURES,))[0]
    _compare(package, "the engine", (found, features), (network.logits(views), logits))
    if package.fine_tuned is not None and package.fine_tuned.engine is not None:
        _check_fine_tuned(package, package.fine_tuned, pixels)


def _check_fine_tuned(package: ModelPackage, tuned: FineTunedNetworks, pixels: NDArray[np.uint8]) -> None:
    import torch

    from dermai.models.photograph_network import FEATURES, photograph_network

    assert tuned.engine is not None
    below = photograph_network(package.backbone, tuned.deployed.weights, package.mean, package.std)
    with torch.inference_mode():
        features = below(torch.from_numpy(pixels))[0].numpy()
    found = opened(tuned.engine).measure(pixels, (FEATURES,))[0]
    head = linear_head(tuned.deployed.weights, head_of(package.backbone))
    logits = weighed(found, *head), weighed(features, *head)
    _compare(package, "the engine of the fine-tuned network", (found, features), logits)


def _compare(
    package: ModelPackage,
    whose: str,
    features: tuple[NDArray[np.float32], NDArray[np.float32]],
    logits: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """The engine's first, then torch's. Features too, since a head that is hardly trained makes nothing of them."""
    of_feature = float(np.abs(features[0] - features[1]).max() / max(np.abs(features[1]).max(), 1e-12))
    of_logit = float(np.abs(logits[0] - logits[1]).max())
    if not max(of_feature, of_logit) <= LARGEST_DIFFERENCE:
        raise EngineDiffers(
            f"{whose} of this {package.backbone} answers other than its weights: a feature differs by "
            f"{of_feature:.2g} of the largest, a logit by {of_logit:.2g}; at most {LARGEST_DIFFERENCE:g} is rounding"
        )


def _probe(size: int) -> NDArray[np.uint8]:
    """Noise, a ramp of colours and one colour, uint8 [3, S, S, 3]."""
    noise = np.random.default_rng(0).integers(0, 256, (size, size, 3))
    ramp = np.linspace(0, 255, size * size * 3).reshape(size, size, 3)
    return np.stack([noise, ramp, np.full((size, size, 3), (200, 150, 130))]).astype(np.uint8)

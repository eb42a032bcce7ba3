"""What a model says of photographs, and what the frozen reference backbone sees in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dermai.images.pixels import PixelCache
from dermai.models.calibration import apply_temperature
from dermai.models.package import ModelPackage

if TYPE_CHECKING:
    from torch import Tensor, nn

REFERENCE_SIZE, REFERENCE_INTERPOLATION = 224, "bilinear"
Look = Callable[[int, "Tensor", np.ndarray], None]  # where a batch starts, its last feature maps, its answers
_BATCH = 16  # fixed, the last one padded: a photograph gets the same bits in any company


def predict_probabilities(
    package: ModelPackage,
    images: Sequence[str],
    data_folder: Path,
    cache: Path,
    progress: bool = False,
    clinical: pd.DataFrame | None = None,
) -> np.ndarray:
    """Class probabilities float64 [N, C] at the package's temperature; `cache` keeps the decoded pixels.

    `clinical` holds the case table's columns of each photograph, in the same order, for a package that knows what to
    do with them; what is missing or empty is unknown, and without any the photograph decides alone.

    Raises:
        InvalidCases: a photograph is missing or damaged.
    """
    pixels = model_pixels(package, cache)
    pixels.fill(images, data_folder, progress)
    return predict_pixels(package, lambda start, stop: pixels.read(images[start:stop]), len(images), progress, clinical)


def predict_pixels(
    package: ModelPackage,
    read: Callable[[int, int], np.ndarray],
    count: int,
    progress: bool = False,
    clinical: pd.DataFrame | None = None,
) -> np.ndarray:
    """Class probabilities float64 [N, C] of `count` pixel arrays; `read(start, stop)` gives uint8 [n, S, S, 3]."""
    return predict_with(ready_to_predict(package.build()), package, read, count, progress, clinical=clinical)


def predict_with(
    network: nn.Module,
    package: ModelPackage,
    read: Callable[[int, int], np.ndarray],
    count: int,
    progress: bool = False,
    look: Look | None = None,
    clinical: pd.DataFrame | None = None,
) -> np.ndarray:
    """As `predict_pixels`, with the package's network from `ready_to_predict`; `look` sees each batch on the way."""

    opinion = np.zeros((count, len(package.classes)))
    if package.clinical is not None and clinical is not None:
        opinion = package.clinical.scores(clinical)

    def probabilities(start: int, logits: np.ndarray) -> np.ndarray:
        return apply_temperature(logits + opinion[start : start + len(logits)], package.temperature)

    seen: Look | None = None
    if look is not None:

        def seen(start: int, maps: Tensor, logits: np.ndarray) -> None:
            look(start, maps, probabilities(start, logits))

    logits = _forward(network, read, count, len(package.classes), package.mean, package.std, progress, seen)
    return probabilities(0, logits)


def embed(images: Sequence[str], data_folder: Path, cache: Path, progress: bool = False) -> np.ndarray:
    """Pooled features float64 [N, 1280] from the frozen reference backbone: ImageNet weights that no update touches.

    Raises:
        InvalidCases: a photograph is missing or damaged.
    """
    pixels = reference_pixels(cache)
    pixels.fill(images, data_folder, progress)
    return embed_pixels(lambda start, stop: pixels.read(images[start:stop]), len(images), progress)


def embed_pixels(read: Callable[[int, int], np.ndarray], count: int, progress: bool = False) -> np.ndarray:
    """As `embed`, of `count` pixel arrays; `read(start, stop)` gives uint8 [n, 224, 224, 3]."""
    from dermai.models.backbones import BUNDLED_BACKBONE, input_statistics

    mean, std = input_statistics(BUNDLED_BACKBONE)
    return _forward(_reference_network(), read, count, 1280, mean, std, progress)


def model_pixels(package: ModelPackage, cache: Path) -> PixelCache:
    """Photographs as the package's network takes them in."""
    return PixelCache(cache / "pixels", package.image_size, package.interpolation, package.crop)


def reference_pixels(cache: Path) -> PixelCache:
    """Photographs as the reference backbone takes them in."""
    return PixelCache(cache / "pixels", REFERENCE_SIZE, REFERENCE_INTERPOLATION)


def ready_to_predict(model: nn.Module) -> nn.Module:
    """A network for many predictions: on the GPU where there is one, its BatchNorm folded away."""
    import torch

    from dermai.models.backbones import fuse_batch_norm

    return fuse_batch_norm(model.to("cuda" if torch.cuda.is_available() else "cpu")).requires_grad_(False)


@lru_cache(maxsize=1)
def _reference_network() -> nn.Module:
    """Built once for all the batches of a process."""
    import torch

    from dermai.config import ModelParams
    from dermai.models.backbones import BUNDLED_BACKBONE, build_model

    model = build_model(ModelParams(backbone=BUNDLED_BACKBONE), ("unused",)).eval()
    model.classifier = torch.nn.Identity()
    return ready_to_predict(model)


def _forward(
    network: nn.Module,
    read: Callable[[int, int], np.ndarray],
    count: int,
    width: int,
    mean: Sequence[float],
    std: Sequence[float],
    progress: bool,
    look: Look | None = None,
) -> np.ndarray:
    import torch
    from tqdm import tqdm

    from dermai.images.augmentation import normalise

    device = next(network.parameters()).device
    timm_network: Any = network
    outputs = np.empty((count, width))
    with torch.inference_mode(), tqdm(total=count, desc="predict", unit="photograph", disable=not progress) as bar:
        for start in range(0, count, _BATCH):
            stop = min(start + _BATCH, count)
            pixels = read(start, stop)
            padded = np.concatenate([pixels, np.repeat(pixels[-1:], _BATCH - len(pixels), axis=0)])
            inputs = normalise(torch.from_numpy(padded).to(device), mean, std)
            maps = timm_network.forward_features(inputs)  # with forward_head, what timm's own forward does
            outputs[start:stop] = timm_network.forward_head(maps)[: stop - start].double().cpu().numpy()
            if look is not None:
                look(start, maps[: stop - start], outputs[start:stop])
            bar.update(stop - start)
    return outputs

"""What a model says of photographs, and what the frozen reference backbone sees in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dermai.images.pixels import PixelCache
from dermai.model_package import ModelPackage

if TYPE_CHECKING:
    from torch import nn

REFERENCE_SIZE, REFERENCE_INTERPOLATION = 224, "bilinear"
_BATCH = 16  # fixed, the last one padded: a photograph gets the same bits in any company


def predict_probabilities(
    package: ModelPackage, images: Sequence[str], data_folder: Path, cache: Path, progress: bool = False
) -> np.ndarray:
    """Class probabilities float64 [N, C] at the package's temperature; `cache` keeps the decoded pixels.

    Raises:
        InvalidCases: a photograph is missing or damaged.
    """
    pixels = PixelCache(cache / "pixels", package.image_size, package.interpolation)
    pixels.fill(images, data_folder, progress)
    return predict_pixels(package, lambda start, stop: pixels.read(images[start:stop]), len(images), progress)


def predict_pixels(
    package: ModelPackage, read: Callable[[int, int], np.ndarray], count: int, progress: bool = False
) -> np.ndarray:
    """Class probabilities float64 [N, C] of `count` pixel arrays; `read(start, stop)` gives uint8 [n, S, S, 3]."""
    logits = _forward(package.build(), read, count, len(package.classes), package.mean, package.std, progress)
    scaled = logits / package.temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def embed(images: Sequence[str], data_folder: Path, cache: Path, progress: bool = False) -> np.ndarray:
    """Pooled features float64 [N, 1280] from the frozen reference backbone: ImageNet weights that no update touches.

    Raises:
        InvalidCases: a photograph is missing or damaged.
    """
    import torch

    from dermai.backbones import BUNDLED_BACKBONE, build_model, input_statistics
    from dermai.config import ModelParams

    pixels = PixelCache(cache / "pixels", REFERENCE_SIZE, REFERENCE_INTERPOLATION)
    pixels.fill(images, data_folder, progress)
    model = build_model(ModelParams(backbone=BUNDLED_BACKBONE), ("unused",)).eval()
    model.classifier = torch.nn.Identity()
    mean, std = input_statistics(BUNDLED_BACKBONE)
    return _forward(model, lambda start, stop: pixels.read(images[start:stop]), len(images), 1280, mean, std, progress)


def _forward(
    model: nn.Module,
    read: Callable[[int, int], np.ndarray],
    count: int,
    width: int,
    mean: Sequence[float],
    std: Sequence[float],
    progress: bool,
) -> np.ndarray:
    import torch
    from tqdm import tqdm

    from dermai.backbones import fuse_batch_norm
    from dermai.images.augmentation import normalise

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = fuse_batch_norm(model.to(device))
    outputs = np.empty((count, width))
    with torch.inference_mode(), tqdm(total=count, desc="predict", unit="photograph", disable=not progress) as bar:
        for start in range(0, count, _BATCH):
            stop = min(start + _BATCH, count)
            pixels = read(start, stop)
            padded = np.concatenate([pixels, np.repeat(pixels[-1:], _BATCH - len(pixels), axis=0)])
            inputs = normalise(torch.from_numpy(padded).to(device), mean, std)
            outputs[start:stop] = network(inputs)[: stop - start].double().cpu().numpy()
            bar.update(stop - start)
    return outputs

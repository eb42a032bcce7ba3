"""What a model says of photographs, and what the frozen reference backbone sees in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dermai.images.pixels import PixelCache
from dermai.images.record_file import RecordFile
from dermai.models.calibration import apply_temperature
from dermai.models.package import ModelPackage

if TYPE_CHECKING:
    from torch import Tensor, nn

REFERENCE_SIZE, REFERENCE_INTERPOLATION = 224, "bilinear"
APPEARANCE = (6, 160)  # features of colours and of textures
_EARLY = 4  # stages of the reference backbone that see textures rather than things
_AT_ONCE = 256  # measured and kept together: a run that is killed goes on after them
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

    What `appearance` would measure of the same photographs is kept in the cache on the way.

    Raises:
        InvalidCases: a photograph is missing or damaged.
    """
    pixels = reference_pixels(cache)
    pixels.fill(images, data_folder, progress)
    pooled, looks = _measure(lambda start, stop: pixels.read(images[start:stop]), len(images), progress)
    kept_appearance(cache).append(images, looks)
    return pooled


def embed_pixels(read: Callable[[int, int], np.ndarray], count: int, progress: bool = False) -> np.ndarray:
    """As `embed`, of `count` pixel arrays; `read(start, stop)` gives uint8 [n, 224, 224, 3]."""
    return _measure(read, count, progress)[0]


def appearance(images: Sequence[str], data_folder: Path, cache: Path) -> np.ndarray:
    """How photographs look, whatever is on them: float32 [N, sum of `APPEARANCE`], each measured once and kept.

    Mean and standard deviation of the three colours, then of the reference backbone's feature maps after its fourth
    stage.

    Raises:
        InvalidCases: a photograph is missing or damaged.
    """
    missing = kept_appearance(cache).missing(images)
    for start in range(0, len(missing), _AT_ONCE):
        embed(missing[start : start + _AT_ONCE], data_folder, cache)
    return kept_appearance(cache).read(images)


def kept_appearance(cache: Path) -> RecordFile:
    """What `appearance` measured, by photograph."""
    from dermai.models.backbones import BUNDLED_BACKBONE

    folder = cache / "features"
    folder.mkdir(parents=True, exist_ok=True)
    return RecordFile(folder / f"{BUNDLED_BACKBONE}_appearance", (sum(APPEARANCE),), "float32")


def _measure(read: Callable[[int, int], np.ndarray], count: int, progress: bool) -> tuple[np.ndarray, np.ndarray]:
    """Pooled features and appearance, in one pass of the reference backbone."""
    import torch

    from dermai.models.backbones import BUNDLED_BACKBONE, input_statistics

    network: Any = _reference_network()
    pooled, looks = np.empty((count, 1280)), np.empty((count, sum(APPEARANCE)), np.float32)
    with torch.inference_mode():
        for start, stop, inputs in _batches(network, read, count, *input_statistics(BUNDLED_BACKBONE), progress):
            early = network.blocks[:_EARLY](network.bn1(network.conv_stem(inputs)))
            maps = network.bn2(network.conv_head(network.blocks[_EARLY:](early)))
            pooled[start:stop] = network.forward_head(maps)[: stop - start].double().cpu().numpy()
            parts = [part for maps_ in (inputs, early) for part in (maps_.mean((2, 3)), maps_.std((2, 3)))]
            looks[start:stop] = torch.cat(parts, dim=1)[: stop - start].cpu().numpy()
    return pooled, looks


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

    timm_network: Any = network
    outputs = np.empty((count, width))
    with torch.inference_mode():
        for start, stop, inputs in _batches(network, read, count, mean, std, progress):
            maps = timm_network.forward_features(inputs)  # with forward_head, what timm's own forward does
            outputs[start:stop] = timm_network.forward_head(maps)[: stop - start].double().cpu().numpy()
            if look is not None:
                look(start, maps[: stop - start], outputs[start:stop])
    return outputs


def _batches(
    network: nn.Module,
    read: Callable[[int, int], np.ndarray],
    count: int,
    mean: Sequence[float],
    std: Sequence[float],
    progress: bool,
) -> Iterator[tuple[int, int, Tensor]]:
    """From where to where a batch goes, and its photographs as the network takes them in, padded to `_BATCH`."""
    import torch
    from tqdm import tqdm

    from dermai.images.augmentation import normalise

    device = next(network.parameters()).device
    with tqdm(total=count, desc="predict", unit="photograph", disable=not progress) as bar:
        for start in range(0, count, _BATCH):
            stop = min(start + _BATCH, count)
            pixels = read(start, stop)
            padded = np.concatenate([pixels, np.repeat(pixels[-1:], _BATCH - len(pixels), axis=0)])
            yield start, stop, normalise(torch.from_numpy(padded).to(device), mean, std)
            bar.update(stop - start)

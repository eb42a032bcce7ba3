"""What a model says of photographs, and what the frozen reference backbone sees in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from dermai.images.pixels import PixelCache
from dermai.images.record_file import RecordFile
from dermai.models.calibration import apply_temperature
from dermai.models.engine_files import reference_engine
from dermai.models.package import ModelPackage
from dermai.models.package_network import Measuring, PackageNetwork, model_pixels, ready_to_predict, weighed
from dermai.models.photograph_network import FEATURES, LOOKS
from dermai.models.seen_features import package_features
from dermai.models.torch_engine import TorchEngine, gpu_is_there

REFERENCE_SIZE, REFERENCE_INTERPOLATION = 224, "bilinear"
APPEARANCE = (6, 160)  # features of colours and of textures
_AT_ONCE = 256  # measured and kept together: a run that is killed goes on after them
_IN_MEMORY = 64  # photographs that are read, and whose maps are held, together
Look = Callable[[int, np.ndarray, np.ndarray], None]  # where a batch starts, its last feature maps, its answers


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
    if package.linear_parts is not None:
        return predict_features(package, package_features(package, images, data_folder, cache, progress), clinical)
    pixels = model_pixels(package, cache)
    pixels.fill(images, data_folder, progress)
    network = ready_to_predict(package, cache)
    return predict_with(
        network, lambda start, stop: pixels.read(images[start:stop]), len(images), progress, clinical=clinical
    )


def predict_features(package: ModelPackage, features: np.ndarray, clinical: pd.DataFrame | None) -> np.ndarray:
    """Class probabilities float64 [N, C] of what a model of linear heads sees of photographs [N, D]."""
    logits = weighed(features, *package.linear_head())
    return apply_temperature(package.scores(logits, clinical), package.temperature)


def predict_pixels(
    package: ModelPackage,
    read: Callable[[int, int], np.ndarray],
    count: int,
    progress: bool = False,
    clinical: pd.DataFrame | None = None,
) -> np.ndarray:
    """Class probabilities float64 [N, C] of `count` pixel arrays; `read(start, stop)` gives uint8 [n, S, S, 3]."""
    return predict_with(ready_to_predict(package), read, count, progress, clinical=clinical)


def predict_with(
    network: PackageNetwork,
    read: Callable[[int, int], np.ndarray],
    count: int,
    progress: bool = False,
    look: Look | None = None,
    clinical: pd.DataFrame | None = None,
) -> np.ndarray:
    """As `predict_pixels`, with a package's network from `ready_to_predict`; `look` sees each batch on the way."""
    package = network.package
    found = np.empty((count, len(package.classes)))
    for start, stop, pixels in _batches(read, count, progress):
        if look is None:
            logits = network.logits(pixels)
        else:
            logits, maps = network.logits_and_maps(pixels)
        columns = None if clinical is None else clinical.iloc[start:stop]
        found[start:stop] = apply_temperature(package.scores(logits, columns), package.temperature)
        if look is not None:
            look(start, maps, found[start:stop])
    return found


def embed(images: Sequence[str], data_folder: Path, cache: Path, progress: bool = False) -> np.ndarray:
    """Pooled features float64 [N, 1280] from the frozen reference backbone: ImageNet weights that no update touches.

    What `appearance` would measure of the same photographs is kept in the cache on the way.

    Raises:
        InvalidCases: a photograph is missing or damaged.
    """
    pixels = reference_pixels(cache)
    pixels.fill(images, data_folder, progress)
    read, network = lambda start, stop: pixels.read(images[start:stop]), _reference(cache)
    pooled, looks = _measure(network, read, len(images), progress)
    kept_appearance(cache).append(images, looks)
    return pooled


def embed_pixels(read: Callable[[int, int], np.ndarray], count: int, progress: bool = False) -> np.ndarray:
    """As `embed`, of `count` pixel arrays; `read(start, stop)` gives uint8 [n, 224, 224, 3]."""
    return _measure(_reference(None), read, count, progress)[0]


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


def _measure(
    network: Measuring, read: Callable[[int, int], np.ndarray], count: int, progress: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Pooled features and appearance, in one pass of the reference backbone."""
    pooled, looks = np.empty((count, 1280)), np.empty((count, sum(APPEARANCE)), np.float32)
    for start, stop, pixels in _batches(read, count, progress):
        pooled[start:stop], looks[start:stop] = network.measure(pixels, (FEATURES, LOOKS))
    return pooled, looks


def reference_pixels(cache: Path) -> PixelCache:
    """Photographs as the reference backbone takes them in."""
    return PixelCache(cache / "pixels", REFERENCE_SIZE, REFERENCE_INTERPOLATION)


def _reference(cache: Path | None) -> Measuring:
    return _reference_on_gpu() if gpu_is_there() else reference_engine(REFERENCE_SIZE, cache)


@lru_cache(maxsize=1)
def _reference_on_gpu() -> Measuring:
    """Built once for all the batches of a process."""
    from dermai.models.photograph_network import reference_network

    return TorchEngine(reference_network())


def _batches(
    read: Callable[[int, int], np.ndarray], count: int, progress: bool
) -> Iterator[tuple[int, int, np.ndarray]]:
    """From where to where a batch goes, and its pixels."""
    from tqdm import tqdm

    with tqdm(total=count, desc="predict", unit="photograph", disable=not progress) as bar:
        for start in range(0, count, _IN_MEMORY):
            stop = min(start + _IN_MEMORY, count)
            yield start, stop, read(start, stop)
            bar.update(stop - start)

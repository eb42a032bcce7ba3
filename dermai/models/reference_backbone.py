"""What the frozen reference backbone sees in photographs: ImageNet weights that no update touches.

A model whose own network it is (`dermai.models.photograph_network`) gives the same on the way to its answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dermai.images.pixels import PixelCache
from dermai.images.record_file import RecordFile
from dermai.models.engine_files import reference_engine
from dermai.models.photograph_network import FEATURES, LOOKS
from dermai.models.torch_engine import TorchEngine, gpu_is_there

if TYPE_CHECKING:
    from dermai.models.engine import Measuring
    from dermai.models.package import ModelPackage

REFERENCE_SIZE, REFERENCE_INTERPOLATION = 224, "bilinear"
POOLED = 1280  # features
APPEARANCE = (6, 160)  # features of colours and of textures
_AT_ONCE = 256  # measured and kept together: a run that is killed goes on after them
_IN_MEMORY = 64  # photographs that are read, and whose maps are held, together


def sees_the_same(package: ModelPackage, network: Measuring) -> bool:
    """Whether the pass of a package's network over its first view is that of the reference backbone."""
    shown = package.image_size, package.interpolation, (package.views or (package.crop,))[0]
    whole = (REFERENCE_SIZE, REFERENCE_INTERPOLATION)
    return LOOKS in network.outputs and shown in ((*whole, "whole"), (*whole, "none"))


def embed(images: Sequence[str], data_folder: Path, cache: Path, progress: bool = False) -> np.ndarray:
    """Pooled features float64 [N, 1280].

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

    Mean and standard deviation of the three colours, then of the feature maps after the fourth stage.

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


def reference_pixels(cache: Path) -> PixelCache:
    """Photographs as the reference backbone takes them in."""
    return PixelCache(cache / "pixels", REFERENCE_SIZE, REFERENCE_INTERPOLATION)


def in_batches(
    read: Callable[[int, int], np.ndarray], count: int, progress: bool
) -> Iterator[tuple[int, int, np.ndarray]]:
    """From where to where a batch of `count` photographs goes, and its pixels."""
    from tqdm import tqdm

    with tqdm(total=count, desc="predict", unit="photograph", disable=not progress) as bar:
        for start in range(0, count, _IN_MEMORY):
            stop = min(start + _IN_MEMORY, count)
            yield start, stop, read(start, stop)
            bar.update(stop - start)


def _measure(
    network: Measuring, read: Callable[[int, int], np.ndarray], count: int, progress: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Pooled features and appearance, in one pass."""
    pooled, looks = np.empty((count, POOLED)), np.empty((count, sum(APPEARANCE)), np.float32)
    for start, stop, pixels in in_batches(read, count, progress):
        pooled[start:stop], looks[start:stop] = network.measure(pixels, (FEATURES, LOOKS))
    return pooled, looks


def _reference(cache: Path | None) -> Measuring:
    return _reference_on_gpu() if gpu_is_there() else reference_engine(REFERENCE_SIZE, cache)


@lru_cache(maxsize=1)
def _reference_on_gpu() -> Measuring:
    """Built once for all the batches of a process."""
    from dermai.models.photograph_network import reference_network

    return TorchEngine(reference_network())

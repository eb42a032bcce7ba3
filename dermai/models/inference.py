"""What a model says of photographs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from dermai.continual.networks_learnt import DEPLOYED
from dermai.models.calibration import apply_temperature
from dermai.models.package import ModelPackage
from dermai.models.package_network import PackageNetwork, Seen, model_pixels, ready_to_predict, weighed
from dermai.models.reference_backbone import in_batches
from dermai.models.seen_features import NetworkLogits, network_logits, package_features

Look = Callable[[int, Seen, np.ndarray], None]  # where a batch starts, what was seen in it, its answers


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
        about = package, images, data_folder, cache, progress
        return predict_features(package, package_features(*about), clinical, network_logits(*about))
    pixels = model_pixels(package, cache)
    pixels.fill(images, data_folder, progress)
    network = ready_to_predict(package, cache)
    return predict_with(
        network, lambda start, stop: pixels.read(images[start:stop]), len(images), progress, clinical=clinical
    )


def predict_features(
    package: ModelPackage, features: np.ndarray, clinical: pd.DataFrame | None, networks: NetworkLogits | None = None
) -> np.ndarray:
    """Class probabilities float64 [N, C] of what a model of linear heads sees of photographs [N, D].

    `networks` are of the same photographs, for a model that has fine-tuned ones.
    """
    logits = weighed(features, *package.linear_head())
    beside = networks.of(DEPLOYED) if networks else None
    return apply_temperature(package.scores(logits, clinical, beside), package.temperature)


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
    for start, stop, pixels in in_batches(read, count, progress):
        seen = None if look is None else network.look_at(pixels)
        logits = network.logits(pixels) if seen is None else seen.logits
        columns = None if clinical is None else clinical.iloc[start:stop]
        scores = package.scores(logits, columns, network.fine_tuned_logits(pixels))
        found[start:stop] = apply_temperature(scores, package.temperature)
        if look is not None and seen is not None:
            look(start, seen, found[start:stop])
    return found

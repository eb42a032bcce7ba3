"""What a network sees in each photograph's views, computed once and kept by content hash."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dermai.continual.networks_learnt import DEPLOYED
from dermai.files import sha256_bytes
from dermai.images.photograph_views import PhotographViews
from dermai.images.record_file import RecordFile
from dermai.models.engine import Measuring
from dermai.models.package import ModelPackage, head_of
from dermai.models.package_network import (
    below_fine_tuned,
    below_the_head,
    features_of_views,
    model_pixels,
    weighed,
)
from dermai.models.photograph_network import FEATURES, LOOKS, feature_blocks
from dermai.models.reference_backbone import kept_appearance, sees_the_same
from dermai.models.stored_weights import linear_head, weights_sha256

FOLDER = "seen"
_AT_ONCE = 64  # photographs measured and kept together: a run that is killed goes on after them


def seen_features(
    network: Measuring,
    identity: bytes,
    length: int,
    photographs: PhotographViews,
    images: Sequence[str],
    data_folder: Path,
    cache: Path,
    progress: bool = False,
    is_the_reference: bool = False,
) -> NDArray[np.float32]:
    """Features [N, length] of photographs: those of every view, one after the other.

    `identity` is whatever determines what the network makes of a photograph, its views included. Where it is the
    reference backbone (`sees_the_same`), `appearance` is kept on the way.

    Raises:
        InvalidCases: a photograph is missing or damaged.
    """
    from tqdm import tqdm

    folder = cache / "features" / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    kept = RecordFile(folder / sha256_bytes(identity)[:32], (length,), "float32")
    missing = kept.missing(images)
    with tqdm(total=len(missing), desc="features", unit="photograph", disable=not progress or not missing) as bar:
        for start in range(0, len(missing), _AT_ONCE):
            batch = missing[start : start + _AT_ONCE]
            photographs.fill(batch, data_folder)
            pixels = photographs.read(batch)
            if is_the_reference:
                first, looks = network.measure(pixels[:, 0], (FEATURES, LOOKS))
                kept_appearance(cache).append(batch, looks)
                others = [features_of_views(network, pixels[:, 1:])] if pixels.shape[1] > 1 else []
                kept.append(batch, np.concatenate([first, *others], axis=1))
            else:
                kept.append(batch, features_of_views(network, pixels))
            bar.update(len(batch))
    return kept.read(images)


def package_features(
    package: ModelPackage, images: Sequence[str], data_folder: Path, cache: Path, progress: bool = False
) -> NDArray[np.float32]:
    """Features [N, D] that a model of linear heads weighs, from what is kept where they were seen before.

    Raises:
        InvalidCases: a photograph is missing or damaged.
    """
    network = below_the_head(package, cache)
    return seen_features(
        network,
        package.network_identity,
        _length(package),
        model_pixels(package, cache),
        images,
        data_folder,
        cache,
        progress,
        sees_the_same(package, network),
    )


def _length(package: ModelPackage) -> int:
    """Features of a photograph; of a package with its heads without torch."""
    if package.linear_parts is not None:
        return sum(package.linear_parts.blocks)
    return sum(feature_blocks(package.backbone, package.late_stages)) * len(package.views)


class NetworkLogits:
    """What the fine-tuned networks of a package say of photographs; each looks at them when it is asked for.

    The features of what a network saw before are kept, so that it looks at new photographs alone.
    """

    def __init__(
        self, package: ModelPackage, images: Sequence[str], data_folder: Path, cache: Path, progress: bool = False
    ) -> None:
        self.package, self.images = package, tuple(images)
        self.data_folder, self.cache, self.progress = data_folder, cache, progress

    def at(self, rows: NDArray[np.bool_]) -> NetworkLogits:
        """Of some of the photographs, bool [N]."""
        images = [image for image, wanted in zip(self.images, rows, strict=True) if wanted]
        return NetworkLogits(self.package, images, self.data_folder, self.cache, self.progress)

    def of(self, member: str) -> NDArray[np.float64]:
        """Logits [N, K] of one network, by its name among `FineTunedNetworks.members`, for its own classes.

        Raises:
            InvalidCases: a photograph is missing or damaged.
        """
        package, tuned = self.package, self.package.fine_tuned
        assert tuned is not None
        network = tuned.members[member]
        engine = tuned.engine if member == DEPLOYED else None
        shown = package.backbone, package.image_size, package.interpolation, package.mean, package.std, tuned.view
        weight, bias = linear_head(network.weights, head_of(package.backbone))
        features = seen_features(
            below_fine_tuned(package, network.weights, engine, self.cache),
            repr(shown).encode() + weights_sha256(network.weights).encode(),
            weight.shape[1],
            PhotographViews(self.cache / "pixels", package.image_size, package.interpolation, (tuned.view,)),
            self.images,
            self.data_folder,
            self.cache,
            self.progress,
        )
        return weighed(features, weight, bias)


def network_logits(
    package: ModelPackage, images: Sequence[str], data_folder: Path, cache: Path, progress: bool = False
) -> NetworkLogits | None:
    """Those of the package's fine-tuned networks; None where it has none."""
    return None if package.fine_tuned is None else NetworkLogits(package, images, data_folder, cache, progress)


def forget_seen(cache: Path, images: Sequence[str]) -> None:
    """Remove photographs from what is kept of them: consent to their use was withdrawn."""
    for index in sorted((cache / "features" / FOLDER).glob("*.index")):
        file = index.with_suffix("")
        if not images or not index.stat().st_size:
            continue
        length = _record_length(file)
        RecordFile(file, (length,), "float32").forget(images)


def _record_length(file: Path) -> int:
    """Features a record, from the sizes of the two files."""
    lines = len(file.with_suffix(".index").read_bytes().splitlines())
    return file.with_suffix(".data").stat().st_size // (4 * lines)

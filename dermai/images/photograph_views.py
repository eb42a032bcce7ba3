"""A photograph in several views: the whole, its centre, the part around the lesion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dermai.images.pixels import PixelCache


class PhotographViews:
    """The pixels of each view, each kept by a `PixelCache` of its own."""

    def __init__(self, folder: Path, size: int, interpolation: str, views: Sequence[str]) -> None:
        crops = ["none" if view == "whole" else view for view in views]
        self.caches = tuple(PixelCache(folder, size, interpolation, crop) for crop in crops)

    def fill(self, images: Sequence[str], data_folder: Path, progress: bool = False) -> None:
        """Decode the photographs that are not here yet, each once for all views.

        Raises:
            InvalidCases: a photograph is missing, not the one its name says, or cannot be decoded.
        """
        first, *others = self.caches
        first.fill(images, data_folder, progress, others)

    def read(self, images: Sequence[str]) -> NDArray[np.uint8]:
        """Pixels uint8 [N, V, size, size, 3] of photographs that were filled in before."""
        return np.stack([cache.read(images) for cache in self.caches], axis=1)

"""Decoded photographs, kept so that each JPEG is opened once and not in every epoch."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from dermai.data.cases import photograph_path
from dermai.errors import InvalidCases
from dermai.files import sha256_bytes
from dermai.images.lesion import crop_to_centre, crop_to_lesion
from dermai.images.record_file import RecordFile

RESAMPLING = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR}
CROPS = {"centre": crop_to_centre, "lesion": crop_to_lesion}
_CHUNK = 64


class PixelCache:
    """Pixels uint8 [size, size, 3] of each photograph by content hash, in one memory-mapped file.

    The whole photograph is resized to the square, as in the paper, or with another `crop` than "none" a part of it.
    Safe to delete.
    """

    def __init__(self, folder: Path, size: int, interpolation: str, crop: str = "none") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.size, self.interpolation, self.crop = size, interpolation, crop
        name = f"{size}-{interpolation}" if crop == "none" else f"{size}-{interpolation}-{crop}"
        self.records = RecordFile(folder / name, (size, size, 3), "uint8")

    def fill(
        self, images: Sequence[str], data_folder: Path, progress: bool = False, others: Sequence[PixelCache] = ()
    ) -> None:
        """Decode the photographs that are not here yet, or not in one of the `others`, which keep them too.

        Raises:
            InvalidCases: a photograph is missing, not the one its name says, or cannot be decoded.
        """
        caches = (self, *others)
        missing = list(dict.fromkeys(image for cache in caches for image in cache.records.missing(images)))
        if not missing:
            return
        from tqdm import tqdm

        with (
            ThreadPoolExecutor(os.cpu_count()) as pool,  # Pillow decodes outside the interpreter lock
            tqdm(total=len(missing), desc="decode", unit="photograph", disable=not progress) as bar,
        ):
            for start in range(0, len(missing), _CHUNK):
                chunk = missing[start : start + _CHUNK]
                views = list(pool.map(lambda image: _views(image, data_folder, caches), chunk))
                for cache, pixels in zip(caches, zip(*views, strict=True), strict=True):
                    cache.add(chunk, pixels)
                bar.update(len(chunk))

    def resized(self, photograph: Image.Image) -> np.ndarray:
        """A decoded RGB photograph as the cache keeps it."""
        if self.crop != "none":
            photograph = Image.fromarray(CROPS[self.crop](np.asarray(photograph)))
        return np.asarray(photograph.resize((self.size, self.size), RESAMPLING[self.interpolation]))

    def add(self, images: Sequence[str], pixels: Sequence[np.ndarray]) -> None:
        """Keep photographs that somebody has decoded and `resized` already."""
        if len(images):
            self.records.append(images, np.stack(list(pixels)))

    def read(self, images: Sequence[str]) -> np.ndarray:
        """Pixels uint8 [N, size, size, 3] of photographs that were filled in before."""
        return self.records.read(images)


def _views(image: str, data_folder: Path, caches: Sequence[PixelCache]) -> list[np.ndarray]:
    photograph = decode_photograph(image, data_folder)
    return [cache.resized(photograph) for cache in caches]


def decode_photograph(image: str, data_folder: Path) -> Image.Image:
    """One stored photograph, RGB.

    Raises:
        InvalidCases: missing, not the one its name says, or not decodable.
    """
    path = photograph_path(data_folder, image)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InvalidCases(f"{path} is missing: run `dvc pull`, or take its row out of cases.csv") from None
    if sha256_bytes(content) != image:
        raise InvalidCases(f"{path} is not the photograph it was: its content does not match its name; run `dvc pull`")
    try:
        with Image.open(io.BytesIO(content)) as photograph:
            return photograph.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidCases(f"{path} cannot be decoded: {error}") from None


def forget_photographs(folder: Path, images: Sequence[str]) -> None:
    """Remove photographs from every pixel cache in the folder: consent to their use was withdrawn."""
    for index in sorted(folder.glob("*.index")):
        size, *rest = index.stem.split("-")
        PixelCache(folder, int(size), *rest).records.forget(images)

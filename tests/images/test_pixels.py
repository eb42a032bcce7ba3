"""The pixel cache: decoded once, exactly as Pillow would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dermai.data.cases import photograph_path
from dermai.errors import InvalidCases
from dermai.images.lesion import crop_to_lesion
from dermai.images.pixels import PixelCache, forget_photographs
from tests.training.training_data import make_cases


@pytest.mark.parametrize(("name", "resampling"), [("nearest", 0), ("bilinear", 2)])
def test_pixels_are_those_of_the_photograph(tmp_path: Path, name: str, resampling: int) -> None:
    images = list(make_cases(tmp_path, {"train": {"Nev": 3}})["image"])
    cache = PixelCache(tmp_path / "cache", 40, name)
    cache.fill(images, tmp_path)
    for image in images:
        photograph_path(tmp_path, image).rename(photograph_path(tmp_path, image).with_suffix(".moved"))
    cache.fill(images, tmp_path)  # nothing to decode any more
    pixels = PixelCache(tmp_path / "cache", 40, name).read(images[::-1])
    for image, found in zip(images[::-1], pixels, strict=True):
        with Image.open(photograph_path(tmp_path, image).with_suffix(".moved")) as photograph:
            assert np.array_equal(found, np.asarray(photograph.resize((40, 40), Image.Resampling(resampling))))


def test_a_cropping_cache_holds_the_part_around_the_lesion(tmp_path: Path) -> None:
    images = list(make_cases(tmp_path, {"train": {"MM": 3}})["image"])
    cache = PixelCache(tmp_path / "cache", 40, "bilinear", "lesion")
    cache.fill(images, tmp_path)
    for image, found in zip(images, cache.read(images), strict=True):
        with Image.open(photograph_path(tmp_path, image)) as photograph:
            part = Image.fromarray(crop_to_lesion(np.asarray(photograph)))
        assert part.size != photograph.size
        assert np.array_equal(found, np.asarray(part.resize((40, 40), Image.Resampling.BILINEAR)))
    assert PixelCache(tmp_path / "cache", 40, "bilinear").records.missing(images) == images  # the whole ones are others
    forget_photographs(tmp_path / "cache", images[:1])
    assert PixelCache(tmp_path / "cache", 40, "bilinear", "lesion").records.missing(images) == images[:1]


def test_a_missing_a_changed_and_a_broken_photograph_are_named(tmp_path: Path) -> None:
    from dermai.files import sha256_bytes

    missing, changed = make_cases(tmp_path, {"train": {"Nev": 2}})["image"]
    cache = PixelCache(tmp_path / "cache", 40, "nearest")
    photograph_path(tmp_path, missing).unlink()
    with pytest.raises(InvalidCases, match=f"{missing}.jpg is missing"):
        cache.fill([missing], tmp_path)
    photograph_path(tmp_path, changed).write_bytes(b"something else")
    with pytest.raises(InvalidCases, match=f"{changed}.jpg is not the photograph it was"):
        cache.fill([changed], tmp_path)
    broken = sha256_bytes(b"no JPEG")
    photograph_path(tmp_path, broken).parent.mkdir(parents=True, exist_ok=True)
    photograph_path(tmp_path, broken).write_bytes(b"no JPEG")
    with pytest.raises(InvalidCases, match=f"{broken}.jpg cannot be decoded"):
        cache.fill([broken], tmp_path)


def test_withdrawn_photographs_leave_every_cache(tmp_path: Path) -> None:
    images = list(make_cases(tmp_path, {"train": {"Nev": 3}})["image"])
    for size in (32, 40):
        PixelCache(tmp_path / "cache", size, "nearest").fill(images, tmp_path)
    forget_photographs(tmp_path / "cache", images[:1])
    for size in (32, 40):
        assert PixelCache(tmp_path / "cache", size, "nearest").records.missing(images) == images[:1]

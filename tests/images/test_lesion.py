"""Lesions are found where the simulator drew them, and the crop holds them."""

import numpy as np
import pytest
from PIL import Image

from dermai.images.lesion import SIDE, crop_to_lesion, lesion_mask


def photograph(row: float, column: float, radius: float, size: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Skin with texture, a lamp to one side and a dark disc; uint8 [size, size, 3] and the disc as bool."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
    disc = (y - row) ** 2 + (x - column) ** 2 < radius**2
    skin = np.array([205.0, 160.0, 140.0]) * (0.95 + 0.1 * x[..., None])
    pixels = np.where(disc[..., None], np.array([90.0, 60.0, 50.0]), skin) + rng.normal(0, 6, (size, size, 3))
    return pixels.clip(0, 255).astype(np.uint8), disc


@pytest.mark.parametrize(("row", "column", "radius"), [(0.5, 0.5, 0.1), (0.4, 0.6, 0.2), (0.65, 0.35, 0.09)])
def test_the_mask_covers_the_lesion_and_the_crop_holds_it_whole(row: float, column: float, radius: float) -> None:
    pixels, disc = photograph(row, column, radius)
    expected = np.asarray(Image.fromarray(disc).resize((SIDE, SIDE)))
    mask = lesion_mask(pixels)
    assert (mask & expected).sum() / (mask | expected).sum() > 0.6  # smoothing widens a small lesion
    crop = crop_to_lesion(pixels)
    assert crop.shape[0] < pixels.shape[0]
    dark = (pixels.mean(axis=2) < 110).sum()
    assert (crop.mean(axis=2) < 110).sum() > 0.98 * dark


def test_skin_without_a_lesion_stays_whole() -> None:
    pixels = np.full((120, 160, 3), 180, dtype=np.uint8)
    assert not lesion_mask(pixels).any()
    assert crop_to_lesion(pixels).shape == pixels.shape


def test_the_crop_keeps_the_photograph_s_proportions() -> None:
    pixels, _ = photograph(0.5, 0.5, 0.1)
    height, width, _ = crop_to_lesion(pixels[:, :150]).shape
    assert height / width == pytest.approx(200 / 150, rel=0.02)

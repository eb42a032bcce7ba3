from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from dermai.images.quality import luminance, measure, sharpness


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)


def test_measures_of_a_plain_colour_are_known():
    found = measure(np.full((100, 120, 3), (200, 100, 50), dtype=np.uint8))
    assert found["width"], found["height"] == (120, 100)
    assert found["brightness"] == pytest.approx(0.299 * 200 + 0.587 * 100 + 0.114 * 50, abs=1e-3)
    assert (found["red"], found["green"], found["blue"]) == (200, 100, 50)
    assert found["contrast"] == pytest.approx(0, abs=1e-3)
    assert found["sharpness"] == pytest.approx(0, abs=1e-3)
    assert found["saturation"] == pytest.approx(0.75)


def test_blur_lowers_sharpness_only(noise):
    blurred = np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(3)))
    assert measure(blurred)["sharpness"] < 0.1 * measure(noise)["sharpness"]
    assert measure(blurred)["brightness"] == pytest.approx(measure(noise)["brightness"], abs=2)


def test_size_is_the_photographs_own_and_sharpness_is_measured_at_one_size(noise):
    scene = Image.fromarray(noise[::5, ::5])  # the same scene by two cameras
    large, small = (np.asarray(scene.resize(size, Image.Resampling.BICUBIC)) for size in ((1200, 900), (400, 300)))
    assert (measure(large)["width"], measure(large)["height"]) == (1200, 900)
    assert measure(large)["sharpness"] == pytest.approx(measure(small)["sharpness"], rel=0.5)
    assert sharpness(luminance(large)) < 0.1 * measure(large)["sharpness"]


def test_a_batch_is_measured_as_its_photographs_one_by_one(noise):
    batch = np.stack([noise, 255 - noise])
    together = sharpness(luminance(batch))
    assert together == pytest.approx([float(sharpness(luminance(one))) for one in batch])

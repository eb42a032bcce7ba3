"""Augmentation: seeded, in range, and independent of the batch."""

from __future__ import annotations

import torch

from dermai.images.augmentation import CLEAN, augment, normalise

PIXELS = torch.randint(0, 256, (4, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
IMAGES = ["a", "b", "c", "d"]


def test_a_view_depends_on_photograph_view_and_seed_alone() -> None:
    together = augment(PIXELS, IMAGES, [0, 1, 2, 3], seed=5)
    alone = augment(PIXELS[2:3], ["c"], [2], seed=5)
    assert torch.allclose(together[2:3], alone, atol=1e-3)
    assert not torch.allclose(augment(PIXELS[2:3], ["c"], [1], seed=5), alone, atol=1)
    assert not torch.allclose(augment(PIXELS[2:3], ["c"], [2], seed=6), alone, atol=1)


def test_a_clean_view_is_the_photograph() -> None:
    views = augment(PIXELS, IMAGES, [CLEAN, 0, CLEAN, 1], seed=5)
    assert torch.equal(views[0], PIXELS[0].float())
    assert torch.equal(views[2], PIXELS[2].float())
    assert not torch.equal(views[1], PIXELS[1].float())
    assert torch.equal(augment(PIXELS, IMAGES, [CLEAN] * 4, seed=5), PIXELS.float())


def test_views_stay_in_range_and_keep_a_plain_colour() -> None:
    grey = torch.full((40, 24, 24, 3), 128, dtype=torch.uint8)
    views = augment(grey, [str(n) for n in range(40)], [0] * 40, seed=1)
    assert views.min() >= 0
    assert views.max() <= 255
    assert (views.std(dim=(1, 2)) < 1e-3).all()  # geometry brings in no border
    assert (views.mean() - 128).abs() < 10


def test_network_input_is_standardised_per_channel() -> None:
    x = normalise(PIXELS, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert x.shape == (4, 3, 32, 32)
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert torch.isclose(x[1, 2, 3, 4], (PIXELS[1, 3, 4, 2] / 255 - 0.406) / 0.225)

"""Seeded augmentation of whole batches: the same photograph, view and seed give the same picture anywhere."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import Tensor

VERSION = 1  # part of the key of kept activations: raise it when the same seed gives other pictures
CLEAN = -1  # the view that is not augmented: validation, test and one's own eyes

# `standard`: a lesion has no upright; phones differ in exposure and white balance; distance varies.
LARGEST_ROTATION = math.radians(15)  # on top of a multiple of 90 degrees
SCALES = (0.75, 1.1)  # side of the region seen; below 1 zooms in
LARGEST_SHIFT = 0.08  # of the side
BRIGHTNESS = CONTRAST = SATURATION = 0.2


def view_seed(image: str, view: int, seed: int) -> int:
    """Seed of one view of one photograph."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{view}:{image}".encode()).digest()[:8], "little")


def normalise(pixels: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """uint8 or float pixels in 0 to 255 [N, S, S, 3] to network input [N, 3, S, S], channels last in memory."""
    import torch

    x = pixels.permute(0, 3, 1, 2).to(torch.float32)
    scale, shift = (_of_channels(tuple(values), x.device).mul(255) for values in (std, mean))
    return ((x - shift) / scale).contiguous(memory_format=torch.channels_last)


def augment(pixels: Tensor, images: Sequence[str], views: Sequence[int], seed: int) -> Tensor:
    """Augmented pixels, float 0 to 255 [N, S, S, 3]; a `CLEAN` view passes unchanged.

    Flip, rotation by any of four right angles and a little more, crop with scale and shift, all in one bilinear
    resampling with mirrored borders; then brightness, contrast and saturation.
    """
    import torch
    from torch.nn import functional

    x = pixels.permute(0, 3, 1, 2).to(torch.float32)
    if all(view == CLEAN for view in views):
        return x.permute(0, 2, 3, 1)
    drawn = np.stack([_draw(view_seed(image, view, seed)) for image, view in zip(images, views, strict=True)])
    values = torch.from_numpy(drawn).to(x.device, torch.float32, non_blocking=True)
    angle, scale, flip, shift_x, shift_y, brightness, contrast, saturation = values.unbind(1)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    # flip after rotation: its sign multiplies the column of x
    matrix = torch.stack(
        [torch.stack([flip * cos, -sin, shift_x], 1), torch.stack([flip * sin, cos, shift_y], 1)], dim=1
    )
    grid = functional.affine_grid(matrix, list(x.shape), align_corners=False)
    y = functional.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)

    y = y * brightness.view(-1, 1, 1, 1)
    luminance = _of_channels((0.299, 0.587, 0.114), x.device)
    mean_grey = (y * luminance).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    y = mean_grey + (y - mean_grey) * contrast.view(-1, 1, 1, 1)
    grey = (y * luminance).sum(1, keepdim=True)
    y = (grey + (y - grey) * saturation.view(-1, 1, 1, 1)).clamp(0, 255)

    if CLEAN in views:
        clean = torch.tensor([view == CLEAN for view in views], device=x.device)
        y = torch.where(clean.view(-1, 1, 1, 1), x, y)
    return y.permute(0, 2, 3, 1)


@lru_cache
def _of_channels(values: tuple[float, ...], device: torch.device) -> Tensor:
    """One value a channel, [1, 3, 1, 1]. Kept, because moving it to a GPU for each batch would make both wait."""
    import torch

    with torch.inference_mode(False):
        return torch.tensor(values, device=device).view(1, 3, 1, 1)


@lru_cache(maxsize=2**16)
def _draw(seed: int) -> np.ndarray:
    """Angle, scale, flip, shifts in x and y, brightness, contrast, saturation of one view."""
    rng = np.random.default_rng(seed)
    angle = rng.integers(4) * math.pi / 2 + rng.uniform(-LARGEST_ROTATION, LARGEST_ROTATION)
    flip = rng.choice((-1.0, 1.0))
    shifts = rng.uniform(-2 * LARGEST_SHIFT, 2 * LARGEST_SHIFT, 2)  # grid coordinates span -1 to 1
    colours = rng.uniform(
        1 - np.array([BRIGHTNESS, CONTRAST, SATURATION]), 1 + np.array([BRIGHTNESS, CONTRAST, SATURATION])
    )
    return np.array([angle, rng.uniform(*SCALES), flip, *shifts, *colours])

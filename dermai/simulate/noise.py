"""Smooth random fields and strokes, the brushes of the simulator."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def smooth_noise(size: int, cells: float, rng: np.random.Generator) -> np.ndarray:
    """Random field of about `cells` bumps a side, mean 0, standard deviation about 1; float32 [size, size]."""
    knots = max(2, round(cells) + 1)
    grid = rng.standard_normal((knots, knots), dtype=np.float32)
    if knots >= size:
        return grid[:size, :size]
    return 1.4 * np.asarray(Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC))


def blurred(plane: Image.Image, radius: float) -> Image.Image:
    """Gaussian blur, skipped where it would change nothing."""
    return plane.filter(ImageFilter.GaussianBlur(radius)) if radius > 0.05 else plane


def dots(size: int, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Round dots at `centres` [n, 2] with `radii` [n], in pixels, as coverage 0 to 1; float32 [size, size]."""
    plane = Image.new("L", (size, size))
    draw = ImageDraw.Draw(plane)
    for (x, y), radius in zip(centres, radii, strict=True):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(plane, dtype=np.float32) / 255


def strokes(size: int, paths: list[np.ndarray], width: int) -> np.ndarray:
    """Polylines, each [points, 2] in pixels, as coverage 0 to 1; float32 [size, size]."""
    plane = Image.new("L", (size, size))
    draw = ImageDraw.Draw(plane)
    for path in paths:
        draw.line([(float(x), float(y)) for x, y in path], fill=255, width=width, joint="curve")
    return np.asarray(plane, dtype=np.float32) / 255


def wandering_path(start: np.ndarray, heading: float, step: float, points: int, bend: float,
                   rng: np.random.Generator) -> np.ndarray:  # fmt: skip
    """A path of equal steps whose heading turns by a random walk; [points, 2]."""
    headings = heading + np.cumsum(bend * rng.standard_normal(points))
    return start + step * np.cumsum(np.stack([np.cos(headings), np.sin(headings)], axis=1), axis=0)

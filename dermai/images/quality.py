"""Measures of a photograph's quality: size, brightness, contrast, sharpness, colour. Pure functions on pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
REFERENCE_SIDE = 256  # pixels of the shorter side at which sharpness is compared
MEASURES = ("width", "height", "brightness", "contrast", "sharpness", "red", "green", "blue", "saturation")


def luminance(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Luminance 0 to 255 of RGB pixels [..., height, width, 3], as [..., height, width].

    >>> float(luminance(np.full((2, 2, 3), 200, dtype=np.uint8)).round().mean())
    200.0
    """
    return pixels.astype(np.float32) @ LUMINANCE


def sharpness(grey: NDArray[np.float32]) -> NDArray[np.float64]:
    """Variance of the 4-neighbour Laplacian of grey images [..., height, width]; one value an image.

    Pech-Pacheco et al., ICPR 2000. Compare only images of the same size.

    >>> float(sharpness(np.full((8, 8), 90, dtype=np.float32)))
    0.0
    """
    laplacian = (
        grey[..., :-2, 1:-1] + grey[..., 2:, 1:-1] + grey[..., 1:-1, :-2] + grey[..., 1:-1, 2:]
        - 4 * grey[..., 1:-1, 1:-1]
    )  # fmt: skip
    return laplacian.var(axis=(-2, -1), dtype=np.float64)


def measure(pixels: NDArray[np.uint8]) -> dict[str, float]:
    """All measures of one photograph, uint8 [height, width, 3].

    Brightness and contrast are mean and standard deviation of the luminance, 0 to 255; colours are means, 0 to 255;
    saturation is the mean of (max - min) / max over the channels. Everything is measured at `REFERENCE_SIDE`.
    """
    height, width = pixels.shape[:2]
    small = at_reference_side(pixels)
    grey = luminance(small)
    channels = [np.ascontiguousarray(small[..., place]) for place in range(3)]  # many times faster than along an axis
    red, green, blue = (float(channel.mean(dtype=np.float64)) for channel in channels)
    highest = np.maximum(np.maximum(*channels[:2]), channels[2]).astype(np.float32)
    spread = highest - np.minimum(np.minimum(*channels[:2]), channels[2])
    return {
        "width": float(width),
        "height": float(height),
        "brightness": float(grey.mean(dtype=np.float64)),
        "contrast": float(grey.std(dtype=np.float64)),
        "sharpness": float(sharpness(grey)),
        "red": red,
        "green": green,
        "blue": blue,
        "saturation": float((spread / np.maximum(highest, 1)).mean(dtype=np.float64)),
    }


def at_reference_side(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photograph with its shorter side at most `REFERENCE_SIDE`; a smaller one stays as it is.

    Enlarging would make every small photograph look blurred.
    """
    height, width = pixels.shape[:2]
    scale = REFERENCE_SIDE / min(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))

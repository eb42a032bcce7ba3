"""A heat map laid over its photograph, small, inside a page."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dermai.images.lesion import lesion_rectangle
from dermai.report.thumbnails import LONGEST_SIDE, QUALITY

WARM = np.array([255.0, 120.0, 0.0])
LAYER_SIDE = 512  # of a layer over a photograph that can be enlarged; the evidence itself is far coarser
STRONGEST = 0.65  # opacity where the evidence is strongest: the skin stays visible


def heat_overlay(path: Path, heat: NDArray[np.float32], crop: str = "none") -> str:
    """The photograph with the evidence in orange, as a data URI of at most 160 px on its longer side.

    With `crop` "lesion" the map is of the part around the lesion, and is laid there.
    """
    small, opacity = _small_with_opacity(path, heat, crop, LONGEST_SIDE)
    grey = np.asarray(small.convert("L").convert("RGB"), dtype=float)
    weight = opacity[..., None]
    mixed = Image.fromarray((grey * (1 - weight) + WARM * weight).round().astype(np.uint8))
    stream = io.BytesIO()
    mixed.save(stream, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def heat_layer(path: Path, heat: NDArray[np.float32], crop: str = "none") -> bytes:
    """The evidence alone as a PNG of the photograph's shape, clear where there is none, to be laid over it."""
    small, opacity = _small_with_opacity(path, heat, crop, LAYER_SIDE)
    colour = np.broadcast_to(WARM, (small.height, small.width, 3))
    pixels = np.dstack([colour, 255 * opacity]).round().astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(stream, "PNG")
    return stream.getvalue()


def _small_with_opacity(
    path: Path, heat: NDArray[np.float32], crop: str, side: int
) -> tuple[Image.Image, NDArray[np.float64]]:
    """The photograph at most so large on its longer side, and how opaque the evidence is in each of its pixels."""
    with Image.open(path) as photograph:
        if crop == "none":
            photograph.draft("RGB", (side, side))
        small = photograph.convert("RGB")
    box = (0.0, 0.0, 1.0, 1.0)  # left, top, right, bottom, as shares of the photograph
    if crop == "lesion":
        rows, columns = lesion_rectangle(np.asarray(small))
        box = (columns.start / small.width, rows.start / small.height,
               columns.stop / small.width, rows.stop / small.height)  # fmt: skip
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    left, top, right, bottom = (round(share * length) for share, length in zip(box, small.size * 2, strict=True))
    part = Image.fromarray(np.clip(heat, 0, 1).astype(np.float32))
    weight = np.zeros((small.height, small.width))
    weight[top:bottom, left:right] = np.asarray(part.resize((right - left, bottom - top), Image.Resampling.BICUBIC))
    return small, STRONGEST * np.clip(weight, 0, 1)

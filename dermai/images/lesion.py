"""Where the lesion is, by how far its colours lie from those of the skin around it, and the crop around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE = 96  # pixels at which it is looked for: hairs and pores vanish, a lesion does not
BORDER = 0.12  # of the side: the frame that shows mostly skin
MARGIN = 0.35  # of the lesion's longer side, kept around it
SMALLEST_CROP = 0.4  # of the photograph's side
CENTRE = 0.7  # of the shorter side
PLAUSIBLE_AREA = (0.005, 0.7)  # of the photograph; anything else is no lesion that stands out


def lesion_mask(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The lesion in uint8 [H, W, 3], as bool [SIDE, SIDE]; nothing where none stands out from the skin.

    Distance from the frame's median colour, in units of its spread, weighted towards the middle, cut by Otsu's
    threshold; of the pieces the one with the most weight, its holes filled.
    """
    from PIL import Image
    from scipy import ndimage

    small = np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float64)
    smooth = ndimage.gaussian_filter(small, (1.5, 1.5, 0))
    frame = np.ones((SIDE, SIDE), dtype=bool)
    inner = round(BORDER * SIDE)
    frame[inner:-inner, inner:-inner] = False
    skin = np.median(smooth[frame], axis=0)
    spread = np.median(np.abs(smooth[frame] - skin), axis=0) + 4.0
    distance = np.sqrt((((smooth - skin) / spread) ** 2).sum(axis=2))
    if distance.max() < 1:
        return np.zeros((SIDE, SIDE), dtype=bool)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    weight = np.minimum(distance, np.quantile(distance, 0.98)) * np.exp(-(x**2 + y**2))
    pieces, count = ndimage.label(weight > _otsu(weight))
    if count == 0:
        return np.zeros((SIDE, SIDE), dtype=bool)
    heaviest = 1 + int(np.argmax(ndimage.sum_labels(weight, pieces, range(1, count + 1))))
    mask = ndimage.binary_fill_holes(pieces == heaviest)
    least, most = PLAUSIBLE_AREA
    return mask if least <= mask.mean() <= most else np.zeros_like(mask)


def crop_to_centre(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The square in the middle whose side is `CENTRE` of the photograph's shorter side."""
    height, width = pixels.shape[:2]
    side = max(round(CENTRE * min(height, width)), 1)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def crop_to_lesion(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The part of the photograph around the lesion (`lesion_rectangle`)."""
    rows, columns = lesion_rectangle(pixels)
    return pixels[rows, columns]


def lesion_rectangle(pixels: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns around the lesion with some skin beside it, in the photograph's proportions.

    The whole photograph where no lesion stands out.
    """
    mask, (height, width) = lesion_mask(pixels), pixels.shape[:2]
    if not mask.any():
        return slice(0, height), slice(0, width)
    (top, bottom), (left, right) = (np.flatnonzero(mask.any(axis=axis))[[0, -1]] + [0, 1] for axis in (1, 0))
    share = np.clip(max(bottom - top, right - left) * (1 + 2 * MARGIN) / SIDE, SMALLEST_CROP, 1.0)
    rows, columns = round(share * height), round(share * width)
    row = round((top + bottom) / 2 / SIDE * height - rows / 2)
    column = round((left + right) / 2 / SIDE * width - columns / 2)
    row, column = min(max(row, 0), height - rows), min(max(column, 0), width - columns)
    return slice(row, row + rows), slice(column, column + columns)


def _otsu(values: NDArray[np.float64]) -> float:
    """The threshold that separates two groups best (Otsu 1979)."""
    counts, edges = np.histogram(values, 128)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = counts.sum() - below
    total = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (total / below - (total[-1] - total) / above) ** 2
    return float(edges[1 + int(np.nanargmax(between[:-1]))])

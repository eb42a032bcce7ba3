"""The quality check: whether a photograph can be judged at all, or should be taken again, and why."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dermai.config import ValidationParams
from dermai.language.messages import message

SIDE = 48  # pixels; a lesion is a patch, and this blurs hairs and pores away
LEAST_LESION_CONTRAST = 12.0  # of 255, see `lesion_contrast`


def lesion_contrast(pixels: NDArray[np.uint8]) -> float:
    """How far the most unusual hundredth of the pixels lies from the median colour, root mean square of RGB, 0 to 255.

    Even skin stays low whatever its tone; any lesion, shadow or object raises it. It says that nothing is in view, it
    does not say that what is in view is a lesion.

    >>> lesion_contrast(np.full((60, 60, 3), 180, dtype=np.uint8))
    0.0
    """
    small = np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float64)
    away = np.sqrt(((small - np.median(small, axis=(0, 1))) ** 2).mean(axis=2))
    return float(np.quantile(away, 0.99))


def reasons_to_retake(pixels: NDArray[np.uint8], properties: dict[str, float], limits: ValidationParams) -> list[str]:
    """Why the photograph should be taken again, in words for the person who took it; empty when it will do."""
    reasons = []
    if properties["shorter_side"] < limits.smallest_side:
        shorter = f"{properties['shorter_side']:.0f}"
        reasons.append(message("too small (%(number)s pixels): send it in its original size", number=shorter))
    if properties["brightness"] < limits.darkest:
        reasons.append(message("too dark: use more light"))
    if properties["brightness"] > limits.brightest:
        reasons.append(message("overexposed: avoid the flash so close"))
    if lesion_contrast(pixels) < LEAST_LESION_CONTRAST:
        reasons.append(message("no lesion in view: hold the lesion in the middle"))
    elif properties["sharpness"] < limits.least_sharpness:
        reasons.append(message("blurred: hold still and tap on the lesion to focus"))
    return reasons

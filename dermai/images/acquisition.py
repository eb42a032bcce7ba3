"""How a photograph was taken, in the numbers that the prediction log keeps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dermai.images.quality import measure

ACQUISITION = ("brightness", "contrast", "sharpness", "redness", "blueness", "shorter_side")


def acquisition_properties(pixels: NDArray[np.uint8]) -> dict[str, float]:
    """Brightness and contrast (0 to 255), sharpness, shares of red and blue in the light, and the shorter side.

    Shares of the light rather than red and blue themselves, so that a colour cast is not mistaken for a dark room.

    >>> grey = np.full((80, 100, 3), 60, dtype=np.uint8)
    >>> properties = acquisition_properties(grey)
    >>> properties["brightness"], round(properties["redness"], 3), properties["shorter_side"]
    (60.0, 0.333, 80.0)
    """
    found = measure(pixels)
    light = max(found["red"] + found["green"] + found["blue"], 1e-6)
    return {
        "brightness": round(found["brightness"], 3),
        "contrast": found["contrast"],
        "sharpness": found["sharpness"],
        "redness": found["red"] / light,
        "blueness": found["blue"] / light,
        "shorter_side": min(found["width"], found["height"]),
    }

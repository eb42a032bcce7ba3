"""From a scene to a photograph: device colour, light, vignette, blur, noise."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from dermai.simulate.noise import blurred
from dermai.simulate.scenario import Scenario

DERMATOSCOPE_RIM = 0.47  # radius of the lit circle, share of the side


@dataclass(frozen=True)
class Device:
    """How one camera renders colour and detail."""

    gains: tuple[float, float, float]
    contrast: float
    blur: float  # pixels at a side of 160
    noise: float  # grey levels


@cache
def device(name: str) -> Device:
    """A device's fixed properties, from its name."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode("utf-8")).digest()[:8], "big"))
    red, green, blue = 1 + 0.03 * rng.standard_normal(3)
    return Device((red, green, blue), rng.uniform(0.95, 1.08), rng.uniform(0.2, 0.7), rng.uniform(1.2, 2.6))


def take(scene: np.ndarray, name: str, view: str, scenario: Scenario, rng: np.random.Generator) -> np.ndarray:
    """Photograph a scene, float32 [size, size, 3] from 0 to 1, as uint8 [size, size, 3]."""
    camera, size = device(name), scene.shape[0]
    studio = scenario.source == "dermofit"
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    exposure = np.exp((0.03 if studio else 0.09) * rng.standard_normal()) * (1 - scenario.darkness)
    steepness, angle = rng.uniform(0, 0.04 if studio else 0.16), rng.uniform(0, 2 * np.pi)
    light = exposure * (
        1 + steepness * (np.cos(angle) * axis[None, :] + np.sin(angle) * axis[:, None])
        - rng.uniform(0, 0.05) * (axis[None, :] ** 2 + axis[:, None] ** 2)
    )  # fmt: skip
    gains = np.array(camera.gains) * np.array(scenario.colour_cast) * (1 + 0.015 * rng.standard_normal(3))
    picture = scene * (light[..., None] * gains).astype(np.float32)
    contrast = np.float32(camera.contrast * (1.12 if view == "dermoscopic" else 1.0))
    picture = (picture - np.float32(0.55 * exposure)) * contrast + np.float32(0.55 * exposure)
    if view == "dermoscopic":
        rim = DERMATOSCOPE_RIM * rng.uniform(1.0, 1.25) * 2
        centre = 0.05 * rng.standard_normal(2)
        distance = np.sqrt((axis[None, :] - centre[0]) ** 2 + (axis[:, None] - centre[1]) ** 2)
        picture *= np.clip((rim - distance) / 0.05, 0.04, 1).astype(np.float32)[..., None]
    shake = (0.15 if studio else rng.exponential(0.35)) + camera.blur + scenario.blur
    pixels = Image.fromarray(np.clip(picture * 255, 0, 255).astype(np.uint8))
    pixels = blurred(pixels, shake * size / 160)
    grain = camera.noise * rng.standard_normal((size, size, 1), dtype=np.float32)
    return np.clip(np.asarray(pixels) + grain, 0, 255).astype(np.uint8)

"""Bare skin: tone by Fitzpatrick type, mottling, creases, hairs."""

from __future__ import annotations

import numpy as np

from dermai.simulate.noise import smooth_noise, strokes, wandering_path

TONES = {  # sRGB 0 to 1
    1: (0.93, 0.80, 0.73),
    2: (0.88, 0.73, 0.64),
    3: (0.80, 0.64, 0.53),
    4: (0.69, 0.51, 0.39),
    5: (0.52, 0.36, 0.26),
    6: (0.35, 0.24, 0.18),
}


def bare_skin(size: int, skin_type: int, rng: np.random.Generator) -> np.ndarray:
    """Skin of one Fitzpatrick type; float32 [size, size, 3], 0 to 1."""
    tone = np.array(TONES[skin_type], dtype=np.float32) + 0.02 * rng.standard_normal(3).astype(np.float32)
    mottling = smooth_noise(size, rng.uniform(3, 6), rng)
    creases = smooth_noise(size, rng.uniform(28, 44), rng)
    value = 1 + 0.022 * mottling + 0.018 * creases
    redness = 0.02 * smooth_noise(size, rng.uniform(2, 5), rng)
    skin = tone * value[..., None]
    skin[..., 0] += redness
    skin[..., 2] -= 0.5 * redness
    return skin


def hairs(size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Coverage 0 to 1 of some hairs; float32 [size, size]."""
    heading = rng.uniform(0, 2 * np.pi)
    paths = [
        wandering_path(
            rng.uniform(-0.1, 1.1, 2) * size, heading + 0.5 * rng.standard_normal(), size / 14,
            int(rng.integers(5, 12)), 0.12, rng,
        )
        for _ in range(count)
    ]  # fmt: skip
    return strokes(size, paths, width=max(1, size // 150))

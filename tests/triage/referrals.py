"""Folders of referrals for tests: painted skin with a spot on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image


def paint(generator: np.random.Generator, brightness: float = 1.0, lesion: bool = True, size: int = 160) -> Image.Image:
    """A lesion on skin, with grain that keeps it sharp."""
    rows, columns = np.mgrid[:size, :size]
    skin = np.array([215, 175, 150]) + generator.normal(0, 4, (size, size, 1))
    if lesion:
        centre, width = generator.uniform(0.4, 0.6, 2) * size, generator.uniform(0.1, 0.2) * size
        inside = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < width**2
        skin[inside] = np.array([105, 65, 50]) + generator.normal(0, 8, (int(inside.sum()), 1))
    return Image.fromarray(np.clip(skin * brightness, 0, 255).astype(np.uint8))


def write_referrals(folder: Path, cases: int, seed: int = 0, brightness: float = 1.0, **columns: object) -> Path:
    """One photograph a case."""
    generator = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    rows = []
    for number in range(cases):
        paint(generator, brightness).save(folder / f"{number}.jpg", quality=95)
        rows.append(
            {
                "image": f"{number}.jpg",
                "case_id": f"{seed}-{number}",
                "patient_id": f"{seed}-{number}",
                "age": int(generator.integers(20, 90)),
                "sex": "f",
                "site": "Porto",
                **columns,
            }
        )
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    return folder

"""A small made-up dataset that training tests learn from: each class has its own colour and texture."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from dermai.config import Params
from dermai.data.cases import COLUMNS, photograph_path
from dermai.files import sha256_bytes, write_bytes

COLOURS = {"Nev": (120, 70, 50), "BCC": (220, 150, 140), "MM": (40, 30, 35), "SebKer": (170, 130, 80)}

QUICK = {
    "seed": 7,
    "model": {"backbone": "mobilenetv3_small_050", "pretrained": "none", "image_size": 64, "interpolation": "nearest"},
    "training": {
        "learner": "network",
        "first_epochs": 2, "update_epochs": 2, "head_first_epochs": 3, "patience": 5, "samples_per_class": 2,
        "augmented_views": 2, "head_learning_rate": 1e-3, "backbone_learning_rate": 1e-4,
    },
    "clinical": {"columns": []},
    "continual": {"replay_per_class": 4, "interpolation": [0.0, 0.5, 1.0]},
}  # fmt: skip


def quick_params(**sections: Mapping[str, Any]) -> Params:
    """Parameters for seconds of training, with some values replaced: `quick_params(training={"patience": 1})`."""
    values = {name: value if not isinstance(value, dict) else dict(value) for name, value in QUICK.items()}
    for section, changed in sections.items():
        values[section] = {**values.get(section, {}), **changed}  # type: ignore[dict-item]
    return Params.model_validate(values)


ROLES = {  # split and fold of the rows of each role
    "train": {"split": "train", "fold": "1"},
    "validation": {"split": "train", "fold": "0"},
    "test": {"split": "test", "fold": ""},
}


def make_cases(data: Path, splits: Mapping[str, Mapping[str, int]], batch: str = "1", seed: int = 0) -> pd.DataFrame:
    """Write photographs and return their rows; `splits` is split -> class -> photographs, each of its own patient."""
    rows = []
    for split, counts in splits.items():
        for diagnosis, count in counts.items():
            for number in range(count):
                name = f"{batch}-{split}-{diagnosis}-{number}"
                content = _photograph(diagnosis, np.random.default_rng([seed, *name.encode()]))
                image = sha256_bytes(content)
                write_bytes(photograph_path(data, image), content)
                known = {"image": image, "case_id": name, "patient_id": f"p-{name}", "lesion_id": f"l-{name}"}
                known |= {"diagnosis": diagnosis, "source": "dermai", "split": split, "batch": batch}
                rows.append(dict.fromkeys(COLUMNS, "") | known | {"age": np.nan})
    return pd.DataFrame(rows)


def _photograph(diagnosis: str, rng: np.random.Generator) -> bytes:
    skin = np.array([225, 180, 160]) + rng.normal(0, 8, 3)
    y, x = np.mgrid[-1:1:80j, -1:1:90j]
    inside = ((x - rng.uniform(-0.2, 0.2)) ** 2 + (y - rng.uniform(-0.2, 0.2)) ** 2 < rng.uniform(0.2, 0.4))[..., None]
    lesion = np.array(COLOURS[diagnosis]) + rng.normal(0, 12, 3)
    pixels = np.where(inside, lesion, skin) + rng.normal(0, 10, (80, 90, 3))
    stream = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype("uint8")).save(stream, "JPEG", quality=92)
    return stream.getvalue()

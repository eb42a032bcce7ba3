from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dermai.data.cases import COLUMNS, photograph_path
from dermai.files import sha256_bytes
from tests.training.training_data import ROLES


def photograph(seed: int, size: int = 96, **save: object) -> bytes:
    """JPEG bytes of a photograph that is sharp, well exposed and like no other."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(40, 216, (8, 8, 3), dtype=np.uint8))
    pixels = np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), dtype=float)
    buffer = io.BytesIO()
    noisy = np.clip(pixels + rng.normal(0, 12, pixels.shape), 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(buffer, "JPEG", quality=90, **save)
    return buffer.getvalue()


def store(folder: Path, content: bytes, name: str = "") -> str:
    """Put a photograph where its hash, or another name, says; returns the name."""
    image = name or sha256_bytes(content)
    path = photograph_path(folder, image)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return image


def row(number: int, image: str, **changes: object) -> dict[str, object]:
    return dict.fromkeys(COLUMNS, "") | {
        "image": image, "case_id": f"c{number}", "patient_id": f"p{number}", "lesion_id": f"l{number}",
        "diagnosis": ("MM", "BCC", "Nev")[number % 3], "source_label": ("MM", "BCC", "Nev")[number % 3],
        "source": "dermai", "site": "A", "view": "macroscopic", "age": 50.0, "split": "train", "fold": "1",
        "batch": "b", "acquired_on": "2026-01-05",
    } | changes  # fmt: skip


@pytest.fixture(scope="session")
def sound_dataset() -> Callable[[Path], list[dict[str, object]]]:
    """Twelve sound patients, three classes in every role, written below a folder."""

    def write(folder: Path) -> list[dict[str, object]]:
        roles: Sequence[str] = ["train"] * 6 + ["validation"] * 3 + ["test"] * 3
        return [row(n, store(folder, photograph(n)), **ROLES[role]) for n, role in enumerate(roles)]

    return write


def table(rows: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLUMNS))

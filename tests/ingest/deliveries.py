"""Small drawn photographs and deliveries for the intake's tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from dermai.config import load_params
from dermai.ingest.dermai_cases import read_dermai_cases
from dermai.ingest.intake import IntakeOptions, take_in
from dermai.ingest.intake_report import IntakeReport
from dermai.workspace import Workspace


def draw(seed: int, width: int = 96, height: int = 80) -> Image.Image:
    """Coarse random blots, unlike those of every other seed."""
    blots = np.random.default_rng(seed).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    return Image.fromarray(blots).resize((width, height), Image.Resampling.BICUBIC)


def row(number: int, **changes: str) -> dict[str, str]:
    """A sound row of cases.csv: every number its own patient, case and photograph."""
    return {
        "image": f"{number}.jpg",
        "case_id": f"case{number}",
        "patient_id": f"Patient {number}",
        "diagnosis": ("Nev", "BCC", "MM", "SebKer")[number % 4],
        "age": "50",
        "sex": "female",
        "view": "macroscopic",
    } | changes


def deliver(folder: Path, rows: Sequence[Mapping[str, str]], pictures: bool = True) -> Path:
    """Write cases.csv and, for rows whose name is that of a plain new file, a photograph drawn from its number."""
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(list(rows)).fillna("").to_csv(folder / "cases.csv", index=False)
    for name in {r["image"] for r in rows} if pictures else ():
        stem = Path(name).stem
        if stem.isdecimal() and not (folder / name).exists() and ".." not in name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            draw(int(stem)).save(folder / name)
    return folder


def ingest(folder: Path, workspace: Workspace, **options: object) -> IntakeReport:
    """What `dermai ingest` does."""
    params = load_params(workspace.params_file)
    return take_in(read_dermai_cases(folder), workspace, params, IntakeOptions(**options))  # type: ignore[arg-type]


def snapshot(workspace: Workspace) -> dict[str, bytes]:
    """Every file of the workspace with its bytes."""
    return {
        path.relative_to(workspace.root).as_posix(): path.read_bytes()
        for path in sorted(workspace.root.rglob("*"))
        if path.is_file()
    }

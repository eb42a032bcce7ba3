"""How well the lesion is found, against the masks of Dermofit's layout.

    dermai simulate FOLDER --source dermofit --scale 1
    python -m benchmarks.learning.lesion_localisation FOLDER --note simulated

A photograph `NAME.png` has its lesion's outline in `NAMEmask.png`. Beside the crop around what is found stands the
middle of the photograph, of the same median area. 95 % intervals resample photographs. Writes
benchmarks/results/lesion_localisation.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from benchmarks.folders import RESULTS
from dermai.files import write_text
from dermai.images.lesion import SIDE, lesion_mask, lesion_rectangle
from dermai.ingest.dermofit import read_dermofit

PAGE = RESULTS / "lesion_localisation.md"
DRAWS, SEED = 2000, 20211003


def measure(photograph: Path) -> dict[str, float]:
    """Overlap (Jaccard index) of found and true lesion, share of the lesion within the crop, the crop's area."""
    with Image.open(photograph) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    with Image.open(photograph.with_name(f"{photograph.stem}mask.png")) as opened:
        truth = np.asarray(opened.convert("L").resize(pixels.shape[1::-1], Image.Resampling.NEAREST)) > 127
    small = np.asarray(Image.fromarray(truth).resize((SIDE, SIDE), Image.Resampling.NEAREST))
    found, (rows, columns) = lesion_mask(pixels), lesion_rectangle(pixels)
    return {
        "found": float(found.any()),
        "overlap": (found & small).sum() / max((found | small).sum(), 1),
        "covered": truth[rows, columns].sum() / max(truth.sum(), 1),
        "area": truth[rows, columns].size / truth.size,
    }


def covered_by_middle(photograph: Path, area: float) -> float:
    """Share of the lesion within the middle of the photograph, of an area."""
    with Image.open(photograph.with_name(f"{photograph.stem}mask.png")) as opened:
        truth = np.asarray(opened.convert("L")) > 127
    margins = [round(side * (1 - area**0.5) / 2) for side in truth.shape]
    middle = truth[margins[0] : truth.shape[0] - margins[0], margins[1] : truth.shape[1] - margins[1]]
    return float(middle.sum() / max(truth.sum(), 1))


def mean(values: pd.Series) -> str:
    """The mean in per cent with its interval."""
    drawn = np.random.default_rng(SEED).integers(len(values), size=(DRAWS, len(values)))
    low, high = np.quantile(values.to_numpy()[drawn].mean(axis=1), [0.025, 0.975])
    return f"{100 * values.mean():.1f} ({100 * low:.1f} to {100 * high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="Dermofit as its publisher lays it out")
    parser.add_argument("--note", default="", help="what to say of the photographs, such as simulated")
    arguments = parser.parse_args()
    rows = read_dermofit(arguments.folder).rows
    files = [arguments.folder / file for file in rows["file"]]
    table = pd.DataFrame([measure(file) for file in tqdm(files, desc="photographs")]).assign(label=rows["label"])
    area = table["area"].median()
    table["middle"] = [covered_by_middle(file, area) for file in files]
    lines = [
        "# Finding the lesion",
        "",
        f"`python -m benchmarks.learning.lesion_localisation FOLDER`: {len(table)} photographs"
        f"{f' ({arguments.note})' if arguments.note else ''} with masks in",
        "Dermofit's layout. Shares in per cent, 95 % intervals over resampled photographs. Overlap is the Jaccard",
        f"index. The middle has the crop's median area, {100 * area:.0f} % of the photograph.",
        "",
        "| label | photographs | a lesion found | overlap | of the lesion in the crop | in the middle |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for label, part in [("all", table), *table.groupby("label")]:
        values = " | ".join(mean(part[name]) for name in ("found", "overlap", "covered", "middle"))
        lines.append(f"| {label} | {len(part)} | {values} |")
    write_text(PAGE, "\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()

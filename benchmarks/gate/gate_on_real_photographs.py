"""The gate's two columns of evidence on real photographs: false promotions, power, and the variance that they need.

    python -m benchmarks.gate.gate_on_real_photographs ../shared/data [--draws 60]

From HAM10000, where a lesion stands for a patient, services are drawn with the Derm.AI data's 52 melanomas and 56 basal
cell carcinomas, again and again; champion and candidate are made by the product's fast update, and judged by its gate.
What is true of them is known from the lesions that were left out. The lesions are divided into halves: one chooses
`all_lesions.variance_inflation`, the other says how often the gate is then wrong. Works below
benchmarks/workspaces_gate, where a run that was stopped goes on. Writes benchmarks/results/gate_on_real_photographs.md.
"""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Iterable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pandas as pd
from PIL import Image, ImageFilter

from benchmarks.folders import BENCHMARKS, REPOSITORY, RESULTS
from benchmarks.gate.services import Photographs, halves, stored
from benchmarks.public_photographs import imported_cases
from dermai.config import Params, load_params
from dermai.data.cases import photograph_path
from dermai.files import sha256_bytes, write_bytes, write_text
from dermai.ingest.ham10000 import read_ham10000
from dermai.models.seen_features import package_features
from dermai.training.refit import without_parts
from dermai.workspace import Workspace

HALVES = ("chooses", "judges")
BLUR = 1 / 40  # of the shorter side: the radius of the blur


def photographs(folder: Path, params: Params) -> Photographs:
    """HAM10000 as the product's import lets it in, with what the shipped network sees of it."""
    workspace = Workspace(BENCHMARKS / "workspaces_gate" / "ham10000")
    cases = imported_cases(workspace, lambda: read_ham10000(folder / "ham10000"), params)
    cases = cases.assign(patient_id=cases["lesion_id"]).reset_index(drop=True)  # the release names no patients
    network, images = without_parts(params, tuple(sorted(cases["diagnosis"].unique())), cases), list(cases["image"])
    blurred = workspace.root.parent / "blurred"
    names = [blurred_copy(photograph_path(workspace.data, image), blurred) for image in images]
    return Photographs(
        cases,
        package_features(network, images, workspace.data, workspace.cache, progress=True),
        package_features(network, names, blurred, blurred / "cache", progress=True),
    )


def blurred_copy(file: Path, folder: Path) -> str:
    """Store a photograph as it is out of focus; returns the name of the copy, the hash of its content."""
    content = io.BytesIO()
    with Image.open(file) as photograph:
        photograph.filter(ImageFilter.GaussianBlur(min(photograph.size) * BLUR)).save(content, "JPEG", quality=92)
    name = sha256_bytes(content.getvalue())
    write_bytes(photograph_path(folder, name), content.getvalue())
    return name


def draws(seen: Photographs, params: Params, count: int) -> dict[str, list[pd.DataFrame]]:
    """The answers of so many services from each half of the lesions."""
    from tqdm import tqdm

    folder = BENCHMARKS / "workspaces_gate" / "draws"
    parts = dict(zip(HALVES, halves(seen.cases, params.seed), strict=True))
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in HALVES}
    with tqdm(total=count * len(parts), desc="services", unit="service") as bar:
        for number in range(count):
            for name, half in parts.items():
                found[name].append(stored(seen, half, params, number, folder / name / f"{number:03}.parquet"))
                bar.update()
    return found


def main(arguments: Iterable[str] | None = None) -> None:
    """Draw, learn, judge, and write the tables."""
    from benchmarks.gate.gate_on_real_photographs_report import report

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, help="folder with ham10000/")
    parser.add_argument("--draws", type=int, default=60, help="services from each half of the lesions")
    parser.add_argument("--output", type=Path, default=RESULTS / "gate_on_real_photographs.md")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    params = load_params(REPOSITORY / "params.yaml")
    found = draws(photographs(chosen.photographs, params), params, chosen.draws)
    text = report(found, params)
    write_text(chosen.output, text)
    print(text)


if __name__ == "__main__":
    main()

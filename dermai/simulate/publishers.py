"""Writing a simulated arrival as its publisher would lay it out, so that it goes through the real importers."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from dermai.errors import DermaiError
from dermai.files import write_text
from dermai.ingest.delivery import SIMULATION_MARKER
from dermai.simulate.population import Photograph, generator, simulate_population
from dermai.simulate.rendering import render
from dermai.simulate.scenario import Scenario

JPEG_QUALITY = 92
DERMAI_COLUMNS = (
    "image", "case_id", "patient_id", "lesion_id", "diagnosis", "site", "view", "age", "sex", "body_site",
    "skin_type", "device", "acquired_on", "confirmed_by",
)  # fmt: skip
DERM7PT_COLUMNS = (
    "case_num", "diagnosis", "seven_point_score", "pigment_network", "streaks", "pigmentation",
    "regression_structures", "dots_and_globules", "blue_whitish_veil", "vascular_structures",
    "level_of_diagnostic_difficulty", "elevation", "location", "sex", "management", "clinic", "derm", "case_id",
    "notes",
)  # fmt: skip
DERM7PT_LOCATIONS = {
    "face": "head neck", "scalp": "head neck", "neck": "head neck", "chest": "chest", "back": "back",
    "abdomen": "abdomen", "arm": "upper limbs", "hand": "acral", "leg": "lower limbs", "foot": "acral",
}  # fmt: skip
DERM7PT_PARTS = {"train": 0.42, "valid": 0.2, "test": 0.38}
CHUNK = 16  # photographs a worker takes at a time


def simulate(
    folder: Path, scenario: Scenario, workers: int | None = None, progress: Callable[[int, int], None] | None = None
) -> list[Photograph]:
    """Write a simulated arrival into an empty folder, in its publisher's layout, and return what was made.

    The same scenario writes the same bytes, whatever the number of `workers`.

    Raises:
        DermaiError: the folder already holds something.
    """
    if folder.exists() and any(folder.iterdir()):
        raise DermaiError(f"{folder} is not empty: name a new folder for the simulated photographs")
    folder.mkdir(parents=True, exist_ok=True)
    photographs = simulate_population(scenario)
    write_text(folder / SIMULATION_MARKER, _marker_text(scenario, photographs))
    for directory in {(folder / file_path(photograph, scenario)).parent for photograph in photographs}:
        directory.mkdir(parents=True, exist_ok=True)
    write = partial(_write_photograph, folder=folder, scenario=scenario)
    for done, _ in enumerate(_each(write, photographs, workers), start=1):
        if progress:
            progress(done, len(photographs))
    if scenario.source == "dermai":
        _write_table(folder / "cases.csv", DERMAI_COLUMNS, [_dermai_row(p, scenario) for p in photographs])
    elif scenario.source == "edra":
        _write_derm7pt_tables(folder, photographs, scenario)
    return photographs


def file_path(photograph: Photograph, scenario: Scenario) -> str:
    """Where a photograph lies below the folder, by its source's custom."""
    if scenario.source == "dermai":
        return f"photographs/{photograph.lesion}_{photograph.number + 1}.jpg"
    if scenario.source == "edra":
        return f"images/{scenario.stem}/{photograph.lesion}{'cd'[photograph.number]}.jpg"
    return f"{photograph.label}/{photograph.lesion}.png"


def _each(write: Callable[[Photograph], None], photographs: list[Photograph], workers: int | None) -> Iterator[None]:
    workers = workers or len(os.sched_getaffinity(0))
    if workers == 1 or len(photographs) < 2 * CHUNK:
        yield from map(write, photographs)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(write, photographs, chunksize=CHUNK)


def _write_photograph(photograph: Photograph, folder: Path, scenario: Scenario) -> None:
    pixels, mask = render(photograph, scenario)
    path = folder / file_path(photograph, scenario)
    if scenario.source == "dermofit":
        Image.fromarray(pixels).save(path, compress_level=1)
        Image.fromarray(mask).save(path.with_name(f"{path.stem}mask.png"))
    else:
        Image.fromarray(pixels).save(path, quality=JPEG_QUALITY, comment=b"simulated")


def _dermai_row(photograph: Photograph, scenario: Scenario) -> dict[str, object]:
    return {
        "image": file_path(photograph, scenario),
        "case_id": f"{photograph.lesion}_{photograph.number + 1}",
        "patient_id": photograph.patient,
        "lesion_id": photograph.lesion,
        "diagnosis": photograph.label,
        "site": photograph.site,
        "view": photograph.view,
        "age": "" if photograph.age is None else photograph.age,
        "sex": photograph.sex,
        "body_site": photograph.body_site,
        "skin_type": photograph.skin_type if photograph.skin_type_known else "",
        "device": photograph.device,
        "acquired_on": photograph.acquired_on,
        "confirmed_by": "simulated",
    }


def _write_derm7pt_tables(folder: Path, photographs: list[Photograph], scenario: Scenario) -> None:
    """meta/meta.csv with one row a case, and the publisher's three index files."""
    cases = [photographs[i : i + 2] for i in range(0, len(photographs), 2)]
    rows = [
        {
            "case_num": (scenario.seed * 1000 + scenario.arrival) * 100_000 + clinic.lesion_number,
            "diagnosis": clinic.label,
            "level_of_diagnostic_difficulty": "medium",
            "elevation": "flat",
            "location": DERM7PT_LOCATIONS.get(clinic.body_site, ""),
            "sex": clinic.sex,
            "clinic": file_path(clinic, scenario).removeprefix("images/"),
            "derm": file_path(derm, scenario).removeprefix("images/"),
            "case_id": clinic.lesion,
            "notes": "simulated",
        }
        for clinic, derm in cases
    ]
    _write_table(folder / "meta" / "meta.csv", DERM7PT_COLUMNS, rows)
    drawn = generator(scenario, 3).choice(list(DERM7PT_PARTS), size=len(rows), p=list(DERM7PT_PARTS.values()))
    for part in DERM7PT_PARTS:
        indexes = [{"indexes": int(index)} for index in np.flatnonzero(drawn == part)]
        _write_table(folder / "meta" / f"{part}_indexes.csv", ("indexes",), indexes)


def _write_table(path: Path, columns: tuple[str, ...], rows: Sequence[Mapping[str, object]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def _marker_text(scenario: Scenario, photographs: list[Photograph]) -> str:
    counts = Counter(photograph.label for photograph in photographs)
    lines = [f"{label}: {count}" for label, count in sorted(counts.items())]
    return (
        "SIMULATED photographs of patients who do not exist, drawn by `dermai simulate`.\n"
        "They show that the software works and are no evidence about patients or diagnoses.\n\n"
        f"{scenario.model_dump_json(indent=2)}\n\nphotographs\n" + "\n".join(lines) + "\n"
    )

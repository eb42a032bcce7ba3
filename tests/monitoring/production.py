"""A workspace with a champion that knows painted photographs, and referrals like them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from dermai.config import Params, load_params
from dermai.data.cases import COLUMNS, write_cases
from dermai.ingest.photographs import sanitise
from dermai.ingest.store import store_photograph
from dermai.models.inference import predict_probabilities
from dermai.models.package import MANIFEST_COLUMNS
from dermai.registry.registry import Registry
from dermai.triage.run import run_triage
from dermai.workspace import Workspace
from tests.packages import CLASSES, make_package
from tests.records.made import crown
from tests.triage.referrals import paint, write_referrals

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
QUICK = {
    "monitoring.window": 24,
    "monitoring.fewest_patients": 20,
    "monitoring.draws": 999,
    "triage.heat_maps": False,
    "triage.second_reading": 0.0,  # else a case is drawn by chance
}
KNOWN = 60


def make_champion(registry: Registry, workspace: Workspace, folder: Path, count: int = KNOWN) -> str:
    """Register a champion that was validated on painted photographs in the data folder; its version."""
    generator = np.random.default_rng(5)
    rows = []
    for number in range(count):
        file = folder / f"{number}.jpg"
        file.parent.mkdir(exist_ok=True)
        paint(generator).save(file, quality=95)
        photograph = sanitise(file, 448, 92)
        store_photograph(workspace.data, photograph)
        rows.append(
            dict.fromkeys(COLUMNS, "")
            | {
                "image": photograph.image,
                "case_id": f"c{number}",
                "patient_id": f"p{number}",
                "lesion_id": f"l{number}",
                "diagnosis": CLASSES[number % 3],
                "source": "dermai",
                "site": "Porto",
                "age": str(20 + number % 60),
                "sex": "female",
                "split": "train",
                "fold": "0",
            }
        )
    table = pd.DataFrame(rows)
    write_cases(workspace.cases_file, table.assign(age=pd.to_numeric(table["age"])))
    package = make_package()
    probabilities = predict_probabilities(package, list(table["image"]), workspace.data, workspace.cache)
    scores = pd.DataFrame(probabilities, columns=[f"p_{name}" for name in CLASSES])
    validation = scores.assign(image=table["image"], diagnosis=table["diagnosis"])
    package = replace(
        package,
        manifest=table.assign(split="validation")[list(MANIFEST_COLUMNS)],
        validation=validation[["image", "diagnosis", *scores.columns]],
    )
    version = registry.register(package.save(folder / "package"), {}, "test", {}, {})
    crown(registry, version)
    return version.version


def quick_params(workspace: Workspace, **more: object) -> Params:
    """Small windows; keyword names hold `__` where the parameter has a dot."""
    return load_params(workspace.params_file, QUICK | {name.replace("__", "."): value for name, value in more.items()})


def week(workspace: Workspace, folder: Path, number: int, cases: int = 24, **changes: object) -> None:
    """Triage a week of referrals."""
    write_referrals(folder, cases, seed=number, **changes)  # type: ignore[arg-type]
    output = workspace.reports / "triage_cases" / folder.name
    run_triage(workspace, quick_params(workspace), folder, output, MONDAY + timedelta(days=7 * number))

"""Referred cases with painted photographs, in the prediction log and on the disk, for the pages of the readers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from dermai.ingest.photographs import sanitise
from dermai.ingest.store import store_photograph
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.sortings import record_sortings
from dermai.triage.scoring import triage_folder
from dermai.workspace import Workspace
from tests.triage.referrals import paint

NORTH, SOUTH = "simulated-north", "simulated-south"  # so that days of the past count
# case, patient, lesions of its photographs, risk, called, p(MM), site, days since it came in
CASES = (
    ("c1", "p1", ("l1", "l1"), "high_priority", "MM", 0.62, NORTH, 20),
    ("c2", "p2", ("l2",), "priority", "ActKer", 0.05, NORTH, 3),
    ("c3", "p3", ("l3a", "l3b"), "normal", "Nev", 0.02, SOUTH, 2),
    ("c4", "p1", ("l4",), "normal", "Nev", 0.01, NORTH, 200),
    ("c5", "p5", ("l5",), "normal", "SebKer", 0.01, SOUTH, 1),
)
DRAWN = "c5"


def refer(workspace: Workspace, size: int = 300) -> None:
    """Store the photographs, log the answers, and draw one case for a second reading."""
    generator, rows = np.random.default_rng(1), []
    spool = workspace.state / "spool"
    spool.mkdir(parents=True)
    now = datetime.now(UTC)
    for case, patient, lesions, risk, called, p, site, days in CASES:
        for number, lesion in enumerate(lesions):
            file = spool / f"{case}-{number}.jpg"
            paint(generator, size=size).save(file, quality=92)
            photograph = sanitise(file, 1080, 92)
            store_photograph(triage_folder(workspace), photograph)
            rows.append(
                {
                    "image": photograph.image, "case_id": case, "patient_id": patient, "lesion_id": lesion,
                    "role": "champion", "site": site, "risk": risk,
                    "predicted": called, "diagnoses": called, "age": 61.0, "sex": "female", "body_site": "back",
                    "view": "dermoscopic" if number else "macroscopic",
                    "predicted_at": pd.Timestamp(now - timedelta(days=days)), "p_MM": p, f"p_{called}": max(p, 0.7),
                }
            )  # fmt: skip
    table = pd.DataFrame(rows)
    log = PredictionLog.of(workspace)
    log.append(table, np.zeros((len(table), 4), np.float32), "1")
    sorting = {"case_id": DRAWN, "patient_id": "p5", "model_version": "1", "risk": "normal", "probability": 0.02,
               "drawn": True, "cautions": ""}  # fmt: skip
    record_sortings(log, pd.DataFrame([sorting]), now)


def images_of(workspace: Workspace, case: str) -> list[str]:
    """The photographs of a case."""
    return sorted(set(PredictionLog.of(workspace).referred(case_id=[case])["image"]))

"""The worklist: referred cases sorted by risk, as a CSV file and as one self-contained page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.data.cases import photograph_path
from dermai.files import write_text
from dermai.report.overlay import heat_overlay
from dermai.report.pages import render_page
from dermai.report.thumbnails import thumbnail
from dermai.taxonomy import load_taxonomy
from dermai.triage.risk import ORDER, abstains

SHOWN_CLASSES = 3
NEEDS_LOOK = "needs a dermatologist's eye: the model has no answer"


@dataclass(frozen=True)
class WorklistCase:
    """One referral, with what the model says of its most urgent photograph."""

    case_id: str
    risk: str
    answers: tuple[tuple[str, float], ...]  # most probable classes of the most urgent photograph
    abstained: bool
    diagnoses: tuple[str, ...]
    malignant: float  # probability of any high-priority class
    clinical: str
    site: str
    images: tuple[str, ...]


def worklist_cases(rows: pd.DataFrame, largest_set: int) -> list[WorklistCase]:
    """Prediction-log rows of one model version to cases, most urgent first, deterministic."""
    taxonomy = load_taxonomy()
    columns = {name: f"p_{name}" for name in taxonomy.codes if f"p_{name}" in rows and rows[f"p_{name}"].notna().any()}
    urgent = [column for name, column in columns.items() if taxonomy.risk(name) is ORDER[0]]
    rank = {level.value: place for place, level in enumerate(ORDER)}
    ordered = rows.assign(_rank=rows["risk"].map(rank), _urgent=rows[urgent].sum(axis=1))
    ordered = ordered.sort_values(["_rank", "_urgent", "image"], ascending=[True, False, True])
    cases = []
    for case_id, photographs in ordered.groupby("case_id", sort=False):
        first = photographs.iloc[0]
        found = tuple(str(first["diagnoses"]).split())
        answers = sorted(((name, float(first[column])) for name, column in columns.items()), key=lambda pair: -pair[1])
        cases.append(
            WorklistCase(
                case_id=str(case_id),
                risk=str(first["risk"]),
                answers=tuple(answers[:SHOWN_CLASSES]),
                abstained=abstains(found, largest_set),
                diagnoses=found,
                malignant=float(first["_urgent"]),
                clinical=_clinical(first),
                site=str(first["site"]) or "unknown",
                images=tuple(photographs["image"]),
            )
        )
    return cases


def _clinical(row: pd.Series) -> str:
    age = f"{row['age']:.0f} years" if pd.notna(row["age"]) else ""
    return ", ".join(str(part) for part in (age, row["sex"], row["body_site"]) if part)


def write_worklist_csv(path: Path, cases: list[WorklistCase]) -> None:
    """One line a case, in the order of the page."""
    table = pd.DataFrame(
        [
            {
                "position": position,
                "case_id": case.case_id,
                "risk": case.risk,
                "model_answer": "" if case.abstained else case.answers[0][0],
                "possible_diagnoses": " ".join(case.diagnoses),
                "abstained": "yes" if case.abstained else "no",
                "malignant_probability": f"{case.malignant:.3f}",
                "site": case.site,
                "photographs": len(case.images),
            }
            for position, case in enumerate(cases, 1)
        ],
        columns=["position", "case_id", "risk", "model_answer", "possible_diagnoses", "abstained",
                 "malignant_probability", "site", "photographs"],
    )  # fmt: skip
    write_text(path, table.to_csv(index=False))


def write_worklist_page(
    path: Path,
    cases: list[WorklistCase],
    retakes: pd.DataFrame,
    heat: Mapping[str, NDArray[np.float32]],
    photographs: Path,
    model_version: str,
    when: datetime,
    coverage: float,
    crop: str = "none",
) -> None:
    """The page a dermatologist works from; `heat` holds the maps of those photographs that have one.

    `crop` is what part of a photograph the model sees.

    `retakes` has case_id, site and reason.
    """
    shown = {
        image: {
            "plain": thumbnail(photograph_path(photographs, image)),
            "heat": heat_overlay(photograph_path(photographs, image), heat[image], crop) if image in heat else "",
        }
        for case in cases
        for image in case.images
    }
    counts = {level.value: sum(case.risk == level.value for case in cases) for level in ORDER}
    page = render_page(
        "worklist.html",
        cases=cases,
        counts=counts,
        abstained=sum(case.abstained for case in cases),
        retakes=retakes[["case_id", "site", "reason"]].to_dict("records") if len(retakes) else [],
        shown=shown,
        model_version=model_version,
        when=when,
        coverage=coverage,
        needs_look=NEEDS_LOOK,
        simulated=any(case.site.startswith("simulated") for case in cases),
    )
    write_text(path, page)

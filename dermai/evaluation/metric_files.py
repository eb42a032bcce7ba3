"""Metrics and plots as the files that `dvc metrics diff` and `dvc plots diff` read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from dermai.data.tables import csv_text
from dermai.evaluation.metrics import Evaluation
from dermai.files import write_bytes, write_json, write_text

FILES = ("metrics.json", "plots/confusion.csv", "plots/calibration.csv", "plots/sensitivity.csv")


def write_metrics(folder: Path, evaluations: Mapping[str, Evaluation], candidate_table: pd.DataFrame) -> None:
    """Write metrics.json and plots/{confusion,calibration,sensitivity}.csv.

    `evaluations` by role (candidate, champion, anchor); `candidate_table` holds the candidate's predictions, of which
    DVC draws the confusion matrix. The same predictions give the same bytes.
    """
    write_json(folder / "metrics.json", {role: flat_metrics(found) for role, found in evaluations.items()})
    confusion = pd.DataFrame({"actual": candidate_table["diagnosis"], "predicted": candidate_table["predicted"]})
    calibration = pd.DataFrame(
        [
            (role, row.confidence, row.accuracy.value, row.accuracy.low, row.accuracy.high, row.accuracy.total)
            for role, found in evaluations.items()
            for row in found.calibration
        ],
        columns=["model", "confidence", "accuracy", "low", "high", "cases"],
    )
    sensitivity = pd.DataFrame(
        [
            (row.code, role, row.sensitivity.value, row.sensitivity.low, row.sensitivity.high, row.cases)
            for role, found in evaluations.items()
            for row in found.per_class
        ],
        columns=["class", "model", "sensitivity", "low", "high", "cases"],
    )
    for name, table in (("confusion", confusion), ("calibration", calibration), ("sensitivity", sensitivity)):
        write_text(folder / "plots" / f"{name}.csv", csv_text(table))


def write_missing_metrics(folder: Path, earlier: Path | None) -> None:
    """What DVC expects of a run that evaluated nothing: files that are there stay, the others are those of `earlier`.

    Without an earlier folder they are written without numbers.
    """
    if all((folder / name).is_file() for name in FILES):
        return
    if earlier is None:
        write_metrics(folder, {}, pd.DataFrame(columns=["diagnosis", "predicted"]))
        return
    for name in FILES:
        write_bytes(folder / name, (earlier / name).read_bytes())


def flat_metrics(evaluation: Evaluation) -> dict[str, float]:
    """Numbers by name, rounded to six digits; a number that is unknown is left out."""
    found: dict[str, float | None] = {
        "cases": evaluation.cases,
        "patients": evaluation.patients,
        "accuracy": evaluation.accuracy.value,
        "balanced_accuracy": evaluation.balanced_accuracy.value,
        "macro_f1": evaluation.macro_f1.value,
        "weighted_f1": evaluation.weighted_f1.value,
        "expected_calibration_error": evaluation.expected_calibration_error,
    }
    for row in evaluation.per_class:
        found[f"sensitivity_{row.code}"] = row.sensitivity.value
        found[f"specificity_{row.code}"] = row.specificity.value
        found[f"precision_{row.code}"] = row.precision.value
        found[f"f1_{row.code}"] = row.f1.value
    return {name: round(value, 6) for name, value in found.items() if value is not None}

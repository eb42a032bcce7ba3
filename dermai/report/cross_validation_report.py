"""The table of a cross-validation, and the files it leaves."""

from __future__ import annotations

from pathlib import Path

from dermai.cross_validation.result import CrossValidation
from dermai.evaluation.tables import ResultTable, percent
from dermai.files import sha256_json, write_json, write_text
from dermai.percentages import per_cent
from dermai.report.latest import point_latest_at
from dermai.workspace import Workspace

TITLES = {"balanced_accuracy": "Balanced accuracy", "macro_f1": "Macro F1", "accuracy": "Accuracy"}


def metrics_table(result: CrossValidation) -> ResultTable:
    """One row a metric: as served, and by the largest probability, in percent with intervals."""

    def row(title: str, name: str, count: int) -> tuple[str, ...]:
        return title, str(count), percent(result.as_served[name]), percent(result.largest_probability[name])

    total = sum(result.lesions.values())
    return ResultTable(
        ("Metric", "Lesions", "As served", "By the largest probability"),
        (
            *(row(title, name, total) for name, title in TITLES.items()),
            *(row(f"Sensitivity {code}", f"sensitivity_{code}", count) for code, count in result.lesions.items()),
        ),
    )


def write_result(workspace: Workspace, result: CrossValidation) -> Path:
    """Write cross_validation.json and tables.md, and point `latest` at them; returns their folder."""
    content = result.model_dump(mode="json")
    folder = workspace.reports / "cross_validate" / sha256_json(content)[:12]
    write_json(folder / "cross_validation.json", content)
    write_text(
        folder / "tables.md",
        f"{result.photographs} photographs of {result.patients} patients, {result.folds} folds by patient, "
        f"seed {result.seed}; {per_cent(result.confidence)} intervals over resampled patients.\n\n"
        + metrics_table(result).markdown(),
    )
    point_latest_at(folder)
    return folder

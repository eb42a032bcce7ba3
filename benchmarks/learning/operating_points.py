"""What the operating points cost and bring: each test set answered with them and by the largest probability.

    python -m benchmarks.learning.operating_points ../shared/data

One model a data set, trained and calibrated by the product as the first one of a service, with the parameters of
params.yaml. The test patients are those of docs/results.md: they choose nothing. Works below
benchmarks/workspaces_operating_points; a run that was stopped goes on where it was. Prints a table of docs/results.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks.folders import BENCHMARKS, REPOSITORY
from benchmarks.public_photographs import imported_cases
from benchmarks.updates.real_photographs import sensitivity
from dermai.config import load_params
from dermai.continual.plan import plan_update
from dermai.evaluation.comparison import compare, test_predictions
from dermai.evaluation.tables import ResultTable, percent
from dermai.ingest.delivery import Delivery
from dermai.ingest.ham10000 import read_ham10000
from dermai.ingest.pad_ufes_20 import read_pad_ufes_20
from dermai.models.package import ModelPackage
from dermai.training.candidate import train_candidate
from dermai.workspace import Workspace

WORKSPACES = BENCHMARKS / "workspaces_operating_points"
SETS: dict[str, tuple[str, str, Callable[[Path], Delivery]]] = {
    "pad": ("PAD-UFES-20", "pad_ufes_20", read_pad_ufes_20),
    "ham": ("HAM10000", "ham10000", read_ham10000),
}
ROLES = {"argmax": "by the largest probability", "served": "as served"}
WATCHED = ("MM", "BCC", "OtMalNeop")


def answered(name: str, photographs: Path) -> list[tuple[str, ...]]:
    """Rows of the table: one test set answered in both ways."""
    title, folder, read = SETS[name]
    params = load_params(REPOSITORY / "params.yaml")
    workspace = Workspace(WORKSPACES / name)
    cases = imported_cases(workspace, lambda: read(photographs / folder), params)
    plan = plan_update(cases, None, params)
    served = ModelPackage.load(train_candidate(workspace, params, plan, cases, None))
    models = {"argmax": served.with_operating_points({}), "served": served}
    found = compare(test_predictions(workspace, cases, models), models, params).models
    print(f"{title}: {served.operating_points}", flush=True)
    rows = []
    for role, said in ROLES.items():
        lesions = found[role].lesions
        watched = [lesions.of_class(code) for code in WATCHED]
        rows.append(
            (
                f"{title}, {said}",
                percent(lesions.balanced_accuracy),
                *(sensitivity(row.sensitivity) if row and row.cases else "" for row in watched),
                percent(lesions.accuracy),
                percent(lesions.macro_f1),
            )
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, help="folder with pad_ufes_20/ and ham10000/")
    parser.add_argument("--only", choices=list(SETS))
    arguments = parser.parse_args()
    rows = [row for name in SETS if arguments.only in (None, name) for row in answered(name, arguments.photographs)]
    header = ("Test set, answered", "Balanced accuracy", *(f"{code}, sensitivity" for code in WATCHED))
    print(ResultTable((*header, "Accuracy", "Macro F1"), tuple(rows)).markdown())


if __name__ == "__main__":
    main()

"""What each view of a photograph, the late stages and another backbone bring and cost, made by the product.

    python -m benchmarks.learning.views ../shared/data

Each row is `benchmarks.learning.few_cases` with one choice of params.yaml changed, beside the row as shipped: the same
patients in the same folds, so that differences are paired. The cost is the processor time of the features of
photographs that were never seen, decoding included. Works below benchmarks/workspaces_few_cases; a run that was stopped
goes on where it was. Writes benchmarks/results/views.md.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.folders import BENCHMARKS, REPOSITORY, RESULTS
from benchmarks.learning.few_cases import FOLDS, PHOTOGRAPH, RUNS, SEEDS, SHIPPED, answered, lesions
from benchmarks.public_photographs import imported_cases
from dermai.config import load_params
from dermai.evaluation.scores import Scores, score_seeds
from dermai.evaluation.tables import ResultTable, percent
from dermai.files import write_text
from dermai.ingest.pad_ufes_20 import read_pad_ufes_20
from dermai.percentages import points
from dermai.taxonomy import load_taxonomy
from dermai.workspace import Workspace

PAGE = RESULTS / "views.md"
AS_SHIPPED = "as shipped"
ROWS: dict[str, dict[str, Any]] = {
    AS_SHIPPED: {},
    "`model.views: [whole]`": {"model.views": ["whole"]},
    "`model.views: [whole, lesion, centre]`": {"model.views": ["whole", "lesion", "centre"]},
    "`model.late_stages: 0`": {"model.late_stages": 0},
    "`model.late_stages: 0`, `model.views: [whole]`": {"model.late_stages": 0, "model.views": ["whole"]},
    "`model.backbone: tf_efficientnet_lite1`": {"model.backbone": "tf_efficientnet_lite1"},
    "`model.backbone: tf_efficientnet_lite2`": {"model.backbone": "tf_efficientnet_lite2"},
}
TIMED = 96  # photographs whose features are timed
WATCHED = ("MM", "BCC")


def scored(workspace: Workspace, cases: pd.DataFrame, overrides: dict[str, Any]) -> Scores:
    """All folds of all seeds, each lesion called by the largest probability."""
    tables = [lesions(answers, served=False) for answers in answered(workspace, cases, overrides)]
    present = set(tables[0]["diagnosis"])
    return score_seeds(tables, [code for code in load_taxonomy().codes if code in present])


def processor_milliseconds(workspace: Workspace, cases: pd.DataFrame, overrides: dict[str, Any]) -> float:
    """Of a photograph's features, from its file on."""
    from dermai.models.seen_features import package_features
    from dermai.training.refit import without_parts

    params = load_params(REPOSITORY / "params.yaml", overrides)
    package, images = without_parts(params, ("MM", "BCC"), cases), list(cases["image"])
    with tempfile.TemporaryDirectory() as name:
        package_features(package, images[:2], workspace.data, Path(name))  # the engine is made
        began = time.process_time()
        package_features(package, images[2 : TIMED + 2], workspace.data, Path(name))
        return 1000 * (time.process_time() - began) / TIMED


def row(name: str, found: dict[str, Scores], shipped: dict[str, Scores], cost: float) -> tuple[str, ...]:
    """One row of the table."""
    cells = [name]
    for kind in (PHOTOGRAPH, SHIPPED):
        cells.append(percent(found[kind].estimate("balanced_accuracy")))
        change = found[kind].difference(shipped[kind], "balanced_accuracy")
        own = f"{points(change.value)} ({points(change.low)} to {points(change.high)})"
        cells.append("" if name == AS_SHIPPED else own)
    cells += [percent(found[SHIPPED].estimate(f"sensitivity_{code}")) for code in WATCHED]
    return (*cells, f"{cost:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, help="folder with pad_ufes_20/")
    photographs = parser.parse_args().photographs
    workspace = Workspace(BENCHMARKS / "workspaces_few_cases" / "pad")
    params = load_params(REPOSITORY / "params.yaml")
    cases = imported_cases(workspace, lambda: read_pad_ufes_20(photographs / "pad_ufes_20"), params)
    header = ("Features", "Photograph alone", "less as shipped", "With the columns", "less as shipped",
              *(f"{code}, sensitivity" for code in WATCHED), "Processor ms a photograph")  # fmt: skip
    lines = [
        "# What views, late stages and backbones bring and cost",
        "",
        "`python -m benchmarks.learning.views FOLDER`",
        "",
        f"{len(cases)} photographs of {cases['patient_id'].nunique()} patients of PAD-UFES-20, {FOLDS} folds by "
        f"patient, seeds {', '.join(map(str, SEEDS))}, as in [few cases](few_cases.md): balanced accuracy in percent "
        "per lesion, called by the largest probability; 95 % intervals over resampled patients and seeds; differences "
        "in points, paired. The sensitivities are with the columns. Processor time: of the features of a photograph "
        "that was never seen, decoding included, one thread a photograph.",
        "",
    ]
    shipped: dict[str, Scores] = {}
    rows = []
    for name, overrides in ROWS.items():
        found = {kind: scored(workspace, cases, {**overrides, **own}) for kind, own in RUNS.items()}
        shipped = shipped or found
        rows.append(row(name, found, shipped, processor_milliseconds(workspace, cases, overrides)))
        print(rows[-1], flush=True)
        write_text(PAGE, "\n".join([*lines, ResultTable(header, tuple(rows)).markdown()]) + "\n")


if __name__ == "__main__":
    main()

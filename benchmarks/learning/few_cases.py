"""Few cases: what the product as shipped makes of 918 photographs of PAD-UFES-20, without and with clinical columns.

    python -m benchmarks.learning.few_cases ../shared/data

What `dermai cross-validate` does, on all patients (these public ones are no gate's test patients), with the
parameters of params.yaml, and once more with `clinical.columns`. Works below benchmarks/workspaces_few_cases; a run
that was stopped goes on where it was. Writes benchmarks/results/few_cases.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.folders import BENCHMARKS, REPOSITORY, RESULTS
from benchmarks.public_photographs import imported_cases
from dermai.config import load_params
from dermai.cross_validation.result import CrossValidation, lesion_scores, summarise
from dermai.cross_validation.run import answer_folds
from dermai.evaluation.words import p_words
from dermai.files import write_text
from dermai.ingest.pad_ufes_20 import read_pad_ufes_20
from dermai.percentages import points
from dermai.report.cross_validation_report import metrics_table
from dermai.workspace import Workspace

# Of the clinical columns those that every row has: where the others are recorded gives the diagnosis away.
RECORDED = ["age", "body_site", "itch", "grew", "hurt", "changed", "bleed", "elevation"]
RUNS: dict[str, dict[str, Any]] = {
    "As shipped: the photograph alone": {},
    "With `clinical.columns`": {"clinical.columns": RECORDED},
}
FOLDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, help="folder with pad_ufes_20/")
    parser.add_argument("--output", type=Path, default=RESULTS / "few_cases.md")
    arguments = parser.parse_args()
    workspace = Workspace(BENCHMARKS / "workspaces_few_cases" / "pad")
    shipped = load_params(REPOSITORY / "params.yaml")
    cases = imported_cases(workspace, lambda: read_pad_ufes_20(arguments.photographs / "pad_ufes_20"), shipped)
    lines, scores, result = [], [], None
    for name, overrides in RUNS.items():
        params = load_params(REPOSITORY / "params.yaml", overrides)
        answers = answer_folds(workspace, cases, params, FOLDS)
        result = summarise(answers, params)
        scores.append(lesion_scores(answers, result.confidence))
        lines += [f"## {name}", "", metrics_table(result).markdown()]
    assert result is not None
    change = scores[1].difference(scores[0], "balanced_accuracy")
    lines += [
        f"The columns add {points(change.value)} points of balanced accuracy as served "
        f"({points(change.low)} to {points(change.high)}, {p_words(change.p_value)}), paired on the same patients."
    ]
    write_text(arguments.output, "\n".join([*introduction(result), *lines]) + "\n")


def introduction(result: CrossValidation) -> list[str]:
    """What was run, on which cases."""
    return [
        "# Few cases: PAD-UFES-20",
        "",
        "`python -m benchmarks.learning.few_cases ../shared/data`",
        "",
        f"{result.photographs} photographs of {result.patients} patients that the import let in, "
        f"{result.folds} folds by patient, seed {result.seed}; each fold is trained and calibrated as "
        "`dermai cross-validate` does it, with the parameters as shipped "
        f"(`clinical.columns`, where used: {', '.join(RECORDED)}). Percent per lesion, 95 % intervals over resampled "
        "patients. As served: with the operating points that each fold chose on its own validation patients.",
        "",
    ]


if __name__ == "__main__":
    main()

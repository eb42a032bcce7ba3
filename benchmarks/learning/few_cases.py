"""Few cases: what the product as shipped makes of 900 photographs of PAD-UFES-20, without and with clinical columns.

    python -m benchmarks.learning.few_cases ../shared/data

What `dermai cross-validate` does, on all patients (these public ones are no gate's test patients), with the
parameters of params.yaml, and once more without the columns. Three seeds, each of which deals the patients into folds
of its own. Works below benchmarks/workspaces_few_cases; a run that was stopped goes on where it was. Writes
benchmarks/results/few_cases.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.folders import BENCHMARKS, REPOSITORY, RESULTS
from benchmarks.public_photographs import imported_cases
from dermai.config import Params, load_params, parse_settings
from dermai.cross_validation.result import FoldAnswers
from dermai.cross_validation.run import answer_folds
from dermai.evaluation.metrics import Estimate
from dermai.evaluation.predictions import per_lesion
from dermai.evaluation.scores import Scores, score_seeds
from dermai.evaluation.tables import ResultTable, percent
from dermai.evaluation.words import p_words
from dermai.files import write_text
from dermai.gate.exact import interval
from dermai.ingest.pad_ufes_20 import read_pad_ufes_20
from dermai.percentages import points
from dermai.taxonomy import load_taxonomy
from dermai.workspace import Workspace

PHOTOGRAPH, SHIPPED = "The photograph alone (`clinical.columns: []`)", "As shipped, with the clinical columns"
RUNS: dict[str, dict[str, Any]] = {PHOTOGRAPH: {"clinical.columns": []}, SHIPPED: {}}
SEEDS, FOLDS = (1, 2, 3), 5
WATCHED = ("MM", "BCC")


def lesions(answers: Sequence[FoldAnswers], served: bool) -> pd.DataFrame:
    """The lesions of all folds with what they are called."""
    tables = [per_lesion(fold.predictions, fold.operating_points if served else None) for fold in answers]
    return pd.concat(tables, ignore_index=True)


def specificity(tables: Sequence[pd.DataFrame], code: str) -> str:
    """The share of other lesions that are not called the class; exact bounds for the mean counts of the seeds."""
    others = [table[table["diagnosis"] != code] for table in tables]
    count = sum(len(table) for table in others) / len(others)
    spared = sum(float((table["predicted"] != code).sum()) for table in others) / len(others)
    low, high = interval(spared, count, 0.95)
    return percent(Estimate(value=spared / count, low=low, high=high))


def section(name: str, runs: Sequence[Sequence[FoldAnswers]]) -> tuple[list[str], Scores]:
    """The table of one run over its seeds, and its scores by the largest probability."""
    tables = {served: [lesions(answers, served) for answers in runs] for served in (True, False)}
    present = set(tables[True][0]["diagnosis"])
    classes = [code for code in load_taxonomy().codes if code in present]
    scores = {served: score_seeds(found, classes) for served, found in tables.items()}
    total = len(tables[True][0])

    def row(title: str, metric: str, count: int) -> tuple[str, ...]:
        return title, str(count), percent(scores[True].estimate(metric)), percent(scores[False].estimate(metric))

    rows = [
        row("Balanced accuracy", "balanced_accuracy", total),
        row("Macro F1", "macro_f1", total),
        *(row(f"Sensitivity {code}", f"sensitivity_{code}", scores[True].cases[code]) for code in classes),
        *(
            (f"Specificity {code}", str(total - scores[True].cases[code]), *(
                specificity(tables[served], code) for served in (True, False)
            ))
            for code in WATCHED
        ),
    ]  # fmt: skip
    table = ResultTable(("Metric", "Lesions", "As served", "By the largest probability"), tuple(rows))
    return [f"## {name}", "", table.markdown()], scores[False]


def answered(workspace: Workspace, cases: pd.DataFrame, overrides: dict[str, Any]) -> list[list[FoldAnswers]]:
    """All folds of each seed."""
    found = []
    for seed in SEEDS:
        params: Params = load_params(REPOSITORY / "params.yaml", {**overrides, "seed": seed})
        found.append(answer_folds(workspace, cases, params, FOLDS))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, help="folder with pad_ufes_20/")
    parser.add_argument("--output", type=Path, default=RESULTS / "few_cases.md")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="other parameters, for a try")
    arguments = parser.parse_args()
    others = parse_settings(arguments.set)
    workspace = Workspace(BENCHMARKS / "workspaces_few_cases" / "pad")
    shipped = load_params(REPOSITORY / "params.yaml")
    cases = imported_cases(workspace, lambda: read_pad_ufes_20(arguments.photographs / "pad_ufes_20"), shipped)
    lines, scores = introduction(cases, shipped, arguments.set), {}
    for name, overrides in RUNS.items():
        found, scores[name] = section(name, answered(workspace, cases, {**others, **overrides}))
        lines += found
        print("\n".join(found), flush=True)
    change = scores[SHIPPED].difference(scores[PHOTOGRAPH], "balanced_accuracy")
    lines += [
        f"The columns add {points(change.value)} points of balanced accuracy by the largest probability "
        f"({points(change.low)} to {points(change.high)}, p {p_words(change.p_value)}), paired on the same patients."
    ]
    write_text(arguments.output, "\n".join(lines) + "\n")


def introduction(cases: pd.DataFrame, shipped: Params, others: Sequence[str]) -> list[str]:
    """What was run, on which cases."""
    return [
        "# Few cases: PAD-UFES-20",
        "",
        f"`python -m benchmarks.learning.few_cases ../shared/data{' --set ' + ' '.join(others) if others else ''}`",
        "",
        f"{len(cases)} photographs of {cases['patient_id'].nunique()} patients that the import let in, {FOLDS} folds "
        f"by patient, seeds {', '.join(map(str, SEEDS))}: each lesion is answered once a seed. Each fold is trained "
        "and calibrated as `dermai cross-validate` does it, with the parameters as shipped "
        f"(`clinical.columns: [{', '.join(shipped.clinical.columns)}]`). Percent per lesion, 95 % intervals over "
        "resampled patients and seeds. As served: with the operating points that each fold chose by the out-of-fold "
        "answers to its own training patients.",
        "",
    ]


if __name__ == "__main__":
    main()
